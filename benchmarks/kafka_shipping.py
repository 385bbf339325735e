"""The way out: journals to Kafka, and what a training step feels of it.

A broker is started, or EPOCHAL_TEST_KAFKA names one. First ``epochal ship`` sends a journal of so many points; the same
points are sent beside it by a bare producer, as messages that were made before the clock starts. Then the training loop
of training.py runs with EPOCHAL_KAFKA, shipped by a process of its own and by a thread of the job.

    python benchmarks/kafka_shipping.py [--points 5000000] [--blocks 20] [--json FILE]
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from figures import arguments, save
from kafka import KafkaProducer
from kafka_path.from_tests import end_shipper
from kafka_path.path import broker, row

from epochal._ids import uuid7
from epochal._journal.reader import MetricsReader
from epochal._journal.writer import JournalWriter
from epochal._kafka.migrate import migrate
from epochal._kafka.ship import ship
from epochal._kafka.source import POINTS_A_MESSAGE
from epochal._kafka.wire import Outgoing, Owner, encode_points
from epochal._settings import Settings

METRICS = 10
RUNS = 5


def journal(spool: Path, points: int) -> Path:
    """A journal of a job that logged ten noisy metrics a step, closed by nobody."""
    values = np.random.default_rng(1).normal(size=points).tolist()
    writer = JournalWriter(
        spool,
        uuid7(),
        now_us=lambda: time.time_ns() // 1000,
        convert=float,  # type: ignore[arg-type]  # nothing needs it
        report=lambda kind, text: print(kind, text),
        sync_interval_s=0,
    )
    names = [f"metric/{i}" for i in range(METRICS)]
    about = {"component": str(uuid4()), "role": "main", "heartbeat_s": 10.0, "host": "", "pid": 1, "version": "0"}
    envelope = {"type": "epochal.writer.opened", "v": 1, "project": "bench", "at": 1_700_000_000_000_000}
    writer.append_event(json.dumps({**envelope, "data": {**about, "process": str(uuid4())}}).encode())
    for step in range(points // METRICS):
        at = step * METRICS
        writer.append_points(dict(zip(names, values[at : at + METRICS], strict=True)), step, None)
    writer.close()
    return spool / str(writer.directory.name)


def messages(directory: Path) -> Iterator[Outgoing]:
    """The journal's points as they are sent."""
    reader = MetricsReader(directory)
    while pieces := reader.read(POINTS_A_MESSAGE, final=True):
        for piece in pieces:
            yield encode_points(Owner("bench", None, 0), piece)


def bare(servers: str, topic: str, made: list[Outgoing]) -> float:
    """Seconds that a producer needs for messages that are there already."""
    producer = KafkaProducer(bootstrap_servers=servers, max_request_size=100_000_000, batch_size=60_000)
    producer.partitions_for(topic)
    begin = time.perf_counter()
    for message in made:
        producer.send(topic, message.value, message.key, message.headers)
    producer.flush()
    spent = time.perf_counter() - begin
    producer.close()
    return spent


def shipped(servers: str, points: int) -> list[dict[str, Any]]:
    """The speed of shipping, medians of several runs that alternate with the bare producer."""
    with tempfile.TemporaryDirectory() as folder:
        directory = journal(Path(folder), points)
        made = list(messages(directory))
        speeds, limits, cpu, bare_cpu = [], [], [], []
        for _ in range(RUNS):
            settings = Settings(kafka=servers, kafka_topic_prefix=f"b{uuid4().hex[:8]}.")
            migrate(settings)
            used = time.process_time()
            limits.append(points / bare(servers, f"{settings.kafka_topic_prefix}metrics", made))
            bare_cpu.append((time.process_time() - used) / points * 1e6)
            (directory / "shipped.json").unlink(missing_ok=True)
            used = time.process_time()
            begin = time.perf_counter()
            (done,) = ship(settings, directory)
            speeds.append(points / (time.perf_counter() - begin))
            cpu.append((time.process_time() - used) / points * 1e6)
            assert done.points == points, done
    size = sum(message.size for message in made) / points
    spread = {"low": min(speeds), "high": max(speeds)}
    beside = {"limit": statistics.median(limits), "limit_is": "a bare producer, messages made before"}
    ratios = [speed / limit for speed, limit in zip(speeds, limits, strict=True)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        row("shipping.points", statistics.median(speeds), "points/s", **spread, **beside),
        row("shipping.ratio", statistics.median(ratios), "x", low=min(ratios), high=max(ratios)),
        row("shipping.cpu", statistics.median(cpu), "µs/point", limit=statistics.median(bare_cpu), limit_is="bare"),
        row("shipping.bytes_a_point", size, "bytes"),
        row("shipping.memory", memory, "MB"),
    ]


def stepped(servers: str, blocks: int, shipper: str) -> list[dict[str, Any]]:
    """The ratios of training.py, shipped in this way."""
    settings = Settings(kafka=servers, kafka_topic_prefix=f"b{uuid4().hex[:8]}.")
    migrate(settings)
    with tempfile.TemporaryDirectory() as folder:
        out, spool = Path(folder) / "figures.json", Path(folder) / "spool"
        environment = {
            **os.environ,
            "EPOCHAL_KAFKA": servers,
            "EPOCHAL_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
            "EPOCHAL_SHIPPER": shipper,
            "EPOCHAL_JOURNAL": str(spool),
        }
        program = Path(__file__).with_name("training.py")
        command = [sys.executable, str(program), "--blocks", str(blocks), "--json", str(out)]
        try:
            subprocess.run(command, env=environment, check=True)
        finally:
            if spool.exists():
                end_shipper(spool, signal.SIGTERM)
        rows: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))["rows"]
    return [{**one, "key": one["key"].replace("training.", f"shipping.{shipper}.")} for one in rows]


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--blocks", type=int, default=20)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    trains = bool(options.blocks and importlib.util.find_spec("jax"))
    if options.blocks and not trains:
        print("left out: the training loop, which needs JAX: make .venv/.demo", file=sys.stderr)
    with broker() as (servers, _):
        if options.points:
            rows += shipped(servers, options.points)
        for shipper in ("process", "thread", "none") if trains else ():
            print(f"-- shipped by: {shipper}", flush=True)
            rows += stepped(servers, options.blocks, shipper)
    save(options.json, rows)


if __name__ == "__main__":
    main()
