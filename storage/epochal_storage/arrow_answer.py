"""An answer in ArrowStream as a table, and as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from epochal_storage.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

_BEGIN = b"\xff\xff\xff\xff"
"""How every stream of Arrow's begins, and no text does."""


def arrow_table(data: bytes) -> pa.Table:
    """The table that the engine answered with; one without columns where the statement has no answer.

    Raises: EngineError where the answer is in another format, which only the query itself can have chosen.
    """
    if not data:
        return pa.table({})
    if not data.startswith(_BEGIN):
        raise EngineError("the query chooses a FORMAT of its own: leave it out, the answer is a table", 73, "FORMAT")
    return pa.ipc.open_stream(data).read_all()


def frame_of(table: pa.Table) -> pd.DataFrame:
    """The table as a pandas frame; times keep their zone, and a column of bytes that are no text keeps its bytes."""
    columns = [_bytes(column) if _is_text(column) and not _is_utf8(column) else column for column in table.columns]
    frame: pd.DataFrame = pa.table(columns, names=table.column_names).to_pandas()
    return frame


def _is_text(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _is_utf8(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.binary() if pa.types.is_string(column.type) else pa.large_binary())


def in_one_piece(table: pa.Table, name: str) -> Any:
    """A column of an answer as one Arrow array, whatever pieces it came in; ids as their 16 bytes."""
    found: Any = table.column(name).combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], type=found.type)
    return found.storage if isinstance(found, pa.ExtensionArray) else found
