"""What a reading makes simpler, as nothing was deleted or the log is read to a watermark, shows the same rows."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from views.engine_of_tests import AtTheEnd, TestEngine
from views.showing import SHOWN, Rows
from views.taking_in import take_in
from views.worlds import BASE_US, LOGS, SECOND, World, world

from epochal_query.columns import ids, texts
from epochal_query.lineage_graph import RELATIONS
from epochal_query.lineage_index import KINDS, Edges, read_edges
from epochal_query.memberships import Members
from epochal_query.reading import KNOWN, Reading, at

NOW = datetime(2200, 1, 1, tzinfo=UTC)
UNDOING = frozenset({"event.undone", "event.redone"})
REPAIRS = UNDOING | {"points.corrected"}
FORKS = frozenset({"run.forked"})
CUTS = frozenset({"entity.deleted", "run.rewound"}) | FORKS
CALM = CUTS | REPAIRS
Place = tuple[object, object]
PLACES: list[Place] = [
    (None, None),
    (None, {LOGS[0]: 25, LOGS[1]: 7}),
    (None, {LOGS[1]: 11}),
    (None, datetime.fromtimestamp((BASE_US + 10 * SECOND) / 1e6, UTC)),
    (datetime.fromtimestamp((BASE_US + 30 * SECOND) / 1e6, UTC), None),
    (datetime.fromtimestamp((BASE_US + 3 * SECOND) / 1e6, UTC), {LOGS[0]: 40, LOGS[1]: 40}),
]


def turns(worlds: list[World], each: int, turn: int = 0) -> list[tuple[World, Place]]:
    """Every world at this many places; worlds take turns at all of them."""
    return [
        (one, PLACES[(turn + i) % len(PLACES)]) for n, one in enumerate(worlds) for i in range(n * each, (n + 1) * each)
    ]


def plain(rows: Rows) -> Rows:
    """Ids as UUIDs."""
    return [{k: UUID(bytes=v) if isinstance(v, bytes) and len(v) == 16 else v for k, v in r.items()} for r in rows]


def by_view(engine: TestEngine, reading: Reading, view: str) -> Rows:
    """What the stored view shows at the reading's place."""
    bounds = "as_of = {as_of:String}, known_at = {known_at:String}"
    sql = f"SELECT * FROM {view}_at({bounds}) WHERE project = {{project:String}}"
    at = {"as_of": reading.bounds.as_of, "known_at": reading.bounds.known_at, "project": reading.project}
    return plain(engine.rows(sql, **at))


def by_reading(reading: Reading, view: str, **parameters: Any) -> Rows:
    """What the reading shows."""
    only = "AND component IN {components:Array(UUID)}" if parameters else ""
    table = reading.rows(f"SELECT * FROM {at(view)} WHERE project = {{project:String}} {only}", **parameters)
    return plain(table.to_pylist())


def rounded(rows: Rows) -> set[str]:
    """Summaries as texts; sums that parts may be added up to in any order, to 11 digits."""
    keys = ("component", "metric", "rank", "count", "nan_count", "min", "argmin", "max", "argmax", "first", "last")
    return {json.dumps([str(r[k]) for k in keys] + [f"{r[k] or 0:.11g}" for k in ("mean", "std")]) for r in rows}


def worlds_of(dice: random.Random, without: frozenset[str]) -> list[World]:
    return [
        world(dice, f"reading-{uuid.uuid4()}", dice.choice((20, 60)), dice.choice((4, 12)), without) for _ in range(3)
    ]


KINDS_OF_WORLDS = {
    "calm": CALM,
    "repaired": CUTS,
    "corrected": CUTS | UNDOING,
    "cut": REPAIRS,
    "unforked": FORKS,
    "original": FORKS | REPAIRS,
    "rewound": frozenset({"entity.deleted"}),
    "any": frozenset[str](),
}
"""What is left out of worlds in which nothing, something or much is taken out."""


def read(engine: TestEngine, one: World, place: Place) -> Reading:
    """A world at a place in both times."""
    return Reading.begin(AtTheEnd(engine), one.project, *place, NOW)


def check(engine: TestEngine, one: World, place: Place) -> None:
    """All views of it."""
    reading = read(engine, one, place)
    for fact, without_it in (("uncut", CUTS), ("original", REPAIRS - UNDOING), ("standing", UNDOING)):
        assert (fact in reading.facts) == (not any(e.envelope.type[8:] in without_it for e in one.events))
    for view, (show, _) in SHOWN.items():
        expected, shown = by_view(engine, reading, view), by_reading(reading, view)
        assert show(shown) == show(expected), f"{view} at {reading.bounds}"
        assert len(shown) == len(expected)
    assert rounded(by_reading(reading, "summaries")) == rounded(by_view(engine, reading, "summaries"))


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS_OF_WORLDS)
def test_a_reading_shows_what_the_views_show(engine: TestEngine, kind: str) -> None:
    """All views of three worlds of each kind, each at another place in both times; kinds take turns at the places."""
    without, turn = KINDS_OF_WORLDS[kind], list(KINDS_OF_WORLDS).index(kind)
    dice = random.Random(len(without))
    worlds = worlds_of(dice, without)
    take_in(engine, worlds, dice)
    for one, place in turns(worlds, 1, turn):
        check(engine, one, place)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS_OF_WORLDS)
