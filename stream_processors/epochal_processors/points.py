"""Metric points to rows of ``metrics``, as Arrow columns; no Python per point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.columns import Index, PointBatch, series_order
from epochal_storage.schemas import UUID_TYPE


def metrics_table(batch: PointBatch, order: Index | None = None) -> pa.Table:
    """The batch as rows of ``metrics``, sorted as ClickHouse keeps them wherever steps don't fall.

    Args:
        batch: the points.
        order: ``series_order(batch)``, where the caller has it. Only fresh rows are taken.
    """
    order = series_order(batch) if order is None else order
    order = order if batch.fresh.all() else order[batch.fresh[order]]
    stream = batch.stream[order]
    columns = {
        "project": repeated(stream, [s.project for s in batch.streams]),
        "component": uuids(stream, [s.component for s in batch.streams]),
        "metric": named(batch.name[order], batch.names),
        "rank": np.array([s.rank for s in batch.streams], np.uint32)[stream],
        "step": batch.step[order],
        "value": batch.value[order],
        "logged_at": timestamps(batch.logged_ms[order], "ms"),
        "occurred_at": timestamps(batch.occurred_ms[order], "ms"),
        "recorded_at": timestamps(batch.recorded_us[order], "us"),
        "log": repeated(stream, [s.log for s in batch.streams]),
        "offset": batch.offset[order],
        "writer": uuids(stream, [s.writer for s in batch.streams]),
        "seq": batch.seq[order],
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
