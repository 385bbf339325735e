"""Writers whose clocks are ahead: what they say is taken in, counts as said when it came, and they are marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from query.conftest import Bare
from query.written import LOG

from epochal_processors.coverage import Coverage
from epochal_processors.frames import Position
from epochal_processors.history import SqlHistory
from epochal_processors.materialize import Materializer
from epochal_processors.parcels import ParcelError, as_frame
from epochal_query.dead_letters import find, listed, replays_of, save
from epochal_query.store import Store

TEN_YEARS_S = 10 * 365 * 86_400


class Story:
    """A run whose parameters three writers set one after the other, the second with a clock ten years ahead."""

    def __init__(self, bare: Bare) -> None:
        log = bare.log("clocks")
        self.component = log.run([log.trial(log.experiment("e"), {})], params={"a": 0, "b": 0})
        self.ahead, self.near = uuid4(), uuid4()
        where: dict[str, Any] = {"component": self.component, "rank": 1, "attempt": "one"}
        about: dict[str, Any] = {"role": "helper", "heartbeat_s": 10, "host": "here", "pid": 1, "process": uuid4()}
        about["version"] = "0"
        log.say("writer.opened", self.ahead, **where, **about)
        self.before = log.now
        self.known_before = log.flush()
        log.say("params.logged", self.ahead, ahead_s=100, component=self.component, cells=[[["a"], 1]])
        log.say("params.logged", self.ahead, ahead_s=TEN_YEARS_S, component=self.component, cells=[[["b"], 1]])
        log.say("writer.opened", self.near, ahead_s=59, **where, **about)
        log.say("params.logged", self.near, component=self.component, cells=[[["a"], 2]])
        self.after = log.now
        log.flush()
        log.tick(50_000_000)
        log.resend()  # whose copies are recorded when the clocks have long caught up
        self.store = bare.open("clocks")

    def marks(self, **at: Any) -> dict[UUID, float]:
        """Writer to the mark that the view shows."""
        frame = self.store.sql(
            "SELECT writer, clock_ahead FROM writers_at(as_of = {as_of:String}, known_at = {known_at:String}) "
            "WHERE component = {component:String}",
            parameters={"component": str(self.component)},
            **at,
        )
        return {UUID(str(w)): s for w, s in zip(frame["writer"], frame["clock_ahead"], strict=True)}


@pytest.fixture(scope="module")
def story(bare: Bare) -> Story:
    """The story, told once."""
    return Story(bare)


@pytest.fixture(scope="module")
def store(story: Story) -> Store:
    """The store that holds it."""
    return story.store


def test_a_writer_whose_clock_is_ahead_is_marked(story: Story) -> None:
    """By how much at most; the others have 0, also one that is within a minute, and copies that come later."""
    marks = story.marks()
    assert marks.pop(story.ahead) == pytest.approx(TEN_YEARS_S, abs=0.01)
    assert len(marks) == 2
    assert set(marks.values()) == {0.0}


def test_what_a_clock_a_day_ahead_says_is_parked_with_the_reason(bare: Bare, story: Story) -> None:
    """Once, though it came twice; what is less than a day ahead isn't."""
    frame = listed(bare.reader, reason="clock ahead")
    assert frame["source"].tolist() == [f"{story.ahead}/lifecycle:2"]
    assert frame["detail"][0].startswith("epochal.params.logged: the writer's clock said 2034-0")
    assert listed(bare.reader, reason="clock ahead", waiting=True).empty
    # nothing is missing from it, now or then
    certificates = [story.store.certificate(story.component, known_at=at) for at in (None, story.known_before)]
    assert [one["state"] for one in certificates] == ["open", "open"]


def test_there_is_nothing_to_repair_in_what_was_taken_in(bare: Bare, story: Story, tmp_path: Path) -> None:
    """A second version of the event would contradict the first; the same once more changes nothing."""
    (id_,) = listed(bare.reader, reason="clock ahead")["id"]
    found = find(bare.reader, id_)
    save(found, tmp_path / "repair")
    with pytest.raises(ParcelError, match="was taken in as it is"):
        replays_of([found], tmp_path / "repair")
    (again,) = replays_of([found], None)
    assert not again.repaired
    before = story.store.state(story.component)["params"]
    frame = as_frame(again.parcel)
    materializer = Materializer(bare.writer, SqlHistory(bare.writer), Coverage())
    materializer.apply([(Position(LOG, 900_000, 1_900_000_000_000_000), frame)])
    assert story.store.state(story.component)["params"] == before
    assert len(listed(bare.reader, reason="clock ahead")) == 1


def test_who_looks_among_dead_letters_is_told(bare: Bare, story: Story) -> None:
    """Whose clock was ahead, and what became of what it said; of nobody whose clock was within a minute."""
    (remark,) = listed(bare.reader, writer=str(story.ahead)).attrs["epochal"]["remarks"]
    assert remark == (
        f"writer {story.ahead}: clock ahead by {TEN_YEARS_S:,} s; what it said is taken in and counts as said when it "
        "was recorded"
    )
    assert listed(bare.reader, writer=str(story.near)).attrs["epochal"]["remarks"] == []


def test_the_mark_is_true_from_when_such_an_event_came(story: Story) -> None:
    """Before that, in either time, there is none; as of now there is, though its clock says that it is yet to be."""
    assert story.marks(as_of=story.before)[story.ahead] == 0
    assert story.marks(known_at=story.known_before)[story.ahead] == 0
    assert story.marks(as_of=story.after)[story.ahead] == pytest.approx(TEN_YEARS_S, abs=0.01)


def test_what_it_says_is_shown_and_wins_nothing(store: Store, story: Story) -> None:
    """It takes the place of what was said before it, and gives way to what is said after it."""
    assert store.state(story.component)["params"] == {"a": 2, "b": 1}


def test_the_certificate_says_so(store: Store, story: Story) -> None:
    """As data for both of its streams, and once in words."""
    certificate = store.certificate(story.component)
    assert {one["writer"]: one["clock_ahead"] for one in certificate["writers"] if one["clock_ahead"]} == {
        str(story.ahead): pytest.approx(TEN_YEARS_S, abs=0.01)
    }
    assert [line for line in certificate.to_text().splitlines() if "clock ahead" in line] == [
        f"  writer {story.ahead}: clock ahead by 315,360,000 s; what it said counts as said when it was recorded"
    ]
