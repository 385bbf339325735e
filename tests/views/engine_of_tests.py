"""The tests' side of `engine_child.py`."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from views.engine_child import receive, send
from views.worlds import LOGS

SCRIPT = Path(__file__).with_name("engine_child.py")


class RefusedError(Exception):
    """The engine refused a statement."""


class TestEngine:
    """A migrated store in a process of its own."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        self._one_at_a_time = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(SCRIPT.parent.parent)},
        )

    def insert(self, table: str, rows: pa.Table) -> None:
        """Insert rows, as ``TableWriter``."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        self._ask("insert", table, sink.getvalue().to_pybytes())

    def command(self, sql: str) -> None:
        """Run one statement."""
        self._ask("command", sql)

    def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """Answer one query as mappings."""
        found: list[dict[str, Any]] = self._ask("query", sql, parameters, "rows")
        return found

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """Answer one query, as ``Source``; there are no journals to be fresher than."""
        return pa.ipc.open_stream(self._ask("query", sql, dict(parameters or {}), "arrow")).read_all()

    def text(self, sql: str, parameters: Mapping[str, str] | None = None) -> str:
        """Answer one query as tab-separated text."""
        return str(self._ask("query", sql, dict(parameters or {}), "TSV"))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _ask(self, *request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            send(self._process.stdin, (request[0], request[1:]))  # type: ignore[arg-type]
            outcome, value = receive(self._process.stdout)  # type: ignore[arg-type]
        if outcome == "refused":
            raise RefusedError(value)
        return value


class AtTheEnd:
    """The engine as a source that has taken in everything."""

    def __init__(self, engine: TestEngine) -> None:
        self.asked: list[str] = []
        self._engine = engine

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """Answer one query, and note it."""
        self.asked.append(sql)
        return self._engine.query_arrow(sql, parameters)

    def watermark(self) -> dict[str, int]:
        """Beyond everything that worlds hold."""
        return dict.fromkeys(LOGS, 1_000_000)
