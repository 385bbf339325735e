"""Reading the lifecycle channel of a journal, live or left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from .layout import (
    EVENTS_FILE,
    EVENTS_HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    RECORD,
    FormatError,
    NewerFormatError,
    parse_events_header,
    record_check,
)
from .reading import Damage, Patience, Record, Window, read_at

_CHUNK_BYTES: Final = 1 << 20
_MAX_GAP: Final = 1 << 32
"""A sequence number further away than this is not looked at when the next sound record is searched for."""


class EventsReader:
    """Reads ``events.bin`` from a sequence number on.

    Guarantees: records come in order, each once; what was lost in between is in ``damage``, with exact numbers. That
    holds when the file is deleted or cut meanwhile and its writer makes it again.
    """

    def __init__(self, directory: Path, *, start_seq: int = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.next_seq = start_seq
        """The number that the next record is expected to have."""
        self.damage: list[Damage] = []
        """Everything found damaged so far, in order."""
        self._path = directory / EVENTS_FILE
        self._offset = 0
        self._patience = Patience(monotonic)
        self._skipped: tuple[int, int] | None = None
        self._last: tuple[int, int, bytes] | None = None
        self._window = Window(self._path)

    def read(self, max_records: int, *, final: bool = False) -> list[Record]:
        """Up to so many further records; an empty list when there are none (yet).

        Raises:
            NewerFormatError: the journal needs a newer version.
            OSError: the file is there and can't be read.
        """
        self._window = Window(self._path)
        if self._was_made_again():
            self._offset, self._last, self._skipped = 0, None, None
        if not self._offset and not self._read_header(final=final):
            return []
        records: list[Record] = []
        while len(records) < max_records:
            found = self._next_record()
            if found is not None:
                self._take(*found, records)
            elif not self._skip_damage(final=final):
                break
        return records

    def _was_made_again(self) -> bool:
        """Whether the last record isn't there any more: somebody deleted or cut the file, and its writer went on."""
        if self._last is None:
            return False
        place, *name = self._last
        head = self._window.get(place, RECORD.size)
        return len(head) < RECORD.size or list(RECORD.unpack(head)[2:]) != name

    def _read_header(self, *, final: bool) -> bool:
        head = read_at(self._path, 0, EVENTS_HEADER_BYTES)
        try:
            parse_events_header(head)
        except NewerFormatError:
            raise
        except FormatError as error:
            whole = len(head) == EVENTS_HEADER_BYTES
            if not whole or not self._patience.is_over(head, final=final):
                return False
            detail = f"the header of {self._path} is damaged ({error}); the records behind it are read"
            self.damage.append(Damage("lifecycle", f"{self._path} at byte 0", self.next_seq, 0, detail))
        self._offset = EVENTS_HEADER_BYTES
        return True

    def _next_record(self) -> tuple[Record, int] | None:
        """The record at the present place, and where it ends; None when there is no sound one."""
        head = self._window.get(self._offset, RECORD.size)
        if len(head) < RECORD.size:
            return None
        length, check, seq, salt = RECORD.unpack(head)
        if length > MAX_PAYLOAD_BYTES:
            return None
        payload = self._window.get(self._offset + RECORD.size, length)
        if len(payload) < length or record_check(seq, salt, payload) != check:
            return None
        return Record(seq, salt, payload), self._offset + RECORD.size + length

    def _take(self, record: Record, end: int, records: list[Record]) -> None:
        missing = record.seq - self.next_seq
        if missing > 0 or (self._skipped is not None and missing == 0):
            where, size = self._skipped or (self._offset, 0)
            detail = f"{size} bytes at byte {where} of {self._path} are damaged: {max(0, missing)} events are lost"
            self.damage.append(Damage("lifecycle", f"{self._path} at byte {where}", self.next_seq, missing, detail))
        self._skipped = None
        self._last = (end - RECORD.size - len(record.payload), record.seq, record.salt)
        self._offset = end
        if missing >= 0:
            records.append(record)
            self.next_seq = record.seq + 1

    def _skip_damage(self, *, final: bool) -> bool:
        """Go to the next sound record behind unreadable bytes, if there is one and they won't change any more."""
        resume = self._find_sound(self._offset + 1)
        if resume is None:
            return False
        seen = read_at(self._path, self._offset, min(resume - self._offset, _CHUNK_BYTES))
        if not self._patience.is_over((self._offset, seen), final=final):
            return False
        self._skipped = (self._offset, resume - self._offset)
        self._offset = resume
        return True

    def _find_sound(self, offset: int) -> int | None:
        """Where the first sound record at or behind a byte lies."""
        while len(chunk := read_at(self._path, offset, _CHUNK_BYTES + RECORD.size - 1)) >= RECORD.size:
            for place in _candidates(chunk, self.next_seq):
                begun, self._offset = self._offset, offset + place
                try:
                    if self._next_record() is not None:
                        return offset + place
                finally:
                    self._offset = begun
            offset += len(chunk) - RECORD.size + 1
        return None


def _candidates(chunk: bytes, next_seq: int) -> list[int]:
    """Places in a chunk where the header of a later record could begin, by its length and its number."""
    count = len(chunk) - RECORD.size + 1
    data = np.frombuffer(chunk, dtype=np.uint8).astype(np.uint64)
    seqs = np.zeros(count, dtype=np.uint64)
    lengths = np.zeros(count, dtype=np.uint64)
    for i in range(8):
        seqs |= data[8 + i : 8 + i + count] << np.uint64(8 * i)
    for i in range(4):
        lengths |= data[i : i + count] << np.uint64(8 * i)
    likely = (seqs >= next_seq) & (seqs < next_seq + _MAX_GAP) & (lengths <= MAX_PAYLOAD_BYTES)
    return [int(place) for place in np.flatnonzero(likely)]
