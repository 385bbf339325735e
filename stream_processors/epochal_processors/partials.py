"""Partial sums of each series and block, from which summaries are merged.

One pure function of the rows in sequence order, in plain IEEE additions of a fixed order, so that computing it
again gives the same bits. What merges the rows is the views' business.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.columns import BLOCK_BITS, ELSEWHERE, F64, I64, Bools, Index, PointBatch, series_order
from epochal_processors.points import named, repeated, timestamps, uuids

HUGE = 1e150
"""Values above this are scaled before they are added and squared, so that sums don't overflow."""
SCALE = 2.0**-540
"""A power of two, so that scaling is exact; 4,096 squares of the greatest double stay finite."""

Columns = dict[str, npt.NDArray[Any]]


def partials_table(batch: PointBatch) -> pa.Table:
    """Rows of ``partials``: one for each series and block in the batch that has fresh points.

    The batch must hold every known row of each block it touches, once each, in sequence order within a stream.
    """
    return partials_rows(batch.take(series_order(batch)))


def partials_rows(batch: PointBatch) -> pa.Table:
    """As :func:`partials_table`, for a batch that is in series order already."""
    starts = group_starts(batch.stream, batch.name, batch.seq >> np.uint64(BLOCK_BITS))
    sums = block_partials(batch.step, batch.value, starts)
    bounds = {
        "occurred_from": _reduced(np.minimum, batch.occurred_ms, starts),
        "occurred_until": _reduced(np.maximum, batch.occurred_ms, starts),
        "recorded_from": _reduced(np.minimum, batch.recorded_us, starts),
        "recorded_until": _reduced(np.maximum, batch.recorded_us, starts),
        "offset_from": _reduced(np.minimum, batch.offset, starts),
        "offset_until": _reduced(np.maximum, batch.offset, starts),
    }
    # a block that came through two logs is neither within nor outside a watermark: its points are asked
    bounds["offset_from"][bounds["offset_until"] == ELSEWHERE] = 0
    fresh = np.flatnonzero(_reduced(np.logical_or, batch.fresh, starts))
    return _labelled(batch, starts[fresh], {name: column[fresh] for name, column in {**sums, **bounds}.items()})


def _labelled(batch: PointBatch, at: Index, columns: Columns) -> pa.Table:
    """The sums with what they are of: the series and block of the rows ``at``."""
    stream, streams = batch.stream[at], batch.streams
    times = {"occurred_from": "ms", "occurred_until": "ms", "recorded_from": "us", "recorded_until": "us"}
    return pa.table(
        {
            "project": repeated(stream, [s.project for s in streams]),
            "component": uuids(stream, [s.component for s in streams]),
            "metric": named(batch.name[at], batch.names),
            "rank": np.array([s.rank for s in streams], np.uint32)[stream],
            "writer": uuids(stream, [s.writer for s in streams]),
            "block": batch.seq[at] >> np.uint64(BLOCK_BITS),
            "log": repeated(stream, [s.log for s in streams]),
            **{name: timestamps(c, times[name]) if name in times else c for name, c in columns.items()},
        }
    )


