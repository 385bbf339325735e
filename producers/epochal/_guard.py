"""The border between training and Epochal: what goes wrong here reaches training only in strict mode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

__all__ = ["Recorder", "guarded"]


class Recorder(Protocol):
    """What a handle gives to the guard."""

    @property
    def disabled(self) -> bool:
        """Whether calls do nothing."""
        ...

    def _refuse(self, call: str, error: Exception) -> None:
        """Counts and says that a call was refused; raises it in strict mode."""
        ...


_Self = TypeVar("_Self", bound=Recorder)
_P = ParamSpec("_P")


def guarded(method: Callable[Concatenate[_Self, _P], None]) -> Callable[Concatenate[_Self, _P], None]:
    """Makes a method of a handle safe to call in training: refused calls are counted and said once."""

    @functools.wraps(method)
    def call(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        if self.disabled:
            return
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  the border: no fault of ours or of an argument may end a training
            self._refuse(method.__name__, error)  # pyright: ignore[reportPrivateUsage]

    return call
