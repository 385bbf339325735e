"""Partial sums of blocks, held to a slow computation with exact fractions."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processors.points import COMPONENT, WRITER, Logged, frame, position, rows_of

from epochal_processors.columns import batch_of
from epochal_processors.partials import block_partials, partials_table
from epochal_processors.points import metrics_table

NAN, INF = math.nan, math.inf
HUGE, TINY = 1.7e308, 5e-324


def exact(steps: Sequence[float], values: Sequence[float]) -> dict[str, Any]:
    """The partial sums of one group by their definition."""
    rows = [(s, v) for s, v in zip(steps, values, strict=True) if not math.isnan(v)]
    finite = all(math.isfinite(v) for _, v in rows)
    mean = m2 = NAN
    if rows and finite:
        total = sum((Fraction(v) for _, v in rows), Fraction(0))
        middle = total / len(rows)
        mean, m2 = float(middle), _float(sum(((Fraction(v) - middle) ** 2 for _, v in rows), Fraction(0)))
    elif rows:
        mean = sum(v for _, v in rows if math.isinf(v))
    low = min((v for _, v in rows), default=NAN)
    high = max((v for _, v in rows), default=NAN)
    first, last = min(steps), max(steps)
    return {
        "n": len(values),
        "nan_count": len(values) - len(rows),
        "min": low,
        "argmin": min((s for s, v in rows if v == low), default=NAN),
        "max": high,
        "argmax": min((s for s, v in rows if v == high), default=NAN),
        "mean": mean,
        "m2": m2,
        "first_step": first,
        "first": [v for s, v in zip(steps, values, strict=True) if s == first][-1],
        "last_step": last,
        "last": [v for s, v in zip(steps, values, strict=True) if s == last][-1],
        "increasing": all(a < b for a, b in pairwise(steps)),
    }


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return INF


def check(steps: Sequence[float], values: Sequence[float]) -> None:
    found = {k: v[0] for k, v in block_partials(np.array(steps), np.array(values), np.array([0])).items()}
    expected = exact(steps, values)
    spread = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    for name in expected.keys() - {"mean", "m2"}:
        assert found[name] == expected[name] or (math.isnan(found[name]) and math.isnan(expected[name])), name
    close(found["mean"], expected["mean"], 1e-15 * spread)
    # squares below the smallest double are nothing
    close(found["m2"], expected["m2"], max(1e-13 * expected["m2"], 4e-31 * spread * spread * len(values), 1e-322))


def close(found: float, expected: float, allowed: float) -> None:
    if math.isfinite(expected):
        assert abs(found - expected) <= max(allowed, 1e-15 * abs(expected)), (found, expected)
    else:
        assert str(found) == str(expected)


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ([0], [1.5]),
        ([0], [NAN]),
        ([0, 1], [NAN, NAN]),
        ([0, 1, 2], [3.0, NAN, 1.0]),
        ([0, 1, 2], [NAN, 3.0, NAN]),
        ([0, 1], [INF, 1.0]),
        ([0, 1], [INF, -INF]),
        ([0, 1], [-INF, -INF]),
        ([0, 1, 2], [HUGE, HUGE, HUGE]),
        ([0, 1, 2], [HUGE, -HUGE, 1.0]),
        ([0, 1], [TINY, 2 * TINY]),
        ([0, 1, 2, 3], [2.0, 1.0, 1.0, 2.0]),
        ([3, 2, 1, 0], [1.0, 2.0, 3.0, 4.0]),
        ([0, 1, 1, 0], [1.0, 2.0, 3.0, 4.0]),
        ([0.5, 0.25, -7.0], [1.0, 1.0, 1.0]),
        ([0, 1, 2], [1e8, 1e8 + 1e-7, 1e8 - 1e-7]),
        (list(range(4096)), [1e9 + (i % 3) * 1e-6 for i in range(4096)]),
        (list(range(4096)), [HUGE] * 4096),
        (list(range(4096)), [(-1) ** i * 1e300 for i in range(4096)]),
    ],
)
def test_hard_blocks(steps: list[float], values: list[float]) -> None:
    """NaN, infinities, overflow, ties, descending and repeated steps, and a small spread on a large mean."""
    check(steps, values)


number = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1.0, NAN, HUGE, TINY])
ordinary = st.floats(min_value=-1e6, max_value=1e6)
step = st.integers(-5, 5).map(float) | st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(step, number), min_size=1, max_size=40))
def test_any_block(rows: list[tuple[float, float]]) -> None:
    """Whatever is logged, the sums are those of the definition."""
    check([s for s, _ in rows], [v for _, v in rows])


@given(st.lists(st.tuples(step, ordinary), min_size=2, max_size=60))
def test_ordinary_blocks_are_exact_to_the_last_digits(rows: list[tuple[float, float]]) -> None:
    """Mean and spread of usual values are right to 1e-13."""
    check([s for s, _ in rows], [v for _, v in rows])


@given(st.lists(st.lists(st.tuples(step, number), min_size=1, max_size=10), min_size=1, max_size=6))
def test_groups_do_not_touch_each_other(groups: list[list[tuple[float, float]]]) -> None:
    """A group's sums have the same bits alone and among others."""
    rows = [row for group in groups for row in group]
    starts = np.cumsum([0, *[len(group) for group in groups[:-1]]])
    together = block_partials(np.array([s for s, _ in rows]), np.array([v for _, v in rows]), starts)
    for i, group in enumerate(groups):
        alone = block_partials(np.array([s for s, _ in group]), np.array([v for _, v in group]), np.array([0]))
        for name, column in alone.items():
            assert column[0].tobytes() == together[name][i].tobytes(), name


