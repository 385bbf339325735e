"""What one call of ``log()`` costs: the run's, the journal's below it, and the limits: nothing, a bare store of the
rows, and one plain write of the same rows to a file.

Times are those of single calls, in microseconds; what the clock itself takes is taken off. Each figure is the median
of several rounds, with the lowest and the highest round. ``--checkpoint-gb`` measures once more beside a process that
writes and syncs a file of that size to the same disk.
"""

from __future__ import annotations

import atexit
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

from figures import arguments, save

Call = Callable[[Mapping[str, object], float], None]
ONE: dict[str, object] = {"loss": 0.31}
TEN: dict[str, object] = {f"metric/{i}": i * 0.37 for i in range(10)}
ROW = struct.Struct("<IIIdd")
SLOT = struct.Struct("<I28s")
WRITE_CHECKPOINT = """
import os, sys
block = os.urandom(1 << 24)
with open(sys.argv[1], "wb") as file:
    print("writing", flush=True)
    for _ in range(int(float(sys.argv[2]) * 64)):
        file.write(block)
    os.fsync(file.fileno())
"""


@dataclass(frozen=True)
class Quantiles:
    """Of the times of single calls, in µs."""

    median: float
    p99: float
    p999: float
    maximum: float


def measure(call: Call, metrics: Mapping[str, object], calls: int) -> Quantiles:
    """Time each of so many calls on its own."""
    clock = time.perf_counter_ns
    times: list[int] = []
    empty: list[int] = []
    for step in range(calls):
        begun = clock()
        call(metrics, step)
        times.append(clock() - begun)
        begun = clock()
        empty.append(clock() - begun)
    own = median(empty)
    times.sort()
    at = [times[int(calls * part)] for part in (0.5, 0.99, 0.999)] + [times[-1]]
    return Quantiles(*(max(0.0, (value - own) / 1000) for value in at))


def nothing(metrics: Mapping[str, object], step: float) -> None:
    """A call that does nothing."""


def bare_store(buffer: bytearray) -> Call:
    """One row per metric packed, checked and stored, with nothing around it."""

    def call(metrics: Mapping[str, object], step: float) -> None:
        for value in metrics.values():
            row = ROW.pack(0, 0, 0, step, value)
            SLOT.pack_into(buffer, 0, zlib.crc32(row, 7), row)

    return call


def file_call(place: Path) -> tuple[Call, Callable[[], None]]:
    """The same rows written with plain file I/O, one write a call, as what must outlive a kill is; and the closing."""
    file = (place / "plain").open("wb", buffering=0)

    def call(metrics: Mapping[str, object], step: float) -> None:
        rows = b""
        for value in metrics.values():
            row = ROW.pack(0, 0, 0, step, value)
            rows += SLOT.pack(zlib.crc32(row, 7), row)
        file.write(rows)

    return call, file.close


def journal_call(place: Path) -> tuple[Call, Callable[[], None]]:
    """The journal's own call, and what closes it."""
    from epochal._clock import now_us
    from epochal._journal.writer import JournalWriter

    def complain(kind: str, text: str) -> None:
        raise RuntimeError(f"the measured journal lost points: {text}")

    def no_conversion(value: object) -> float:
        raise TypeError(f"{value!r} was not to be measured")

    writer = JournalWriter(place, uuid4(), now_us=now_us, convert=no_conversion, report=complain)
    append = writer.append_points
    return lambda metrics, step: append(metrics, step, None), writer.close


def run_call(place: Path) -> tuple[Call, Callable[[], None]]:
    """What users call, on a run that writes its journal and starts nothing."""
    os.environ |= {"EPOCHAL_JOURNAL": str(place), "EPOCHAL_CAPTURE": "none"}
    import epochal

    run = epochal.init("log-call", mode="offline")

    def finish() -> None:
        run.finish()

    return run.log, finish


def rounds(call: Call, metrics: Mapping[str, object], calls: int, count: int) -> list[Quantiles]:
    """Several rounds after one that warms up."""
    measure(call, metrics, calls // 10)
    return [measure(call, metrics, calls) for _ in range(count)]


def rows(key: str, measured: list[Quantiles], limit: list[Quantiles], limit_is: str) -> list[dict[str, object]]:
    """The figures of one kind of call, each beside the same quantile of the limit."""
    result: list[dict[str, object]] = []
    for quantile, field in (("median", "median"), ("p99", "p99"), ("p999", "p999"), ("max", "maximum")):
        values = sorted(getattr(one, field) for one in measured)
        row = {"key": f"{key}.{quantile}", "value": median(values), "unit": "µs", "low": values[0], "high": values[-1]}
        result.append(row | {"limit": median(getattr(one, field) for one in limit), "limit_is": limit_is})
    return result


def figures(place: Path, calls: int, count: int, prefix: str = "") -> list[dict[str, object]]:
    """All figures, of the run's call, the journal's and a plain write, and what nothing costs."""
    bare = bare_store(bytearray(64))
    result: list[dict[str, object]] = []
    for size, metrics in (("one", ONE), ("ten", TEN)):
        part = calls if size == "one" else calls // 4
        empty = rounds(nothing, metrics, part, count)
        store = rounds(bare, metrics, part, count)
        result += rows(f"{prefix}store.{size}", store, empty, "empty call")
        for key, opened in (("log", run_call), ("journal", journal_call), ("file", file_call)):
            call, close = opened(place)
            result += rows(f"{prefix}{key}.{size}", rounds(call, metrics, part, count), store, "bare store")
            close()
    return result


def beside_checkpoint(place: Path, gigabytes: float, calls: int) -> list[dict[str, object]]:
    """The same while another process writes a checkpoint to the same disk."""
    target = place / "checkpoint"
    command = [sys.executable, "-c", WRITE_CHECKPOINT, str(target), str(gigabytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            return figures(place, calls, 1, "checkpoint.")
        finally:
            print(
                "checkpoint still being written" if writer.poll() is None else "checkpoint was done before", flush=True
            )
            writer.wait()
            target.unlink()


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="calls in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checkpoint-gb", type=float, default=5.0, help="0: not measured")
    parser.add_argument("--place", type=Path, help="a directory on the disk to measure")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(dir=options.place))
    # at exit, and after the session of the measured runs has ended there
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    result = figures(place, options.calls, options.rounds)
    if options.checkpoint_gb > 0:
        result += beside_checkpoint(place, options.checkpoint_gb, options.calls)
    for row in result:
        limit = f"   {row['limit_is']}: {row['limit']:.2f} µs"
        print(f"{row['key']:<28} {row['value']:>12,.2f} µs   ({row['low']:,.2f} to {row['high']:,.2f}){limit}")
    save(options.json, result)


if __name__ == "__main__":
    main()