def test_a_reading_shows_at_every_place_what_the_views_show(engine: TestEngine, kind: str) -> None:
    """As above, each world at every place."""
    dice = random.Random(len(KINDS_OF_WORLDS[kind]))
    worlds = worlds_of(dice, KINDS_OF_WORLDS[kind])
    take_in(engine, worlds, dice)
    for one in worlds:
        for place in PLACES:
            check(engine, one, place)


def test_a_reading_of_named_components_shows_theirs(engine: TestEngine) -> None:
    """With the ids of components bound, a view shows the rows of these and of no others."""
    dice = random.Random(11)
    worlds = worlds_of(dice, CALM)
    take_in(engine, worlds, dice)
    for one in worlds:
        reading = Reading.begin(AtTheEnd(engine), one.project, None, None, NOW)
        everyone = sorted({row["component"] for row in by_reading(reading, "components")}, key=str)
        for view in ("components", "params", "memberships", "artifacts", "attempts", "metrics", "environments"):
            show = SHOWN[view][0]
            some = everyone[::2]
            expected = [row for row in by_view(engine, reading, view) if row["component"] in some]
            assert show(by_reading(reading, view, components=[str(c) for c in some])) == show(expected), view


def lines(members: Members) -> list[tuple[object, ...]]:
    """What it says of each (component, trial), in its order."""
    table = members.table
    of_ids = (ids(table, name) for name in ("component", "trial", "experiment"))
    experiments = [members.experiments.get(id_) for id_ in ids(table, "experiment")]
    return list(zip(*of_ids, texts(table, "name"), texts(table, "variables"), experiments, strict=True))


@pytest.mark.parametrize("without", [CALM, frozenset()], ids=["calm", "any"])
def test_memberships_of_a_few_components_are_those_of_the_views(engine: TestEngine, without: frozenset[str]) -> None:
    """One query for all that is said of them finds what the views show, with their names."""
    dice = random.Random(12 + len(without))
    worlds = [world(dice, f"members-{uuid.uuid4()}", 240, 12, without) for _ in range(4)]
    take_in(engine, worlds, dice)
    seen = 0
    for one, place in turns(worlds, 3):
        reading = read(engine, one, place)
        everyone = [str(row["component"]) for row in by_view(engine, reading.present, "components")]
        names = {row["component"]: row["name"] for row in by_view(engine, reading, "components")}
        some = [*dice.sample(everyone, len(everyone) // 2), str(uuid.uuid4())]
        few = Members.of_few(reading, some)
        all_ = Members.read(reading, "component IN {components:Array(UUID)}", {"components": some})
        assert lines(few) == lines(all_)
        assert few.components is not None
        found = dict(zip(ids(few.components, "component"), texts(few.components, "name"), strict=True))
        assert found == {id_: name for id_, name in names.items() if str(id_) in some}
        seen += few.table.num_rows
    assert seen


def walked(edges: Edges) -> list[tuple[str, str, str]]:
    """The edges of a graph as relation, source and target."""
    every = np.ones(len(edges.index), np.bool_)
    names = {number: id_ for kind in KINDS for id_, number in edges.index.numbers(kind, every).items()}
    graph = edges.graph
    ends = zip(graph.relations, graph.sources, graph.targets, strict=True)
    return sorted((RELATIONS[relation], names[int(source)], names[int(target)]) for relation, source, target in ends)


@pytest.mark.parametrize("events", [8, 200], ids=["said once", "said often"])
def test_the_edges_that_a_lineage_walks_are_those_of_the_view(engine: TestEngine, events: int) -> None:
    """Whether every artifact was mentioned once, so that nothing has to be folded, or again and again."""
    dice = random.Random(events)
    worlds = [world(dice, f"edges-{uuid.uuid4()}", events, 1, CALM) for _ in range(6)]
    take_in(engine, worlds, dice)
    found = 0
    for one, place in turns(worlds, 2):
        reading = read(engine, one, place)
        rows = by_view(engine, reading, "edges")
        expected = sorted((row["relation"], row["source"], row["target"]) for row in rows)
        assert walked(read_edges(reading)) == expected, f"at {reading.bounds}"
        found += len(expected)
    assert found


def test_where_the_reader_knows_what_exists_the_engine_does_not_look(engine: TestEngine) -> None:
    """The rows of components that exist are the same; there may be others."""
    dice = random.Random(13)
    worlds = worlds_of(dice, CALM)
    take_in(engine, worlds, dice)
    for one, place in turns(worlds, 2):
        reading = read(engine, one, place)
        exist = {row["component"] for row in by_view(engine, reading, "components")}
        for view in ("params", "artifacts"):
            sql = f"SELECT * FROM {at(view)} WHERE project = {{project:String}}"
            shown = [row for row in plain(reading.rows(sql, KNOWN).to_pylist()) if row["component"] in exist]
            show = SHOWN[view][0]
            assert show(shown) == show(by_view(engine, reading, view)), f"{view} at {reading.bounds}"


def test_where_nothing_is_taken_out_a_reading_asks_for_less(engine: TestEngine) -> None:
    """Without deletions a query joins no lives, and without rewinds no cuts."""
    source = AtTheEnd(engine)
    reading = Reading.begin(source, f"empty-{uuid.uuid4()}", None, None, NOW)
    by_reading(reading, "metrics")
    by_reading(reading, "trials")
    assert reading.facts == {"undeleted", "unforked", "uncut", "original", "standing", "watermark", "present"}
    assert not any("JOIN" in sql for sql in source.asked)
