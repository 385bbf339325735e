"""Reading the metrics channel of a journal, live or left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from .layout import FIRST_RESERVED, SEGMENT_HEADER_BYTES, SLOT_BYTES, SegmentHeader
from .names_reader import NameTable, gap_detail
from .reading import Damage, Patience, Points, read_at
from .segment_files import SegmentFile, find_segments, is_begun, repaired_header, sound_header
from .slots import POINT, SLOT, GivenTime, occurred, valid_slots

Array = npt.NDArray[Any]
_CHUNK_SLOTS: Final = 32_768
_GLANCE_SLOTS: Final = 64
_LIVE_HOLE_SLOTS: Final = 4_096
"""How far ahead a hole in a live segment is looked for: more than the definition of the longest name takes."""


class MetricsReader:
    """Reads the segments of one writer from a sequence number on.

    Guarantees: points come in order, each once; what was lost in between is in ``damage``, with exact numbers.
    Memory is bounded by the number of points asked for.
    """

    def __init__(self, directory: Path, *, start_seq: int = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.next_seq = start_seq
        """The number that the next point is expected to have."""
        self.damage: list[Damage] = []
        """Everything found damaged so far, in order."""
        self._directory = directory
        self._patience = Patience(monotonic)
        self._segment: SegmentFile | None = None
        self._header: SegmentHeader | None = None
        self._offset = 0
        self._names = NameTable()
        self._given = GivenTime()
        self._skipped: tuple[int, int] | None = None

    def read(self, max_points: int, *, final: bool = False) -> list[Points]:
        """Up to so many further points; an empty list when there are none (yet).

        Raises:
            NewerFormatError: the journal needs a newer version.
            OSError: a file is there and can't be read.
        """
        found: list[Points] = []
        left = max_points
        while left > 0:
            raw = self._sound_run(left)
            if raw:
                new = self._points(raw)
                found += new
                left -= sum(len(points.rows) for points in new)
                continue
            hole = self._skip_hole(None if final else _LIVE_HOLE_SLOTS, final=final)
            if hole == "wait" or (hole == "none" and not self._next_segment(final=final)):
                break
        return found

    def fully_read_segments(self) -> list[Path]:
        """Segments older than the one being read: all that is in them was returned or is in ``damage``."""
        if self._segment is None:
            return []
        return [old.path for old in find_segments(self._directory) if old.number < self._segment.number]

    def ending(self) -> Literal["clean", "torn"]:
        """What lies behind the last point read: nothing, or the remains of a call that never returned."""
        if self._segment is None:
            return "clean"
        offset = self._offset
        while chunk := read_at(self._segment.path, offset, _CHUNK_SLOTS * SLOT_BYTES):
            if chunk != bytes(len(chunk)):
                return "torn"
            offset += len(chunk)
        return "clean"

    def _sound_run(self, points: int) -> bytes:
        """The valid slots at the present place, with at most so many points."""
        if self._segment is None or self._header is None:
            return b""
        # most looks at a live journal find little: look at little first
        raw = read_at(self._segment.path, self._offset, _GLANCE_SLOTS * SLOT_BYTES)
        if any(raw[-SLOT_BYTES:]):
            raw = read_at(self._segment.path, self._offset, min(_CHUNK_SLOTS, points + _GLANCE_SLOTS) * SLOT_BYTES)
        raw = _whole_slots(raw)
        valid = valid_slots(raw, self._header.seed)
        count = len(valid) if valid.all() else int(np.argmin(valid))
        if count > points:
            points_so_far = np.cumsum(np.frombuffer(raw, SLOT, count)["name"] < FIRST_RESERVED)
            count = int(np.searchsorted(points_so_far, points, side="right"))
        return raw[: count * SLOT_BYTES]

    def _points(self, raw: bytes) -> list[Points]:
        """Take a run of valid slots: move behind it and return its points."""
        assert self._header is not None
        slots = np.frombuffer(raw, SLOT)
        is_point = slots["name"] < FIRST_RESERVED
        if not is_point.all():
            self._names.take(raw, slots["name"])
        mine = slots[is_point]
        rows = np.empty(len(mine), POINT)
        rows["seq"] = mine["seq"] + np.uint64(self._header.first_seq)
        rows["name"] = mine["name"]
        rows["step"] = mine["step"]
        rows["value"] = mine["value"]
        rows["logged_ms"] = mine["logged"] + np.int64(self._header.base_ms)
        rows["occurred_ms"], self._given = occurred(slots, is_point, rows["logged_ms"], self._given)
        offset, self._offset = self._offset, self._offset + len(raw)
        ahead = rows["seq"] >= self.next_seq
        if not ahead.all():
            self._skipped = None  # damage before the number that reading began with was told before
        return self._split(rows[ahead], offset)

    def _split(self, rows: Array, offset: int) -> list[Points]:
        """Cut rows where numbers are missing, and note what is."""
        if not len(rows):
            return []
        assert self._header is not None
        known = self._names.is_known(rows["name"])
        end = int(rows["seq"][-1]) + 1
        kept = rows if known.all() else rows[known]
        cuts = np.flatnonzero(np.diff(kept["seq"]) != 1) + 1
        result: list[Points] = []
        for group in np.split(kept, cuts) if len(kept) else []:
            self._note_gap(int(group["seq"][0]), rows, known, offset)
            result.append(Points(self._header.writer, self.next_seq, self._names.all(), group))
            self.next_seq += len(group)
        self._note_gap(end, rows, known, offset)
        return result

    def _note_gap(self, upto: int, rows: Array, known: npt.NDArray[np.bool_], offset: int) -> None:
        """Note what is missing before a number, and what bytes were skipped before it."""
        missing = upto - self.next_seq
        if missing <= 0 and self._skipped is None:
            return
        assert self._segment is not None
        inside = (rows["seq"] >= self.next_seq) & (rows["seq"] < upto)
        where, size = self._skipped or (offset, 0)
        place = f"at byte {where} of {self._segment.path}"
        detail = gap_detail(missing, int(np.count_nonzero(inside & ~known)), place, size)
        if size // SLOT_BYTES > missing:
            detail += "; names or times were among them: points up to the next time given may lack their own time"
        self.damage.append(Damage("metrics", place, self.next_seq, missing, detail))
        self._skipped = None
        self.next_seq = upto

    def _skip_hole(self, within_slots: int | None, *, final: bool) -> Literal["none", "wait", "skipped"]:
        """Go behind invalid slots to the next valid one of this segment, if they won't change any more."""
        if self._segment is None or self._header is None:
            return "none"
        resume = self._next_valid(self._segment, self._header.seed, within_slots)
        if resume is None:
            return "none"
        seen = read_at(self._segment.path, self._offset, min(resume - self._offset, _CHUNK_SLOTS))
        if not self._patience.is_over((self._segment.number, self._offset, seen), final=final):
            return "wait"
        before = self._skipped or (self._offset, 0)
        self._skipped = (before[0], before[1] + resume - self._offset)
        self._offset = resume
        self._names.interrupt()
        return "skipped"

    def _next_valid(self, segment: SegmentFile, seed: int, within_slots: int | None) -> int | None:
        offset = self._offset
        size = min(_CHUNK_SLOTS, within_slots or _CHUNK_SLOTS) * SLOT_BYTES
        while raw := _whole_slots(read_at(segment.path, offset, size)):
            if raw != bytes(len(raw)):
                valid = valid_slots(raw, seed)
                if valid.any():
                    return offset + int(np.argmax(valid)) * SLOT_BYTES
            if within_slots is not None:
                break
            offset += len(raw)
        return None

    def _next_segment(self, *, final: bool) -> bool:
        """Go on to the next segment if there is one; True when there may be something to read now."""
        following = self._following(final=final)
        if following is None:
            if final:
                self._note_end(self.next_seq, "at the end")
            return False
        segment, header = following
        # written between the last look at this one and the beginning of its successor, or behind a large hole
        hole = "skipped" if self._sound_run(1) else self._skip_hole(None, final=final)
        if hole != "none":
            return hole == "skipped"
        missing = header.first_seq - self.next_seq
        if missing > 0 and not self._patience.is_over((segment.number, self._offset), final=final):
            return False
        self._note_end(header.first_seq, f"before {segment.path}")
        self._segment, self._header, self._offset = segment, header, SEGMENT_HEADER_BYTES
        self._names, self._given = NameTable(), GivenTime()
        return True

    def _note_end(self, upto: int, place: str) -> None:
        missing = max(0, upto - self.next_seq)
        if missing or self._skipped is not None:
            where, size = self._skipped or (self._offset, 0)
            if self._segment is not None:
                place = f"at byte {where} of {self._segment.path}"
            self.damage.append(Damage("metrics", place, self.next_seq, missing, gap_detail(missing, 0, place, size)))
        self._skipped = None
        self.next_seq += missing

    def _following(self, *, final: bool) -> tuple[SegmentFile, SegmentHeader] | None:
        """The next segment that was begun, with its header; None when there is none (yet)."""
        last = -1 if self._segment is None else self._segment.number
        begun = [found for found in find_segments(self._directory) if found.number > last and is_begun(found)]
        best: tuple[SegmentFile, SegmentHeader] | None = None
        for segment in begun:
            header = sound_header(segment) or self._damaged_header(segment, final=final)
            if header is None:
                if not self._patience.is_over(("header", segment.number), final=final):
                    break
                continue
            # the first one is the one that holds the number to start with
            if best is not None and (self._segment is not None or header.first_seq > self.next_seq):
                break
            best = (segment, header)
            if self._segment is not None:
                break
        return best

    def _damaged_header(self, segment: SegmentFile, *, final: bool) -> SegmentHeader | None:
        if not self._patience.is_over(("header", segment.number), final=final):
            return None
        header = repaired_header(segment)
        detail = f"the header of {segment.path} is damaged, " + (
            "and was recovered by the checks of its points" if header else "so that what it holds can't be read"
        )
        place = f"at byte 0 of {segment.path}"
        damage = Damage("metrics", place, self.next_seq, 0, detail)
        if damage not in self.damage:
            self.damage.append(damage)
        return header


def _whole_slots(raw: bytes) -> bytes:
    return raw[: len(raw) - len(raw) % SLOT_BYTES]
