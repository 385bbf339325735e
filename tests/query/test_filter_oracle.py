"""Filters and orders against a plain-Python oracle, on random components and random filters."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from query.conftest import Bare
from query.written import Log

from epochal_query.choosing import Choice, choose_components
from epochal_query.columns import ids
from epochal_query.filter_text import parse_filter
from epochal_query.filter_tree import (
    All,
    Compare,
    Condition,
    Contains,
    Field,
    Has,
    IsNull,
    Like,
    Matches,
    Not,
    OneOf,
    OrderKey,
    Some,
)
from epochal_query.scope import scope_of

NUMBERS = [0, 1, 2, -1, 0.5, 1e300, 2**53]
TEXTS = ["a", "A", "ab", "", "1", "ünï", "a%b", "line\nbreak", "quote'\"\\"]
VALUES: list[Any] = [*NUMBERS, *TEXTS, True, False, None, [1], {"$float": "nan"}, {"$float": "inf"}]
POINTS = [0.0, 1.0, -1.5, math.nan, math.inf, 7.0]
URIS = ["s3://bucket/a", "s3://bucket/b", "file:///a"]
STATS = ["min", "max", "mean", "first", "last", "count", "nan_count"]


@dataclass
class Known:
    """A component as the oracle knows it."""

    id: UUID
    name: str
    kind: str
    status: str
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    artifacts: list[dict[str, Any]] = field(default_factory=list)


def _values(dice: random.Random) -> dict[str, Any]:
    return {name: dice.choice(VALUES) for name in ("p", "q.r", "odd name") if dice.random() < 0.7}


def _known(log: Log, dice: random.Random, trial: UUID, n: int) -> Known:
    params, tags = _values(dice), _values(dice)
    metrics = {name: dice.choices(POINTS, k=dice.randint(1, 4)) for name in ("m", "val/m.1") if dice.random() < 0.7}
    status = dice.choice(["completed", "failed", "stopped"])
    name, kind = f"run-{n % 5}", dice.choice(["training", "evaluation"])
    run = log.run(
        [trial],
        name,
        kind=kind,
        cells=[[name.split("."), value] for name, value in params.items()],
        metrics={name: list(enumerate(values)) for name, values in metrics.items()},
        status=status,
    )
    if tags:
        log.say("tags.set", uuid4(), kind="component", entity=run, values=tags)
    artifacts = [_artifact(dice, n) for n in range(dice.randint(0, 3))]
    for one in artifacts:
        log.say("artifact.logged", uuid4(), component=run, **one)
    return Known(run, name, kind, status, params, tags, metrics, artifacts)


def _artifact(dice: random.Random, n: int) -> dict[str, Any]:
    return {
        "name": f"{dice.choice(['train', 'test'])}{'' if n == 0 else n}",
        "direction": dice.choice(["in", "out"]),
        "uri": dice.choice(URIS),
        "media_type": dice.choice([None, "text/csv"]),
        "size": dice.choice([None, 0, 7]),
        "digest": dice.choice([None, "sha256:a"]),
    }


@dataclass
class World:
    """The components, and where to ask about them."""

    bare: Bare
    known: list[Known]

    def ask(self, choice: Choice) -> list[UUID]:
        """The store's answer."""
        reading = self.bare.open("oracle").begin()
        return ids(choose_components(reading, scope_of(reading, "oracle"), choice), "component")


@pytest.fixture(scope="module")
def world(bare: Bare) -> World:
    """Sixty random components of one trial, and one that has something of every type."""
    dice = random.Random(20240501)
    log = bare.log("oracle")
    trial = log.trial(log.experiment("oracle"), {})
    known = [_known(log, dice, trial, n) for n in range(60)]
    log.flush()
    return World(bare, known)


# --- the oracle ------------------------------------------------------------------------------------------------------

ABSENT = object()


def _plain(value: Any) -> Any:
    return float(value["$float"]) if isinstance(value, dict) and "$float" in value else value


def _value(known: Known, by: Field) -> Any:
    if by.root in ("params", "tags"):
        held = known.params if by.root == "params" else known.tags
        return _plain(held[by.name]) if by.name in held else ABSENT
    if by.root == "":
        return getattr(known, by.name)
    points = known.metrics.get(by.name)
    if points is None:
        return ABSENT
    real = [point for point in points if not math.isnan(point)]
    return {
        "count": len(points),
        "nan_count": len(points) - len(real),
        "first": points[0],
        "last": points[-1],
        "min": min(real, default=math.nan),
        "max": max(real, default=math.nan),
        "mean": sum(real) / len(real) if real else math.nan,
    }[by.stat]


def _type(value: Any) -> str:
    return {bool: "bool", int: "number", float: "number", str: "text"}.get(type(value), "other")


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    if _type(value) != _type(wanted) or _type(value) == "other":
        return False
    if _type(value) == "number":
        value, wanted = float(value), float(wanted)
    if isinstance(value, str):
        value, wanted = value.encode(), wanted.encode()
    found: dict[str, bool] = {
        "=": value == wanted,
        "!=": value != wanted,
        "<": value < wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        ">=": value >= wanted,
    }
    return found[operator]


