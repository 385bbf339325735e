"""Diff: in which fields two things of one kind differ, or one thing at two instants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import pandas as pd

from epochal_query.cli_table import person
from epochal_query.errors import FilterError
from epochal_query.reading import Reading, together
from epochal_query.resolve import Entity, resolve_any
from epochal_query.state import state_of
from epochal_query.state_fields import Fields, fields_of, is_system, numbered

ABSENT = object()
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "equal": "="}


class Difference(pd.DataFrame):
    """A diff: one row a field, with the columns field, change, a, b, difference; and a text."""

    def to_text(self) -> str:
        """The diff in words: what is compared, then a line a field."""
        told = cast("dict[str, dict[str, Any]]", self.attrs["epochal"])
        width = max((len(field) for field in self["field"]), default=0)
        rows = zip(*(self[name] for name in self.columns), strict=True)
        lines = [f"{_SIGNS[change]} {field:<{width}}  {_words(change, a, b, by)}" for field, change, a, b, by in rows]
        return "\n".join([*(f"{side}  {_whole(told[side])}" for side in "ab"), *(lines or ["no difference"])])


@dataclass(frozen=True)
class Both:
    """How two things are to be compared. Of ``as_of`` and ``known_at`` a pair is one for each side."""

    as_of: object = None
    known_at: object = None
    equal: bool = False
    system: bool = False

    @property
    def two_places(self) -> bool:
        """Whether the sides differ in when they are looked at."""
        return isinstance(self.as_of, (tuple, list)) or isinstance(self.known_at, (tuple, list))

    def places(self) -> list[tuple[object, object]]:
        """``as_of`` and ``known_at`` of each side. Raises FilterError: a pair that isn't one."""
        return list(zip(_pair("as_of", self.as_of), _pair("known_at", self.known_at), strict=True))


@dataclass(frozen=True)
class Side:
    """One of the two: an entity at a place in both times."""

    reading: Reading
    entity: Entity

    @property
    def attrs(self) -> dict[str, object]:
        """What it is, for the frame to say."""
        at = {name: value for name, value in self.reading.attrs.items() if name in ("as_of", "known_at")}
        return {"kind": self.entity.kind, "id": str(self.entity.id), "name": self.entity.name, **at}


def compare(now: Reading, a: object, b: object, how: Both) -> Difference:
    """One row a field that differs between two things, or one thing (``b`` is None) at two places in time.

    Raises:
        UnknownNameError: nothing is meant, or several things are.
        FilterError: the two are of different kinds, or one thing at one place was given.
        TimeError: a time can't be understood.
    """
    places = how.places()
    if b is None and not how.two_places:
        raise FilterError("diff of one thing needs two instants: give as_of=(one, other), or a second thing")
    readings = [now.elsewhere(as_of, known_at) for as_of, known_at in places]
    first = resolve_any(now, a)
    sides = [Side(readings[0], first), Side(readings[1], first if b is None else resolve_any(now, b))]
    here, there = sides
    if here.entity.kind != there.entity.kind:
        raise FilterError(
            f"{here.entity.name!r} is {_a(here.entity.kind)} and {there.entity.name!r} {_a(there.entity.kind)}: two "
            "components, two trials or two experiments can be compared, or one of them at two instants"
        )
    rows = compared(*together(lambda: _fields(here), lambda: _fields(there)))
    wanted = [row for row in rows if how.equal or row[1] != "equal"]
    shown = [row for row in wanted if how.system or not is_system(row[0].rpartition(": ")[2])]
    remarks = list(dict.fromkeys(remark for reading in readings for remark in reading.remarks))
    if len(shown) < len(wanted):
        remarks.append(
            f"left out: {len(wanted) - len(shown):,} of system metrics, system artifacts and environment variables, to "
            "be had by system=True (--system)"
        )
    frame = _frame(shown)
    frame.attrs["epochal"] = {**replace(now, remarks=tuple(remarks)).attrs, "a": here.attrs, "b": there.attrs}
    return frame


def _pair(what: str, given: object) -> tuple[object, object]:
    if not isinstance(given, (tuple, list)):
        return given, given
    both = cast("Sequence[object]", given)
    if len(both) != 2:
        raise FilterError(f"{what}={given!r} is no pair: give two, one for each side")
    return both[0], both[1]


def _frame(rows: Sequence[tuple[str, str, Any, Any]]) -> Difference:
    return Difference(
        {
            "field": pd.Series([row[0] for row in rows], dtype="str"),
            "change": pd.Series([row[1] for row in rows], dtype="str"),
            "a": pd.Series([None if row[2] is ABSENT else row[2] for row in rows], dtype=object),
            "b": pd.Series([None if row[3] is ABSENT else row[3] for row in rows], dtype=object),
            "difference": pd.Series([_less(row[3], row[2]) for row in rows], dtype=float),
        }
    )


def compared(a: Fields, b: Fields) -> list[tuple[str, str, Any, Any]]:
    """Each field of either with what changed from one to the other, and both values; fields of one group together."""
    fields = [*{**a, **b}]
    groups = {field.partition(".")[0]: place for place, field in reversed([*enumerate(fields)])}
    fields.sort(key=lambda field: groups[field.partition(".")[0]])
    both = ((field, a.get(field, ABSENT), b.get(field, ABSENT)) for field in fields)
    return [(field, _change(one, other), one, other) for field, one, other in both]


def _change(a: Any, b: Any) -> str:
    if a is ABSENT or b is ABSENT:
        return "added" if a is ABSENT else "removed"
    return "equal" if same(a, b) else "changed"


def same(a: Any, b: Any) -> bool:
    """Whether two values are one: NaN equals NaN, 1 equals 1.0, and True doesn't equal 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list) and isinstance(b, list):
        return same(dict(enumerate(a)), dict(enumerate(b)))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def _less(b: Any, a: Any) -> float:
    numbers = [one for one in (b, a) if isinstance(one, (int, float)) and not isinstance(one, bool)]
    return float(numbers[0]) - float(numbers[1]) if len(numbers) == 2 else math.nan


def _fields(side: Side) -> Fields:
    """The fields of an entity; of a trial also those of its components, by their names."""
    state = state_of(side.reading, side.entity)
    found = fields_of(state)
    if state and side.entity.kind == "trial":
        names = numbered(one["name"] for one in state["components"])
        for name, one in zip(names, state["components"], strict=True):
            inner = state_of(side.reading, Entity("component", one["id"], one["name"]))
            found |= {f"{name}: {field}": value for field, value in fields_of(inner).items() if field[:7] != "trials."}
    return found


def _words(change: str, a: Any, b: Any, by: float) -> str:
    match change:
        case "added":
            return _exactly(b)
        case "removed" | "equal":
            return _exactly(a)
        case _:
            return f"{_exactly(a)} → {_exactly(b)}" + ("" if math.isnan(by) else f"  ({by:+.6g})")


def _exactly(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return repr(value) if isinstance(value, float) else "null" if value is None else person(value)


def _whole(side: Mapping[str, Any]) -> str:
    at = f", as of {side['as_of']}" if side["as_of"] else ""
    known = f", known at {side['known_at']}" if isinstance(side["known_at"], str) and side["known_at"] else ""
    return f"{side['kind']} {side['name']} ({side['id']}){at}{known}"


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "experiment" else f"a {kind}"
