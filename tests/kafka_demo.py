"""The demo through Kafka, on this machine: ``make demo KAFKA=1``.

Starts a broker (``kafka_broker.any_broker``), makes the topics, starts a worker that takes everything into the store,
runs ``epochal demo`` with EPOCHAL_KAFKA set, and ends all that it started. The store stays, as after ``make demo``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka_broker import BrokerError, any_broker

from epochal import EpochalError
from epochal._sent import kafka_log
from epochal._shipped import read_cursor
from epochal._spool import journals_in, shipper_pid
from epochal_query.opening import open_store

Wait = Callable[[Callable[[], bool], str], None]
"""Waits for something to happen; the text says what."""
EPOCHAL = (sys.executable, "-m", "epochal.cli")
PATIENCE_S = 120.0


class DemoError(Exception):
    """The demo didn't come through Kafka; the text says where it stopped, and where to look."""


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description="The demo through a Kafka of its own; what it needs is ended with it.")
    parser.add_argument("--output", default=".", help="where the plot goes")
    parser.add_argument("--store", help="a directory or URL (default: EPOCHAL_STORE, else this user's store)")
    parser.add_argument("--epochs-scale", default="1.0", help="a factor on the numbers of epochs")
    given = parser.parse_args()
    store = given.store or os.environ.get("EPOCHAL_STORE")
    options = [
        "--output",
        given.output,
        "--epochs-scale",
        given.epochs_scale,
        *(["--store", given.store] if given.store else []),
    ]
    try:
        with tempfile.TemporaryDirectory(prefix="epochal-demo-") as folder:
            print(through_kafka(Path(folder), store, options))
    except (DemoError, BrokerError, EpochalError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # all that was started has ended
        return 130
    return 0


def through_kafka(folder: Path, store: str | None, options: list[str]) -> str:
    """Run the demo with everything it needs; a line that says what came through Kafka.

    Raises:
        BrokerError: no broker can be had.
        DemoError: something that was started failed, or not everything arrived.
    """
    with any_broker(folder) as servers:
        prefix = os.environ.get("EPOCHAL_KAFKA_TOPIC_PREFIX", "epochal.")
        spool = folder / "spool"
        settings = {**os.environ, "EPOCHAL_KAFKA": servers, "EPOCHAL_JOURNAL": str(spool)}
        settings |= {"EPOCHAL_STORE": store} if store else {}
        _call([*EPOCHAL, "migrate"], settings)
        with worker(folder, settings) as wait, ended(spool):
            _call([*EPOCHAL, "demo", *options], settings)
            wait(lambda: all(read_cursor(one).ended for one in journals_in(spool)), f"{spool} to be shipped")
            ends = _ends(servers, [f"{prefix}events", f"{prefix}metrics"])
            return _arrived(store, ends, wait)


def _arrived(store: str | None, ends: Mapping[str, int], wait: Wait) -> str:
    """Wait until the store has all of it."""
    opened = open_store(store)
    try:
        wait(lambda: all(opened.watermark().get(log, -1) >= end for log, end in ends.items()), f"{ends} to be stored")
        cluster = next(iter(ends)).split("/")[0]
        asked = "SELECT sumIf(count, channel = 'lifecycle'), sumIf(count, channel = 'metrics') FROM ledger FINAL "
        counts = opened.sql(asked + "WHERE startsWith(log, {cluster:String})", parameters={"cluster": f"{cluster}/"})
        events, points = counts.iloc[0]
    finally:
        opened.close()
    return f"\nThrough Kafka: {events} events and {points} points in {len(ends)} partitions; all of it is in the store."


@contextlib.contextmanager
def worker(folder: Path, settings: Mapping[str, str]) -> Iterator[Wait]:
    """A worker. Gives a way to wait for something, which fails when the worker does."""
    log = folder / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen([*EPOCHAL, "process"], env=settings, stdout=file, stderr=file)

    def wait(happened: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not happened():
            if process.poll() is not None or time.monotonic() > until:
                raise DemoError(
                    f"waited for {what}; the worker (status {process.returncode}) said:\n{log.read_text()[-3000:]}"
                )
            time.sleep(0.1)

    try:
        yield wait
        process.send_signal(signal.SIGTERM)
        if process.wait(PATIENCE_S):
            raise DemoError(f"the worker ended with status {process.returncode}:\n{log.read_text()[-3000:]}")
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def ended(spool: Path) -> Iterator[None]:
    """End what ships a spool, before its directory goes."""
    try:
        yield
    finally:
        until = time.monotonic() + PATIENCE_S
        while (pid := shipper_pid(spool)) is not None and time.monotonic() < until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.1)


def _ends(servers: str, topics: list[str]) -> dict[str, int]:
    """The last offset of every partition that has one, by the names that logs have in the store."""
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        cluster = str(admin.describe_cluster()["cluster_id"])
    consumer = KafkaConsumer(bootstrap_servers=servers)
    try:
        places = [TopicPartition(topic, place) for topic in topics for place in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(places)
    finally:
        consumer.close()
    found = {kafka_log(cluster, place.topic, place.partition): end - 1 for place, end in ends.items() if end}
    if not found:
        raise DemoError(f"the demo ran, and nothing of it is in {' and '.join(topics)}")
    return found


def _call(command: list[str], settings: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=settings, check=False)
    if done.returncode:
        raise DemoError(f"`epochal {command[len(EPOCHAL)]}` ended with status {done.returncode}; it said why above")


if __name__ == "__main__":
    sys.exit(main())
