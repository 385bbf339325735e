"""What a request asks, done on the engine: the answer as a stream of bytes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

from epochal_storage.engine import STREAMED_FORMATS, Engine, Session
from epochal_storage.errors import EngineError
from epochal_storage.formats import Insert, insert_with_format
from epochal_storage.guard import Examined, examined
from epochal_storage.http_call import Call, reader_settings
from epochal_storage.native import empty_block

_MAX_SQL = 64 << 20
# where the FORMAT of an INSERT must stand when statement and data come in one body
_MAX_INSERT_HEAD = 1 << 20


@dataclass(frozen=True)
class Answer:
    """A result on its way.

    Guarantees: its first piece is computed already; its connection is closed when `pieces` ends or is closed.
    """

    output_format: str
    pieces: Generator[bytes, None, None]


def read(engine: Engine, call: Call, body: Iterator[bytes], before: Callable[[], None]) -> Answer:
    """Answer a reader. Raises: EngineError, also between pieces."""
    sql = _text(call, body)
    text = examined(sql)
    if text.refusal is not None:
        raise text.refusal
    bounds = {"max_execution_time": engine.limits.seconds, "max_memory_usage": engine.limits.memory}
    settings = reader_settings(call.settings, bounds)
    if call.catch_up:
        before()
    with ExitStack() as stack:
        session = stack.enter_context(engine.session(settings, database=call.database))
        return _answered(session, call, sql, text, stack)


def write(engine: Engine, call: Call, body: Iterator[bytes], before: Callable[[], None]) -> Answer | int:
    """Answer a writer: the rows written by an INSERT with data, else the answer. Raises: EngineError."""
    head, data = (call.query, b"") if call.query else _head(body)
    insert = insert_with_format(head)
    with ExitStack() as stack:
        session = stack.enter_context(engine.session(call.settings, database=call.database, writes=True))
        if insert is not None:
            return session.insert(*_insert_parts(insert, call, data, body))
        sql = _text(call, itertools.chain((data,), body))
        text = examined(sql)
        if text.refusal is None and call.catch_up:
            before()
        return _answered(session, call, sql, text, stack)


def _answered(session: Session, call: Call, sql: str, text: Examined, stack: ExitStack) -> Answer:
    # spaces at the beginning stay: the places of the tokens count from there
    sql = sql.rstrip().rstrip(";")
    clause = text.format
    output_format = clause[1].text if clause else call.default_format
    # USE is the one statement a reader may run that changes its connection
    session.spent = not text.selects
    if output_format not in STREAMED_FORMATS or not text.selects:
        ask = session.query if text.refusal is None else session.change
        whole = ask(sql, output_format, call.parameters)
        return Answer(output_format, (piece for piece in (whole,)))
    pieces = session.stream(sql, output_format, call.parameters)
    first = next(pieces, b"")
    if not first and output_format == "Native":
        first = _columns_only(session, call, sql[: clause[0].start] if clause else sql)
    owned = _owned(stack.pop_all(), first, pieces)
    next(owned)
    return Answer(output_format, owned)


def _owned(stack: ExitStack, first: bytes, pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    # the query ends before its connection, whatever becomes of the answer: the engine crashes when it is the other way
    with stack, closing(pieces):
        yield b""  # a generator that was never begun closes nothing, and a client may be gone before the first piece
        yield first
        yield from pieces


def _columns_only(session: Session, call: Call, query: str) -> bytes:
    """The columns of an answer without rows; nothing for a statement that can't be asked for them."""
    try:
        described = session.query(f"DESCRIBE TABLE ({query}\n)", "JSONCompact", call.parameters)
    except EngineError:
        return b""
    return empty_block([(row[0], row[1]) for row in json.loads(described)["data"]])


def _insert_parts(insert: Insert, call: Call, data: bytes, body: Iterator[bytes]) -> tuple[str, str, Iterator[bytes]]:
    if call.query:
        inline = call.query[insert.data_at :].encode()
        return insert.statement, insert.data_format, _pieces(inline, body)
    # the head was read as Latin-1, so that places in it are places in the bytes
    statement = insert.statement.encode("latin-1").decode()
    return statement, insert.data_format, _pieces(data[insert.data_at :], body)


def _pieces(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _head(body: Iterator[bytes]) -> tuple[str, bytes]:
    data = bytearray()
    for piece in body:
        data += piece
        if len(data) >= _MAX_INSERT_HEAD:
            break
    return data.decode("latin-1"), bytes(data)


def _text(call: Call, body: Iterator[bytes]) -> str:
    whole = bytearray(f"{call.query}\n".encode() if call.query else b"")
    for piece in body:
        whole += piece
        if len(whole) > _MAX_SQL:
            raise EngineError(f"the query is longer than {_MAX_SQL >> 20} MB", 62, "SYNTAX_ERROR")
    try:
        return whole.decode()
    except UnicodeDecodeError as error:
        raise EngineError(f"the query is not UTF-8: {error}", 62, "SYNTAX_ERROR") from None
