"""The names of a segment, put together from the slots that define them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .layout import NAME_CONTINUATION, NAME_DEFINITION, SLOT_BYTES, join_name, name_slots, parse_definition


class NameTable:
    """Which index stands for which name. A definition may arrive in pieces."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._tuple: tuple[str, ...] | None = ()
        self._open: tuple[int, int, bytes] | None = None
        self._parts: list[bytes] = []
        self._missing = 0

    def take(self, raw: bytes, kinds: npt.NDArray[np.uint32]) -> None:
        """Take the definitions in a run of slots whose name fields are ``kinds``."""
        for place in np.flatnonzero((kinds == NAME_DEFINITION) | (kinds == NAME_CONTINUATION)).tolist():
            slot = raw[place * SLOT_BYTES : (place + 1) * SLOT_BYTES]
            if kinds[place] == NAME_DEFINITION:
                self._open = parse_definition(slot)
                self._parts = []
                self._missing = name_slots(self._open[1]) - 1
            elif self._open is not None:
                self._parts.append(slot)
                self._missing -= 1
            if self._open is not None and not self._missing:
                self._finish(*self._open)

    def interrupt(self) -> None:
        """Slots were lost: a definition of which some came is not to be finished with others."""
        self._open = None

    def is_known(self, indexes: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        """Which of these indexes stand for a name."""
        if len(self._names) == len(self.all()):
            return indexes < len(self._names)
        known = np.zeros(len(self.all()) + 1, dtype=np.bool_)
        known[list(self._names)] = True
        return known[np.minimum(indexes, len(self.all()))]

    def all(self) -> tuple[str, ...]:
        """The names by index; '' where one is lost."""
        if self._tuple is None:
            last = max(self._names, default=-1)
            self._tuple = tuple(self._names.get(index, "") for index in range(last + 1))
        return self._tuple

    def _finish(self, index: int, length: int, head: bytes) -> None:
        self._names[index] = join_name(head, length, b"".join(self._parts)).decode("utf-8")
        self._tuple = None
        self._open = None


def gap_detail(points: int, unnamed: int, place: str, skipped_bytes: int) -> str:
    """What is lost between two points, in words."""
    what = f"{points} points are lost"
    if unnamed:
        what += f" ({unnamed} of them because the definition of their metric's name is damaged)"
    if skipped_bytes:
        return f"{skipped_bytes} bytes {place} are damaged: {what}"
    return f"{place}: {what}"
