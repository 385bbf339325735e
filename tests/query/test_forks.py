"""Forks: a component whose series begin with the points of another, at any place in both times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from query.conftest import Bare
from query.written import START, Log

from epochal_query.errors import UnknownNameError
from epochal_query.store import Store

Line = list[tuple[float, float]]


@dataclass
class Family:
    """``old`` was continued by ``young`` up to step 3, that by ``youngest`` up to step 4; ``alone`` can't name it."""

    store: Store
    old: str
    young: str
    youngest: str
    alone: str
    watermarks: dict[str, dict[str, int]]

    def line(self, of: str, metric: str = "loss", **choice: Any) -> Line:
        """The points of one metric of one component."""
        frame = self.store.metrics(component=of, metric=metric, **choice)
        return list(zip(frame["step"], frame["value"], strict=True))


def opened(log: Log, trial: UUID, name: str, writer: UUID, rank: int = 0, component: UUID | None = None) -> UUID:
    """A component whose writer goes on."""
    found = component or uuid4()
    where: dict[str, Any] = {"component": found, "rank": rank, "attempt": f"{name}-{rank}"}
    who: dict[str, Any] = {"host": "here", "pid": 1, "process": uuid4(), "version": "0", "heartbeat_s": 10}
    log.say("writer.opened", writer, **where, **who, role="main", world_size=2)
    log.say("component.created", writer, component=found, key=str(found), name=name, kind="training")
    log.say("component.attached", writer, component=found, trial=trial)
    return found


def fork(
    log: Log, writer: UUID, into: UUID, of: UUID, step: float, past: list[list[Any]] | None, rank: int = 0
) -> None:
    """Say that a rank continues another component."""
    log.say("run.forked", writer, component=into, rank=rank, attempt="", of=of, step=step, past=past)


@pytest.fixture(scope="module")
def family(bare: Bare) -> Family:
    """Three generations; the oldest goes on, is rewound and overwritten after it was forked."""
    log = bare.log("forks")
    trial = log.trial(log.experiment("forks"), {})
    a, other, b, c, d = (uuid4() for _ in range(5))
    old = opened(log, trial, "old", a)
    opened(log, trial, "old", other, 1, old)
    log.points(old, a, {"loss": [(s, s) for s in range(5)], "only": [(s, -s) for s in range(5)], "sys/cpu": [(0, 9)]})
    log.points(old, other, {"loss": [(s, 100 + s) for s in range(5)]}, rank=1)
    young = opened(log, trial, "young", b)
    fork(log, b, young, old, 3, [[str(old), str(a), 0, 11, 3.0]])
    fork(log, b, young, old, 3, [[str(old), str(other), 0, 5, 3.0]], rank=1)
    watermarks = {"forked": log.flush()}
    log.points(young, b, {"loss": [(3, 13), (4, 14), (5, 15)]})
    youngest = opened(log, trial, "youngest", c)
    fork(log, c, youngest, young, 4, [[str(old), str(a), 0, 11, 3.0], [str(young), str(b), 0, 3, 4.0]])
    log.points(youngest, c, {"loss": [(5, 25)]})
    alone = opened(log, trial, "alone", d)
    fork(log, d, alone, old, 3, None)
    log.points(alone, d, {"loss": [(4, 44)]})
    log.tick(60)
    log.say("run.rewound", a, component=old, rank=0, attempt="", to_step=1, abandoned=[[str(a), 11]])
    log.points(old, a, {"loss": [(0, 1000), (2, 1002)]})
    watermarks["later"] = log.flush()
    return Family(bare.open("forks"), str(old), str(young), str(youngest), str(alone), watermarks)


YOUNG: Line = [(0, 0), (1, 1), (2, 2), (3, 13), (4, 14), (5, 15)]
YOUNGEST: Line = [*YOUNG[:5], (5, 25)]


