"""Clearing up: a whole experiment at once, and all that is in no trial."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from query.conftest import Bare
from query.test_deletion import Story, changes

from epochal_query import DeletionError


@pytest.mark.long
def test_three_hundred_trials_go_in_one_call(bare: Bare) -> None:
    """With their components; what another experiment has, too, stays, and one call brings all back."""
    story = Story(bare)
    big = story.log.experiment("big")
    trials = [story.log.trial(big, {"n": n}) for n in range(300)]
    for trial in trials:
        story.log.run([trial], params={"n": 1})
    shared = story.log.run([*trials, story.c], "shared", status="never")
    story.log.flush()
    before = story.store.report("big")
    assert len(before) == 301
    done = story.store.delete("big", confirm="big", cascade=True)
    assert done.groupby(["kind", "change"]).size().to_dict() == {
        ("component", "deleted"): 300,
        ("component", "kept"): 1,
        ("experiment", "deleted"): 1,
        ("trial", "deleted"): 300,
    }
    assert list(story.store.component(shared).trials()["id"]) == [str(story.c)]
    assert "big" not in set(story.store.experiments()["name"])
    back = story.store.restore("big")
    assert (back["change"] == "restored").sum() == 601
    assert len(story.store.report("big")) == 301


@pytest.mark.long
def test_what_is_in_no_trial_goes_at_once(bare: Bare) -> None:
    """Only when its number is said; what is used by something that stays goes with cascade, what runs stays."""
    story = Story(bare)
    data, loose = story.log.run([], "data", kind="dataset"), story.log.run([], "loose")
    user = story.log.run([story.a], "user")
    for component, direction in ((data, "out"), (user, "in")):
        story.log.say(
            "artifact.logged",
            uuid4(),
            component=component,
            name="csv",
            direction=direction,
            digest=f"sha256:{'e' * 64}",
        )
    story.log.flush()
    store = story.store
    with pytest.raises(
        DeletionError, match=r"1 components that are in no trial aren't deleted, because how many"
    ) as told:
        store.delete_unassigned()
    assert f"component 'loose' ({loose})" in str(told.value)
    assert "confirm=1 (--confirm 1) deletes them" in str(told.value)
    with pytest.raises(DeletionError, match="they are not 2"):
        store.delete_unassigned(confirm=2)
    done = store.delete_unassigned(confirm=1)
    assert changes(done) == [("component", "loose", "deleted"), ("component", "data", "kept")]
    assert list(done["reason"])[1] == f"component 'user' ({user}) uses an output of it, or continues it"
    assert set(store.components(unassigned=True)["name"]) == {"data"}
    assert changes(store.delete_unassigned(confirm=1, cascade=True)) == [("component", "data", "deleted")]
    assert store.components(unassigned=True).empty
    assert len(store.components(experiment="digits")) == 4
    assert changes(store.restore("loose")) == [("component", "loose", "restored")]


def test_what_stays_keeps_what_it_uses(bare: Bare) -> None:
    """Something that runs keeps what it used, also over several steps; both stay, though nothing else has them."""
    story = Story(bare)
    story.log.now = datetime.now(UTC)
    first, second = story.log.run([], "first"), story.log.run([], "second")
    third = story.log.run([], "third", status=None)
    for n, (maker, user) in enumerate(((first, second), (second, third))):
        for component, direction in ((maker, "out"), (user, "in")):
            story.log.say(
                "artifact.logged", uuid4(), component=component, name="x", direction=direction, digest=f"sha256:{n:064}"
            )
    story.log.flush()
    with pytest.raises(DeletionError, match="0 components"):
        story.store.delete_unassigned()
    done = story.store.delete_unassigned(confirm=2, cascade=True)
    assert changes(done) == [
        ("component", "first", "deleted"),
        ("component", "second", "deleted"),
        ("component", "third", "kept"),
    ]
