"""Journals as frames, and frames as messages, cut and doubled at random."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from epochal._journal.reader import Points
from epochal._kafka.wire import Outgoing, Owner, encode_event, encode_points
from epochal_processors.coverage import Coverage
from epochal_processors.frames import EventFrame, Frame, PointFrame
from epochal_processors.journal_source import JournalSource


def frames_of(journals: Path) -> list[Frame]:
    """Everything in the journals of a directory."""
    found: list[Frame] = []
    for directory in sorted(path.parent for path in journals.glob("*/events.bin")):
        source = JournalSource(directory, Coverage(), time.monotonic)
        source.begin_cycle(dead=True)
        while not source.caught_up:
            found += source.read()
    return found


def cut_into(frames: Iterable[Frame], dice: random.Random) -> list[Outgoing]:
    """Frames as messages, points cut anywhere and some of them sent twice, in the order of the journals."""
    return [message for frame in frames for message in _messages(frame, dice)]


def uncut(frames: Iterable[Frame]) -> list[Outgoing]:
    """Frames as messages, the points of each in one, in the order of the journals."""
    found: list[Outgoing] = []
    for frame in frames:
        if isinstance(frame, EventFrame):
            found += [encode_event(frame.writer, frame.project, record) for record in frame.records]
        else:
            found.append(encode_points(Owner(frame.project, frame.component, frame.rank), _part(frame, 0, frame.count)))
    return found


def _messages(frame: Frame, dice: random.Random) -> Iterator[Outgoing]:
    if isinstance(frame, EventFrame):
        for record in frame.records:
            message = encode_event(frame.writer, frame.project, record)
            yield from [message] * dice.choice([1, 1, 1, 2])
        return
    for first, end in _pieces(frame.count, dice):
        yield encode_points(Owner(frame.project, frame.component, frame.rank), _part(frame, first, end))


def _pieces(count: int, dice: random.Random) -> list[tuple[int, int]]:
    cuts = sorted({0, count, *(dice.randrange(count) for _ in range(dice.randrange(6)))})
    pieces = list(pairwise(cuts))
    if dice.random() < 0.3:
        first = dice.randrange(count)
        pieces.append((first, dice.randint(first + 1, count)))
    return pieces


def _part(frame: PointFrame, first: int, end: int) -> Points:
    return replace(frame.points, first_seq=frame.first_seq + first, rows=frame.points.rows[first:end])
