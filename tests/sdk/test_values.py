"""Params: what JSON lacks is converted or marked, never dropped, and never raises."""

from __future__ import annotations

import math
from argparse import Namespace
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from epochal._values import plain, split_cells, to_json

Point = namedtuple("Point", "x y")


class Level(IntEnum):
    HIGH = 3


class Mode(Enum):
    FAST = "fast"


@dataclass
class Optimizer:
    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    nested: dict[str, Any] = field(default_factory=lambda: {"eps": 1e-8})


class TensorLike:
    """As torch's: a dtype, item() and tolist()."""

    dtype = "torch.float32"

    def item(self) -> float:
        return 0.10000000149011612

    def tolist(self) -> float:
        return self.item()


class Eager:
    """As TensorFlow's: a dtype and numpy()."""

    dtype = "float64"

    def numpy(self) -> Any:
        return np.float64(2.5)


class Angry:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


CONVERTED = [
    (np.float32(0.1), 0.1),
    (np.float64(0.1), 0.1),
    (np.int8(-3), -3),
    (np.bool_(False), False),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.array([0.1, math.nan], dtype=np.float32), [0.1, {"$float": "nan"}]),
    (TensorLike(), 0.1),
    (Eager(), 2.5),
    (Level.HIGH, 3),
    (Mode.FAST, "fast"),
    (Optimizer(), {"name": "adam", "betas": [0.9, 0.999], "nested": {"eps": 1e-8}}),
    (Namespace(a=1), {"a": 1}),
    (Point(1, 2), {"x": 1, "y": 2}),
    (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (PurePosixPath("data/x.csv"), "data/x.csv"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (datetime(2024, 3, 3, 12, tzinfo=UTC), "2024-03-03T12:00:00+00:00"),
    (date(2024, 3, 3), "2024-03-03"),
    (time(1, 2), "01:02:00"),
    (timedelta(minutes=1.5), 90.0),
    (Decimal("0.1"), 0.1),
    (Decimal("0.1000000000000000000000000001"), "0.1000000000000000000000000001"),
    (Decimal("NaN"), {"$float": "nan"}),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ((1, (2, 3)), [1, [2, 3]]),
    (deque([1, 2]), [1, 2]),
    (range(3), [0, 1, 2]),
    (math.inf, {"$float": "inf"}),
    (-math.inf, {"$float": "-inf"}),
    ({7: "a", None: "b", True: "c", "x": {2.5: "d"}}, {"7": "a", "null": "b", "true": "c", "x": {"2.5": "d"}}),
    ({1: "a", "1": "b"}, {"1": "a", "1 (str)": "b"}),
    ({"$float": "mine", "$$": 1}, {"$$float": "mine", "$$$": 1}),
    (2**64 - 1, 2**64 - 1),
    (2**64, {"$repr": "0x10000000000000000", "type": "builtins.int"}),
    (3 + 4j, {"$repr": "(3+4j)", "type": "builtins.complex"}),
    (b"ab", {"$repr": "b'ab'", "type": "builtins.bytes"}),
    (Fraction(1, 3), {"$repr": "Fraction(1, 3)", "type": "fractions.Fraction"}),
    (int, {"$repr": "<class 'int'>", "type": "builtins.type"}),
]


def name_of(value: object) -> str | None:
    """Of a test, the same in every process: without addresses, and no set, whose order is that of one process."""
    return None if " at 0x" in repr(value) or isinstance(value, frozenset) else repr(value)


@pytest.mark.parametrize(("value", "expected"), CONVERTED, ids=name_of)
def test_conversions(value: object, expected: object) -> None:
    """Each kind of value, as documented."""
    made = to_json(value)
    assert made == expected
    assert type(made) is type(expected)


def test_what_cant_be_shown_is_marked_still() -> None:
    """A repr that raises, and a function whose repr has an address that changes from run to run."""
    assert to_json(Angry()) == {"$repr": "<a Angry whose repr fails>", "type": f"{__name__}.Angry"}
    shown = to_json(lambda: 1)
    assert isinstance(shown, dict)
    assert "0x" not in str(shown["$repr"])


def test_an_integer_of_ten_thousand_digits() -> None:
    """Python refuses to print it in decimal; it is kept in hexadecimal."""
    shown = to_json(10**10_000)
    assert isinstance(shown, dict)
    assert int(str(shown["$repr"]), 16) == 10**10_000


def test_cycles_end() -> None:
    """A list that contains itself is kept to the point where it does."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert to_json(cycle) == [1, {"$repr": "[1, [...]]", "type": "builtins.list"}]


def test_depth_ends() -> None:
    """A thousand levels are kept: the deep ones by their repr."""
    deep: Any = "bottom"
    for _ in range(500):
        deep = [deep]
    assert "bottom" in str(to_json(deep))


def test_cells() -> None:
    """Mappings are taken apart; empty ones and lists are values; keys stay as they are in paths."""
    params = {"a": {"b": {"c": 1}}, "l": [{"$k": 1}], "e": {}, "d.o.t": 2, "$x": {"$y": math.nan}}
    assert split_cells(plain(params)) == [
        (["a", "b", "c"], 1),
        (["l"], [{"$$k": 1}]),
        (["e"], {}),
        (["d.o.t"], 2),
        (["$x", "$y"], {"$float": "nan"}),
    ]
    assert split_cells(plain({})) == []
