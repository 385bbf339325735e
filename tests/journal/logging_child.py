"""The child that tests kill: it logs calls that its parent can work out from the same seed.

``python logging_child.py JOURNALS WRITER SEED MODE MAX_SEGMENT_BYTES``
"""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from journal.journals import open_writer
from journal.kill_harness import Acknowledger


@dataclass(frozen=True)
class Call:
    """One call: points, and before them an event now and then."""

    metrics: dict[str, float]
    step: float
    time_ms: int | None
    event: bytes | None


def calls(seed: int) -> Iterator[Call]:
    """An endless series of calls: one metric mostly, often ten, odd floats, new names, given times, events."""
    rng = random.Random(seed)
    number = 0
    while True:
        names = rng.choice(
            [["loss"], ["loss"], [f"m{i}" for i in range(10)], [f"rare/{number}/" + "x" * rng.randrange(60)]]
        )
        odd = rng.random() < 0.5
        event = b'{"number":%d,"pad":"%s"}' % (number, b"p" * rng.randrange(300)) if rng.random() < 0.05 else None
        when = rng.randrange(10**12) if rng.random() < 0.1 else None
        metrics = {name: struct.unpack("<d", rng.randbytes(8))[0] if odd else rng.random() for name in names}
        yield Call(metrics, rng.choice([float(number), rng.random()]), when, event)
        number += 1


def main(journals: str, writer_id: str, seed: str, mode: str, max_segment_bytes: str) -> None:
    """Log until killed."""
    assert mode in ("mapped", "written")
    writer = open_writer(
        Path(journals),
        writer=UUID(writer_id),
        mode="mapped" if mode == "mapped" else "written",
        max_segment_bytes=int(max_segment_bytes),
        sync_interval_s=0.2,
    )
    acknowledger = Acknowledger()
    acknowledger.ready()
    for number, call in enumerate(calls(int(seed))):
        if call.event is not None:
            writer.append_event(call.event)
        writer.append_points(dict(call.metrics), call.step, call.time_ms)
        acknowledger.returned(number)


if __name__ == "__main__":
    main(*sys.argv[1:])
