"""Logged to queryable on one machine: eight processes log at full speed, a reader waits for the last point.

Half of the calls log one metric, half log ten; the clock stops when all points are there and all blocks are sealed.
Printed beside that are limits of the same run: points inserted as bare Arrow into the same kind of table by one
process, how fast the jobs log with no host following, and what points take as Arrow with zstd. Then the delay until a
point is visible, at a stated rate, and what an insert and a question after it take by themselves.

    python benchmarks/embedded.py [--seconds 60] [--processes 8] [--rate 100000] [--json FILE]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
from figures import arguments, passing_store, save, surroundings, wait_until_sealed

from epochal_storage.client import StoreClient
from epochal_storage.locate import find_or_start

JOB = """
import sys, time, epochal
number, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
run = epochal.init("bench", variables={"job": number}, name=f"job-{number}")
print(run.id, flush=True)
sys.stdin.readline()
ten = [f"metric/{i}" for i in range(10)]
log, clock = run.log, time.perf_counter
begin = clock()
end, calls, points, value = begin + seconds, 0, 0, 0.123456789
while clock() < end:
    for _ in range(200):
        value = value * 3.99 * (1 - value)
        log({"loss": value}, step=calls)
        log(dict.fromkeys(ten, value), step=calls)
        calls += 1
    points += 200 * 11
    if rate:
        time.sleep(max(0.0, begin + points / rate - clock()))
spent = clock() - begin
cpu = time.process_time()
run.finish()
print(points, spent, cpu, flush=True)
"""
SOME = "SELECT * FROM metrics WHERE step < 100000"


def start(store: Path, processes: int, seconds: float, rate: float, **extra: str) -> list[subprocess.Popen[str]]:
    """Start the jobs; each waits for a line before it logs."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", JOB, str(n), str(seconds), str(rate / processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings(store) | extra,
        )
        for n in range(processes)
    ]


def line(process: subprocess.Popen[str]) -> str:
    """The next line a job prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(jobs: list[subprocess.Popen[str]]) -> list[str]:
    """Let all jobs begin; their components' ids."""
    ids = [line(job) for job in jobs]
    for job in jobs:
        assert job.stdin is not None
        job.stdin.write("go\n")
        job.stdin.flush()
    return ids


def stored(store: object) -> int:
    """Points in the store now."""
    return int(store.sql("SELECT count() AS n FROM metrics")["n"][0])  # type: ignore[attr-defined]


def wait_for(store: object, points: int) -> None:
    """Until all are in the store; gives up when a minute brings no further one, for then some are lost."""
    seen, since = -1, time.perf_counter()
    while (now := stored(store)) < points:
        if now > seen:
            seen, since = now, time.perf_counter()
        if time.perf_counter() - since > 60:
            raise SystemExit(f"{points - now:,} of {points:,} points never came")
        time.sleep(0.05)


def arrow_bytes(folder: Path) -> float:
    """The limit: what a point takes as Arrow with zstd, of the series of one job in their order."""
    client = StoreClient(lambda: find_or_start(folder, "reader", lambda _: None))
    points = client.query_arrow(f"{SOME} AND component = (SELECT any(component) FROM metrics) ORDER BY metric, step")
    client.close()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, points.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(points)
    return float(sink.getvalue().size / points.num_rows)


def full_speed(seconds: float, processes: int) -> dict[str, float]:
    """Points per second from the first call to the moment when a query counts them all and blocks are sealed."""
    import epochal

    with passing_store() as folder:
        store = epochal.open(folder)
        stored(store)
        jobs = start(folder, processes, seconds, 0)
        go(jobs)
        begin = time.perf_counter()
        results = [line(job).split() for job in jobs]
        for job in jobs:
            job.wait()
        logged_s = time.perf_counter() - begin
        points = sum(int(r[0]) for r in results)
        wait_for(store, points)
        counted_s = time.perf_counter() - begin
        wait_until_sealed(store.sql)
        queryable_s = time.perf_counter() - begin
        size = store.sql(
            "SELECT sum(bytes_on_disk) AS b FROM system.parts "
            "WHERE active AND table = 'metrics' AND database = currentDatabase()"
        )["b"][0]
        packed = arrow_bytes(folder)
    return {
        "points": points,
        "logged_s": logged_s,
        "counted_s": counted_s,
        "queryable_s": queryable_s,
        "logged_points_per_s": points / logged_s,
        "queryable_points_per_s": points / queryable_s,
        "bytes_a_point": float(size) / points,
        "arrow_bytes_a_point": packed,
        "us_a_point_in_the_job": 1e6 * sum(float(r[2]) for r in results) / points,
    }


def journal_only(seconds: float, processes: int) -> dict[str, float]:
    """The limit: the same jobs with nobody following."""
    with passing_store() as folder:
        jobs = start(folder, processes, seconds, 0, EPOCHAL_MODE="offline")
        go(jobs)
        begin = time.perf_counter()
        points = sum(int(line(job).split()[0]) for job in jobs)
        for job in jobs:
            job.wait()
        return {"points": points, "points_per_s": points / (time.perf_counter() - begin)}