def test_one_row_for_each_series_and_block() -> None:
    """Blocks are 4,096 sequence numbers of the stream, whatever metric they belong to."""
    logged = [Logged("ab"[i % 2], i // 2, float(i)) for i in range(5000)]
    rows = rows_of(partials_table(batch_of([(position(3), frame(logged))])))
    assert [(r["metric"], r["block"], r["n"]) for r in rows] == [
        ("a", 0, 2048),
        ("a", 1, 452),
        ("b", 0, 2048),
        ("b", 1, 452),
    ]
    assert {r["component"] for r in rows} == {COMPONENT.bytes}
    assert {r["writer"] for r in rows} == {WRITER.bytes}
    assert {(r["offset_from"], r["offset_until"]) for r in rows} == {(3, 3)}


def test_bounds_are_those_of_the_rows_in_it() -> None:
    """Times and offsets of a partial are the least and the greatest among its points."""
    early = frame([Logged("a", 0, 1.0, 1000, 500)])
    late = frame([Logged("a", 1, 1.0, 2000, 900), Logged("a", 2, 1.0, 2000, 100)], first_seq=1)
    (row,) = rows_of(partials_table(batch_of([(position(4), early), (position(9), late)])))
    assert (row["offset_from"], row["offset_until"]) == (4, 9)
    assert (row["occurred_from"].timestamp(), row["occurred_until"].timestamp()) == (0.1, 0.9)
    assert (row["recorded_until"] - row["recorded_from"]).microseconds == 5


def test_metric_rows_keep_every_bit() -> None:
    """Values reach Arrow bit for bit, a NaN's payload included; steps lose the sign of zero only."""
    strange = struct.unpack("<d", struct.pack("<Q", 0x7FF8DEADBEEF0001))[0]
    values = [strange, -0.0, INF, -INF, TINY, HUGE, 0.1]
    logged = [Logged("größe ☃", -0.0 if i == 0 else float(i), v) for i, v in enumerate(values)]
    table = metrics_table(batch_of([(position(0), frame(logged))]))
    assert struct.pack("<7d", *values) == table["value"].combine_chunks().to_numpy().tobytes()
    assert math.copysign(1, table["step"][0].as_py()) == 1
    assert set(table["metric"].to_pylist()) == {"größe ☃"}


def test_metric_rows_lie_as_clickhouse_sorts_them() -> None:
    """Rows are sorted by (component, metric, rank, step): then an insert needn't sort."""
    names = ["b", "a", "ä", "Z", ""]
    frames = []
    for offset in range(3):
        logged = [Logged(names[i % 5] or "z", i // 5, float(i)) for i in range(50)]
        writer = type(WRITER)(int=WRITER.int + offset)
        frames.append((position(offset), frame(logged, writer=writer, component=type(WRITER)(int=7 - offset % 2))))
    rows = rows_of(metrics_table(batch_of(frames)))
    keys = [(r["component"][8:], r["component"][:8], r["metric"].encode(), r["rank"], r["writer"]) for r in rows]
    assert [key[:4] for key in keys] == sorted(key[:4] for key in keys)
    for key in set(keys):
        steps = [r["step"] for r, k in zip(rows, keys, strict=True) if k == key]
        assert steps == sorted(steps)
