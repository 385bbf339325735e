"""A ClickHouse server for tests: one that EPOCHAL_TEST_CLICKHOUSE names, one in Docker, or what stands in for one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

from kafka_broker import docker_answers
from worker_process import until

STAND_IN = Path(__file__).with_name("outpost") / "stand_in.py"
IMAGE = "clickhouse/clickhouse-server:26.9"
PASSWORD = "password-of-tests"


@contextlib.contextmanager
def any_clickhouse(directory: Path) -> Iterator[str]:
    """The URL of a database of its own, as EPOCHAL_STORE takes it; whoever uses it first makes it.

    EPOCHAL_TEST_CLICKHOUSE is ``clickhouse://user:password@host:port`` of a server where such a user may make
    databases; the database stays there. What stands in where there is neither is the same engine in a process of its
    own, behind its HTTP protocol.
    """
    if given := os.environ.get("EPOCHAL_TEST_CLICKHOUSE", ""):
        yield f"{given.rstrip('/')}/test_{uuid4().hex[:12]}"
    elif docker_answers():
        with _container() as url:
            yield f"{url}/test"
    else:
        with _stand_in(directory) as url:
            yield f"{url}/epochal"


@contextlib.contextmanager
def _container() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    settings = {
        "CLICKHOUSE_USER": "writer",
        "CLICKHOUSE_PASSWORD": PASSWORD,
        "CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1",
    }
    container = DockerContainer(IMAGE).with_exposed_ports(8123)
    for name, value in settings.items():
        container = container.with_env(name, value)
    with container as running:
        address = f"{running.get_container_host_ip()}:{running.get_exposed_port(8123)}"
        until(lambda: _pings(f"http://{address}/ping"), "ClickHouse answers")
        yield f"clickhouse://writer:{PASSWORD}@{address}"


def _pings(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def _stand_in(directory: Path) -> Iterator[str]:
    command = [sys.executable, str(STAND_IN), str(directory / "server"), "0", PASSWORD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"clickhouse://writer:{PASSWORD}@127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