def test_a_fork_has_the_past_that_it_names(family: Family) -> None:
    """Up to its step, its own points over it, over generations; what becomes of the past there changes nothing here."""
    assert family.line(family.young) == YOUNG
    assert family.line(family.youngest) == YOUNGEST
    assert family.line(family.young, "only") == [(0, 0), (1, -1), (2, -2), (3, -3)]
    assert family.line(family.old) == [(0, 1000), (1, 1), (2, 1002)]
    assert family.line(family.alone) == [(4, 44)]


def test_ranks_continue_ranks(family: Family) -> None:
    """Each the one of its number; the lowest is shown unless others are asked for."""
    frame = family.store.metrics(component=family.young, metric="loss", ranks="each")
    assert list(frame[frame["rank"] == 1]["value"]) == [100, 101, 102, 103]
    assert list(zip(*(frame[frame["rank"] == 0][name] for name in ("step", "value")), strict=True)) == YOUNG


def test_metrics_of_several_components_are_told_apart(family: Family) -> None:
    """Also where a component has no point of its own of a metric."""
    frame = family.store.metrics(experiment="forks", metric="only")
    assert {name: len(part) for name, part in frame.groupby("name")} == {"old": 2, "young": 4, "youngest": 4}
    everything = family.store.metrics(component=family.youngest)
    assert set(everything["metric"]) == {"loss", "only"}


def test_what_the_machine_did_is_nobodys_past(family: Family) -> None:
    """System metrics stay where they were measured."""
    assert list(family.store.metrics(component=family.old, metric="sys/cpu")["value"]) == [9]
    with pytest.raises(UnknownNameError):
        family.store.metrics(component=family.young, metric="sys/cpu")


@pytest.mark.long
def test_summaries_follow(family: Family) -> None:
    """Reports, filters, the best and states are those of the whole series."""
    report = family.store.report("forks", metrics=["loss", "only"]).set_index("Name")
    assert report.loc["youngest", "loss - Count"] == 6
    assert report.loc["youngest", "loss - Max"] == 25
    assert report.loc["youngest", "loss - Min"] == 0
    assert report.loc["young", "only - Last"] == -3
    assert report.loc["alone", "loss - Count"] == 1
    found = family.store.report("forks", where="metrics.only.min = -3")
    assert set(found["Name"]) == {"young", "youngest"}
    best = family.store.best("forks", "only", mode="min", by="min", where="name = 'youngest'")
    assert list(best["only - Min"]) == [-3]
    assert family.store.state(family.youngest)["metrics"]["only"]["count"] == 4


def test_a_chart_reaches_back(family: Family) -> None:
    """At most so many points, from the first of the past to the last of its own."""
    shown = family.line(family.youngest, max_points=5)
    assert len(shown) <= 5
    assert (shown[0], shown[-1]) == (YOUNGEST[0], YOUNGEST[-1])
    assert len(family.line(family.young, "only", max_points=5)) == 4


def test_both_clocks_reach_the_past(family: Family) -> None:
    """A point that wasn't there yet, or wasn't known, isn't in what continues it either."""
    assert family.line(family.young, known_at=family.watermarks["forked"]) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert family.line(family.youngest, known_at=family.watermarks["later"]) == YOUNGEST
    assert family.line(family.youngest, as_of=START) == []


def test_forks_are_listed_and_in_the_lineage(family: Family) -> None:
    """Which component, at which step; and whether the points are named."""
    sql = "SELECT toString(component) AS c, rank, toString(of) AS of, step, named FROM forks WHERE project = 'forks'"
    rows = {tuple(row) for row in family.store.sql(sql).itertuples(index=False)}
    assert rows == {
        (family.young, 0, family.old, 3.0, True),
        (family.young, 1, family.old, 3.0, True),
        (family.youngest, 0, family.young, 4.0, True),
        (family.alone, 0, family.old, 3.0, False),
    }
    assert family.store.state(family.youngest)["forks"] == [{"rank": 0, "of": family.young, "step": 4.0, "named": True}]
    told = family.store.history(family.young, "forks")
    assert [(one["of"], one["step"]) for one in told["value"]] == [(family.old, 3.0)] * 2
    edges = family.store.lineage(family.youngest).edges
    assert set(zip(edges["source"], edges["target"], edges["relation"], strict=True)) == {
        (family.old, family.young, "DerivedFrom"),
        (family.young, family.youngest, "DerivedFrom"),
    }
    assert len(family.store.lineage(family.old, "descendants").nodes) == 4


