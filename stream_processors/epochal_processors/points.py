"""Metric points to rows of ``metrics``, as Arrow columns; no Python per point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.columns import PointBatch, series_order
from epochal_storage.schemas import UUID_TYPE


def metrics_table(batch: PointBatch) -> pa.Table:
    """The fresh points of a batch as rows of ``metrics``, sorted as ClickHouse keeps them wherever steps don't fall."""
    return metrics_rows(batch.take(series_order(batch)))


def metrics_rows(batch: PointBatch) -> pa.Table:
    """The fresh points of a batch as rows of ``metrics``, in their order."""
    fresh = batch if batch.fresh.all() else batch.take(np.flatnonzero(batch.fresh))
    stream, streams = fresh.stream, fresh.streams
    columns = {
        "project": repeated(stream, [s.project for s in streams]),
        "component": uuids(stream, [s.component for s in streams]),
        "metric": named(fresh.name, fresh.names),
        "rank": np.array([s.rank for s in streams], np.uint32)[stream],
        "step": fresh.step,
        "value": fresh.value,
        "logged_at": timestamps(fresh.logged_ms, "ms"),
        "occurred_at": timestamps(fresh.occurred_ms, "ms"),
        "recorded_at": timestamps(fresh.recorded_us, "us"),
        "log": repeated(stream, [s.log for s in streams]),
        "offset": fresh.offset,
        "writer": uuids(stream, [s.writer for s in streams]),
        "seq": fresh.seq,
    }
    return pa.table(columns)


def timestamps(values: npt.NDArray[np.int64], unit: str) -> pa.Array:
    """Integers since the epoch as instants, UTC."""
    return pa.array(values).view(pa.timestamp(unit, "UTC"))


def named(index: npt.NDArray[Any], names: Sequence[str]) -> pa.DictionaryArray:
    """Names by their index."""
    return pa.DictionaryArray.from_arrays(index.astype(np.int32), pa.array(names, pa.string()))


def repeated(index: npt.NDArray[Any], texts: Sequence[str]) -> pa.DictionaryArray:
    """Texts by their index, where several indices may stand for the same text."""
    distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return named(np.array([distinct[text] for text in texts], np.int32)[index], list(distinct))


def uuids(index: npt.NDArray[Any], ids: Sequence[UUID]) -> pa.FixedSizeBinaryArray:
    """Ids by their index, as 16 bytes each, big endian."""
    table = np.frombuffer(b"".join(i.bytes for i in ids), "V16")
    buffer = pa.py_buffer(np.ascontiguousarray(table[index]))
    return pa.FixedSizeBinaryArray.from_buffers(UUID_TYPE, len(index), [None, buffer])