BARE = """
import sys, time, uuid, numpy as np, pyarrow as pa
from pathlib import Path
from epochal_storage.engine import Engine
from epochal_storage.migrations import migrate
from epochal_storage.schemas import SCHEMAS
engine = Engine(Path(sys.argv[1])); migrate(engine)
points, batch = int(sys.argv[2]), 1_000_000
rng = np.random.default_rng(0)
def column(field, n, start):
    kind = field.type
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, "i4")), pa.array(["x"])).cast(kind)
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([uuid.UUID(int=1).bytes] * n, kind)
    if pa.types.is_floating(kind):
        return pa.array(rng.normal(size=n) if field.name == "value" else np.arange(start, start + n, dtype="f8"), kind)
    if pa.types.is_string(kind):
        return pa.array(["x"] * n, kind)
    return pa.array(np.arange(start, start + n, dtype="i8") + 1_700_000_000_000).cast(kind, safe=False)
schema = SCHEMAS["metrics"]
tables = [pa.table([column(f, batch, k * batch) for f in schema], schema=schema) for k in range(3)]
begin = time.perf_counter()
for k in range(max(1, points // batch)):
    engine.insert("metrics", tables[k % 3])
print(max(1, points // batch) * batch / (time.perf_counter() - begin))
rows, times = int(sys.argv[3]), []
for k in range(min(100, batch // rows)):
    begin = time.perf_counter()
    engine.insert("metrics", tables[0].slice(k * rows, rows))
    engine.query_arrow("SELECT max(logged_at) AS newest FROM metrics")
    times.append(time.perf_counter() - begin)
print(sorted(times)[len(times) * 99 // 100])
"""


def bare_arrow(points: int, rows: int) -> tuple[float, float]:
    """Limits: points per second inserted as bare Arrow by one process; seconds of an insert and a question, p99."""
    with passing_store() as folder:
        command = [sys.executable, "-c", BARE, str(folder), str(points), str(rows)]
        out = subprocess.run(command, capture_output=True, text=True, check=True)
    speed, asked = out.stdout.split()
    return float(speed), float(asked)


def visible_delay(rate: float, seconds: float, processes: int) -> dict[str, float]:
    """How old the newest point of an answer is when the answer arrives, in milliseconds, for a reader that asks on."""
    import epochal

    with passing_store() as folder:
        store = epochal.open(folder)
        stored(store)
        jobs = start(folder, processes, seconds, rate)
        go(jobs)
        delays = []
        end = time.perf_counter() + seconds
        time.sleep(1)
        while time.perf_counter() < end - 1:
            newest = store.sql("SELECT toUnixTimestamp64Milli(max(logged_at)) AS ms FROM metrics")["ms"][0]
            delays.append(time.time() * 1000 - float(newest))
        for job in jobs:
            line(job)
            job.wait()
    delays.sort()
    return {
        "reads": len(delays),
        "p50_ms": delays[len(delays) // 2],
        "p99_ms": delays[min(len(delays) - 1, int(len(delays) * 0.99))],
        "max_ms": delays[-1],
    }


def rows(
    full: dict[str, float], alone: dict[str, float], bare: tuple[float, float], visible: dict[str, float]
) -> list[dict[str, object]]:
    """The figures as `run.py` reads them."""
    return [
        {
            "key": "embedded.queryable",
            "value": full["queryable_points_per_s"],
            "unit": "points/s",
            "limit": bare[0],
            "limit_is": "bare Arrow insert, one process",
        },
        {
            "key": "embedded.logged",
            "value": full["logged_points_per_s"],
            "unit": "points/s",
            "limit": alone["points_per_s"],
            "limit_is": "nobody following",
        },
        {
            "key": "embedded.points",
            "value": full["points"],
            "unit": "points",
            "limit": alone["points_per_s"] * full["logged_s"],
            "limit_is": "nobody following, as long",
        },
        {
            "key": "embedded.bytes_a_point",
            "value": full["bytes_a_point"],
            "unit": "bytes",
            "limit": full["arrow_bytes_a_point"],
            "limit_is": "as Arrow with zstd",
        },
        {
            "key": "embedded.visible.p99",
            "value": visible["p99_ms"] / 1000,
            "unit": "s",
            "limit": bare[1],
            "limit_is": "a bare insert of a tenth of a second's points and a question, p99",
        },
    ]


def main() -> None:
    """Run all parts and print them beside their targets."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--rate", type=float, default=100_000)
    chosen = parser.parse_args()
    full = full_speed(chosen.seconds, chosen.processes)
    print(f"full speed, {chosen.processes} processes, {chosen.seconds:g} s:", json.dumps(full))
    print(
        "  target: at least 1,000,000 queryable points/s; at least 50 million points in 60 s; at most 10 bytes a point"
    )
    alone = journal_only(min(chosen.seconds, 15), chosen.processes)
    print("limit, nobody following:", json.dumps(alone))
    bare = bare_arrow(5_000_000, max(1, int(chosen.rate / 10)))
    print(f"limit, bare Arrow insert by one process: {bare[0]:,.0f} points/s")
    print(f"limit, a bare insert of a tenth of a second's points and a question, p99: {1000 * bare[1]:.3g} ms")
    visible = visible_delay(chosen.rate, min(chosen.seconds, 20), chosen.processes)
    print(f"visible delay at {chosen.rate:,.0f} points/s:", json.dumps(visible), "target: p99 within 1,000 ms")
    save(chosen.json, rows(full, alone, bare, visible))


if __name__ == "__main__":
    main()
