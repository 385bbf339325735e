"""An engine of its own for the tests of the views: `python engine_child.py DIRECTORY`, asked over stdin.

Each request is a pickled (operation, arguments), length first; so is each answer. chDB must not enter the
process of the tests.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from epochal_storage.engine import Engine
from epochal_storage.errors import EngineError
from epochal_storage.migrations import migrate


def send(stream: BinaryIO, message: object) -> None:
    """Write one message."""
    data = pickle.dumps(message)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; None at the end."""
    head = stream.read(8)
    return pickle.loads(stream.read(struct.unpack("<Q", head)[0])) if len(head) == 8 else None


def answer(engine: Engine, operation: str, arguments: tuple[Any, ...]) -> object:
    """What one request asks for."""
    if operation == "insert":
        table, rows = arguments
        engine.insert(table, pa.ipc.open_stream(rows).read_all())
        return None
    if operation == "command":
        engine.command(*arguments)
        return None
    sql, parameters, output_format = arguments
    if output_format == "arrow":
        found = engine.query_arrow(sql, parameters)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, found.schema) as stream:
            stream.write_table(found)
        return sink.getvalue().to_pybytes()
    if output_format != "rows":
        return engine.query(sql, output_format, parameters).decode()
    return engine.query_arrow(sql, parameters).to_pylist()


def main() -> None:
    """Serve until stdin ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints must not get between the answers
    engine = Engine(Path(sys.argv[1]))
    migrate(engine)
    while (request := receive(sys.stdin.buffer)) is not None:
        try:
            send(replies, ("done", answer(engine, *request)))
        except EngineError as error:
            send(replies, ("refused", error.message))
    engine.close()


if __name__ == "__main__":
    main()
