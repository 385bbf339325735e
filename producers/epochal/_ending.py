"""How a run ended, from what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["COMPLETED", "STATUSES", "STOPPED", "Ending", "ending_of", "exit_ending", "given_ending"]

Status = Literal["completed", "failed", "stopped"]


@dataclass(frozen=True)
class Ending:
    """A final status, and the exception where there was one."""

    status: Status
    error: dict[str, str] | None = None


STATUSES: Final = ("completed", "failed", "stopped")
COMPLETED: Final = Ending("completed")
STOPPED: Final = Ending("stopped")


def ending_of(error: BaseException | None) -> Ending:
    """What an exception on its way out of a ``with`` block, or out of the program, means for the run."""
    if error is None:
        return COMPLETED
    if isinstance(error, SystemExit):
        return exit_ending(error.code)
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return STOPPED
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  a caller's __str__ may raise anything
        message = "(its text could not be made)"
    return Ending("failed", {"type": name, "message": message})


def given_ending(status: str | None) -> Ending | None:
    """The ending that a caller asked for, completed if for none; None where there is no such."""
    if status is None:
        return COMPLETED
    return Ending(status) if status in STATUSES else None  # type: ignore[arg-type]  # it is one of them


def exit_ending(code: object) -> Ending:
    """What ``sys.exit(code)`` means: 0 and None complete, anything else fails."""
    if code is None or code == 0:
        return COMPLETED
    return Ending("failed", {"type": "SystemExit", "message": str(code)})
