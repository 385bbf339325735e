"""Filters about trials and experiments: there are few enough to read them all and look at each.

What nests in a filter is answered by the ids of the things inside, and by who has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np

from epochal_query import listings
from epochal_query.attributes import NOUNS, Attribute
from epochal_query.columns import Codes, decoded, id_texts, instants, texts
from epochal_query.errors import FilterError
from epochal_query.filter_names import EVERYTHING, incomparable, said_types
from epochal_query.filter_sql import comparable_types
from epochal_query.filter_tree import All, Condition, Field, Has, IsNull, Leaf, Not, OrderKey, Some, leaves
from epochal_query.filter_values import Flags, attribute_flags, cell_flags, type_of
from epochal_query.names import unknown
from epochal_query.ordering import Sortable, ordered
from epochal_query.param_paths import cells, meant, shown
from epochal_query.reading import Reading, at

Listed = Literal["trial", "experiment"]
Choose = Callable[[Condition], list[str]]
"""The ids of the components that satisfy a filter."""

_CHAIN = ("component", "trial", "experiment")


def having(reading: Reading, of: str, has: Has, choose: Choose) -> list[str]:
    """The ids of what (component, trial or experiment) has one single thing that satisfies what is nested."""
    if has.what in ("component", "run"):
        return _owners(reading, "component", of, choose(running(has.inside) if has.what == "run" else has.inside))
    return _owners(reading, has.what, of, listed_ids(reading, cast(Listed, has.what), has.inside, (), choose))


def running(where: Condition | None) -> Condition:
    """The filter, and that it ran."""
    ran = Not(IsNull(Field("", "status")))
    return ran if where is None else All((where, ran))


def _owners(reading: Reading, what: str, of: str, ids: Sequence[str]) -> list[str]:
    """From things to what has them, or is in them, step by step."""
    here, there = _CHAIN.index(what), _CHAIN.index(of)
    way = 1 if there > here else -1
    for place in range(here, there, way):
        known, wanted = _CHAIN[place], _CHAIN[place + way]
        view = "memberships" if "component" in (known, wanted) else "trials"
        table = reading.rows(
            f"""SELECT DISTINCT {wanted} AS id FROM {at(view)}
                WHERE project = {{project:String}}
                  AND {known} IN (SELECT arrayJoin(JSONExtract({{ids:String}}, 'Array(UUID)')))""",
            ids=json.dumps(list(ids)),
        )
        ids = id_texts(table, "id")
    return list(ids)


def listed_ids(
    reading: Reading, what: Listed, where: Condition | None, order: tuple[OrderKey, ...], choose: Choose
) -> list[str]:
    """The ids of the trials or experiments that satisfy a filter, in order, else in the order of their creation.

    Raises:
        FilterError: the filter or the order makes no sense, or can't match anything.
        UnknownNameError: it names a tag or a variable that nothing ever had.
    """
    listed = _Listed.read(reading, what)
    compared = [] if where is None else list(leaves(where))
    named = [one for one in (*(leaf.field for leaf in compared), *(key.field for key in order)) if one.root]
    # a name may be known by what was deleted since, or by what came later
    both = [listed] if reading.is_present or not named else [listed, _Listed.read(reading.present, what)]
    for one in dict.fromkeys(named):
        _check_cells(both, one, compared)
    places = np.arange(len(listed.ids))
    if where is not None:
        places = places[_truth(listed, where, choose)]
    keys = [(_sortable(listed, key.field), key.descending) for key in order]
    return [listed.ids[place] for place in ordered(keys, len(listed.ids), places)]


@dataclass(frozen=True)
class _Listed:
    """All trials or experiments at a place in both times; what costs more is asked for when it is needed."""

    reading: Reading
    what: Listed
    table: Any
    ids: list[str]

    @classmethod
    def read(cls, reading: Reading, what: Listed) -> _Listed:
        """Ask for them."""
        if what == "trial":
            table = listings.trial_table(reading)
            return cls(reading, what, table, id_texts(table, "trial"))
        frame = listings.experiments(reading)
        return cls(reading, what, frame, list(frame["id"]))

    @cached_property
    def _ran(self) -> tuple[Any, list[str]]:
        return listings.trial_components(self.reading, self.table)

    @cached_property
    def _free(self) -> Mapping[str, list[dict[str, Any]]]:
        tags = listings.tags_of(self.reading, self.what)
        found = {"tags": [tags.get(id_, {}) for id_ in self.ids]}
        if self.what == "trial":
            variables = [decoded(value or "{}") for value in texts(self.table, "variables")]
            found["variables"] = [dict(cells(one)) for one in variables]
        return found

    def attribute(self, one: Attribute) -> list[Any]:
        """The values of an attribute; None where it is absent."""
        if self.what == "experiment":
            return [value if value != "" else None for value in self.table[one.column]]
        match one.column:
            case "id":
                return list(self.ids)
            case "name":
                return list(listings.trial_labels(self.table))
            case "status":
                return [value or None for value in self._ran[1]]
            case "components":
                return list(self._ran[0])
            case "created":
                return list(instants(self.table, "created_at"))
            case name:
                return [value or None for value in texts(self.table, name)]

    def cells(self, by: Field) -> list[Any]:
        """The values of a tag or a variable; None where it is absent."""
        return [next((row[key] for key in meant(by.name, row)), None) for row in self._free[by.root]]

    def keys(self, root: str) -> list[str]:
        """The tags or variables that there are."""
        return list(dict.fromkeys(key for row in self._free[root] for key in row))


def _check_cells(lists: Sequence[_Listed], by: Field, compared: Sequence[Leaf]) -> None:
    """That a tag or a variable was ever said, and has values that each comparison can work on; in one of the lists."""
    reading, what = lists[0].reading, lists[0].what
    have = {type_of(value) for listed in lists for value in listed.cells(by)} - {"null"}
    if by.root == "tags":
        said = said_types(reading, EVERYTHING, "tag", [by.name], what)
        have |= set[str]().union(*said.values())
    keys = list(dict.fromkeys(key for listed in lists for key in listed.keys(by.root)))
    if not have and not meant(by.name, keys):
        raise unknown(by.root.removesuffix("s"), by.name, map(shown, keys), f" of {what}s")
    for leaf in compared:
        wanted = comparable_types(leaf)
        if leaf.field == by and wanted and not wanted & have:
            raise FilterError(incomparable(leaf, wanted, have, f"{what} of project {reading.project!r}"))


def _truth(listed: _Listed, node: Condition, choose: Choose) -> Flags:
    match node:
        case All(parts):
            return cast(Flags, np.logical_and.reduce([_truth(listed, part, choose) for part in parts]))
        case Some(parts):
            return cast(Flags, np.logical_or.reduce([_truth(listed, part, choose) for part in parts]))
        case Not(part):
            return ~_truth(listed, part, choose)
        case Has():
            found = set(having(listed.reading, listed.what, node, choose))
            return np.array([id_ in found for id_ in listed.ids], dtype=np.bool_)
        case _:
            return _leaf(listed, cast(Leaf, node), listed.reading.now)


def _leaf(listed: _Listed, leaf: Leaf, now: datetime) -> Flags:
    if leaf.field.root:
        return cell_flags(leaf, listed.cells(leaf.field))
    attribute = NOUNS[listed.what].attributes[leaf.field.name]
    return attribute_flags(leaf, attribute.type, listed.attribute(attribute), now)


def _sortable(listed: _Listed, by: Field) -> Sortable:
    raw = listed.cells(by) if by.root else listed.attribute(NOUNS[listed.what].attributes[by.name])
    places: Codes = np.array([i for i, value in enumerate(raw) if value is not None], dtype=np.int64)
    numbers, words = np.zeros(len(places)), list[str | None]()
    for i, value in enumerate(raw[place] for place in places):
        number = value.timestamp() if isinstance(value, datetime) else value
        is_number = isinstance(number, (bool, int, float, np.number))
        numbers[i] = float(number) if is_number else 0.0
        words.append(None if is_number else value if isinstance(value, str) else json.dumps(value))
    return Sortable(places, numbers, words)