def group_starts(*keys: npt.NDArray[Any]) -> Index:
    """Where a new group begins: the rows at which any of the keys differs from the row before."""
    if not len(keys[0]):
        return np.empty(0, np.intp)
    begins = np.zeros(len(keys[0]), np.bool_)
    begins[0] = True
    for key in keys:
        begins[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(begins)


def block_partials(step: F64, value: F64, starts: Index) -> Columns:
    """The partial sums of groups of rows; each group's rows are in sequence order.

    ``n`` counts all rows, ``nan_count`` those that are NaN; min to m2 are over the others (NaN where there are none).
    Equal values: the smallest step has the minimum or maximum. Equal steps: the later row counts.
    """
    if not len(starts):
        return {name: np.empty(0, kind) for name, kind in _KINDS.items()}
    counts = np.diff(np.append(starts, len(step)))
    group = np.repeat(np.arange(len(starts)), counts)
    with np.errstate(all="ignore"):
        nan = np.isnan(value)
        nan_count = np.add.reduceat(nan, starts, dtype=np.uint64)
        low, low_step = _extreme(np.fmin, step, value, starts, group)
        high, high_step = _extreme(np.fmax, step, value, starts, group)
        mean, m2 = _moments(value, nan, group, counts - nan_count.astype(np.int64), low, high)
        first_step, last_step = np.fmin.reduceat(step, starts), np.fmax.reduceat(step, starts)
        first = _at(value, step == first_step[group], starts)
        last = _at(value, step == last_step[group], starts)
    return {
        "n": counts.astype(np.uint64),
        "nan_count": nan_count,
        "min": low,
        "argmin": low_step,
        "max": high,
        "argmax": high_step,
        "mean": mean,
        "m2": m2,
        "first_step": first_step,
        "first": first,
        "last_step": last_step,
        "last": last,
        "increasing": _increasing(step, starts),
    }


_KINDS: dict[str, type[np.generic]] = {
    "n": np.uint64,
    "nan_count": np.uint64,
    **dict.fromkeys(("min", "argmin", "max", "argmax", "mean", "m2"), np.float64),
    **dict.fromkeys(("first_step", "first", "last_step", "last"), np.float64),
    "increasing": np.bool_,
}


def _moments(value: F64, nan: Bools, group: Index, counts: I64, low: F64, high: F64) -> tuple[F64, F64]:
    """Mean, and the sum of squared differences from it, in two passes.

    ``bincount`` adds the rows one by one in their order. The mean is corrected by the mean of the differences, which
    takes the rounding of the first sum out of both. ``low`` and ``high`` are the groups' extremes.
    """
    groups = len(counts)
    infinite = np.isinf(low) | np.isinf(high)
    plain = np.where(nan, 0.0, value)
    if scaled := bool((huge := ~infinite & (np.fmax(-low, high) > HUGE)).any()):
        plain = np.where(huge[group], plain * SCALE, plain)
    mean = np.bincount(group, plain, groups) / counts
    difference = np.where(nan | infinite[group], 0.0, plain - mean[group])
    correction = np.bincount(group, difference, groups) / counts
    m2 = np.bincount(group, difference * difference, groups) - correction * correction * counts
    mean = np.where(infinite, mean, mean + correction)
    if scaled:
        mean = np.where(huge, mean / SCALE, mean)
        m2 = np.where(huge, m2 / SCALE / SCALE, m2)
    m2[infinite | (counts == 0)] = np.nan
    return np.where(infinite, mean, np.clip(mean, low, high)), np.maximum(m2, 0.0)


def _extreme(better: np.ufunc, step: F64, value: F64, starts: Index, group: Index) -> tuple[F64, F64]:
    """The extreme value of each group, and the smallest step that has it."""
    extreme = better.reduceat(value, starts)
    has = value == extreme[group]
    at = np.fmin.reduceat(np.where(has, step, np.nan), starts)
    return _at(value, has & (step == at[group]), starts), at


def _at(value: F64, chosen: Bools, starts: Index) -> F64:
    """The value at the last chosen row of each group; NaN where none is chosen."""
    rows = np.maximum.reduceat(np.where(chosen, np.arange(len(value)), -1), starts)
    return np.where(rows < 0, np.nan, value[rows])


def _increasing(step: F64, starts: Index) -> Bools:
    rises = np.ones(len(step), np.bool_)
    rises[1:] = step[1:] > step[:-1]
    rises[starts] = True
    return np.logical_and.reduceat(rises, starts)


def _reduced(ufunc: np.ufunc, values: npt.NDArray[Any], starts: Index) -> npt.NDArray[Any]:
    return ufunc.reduceat(values, starts) if len(starts) else values[:0]