def test_a_rewind_takes_back_what_was_continued(bare: Bare) -> None:
    """It names the writers of the past as well as its own; the branch that it left has them."""
    log = bare.log("forks-rewound")
    trial = log.trial(log.experiment("e"), {})
    a, b = uuid4(), uuid4()
    old, young = opened(log, trial, "old", a), opened(log, trial, "young", b)
    log.points(old, a, {"loss": [(s, s) for s in range(4)]})
    fork(log, b, young, old, 2, [[str(old), str(a), 0, 4, 2.0]])
    log.points(young, b, {"loss": [(3, 13)]})
    log.say("run.rewound", b, component=young, rank=0, attempt="", to_step=1, abandoned=[[str(a), 4], [str(b), 1]])
    log.points(young, b, {"loss": [(2, 22)]})
    log.flush()
    store = bare.open("forks-rewound")
    lines = {
        branch: list(part["value"])
        for branch, part in store.metrics(component=young, metric="loss", branch="all").groupby("branch")
    }
    assert lines == {0: [0, 1, 2, 13], 1: [0, 1, 22]}
    assert list(store.metrics(component=old)["value"]) == [0, 1, 2, 3], "the component that was forked is as it was"


def test_own_points_win_whatever_the_clocks_say(bare: Bare) -> None:
    """Over all generations: the machine of the younger one is an hour behind."""
    log = bare.log("forks-clocks")
    trial = log.trial(log.experiment("e"), {})
    a, b, c = uuid4(), uuid4(), uuid4()
    old, young, youngest = (opened(log, trial, name, w) for name, w in (("old", a), ("young", b), ("youngest", c)))
    pieces: list[list[Any]] = [[str(old), str(a), 0, 3, 2.0], [str(young), str(b), 0, 2, 2.0]]
    fork(log, b, young, old, 2, pieces[:1])
    fork(log, c, youngest, young, 2, pieces)
    before = log.flush()
    for component, writer, line in ((old, a, [0, 1, 2]), (young, b, [11, 12]), (youngest, c, [22])):
        log.points(component, writer, {"loss": [(3 - len(line) + i, value) for i, value in enumerate(line)]})
        log.tick(-3600)
    log.flush()
    store = bare.open("forks-clocks")
    lines = [list(store.metrics(component=one)["value"]) for one in (old, young, youngest)]
    assert lines == [[0, 1, 2], [0, 11, 12], [0, 11, 22]]
    assert store.metrics(component=youngest, known_at=before).empty, "what is named may come later"


def test_what_was_deleted_there_stays_here(bare: Bare) -> None:
    """A deletion hides points of the component that it deletes."""
    log = bare.log("forks-deleted")
    trial = log.trial(log.experiment("e"), {})
    a, b = uuid4(), uuid4()
    old, young = opened(log, trial, "old", a), opened(log, trial, "young", b)
    log.points(old, a, {"loss": [(s, s) for s in range(4)]})
    fork(log, b, young, old, 2, [[str(old), str(a), 0, 4, 2.0]])
    log.say("entity.deleted", uuid4(), kind="component", entity=old, abandoned=[[str(a), 4]])
    log.flush()
    store = bare.open("forks-deleted")
    assert list(store.metrics(component=young)["value"]) == [0, 1, 2]
    log.say("entity.deleted", uuid4(), kind="component", entity=young, abandoned=[])
    log.flush()
    assert len(store.sql("SELECT 1 FROM points WHERE project = 'forks-deleted'")) == 0