def _like(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    return re.compile("".join(signs.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


def holds(known: Known, node: Condition) -> bool:
    """Whether the filter holds, by the words of the documentation."""
    match node:
        case All(parts):
            return all(holds(known, part) for part in parts)
        case Some(parts):
            return any(holds(known, part) for part in parts)
        case Not(part):
            return not holds(known, part)
        case IsNull(by):
            return _value(known, by) in (ABSENT, None)
        case Compare(by, operator, wanted):
            return _compare(_value(known, by), operator, wanted)
        case OneOf(by, wanted):
            return any(_compare(_value(known, by), "=", one) for one in wanted)
        case Like(by, pattern):
            value = _value(known, by)
            return isinstance(value, str) and bool(_like(pattern).fullmatch(value))
        case Contains(by, part):
            value = _value(known, by)
            return isinstance(value, str) and part in value
        case Has(what, inside):
            ways = {"input": ["in"], "output": ["out"], "artifact": ["in", "out"]}[what]
            return any(_row_holds(one, inside) for one in known.artifacts if one["direction"] in ways)
        case Matches(by, pattern):
            value = _value(known, by)
            return isinstance(value, str) and bool(re.compile(pattern, re.DOTALL).fullmatch(value))
        case _:
            raise AssertionError(node)


@dataclass
class _Row:
    """An artifact where the oracle expects a component."""

    cells: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return ABSENT if self.cells[name] is None else self.cells[name]


def _row_holds(row: dict[str, Any], node: Condition) -> bool:
    """Whether one single artifact satisfies the filter."""
    return holds(cast(Known, _Row(row)), node)


# --- random filters --------------------------------------------------------------------------------------------------


def _leaf(dice: random.Random) -> Condition:
    root = dice.choice(["params", "params", "tags", "metrics", "metrics", "", "has"])
    negate = dice.random() < 0.3
    found: Condition
    wanted: Any
    if root == "metrics":
        by = Field("metrics", dice.choice(["m", "val/m.1"]), dice.choice(STATS))
        wanted = dice.choice([0, 1, -1.5, 2, math.inf])
        found = dice.choice([Compare(by, dice.choice(OPERATORS), wanted), OneOf(by, (wanted, 1)), IsNull(by)])
    elif root == "has":
        found = Has(dice.choice(["input", "output", "artifact"]), _inside(dice))
    elif root == "":
        name, some = dice.choice([("name", "run-2"), ("kind", "training"), ("status", "failed")])
        by = Field("", name)
        choices = [Compare(by, dice.choice(OPERATORS), some), OneOf(by, (some,)), Like(by, "%a%"), Matches(by, "r.*2")]
        choices += [Contains(by, "un")]
        found = dice.choice(choices)
    else:
        by = Field("params" if root == "params" else "tags", dice.choice(["p", "q.r", "odd name"]))
        wanted = dice.choice([*NUMBERS, *TEXTS, True, False])
        operator = dice.choice(["=", "!="] if isinstance(wanted, bool) else OPERATORS)
        choices = [Compare(by, operator, wanted), OneOf(by, (wanted, 1, "a", True)), IsNull(by)]
        choices += [Like(by, dice.choice(["a%", "%", "_", r"a\%b", "%\n%"]))]
        choices += [Contains(by, dice.choice(["a", "", "%", "\n"]))]
        choices += [Matches(by, dice.choice(["a.*", "[aA]b?", ".*", ""]))]
        found = dice.choice(choices)
    return Not(found) if negate else found


def _inside(dice: random.Random) -> Condition:
    """A filter about an artifact."""
    size, uri = Field("", "size"), Field("", "uri")
    one = Compare(Field("", "name"), dice.choice(OPERATORS), "train")
    others: list[Condition] = [Compare(size, dice.choice(OPERATORS), 7), OneOf(size, (0, 7)), IsNull(size)]
    others += [Like(uri, "s3:%"), Contains(uri, "bucket/a"), Matches(uri, "file.*"), Compare(uri, "=", URIS[0])]
    others += [IsNull(Field("", "digest")), Not(Compare(Field("", "media_type"), "=", "text/csv"))]
    other = dice.choice(others)
    return dice.choice([one, other, All((one, other)), Some((one, Not(other)))])


OPERATORS: list[Any] = ["=", "!=", "<", "<=", ">", ">="]


def _tree(dice: random.Random, depth: int) -> Condition:
    if depth == 0 or dice.random() < 0.2:
        return _leaf(dice)
    parts = tuple(_tree(dice, depth - 1) for _ in range(dice.randint(2, 3)))
    found = All(parts) if dice.random() < 0.5 else Some(parts)
    return Not(found) if dice.random() < 0.2 else found


@pytest.mark.parametrize("seed", range(20))
def test_random_filters(world: World, seed: int) -> None:
    """The store keeps exactly the components that the oracle keeps, in order of creation."""
    condition = _tree(random.Random(seed), 3)
    expected = [known.id for known in world.known if holds(known, condition)]
    assert world.ask(Choice(condition)) == expected, str(condition)
    assert parse_filter(str(condition)) == condition


@pytest.mark.parametrize(
    ("by", "descending"),
    [
        (Field("params", "p"), False),
        (Field("tags", "q.r"), True),
        (Field("metrics", "m", "last"), True),
        (Field("metrics", "val/m.1", "min"), False),
        (Field("", "kind"), True),
    ],
)
def test_orders(world: World, by: Field, descending: bool) -> None:
    """Numbers, then NaN, then texts, then what lacks the field; equal ones in order of creation; limited after that."""

    def key(known: Known) -> tuple[int, Any]:
        value = _value(known, by)
        way = -1 if descending else 1
        if value in (ABSENT, None):
            return (3, 0)
        if isinstance(value, (bool, int, float)):
            return (1, 0) if math.isnan(value) else (0, way * float(value))
        text = value if isinstance(value, str) else "[1]"
        ranks = sorted({"[1]", *TEXTS, "training", "evaluation"})
        return (2, way * ranks.index(text))

    expected = [known.id for known in sorted(world.known, key=key)]
    assert world.ask(Choice(order=(OrderKey(by, descending),))) == expected
    assert world.ask(Choice(order=(OrderKey(by, descending),), limit=7)) == expected[:7]
