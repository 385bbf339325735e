"""Rewinds: the main line, and the branches that were left, as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from query.conftest import Bare
from query.written import START, Log

from epochal_query.errors import FilterError
from epochal_query.store import Store

Line = list[tuple[float, float]]


@dataclass
class Story:
    """A component of two ranks; rank 0 was rewound twice."""

    store: Store
    run: str
    rewinds: list[str]
    watermarks: list[dict[str, int]]

    def line(self, branch: Any, metric: str = "loss", **choice: Any) -> Line:
        """The points of one branch of one metric."""
        frame = self.store.metrics(component=self.run, metric=metric, branch=branch, **choice)
        return list(zip(frame["step"], frame["value"], strict=True))


def rewind(log: Log, run: UUID, writer: UUID, to_step: float, abandoned: list[tuple[UUID, int]]) -> str:
    """Say that rank 0 of a component was rewound; the event."""
    seq = log.events_of(writer)
    named = [[str(w), count] for w, count in abandoned]
    log.say("run.rewound", writer, component=run, rank=0, attempt="one", to_step=to_step, abandoned=named)
    return f"{writer}:{seq}"


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    """Steps 0 to 4; rewound to 2, then 3, 4, 5; rewound to 3, then 4. One step of the first branch was logged twice."""
    log = bare.log("branches")
    run, writer, other = uuid4(), uuid4(), uuid4()
    for one, rank in ((writer, 0), (other, 1)):
        where: dict[str, Any] = {"component": run, "rank": rank, "attempt": "one"}
        who: dict[str, Any] = {"host": "here", "pid": 1, "process": uuid4(), "version": "0", "heartbeat_s": 10}
        log.say("writer.opened", one, **where, **who, role="main", world_size=2)
        log.say("component.created", one, component=run, key="k", name="training", kind="training")
        log.say("run.started", one, **where, world_size=2)
    log.points(run, writer, {"loss": [(s, s) for s in range(5)] + [(4, 4.5)], "other": [(9, 9)]})
    log.points(run, other, {"loss": [(s, 100 + s) for s in range(5)]}, rank=1)
    watermarks = [log.flush()]
    log.tick(60)
    first = rewind(log, run, writer, 2, [(writer, 7)])
    log.points(run, writer, {"loss": [(3, 13), (4, 14), (5, 15)]})
    watermarks.append(log.flush())
    log.tick(60)
    second = rewind(log, run, writer, 3, [(writer, 10)])
    log.points(run, writer, {"loss": [(4, 24)]})
    log.flush()
    return Story(bare.open("branches"), str(run), [first, second], watermarks)


BRANCHES: list[Line] = [
    [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4.5)],
    [(0, 0), (1, 1), (2, 2), (3, 13), (4, 14), (5, 15)],
    [(0, 0), (1, 1), (2, 2), (3, 13), (4, 24)],
]


@pytest.mark.long
def test_each_branch_is_as_it_was_left(story: Story) -> None:
    """By number or by the rewind that began it; the newest is the main line."""
    assert [story.line(branch) for branch in range(3)] == BRANCHES
    assert [story.line(event) for event in story.rewinds] == BRANCHES[1:]
    assert story.line(None) == BRANCHES[2]
    assert story.line(0, "other") == [(9, 9)]
    assert story.line(1, "other") == []


def test_all_branches_at_once(story: Story) -> None:
    """One below the other, in a column of their own that is there only when asked for."""
    frame = story.store.metrics(component=story.run, metric="loss", branch="all")
    assert list(frame.columns[5:8]) == ["rank", "branch", "step"]
    for branch, line in enumerate(BRANCHES):
        mine = frame[frame["branch"] == branch]
        assert list(zip(mine["step"], mine["value"], strict=True)) == line
    assert "branch" not in story.store.metrics(component=story.run)


def test_ranks_branch_on_their_own(story: Story) -> None:
    """A rank that was never rewound has branch 0 alone, also among others and over them."""
    frame = story.store.metrics(component=story.run, metric="loss", branch="all", ranks="each")
    assert set(zip(frame["rank"], frame["branch"], strict=True)) == {(0, 0), (0, 1), (0, 2), (1, 0)}
    mean = story.store.metrics(component=story.run, metric="loss", branch="all", ranks="mean")
    of_both = mean[(mean["branch"] == 0) & (mean["step"] == 1)]
    assert list(of_both["value"]) == [51.0]
    assert list(mean[mean["branch"] == 1]["value"]) == [value for _, value in BRANCHES[1]]


def test_a_chart_of_branches_is_thinned_line_by_line(story: Story) -> None:
    """Each has at most so many points, its ends and extremes among them."""
    frame = story.store.metrics(component=story.run, metric="loss", branch="all", max_points=5)
    assert set(frame.groupby("branch").size()) <= {2, 3, 4, 5}
    for branch, line in enumerate(BRANCHES):
        shown = list(frame[frame["branch"] == branch]["step"])
        assert {shown[0], shown[-1]} == {line[0][0], line[-1][0]}


def test_branches_follow_both_clocks(story: Story) -> None:
    """What was a branch then, as it was true and as it was known."""
    assert story.line(None, known_at=story.watermarks[0]) == BRANCHES[0]
    assert story.line(1, known_at=story.watermarks[1]) == BRANCHES[1]
    assert story.line(2, known_at=story.watermarks[1]) == []
    assert story.line("all", as_of=START) == []
    assert len(story.store.branches(story.run, known_at=story.watermarks[1])) == 3


def test_branches_are_listed(story: Story) -> None:
    """With where each begins, since when, and by which attempt."""
    frame = story.store.component(story.run).branches()
    assert list(frame.columns) == ["component", "rank", "branch", "newest", "step", "time", "attempt", "event"]
    shown = [tuple(row) for row in frame[["rank", "branch", "newest", "event"]].itertuples(index=False)]
    first, second = story.rewinds
    assert shown == [(0, 0, False, ""), (0, 1, False, first), (0, 2, True, second), (1, 0, True, "")]
    assert frame["step"].tolist()[1:3] == [2.0, 3.0]
    assert frame["step"].isna().tolist() == [True, False, False, True]
    assert frame["attempt"].tolist()[1:3] == [1, 1]
    assert frame["time"].notna().tolist() == [False, True, True, False]


@pytest.mark.parametrize("branch", [3, "0190:1", "0190:1 ", 2**31])
def test_a_branch_that_nothing_has_is_an_error(story: Story, branch: Any) -> None:
    """It says which there are."""
    with pytest.raises(FilterError, match="branches 0 to 2"):
        story.line(branch)


@pytest.mark.parametrize("branch", [-1, True, 1.0, "main", "", [0]])
def test_what_is_no_branch_is_an_error(story: Story, branch: Any) -> None:
    """It says what is accepted."""
    with pytest.raises(FilterError, match="'all' for every one"):
        story.line(branch)
