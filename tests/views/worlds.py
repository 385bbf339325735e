"""Worlds: made-up sets of events and points, from a source of choices that Hypothesis can shrink.

Few ids, few instants and few steps, so that ties, overwriting and lives meet often. Writers' ids differ in either
half only, as the engine orders UUIDs by the second half and the law by the first. Every event and every frame of
points has one to three copies at positions of their own.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from reference_fold import LoggedEvent, LoggedPoint, Stamp

from epochal._values import to_json
from epochal.contract import Envelope

BASE_US = 1_700_000_000_000_000
SECOND = 1_000_000
LOGS = ("intake:a", "intake:b")
BLOCK = 4096
NAMES = ("loss", "val/acc.1", "länge 😀", "sys/cpu")
STEPS = (0.0, -0.0, 1.0, 2.0, 2.5, 3.0, -4.0, 1e15, 0.1)
VALUES = (1.0, -1.0, 0.5, 3.25, math.nan, math.nan, math.inf, -math.inf, -0.0, 0.0, 1e300, -1e300, 1e-300, 5e-324, 1e8)
PATHS = (["a"], ["a", "b"], ["a", "b", "c"], ["a.b"], ["a.b", "c"], ["lr"], [""], ["", "x"], ["ü", "\\"], ["a\\"])
JSONS: tuple[Any, ...] = (1, 2.5, -7, True, False, None, "text", "ünï", "", [1, "b"], {}, {"$float": "nan"}, 1e300)


@dataclass(frozen=True)
class Frame:
    """Consecutive points of one writer, as one parcel; each stamp is a copy of it."""

    points: tuple[LoggedPoint, ...]
    stamps: tuple[Stamp, ...]

    def copies(self) -> list[LoggedPoint]:
        """Every copy of every point."""
        return [LoggedPoint(**{**vars(p), "stamp": stamp}) for stamp in self.stamps for p in self.points]


@dataclass(frozen=True)
class World:
    """What the logs hold of one project."""

    project: str
    events: tuple[LoggedEvent, ...]
    frames: tuple[Frame, ...]

    @property
    def points(self) -> list[LoggedPoint]:
        """Every copy of every point."""
        return [point for frame in self.frames for point in frame.copies()]


@dataclass
class Making:
    """A world in the making: its ids, and how far each log and stream has come."""

    dice: random.Random
    project: str
    offsets: dict[str, int] = field(default_factory=dict)
    seqs: dict[UUID, int] = field(default_factory=dict)
    deletions: list[str] = field(default_factory=list)
    said: list[dict[str, str]] = field(default_factory=list)
    tick: int = 0

    def __post_init__(self) -> None:
        halves = [1, 2, 2**63 + 5, 2**64 - 3]
        ids = [UUID(int=(high << 64) | low) for high in halves for low in halves]
        self.dice.shuffle(ids)
        self.experiments, self.trials, self.components = ids[:2], ids[2:4], ids[4:7]
        self.writers, self.host = ids[7:12], ids[12]
        self.declared, self.associations = ids[12:14], ids[14:16]
        self.unopened = list(self.writers)

    def one(self, options: Sequence[Any]) -> Any:
        """One of them."""
        return options[self.dice.randrange(len(options))]

    def maybe(self, make: Callable[[], Any]) -> Any:
        """It, or None."""
        return make() if self.dice.randrange(2) else None

    def stamp(self, log: str | None = None) -> Stamp:
        """The next position of a log; positions stand a few steps apart in time."""
        log = log or self.one(LOGS)
        self.tick += 1
        self.offsets[log] = self.offsets.get(log, -1) + 1
        return Stamp(log, self.offsets[log], BASE_US + self.tick * 250_000 + LOGS.index(log))

    def stamps(self, log: str | None = None) -> tuple[Stamp, ...]:
        """One to three positions, in any order."""
        found = [self.stamp(log) for _ in range(self.one((1, 1, 1, 2, 3)))]
        self.dice.shuffle(found)
        return tuple(found)

    def logged_at(self) -> int:
        """An instant that many share; now and then of a clock that is far ahead."""
        return BASE_US + SECOND * int(self.one((0, 1, 2, 3, 4, 5, 6, 600)))

    def occurred_at(self) -> int:
        """An instant on either side of the others."""
        return BASE_US + SECOND * int(self.one((-86_400, 0, 1, 2, 3, 4, 5, 6, 600)))

    def entity(self) -> dict[str, str]:
        """A kind and an entity of it."""
        kind = self.one(("experiment", "trial", "component", "component", "context"))
        pool = {
            "experiment": self.experiments,
            "trial": self.trials,
            "component": self.components,
            "context": self.declared,
        }[kind]
        return {"kind": kind, "entity": str(self.one(pool))}

    def component(self) -> dict[str, str]:
        """A component."""
        return {"component": str(self.one(self.components))}

    def run(self) -> dict[str, Any]:
        """A component, a rank and an attempt."""
        return {**self.component(), "rank": self.one((0, 0, 1)), "attempt": self.one(("first", "second", "drei/3"))}

    def abandoned(self) -> list[list[Any]]:
        """Some writers, and how many of their points."""
        return [
            [str(self.one(self.writers)), self.one((0, 1, 2, 4, BLOCK, BLOCK + 2))] for _ in range(self.one((0, 1, 2)))
        ]

    def counts(self) -> dict[str, Any]:
        """What a writer says of its streams."""
        return {"lifecycle": self.one((0, 1, 2, 5)), "metrics": self.one((0, 3)), "lost": self.one(({}, {"disk": 2}))}


def world(dice: random.Random, project: str, events: int, frames: int, without: frozenset[str] = frozenset()) -> World:
    """A world with about so many events and frames of points, and no events of the types named."""
    making = Making(dice, project)
    said = [said_event(making, _created(making)) for _ in range(making.one((2, 3, 5)))]
    made = [making.one(MAKERS)(making) for _ in range(events)]
    said += [said_event(making, one) for one in made if one[0] not in without]
    sent = [sent_frame(making) for _ in range(frames)]
    return World(project, tuple(copy for copies in said for copy in copies), tuple(sent))


def said_event(making: Making, said: tuple[str, dict[str, Any]]) -> list[LoggedEvent]:
    """Every copy of an event; none of a second opening of a writer."""
    kind, data = said
    writer = making.host if kind == "writer.vanished" else making.one(making.writers)
    if kind == "writer.opened":  # once in a writer's life
        if not making.unopened:
            return []
        writer = making.unopened.pop()
    seq = making.seqs.get(writer, 0)
    making.seqs[writer] = seq + 1
    making.said.append(_named(data, f"{writer}:{seq}"))
    if kind == "entity.deleted":
        making.deletions.append(f"{writer}:{seq}")
    envelope = Envelope(
        type=f"epochal.{kind}",
        v=1,
        project=making.project,
        at=making.logged_at(),
        time=making.occurred_at() if making.one((0, 0, 1)) else None,
        data=data,
    )
    return [LoggedEvent(writer, seq, envelope, stamp) for stamp in making.stamps()]


def sent_frame(making: Making) -> Frame:
    """Some points of one writer; a writer stays with one component, rank and log."""
    writer = making.one(making.writers)
    place = making.writers.index(writer)
    key = UUID(int=writer.int ^ (1 << 32))
    first = making.seqs.get(key, making.one((0, BLOCK - 2)))
    count = making.one((1, 2, 3, 5))
    making.seqs[key] = first + count
    rising = making.one((True, True, False))
    points = tuple(
        LoggedPoint(
            project=making.project,
            component=making.components[place % 3],
            metric=making.one(NAMES),
            rank=place % 2,
            step=float(first + i) if rising else making.one(STEPS),
            value=making.one(VALUES) if making.one((0, 1)) else making.dice.randrange(-1000, 1000) / 8,
            logged_ms=making.logged_at() // 1000,
            occurred_ms=making.occurred_at() // 1000,
            writer=writer,
            seq=first + i,
            stamp=Stamp("", 0, 0),
        )
        for i in range(count)
    )
    return Frame(points, making.stamps(LOGS[place % 2]))


def _created(m: Making) -> tuple[str, dict[str, Any]]:
    kind = m.one(("experiment", "trial", "component", "component"))
    if kind == "experiment":
        return "experiment.created", {
            "experiment": str(m.one(m.experiments)),
            "name": m.one(("e", "ε")),
            "hypothesis": m.maybe(lambda: m.one(("h", "i"))),
            "objective": m.maybe(lambda: "o"),
            "variables": m.maybe(lambda: {"x": [1, m.one(JSONS)]}),
        }
    if kind == "trial":
        return "trial.created", {
            "trial": str(m.one(m.trials)),
            "experiment": str(m.one(m.experiments)),
            "variables": {"x": m.one(JSONS)},
            "name": m.maybe(lambda: m.one(("t", "u"))),
        }
    return "component.created", {
        **m.component(),
        "key": "k",
        "name": m.one(("n", "ñ")),
        "kind": m.one(("training", "metadata")),
        "display_name": m.maybe(lambda: m.one(("d", "e"))),
        "resources": m.maybe(lambda: {"gpu": m.one(JSONS)}),
        "parent": m.maybe(lambda: str(m.one(m.components))),
    }


def _opened(m: Making) -> tuple[str, dict[str, Any]]:
    return "writer.opened", {
        **m.run(),
        "role": m.one(("main", "main", "helper")),
        "world_size": 1,
        "heartbeat_s": m.one((10.0, 0.5, 40.0)),
        "host": m.one(("h1", "h2")),
        "pid": 7,
        "process": str(m.host),
        "version": "1",
    }


def _finished(m: Making) -> tuple[str, dict[str, Any]]:
    error = m.maybe(lambda: {"type": "ValueError", "message": "ü"})
    return "run.finished", {**m.run(), "status": m.one(("completed", "completed", "failed", "stopped")), "error": error}


def _rewound(m: Making) -> tuple[str, dict[str, Any]]:
    """Of a rank that logs, and of writers of it."""
    place = m.one((0, 0, 1, 4))
    run = {"component": str(m.components[place % 3]), "rank": place % 2, "attempt": "first"}
    counts = [[str(m.writers[at]), m.one((1, 3, 6, BLOCK + 2))] for at in (place, (place + 3) % 5)]
    return "run.rewound", {**run, "to_step": m.one(STEPS[:6]), "abandoned": counts}


def _forked(m: Making) -> tuple[str, dict[str, Any]]:
    """Of components that log, in some order of generations; now and then of itself, or of nothing that is known."""
    pieces = []
    for at in m.one(((0, 3), (2, 5), (0, 1, 2, 3, 4), (1, 4), (4,))):
        place = at % 5
        until = m.one((3, 6, BLOCK + 2))
        piece = [m.components[place % 3], m.writers[place], m.one((0, 0, 1)), until, m.one(STEPS[:6])]
        pieces.append([*map(str, piece[:2]), *piece[2:]])
    run = {**m.component(), "rank": m.one((0, 0, 1)), "attempt": "first"}
    past = m.one((pieces, pieces, pieces, None))
    return "run.forked", {**run, "of": str(m.one(m.components)), "step": m.one(STEPS[:6]), "past": past}


def _artifact(m: Making) -> tuple[str, dict[str, Any]]:
    return "artifact.logged", {
        **m.component(),
        "name": m.one(("data", "a/b")),
        "direction": m.one(("in", "out")),
        "uri": m.maybe(lambda: "s3://b/d"),
        "digest": m.maybe(lambda: "sha256:00"),
        "size": m.maybe(lambda: 2**40),
        "stored": m.one((True, False)),
        **_corrects(m),
    }


def _declared(m: Making) -> tuple[str, dict[str, Any]]:
    return "entity.declared", {
        "kind": m.one(("action", "context", "context")),
        "entity": str(m.one(m.declared)),
        "name": m.one(("n", "ñ")),
        "type": m.maybe(lambda: m.one(("endpoint", ""))),
        "properties": m.maybe(lambda: {"x": m.one(JSONS)}),
    }


def _end(m: Making) -> tuple[str, str]:
    if m.one((True, False)):
        return "artifact", m.one(("sha256:00", "s3://b/d"))
    end = m.entity()
    return end["kind"], end["entity"]


def _associated(m: Making) -> tuple[str, dict[str, Any]]:
    """As ids are made from relations and ends, no two associations have both alike."""
    relation = m.one((0, 1))
    (source_kind, source), (target_kind, target) = _end(m), _end(m)
    return "association.made", {
        "association": str(m.associations[relation]),
        "relation": ("DerivedFrom", "SameAs")[relation],
        "source_kind": source_kind,
        "source": source,
        "target_kind": target_kind,
        "target": target,
    }


def _deletion(m: Making) -> str:
    return str(m.one(m.deletions)) if m.deletions else f"{m.host}:0"


def _named(data: dict[str, Any], event: str) -> dict[str, str]:
    """An event, as one that undoes it names it."""
    if "entity" in data:
        return {"kind": data["kind"], "entity": data["entity"], "event": event}
    kind = next(kind for kind in ("component", "trial", "experiment", "association") if kind in data)
    return {"kind": kind, "entity": data[kind], "event": event}


def _undone(m: Making) -> dict[str, str]:
    """Something that was said; now and then of another entity, or with its undoing."""
    named = m.one(m.said) if m.said else {**m.entity(), "event": f"{m.host}:0"}
    return named if m.one((True, True, True, False)) else {**named, **m.entity()}


def _correction(m: Making) -> tuple[str, dict[str, Any]]:
    operation = m.one(("scale", "shift", "set", "retract"))
    operands = {"scale": (2.0, -0.5, 0.0, 1e300), "shift": (0.1, -3.0, -0.0), "set": (7.5, -0.0, math.nan, -math.inf)}
    return "points.corrected", {
        **m.component(),
        "metric": m.one(NAMES[:2]),
        "rank": m.one((None, None, 0, 1)),
        "first_step": m.one((None, None, 0.0, 2.0, float(BLOCK))),
        "last_step": m.one((None, None, 2.5, float(BLOCK + 1))),
        "operation": operation,
        "operand": None if operation == "retract" else to_json(m.one(operands[operation])),
        "covers": [[str(m.one(m.writers)), m.one((1, 3, BLOCK, BLOCK + 2))] for _ in range(m.one((1, 2, 6)))],
        "reason": "units",
    }


def _tags(m: Making) -> tuple[str, dict[str, Any]]:
    words = m.one(([], ["best"], ["best", "x"]))
    return "tags.set", {**m.entity(), "words": words, "values": m.one(({}, {"team": m.one(JSONS)})), **_corrects(m)}


def _corrects(m: Making) -> dict[str, Any]:
    """Now and then, that the event corrects another."""
    return m.one(({}, {"correction": {"of": "an event", "reason": "typo"}}))  # type: ignore[no-any-return]


Maker = Callable[[Making], tuple[str, dict[str, Any]]]
MAKERS: tuple[Maker, ...] = (
    _created,
    _created,
    _opened,
    _opened,
    lambda m: ("writer.heartbeat", {**m.run(), **m.counts()}),
    lambda m: ("writer.closed", {**m.run(), **m.counts()}),
    lambda m: ("writer.vanished", {**m.run(), **m.counts(), "writer": str(m.one(m.writers))}),
    lambda m: ("experiment.concluded", {"experiment": str(m.one(m.experiments)), "verdict": "accepted", "note": "ü"}),
    lambda m: ("component.attached", {**m.component(), "trial": str(m.one(m.trials))}),
    lambda m: ("component.attached", {**m.component(), "trial": str(m.one(m.trials))}),
    lambda m: ("component.detached", {**m.component(), "trial": str(m.one(m.trials))}),
    lambda m: ("run.started", {**m.run(), "world_size": m.one((1, 1, 2))}),
    lambda m: ("run.started", {**m.run(), "world_size": m.one((1, 1, 2))}),
    _finished,
    _finished,
    lambda m: ("run.rewound", {**m.run(), "to_step": m.one(STEPS), "abandoned": m.abandoned()}),
    *[_correction] * 4,
    *[lambda m: ("event.undone", _undone(m))] * 3,
    lambda m: ("event.redone", _undone(m)),
    _rewound,
    _forked,
    _forked,
    lambda m: ("params.logged", {**m.component(), "cells": [[m.one(PATHS), m.one(JSONS)] for _ in range(3)]}),
    lambda m: ("params.logged", {**m.component(), "cells": [[m.one(PATHS), m.one(JSONS)]]}),
    lambda m: ("params.corrected", {**m.component(), "cells": [[m.one(PATHS), m.one(JSONS)]], "reason": "typo"}),
    lambda m: ("params.unset", {**m.component(), "paths": [m.one(PATHS)]}),
    _tags,
    lambda m: ("tags.removed", {**m.entity(), "keys": [m.one(("best", "team"))]}),
    lambda m: ("note.written", {**m.entity(), "text": m.one(("n1", "n2", "")), **_corrects(m)}),
    lambda m: ("alert.raised", {**m.component(), "title": "t", "text": m.one(("", "x"))}),
    lambda m: ("metric.defined", {**m.component(), "metric": m.one(NAMES), "goal": m.maybe(lambda: "min")}),
    _artifact,
    lambda m: ("artifact.failed", {**m.component(), "name": "data", "direction": "out", "reason": m.one(("r", "s"))}),
    lambda m: (
        "environment.captured",
        {**m.component(), "section": m.one(("env", "a/b")), "values": {"x": m.one(JSONS)}},
    ),
    lambda m: ("console.captured", {**m.component(), "stream": "stdout", "text": "x"}),
    _declared,
    _declared,
    _associated,
    _associated,
    lambda m: ("association.removed", {"association": str(m.one(m.associations))}),
    lambda m: ("entity.deleted", {**m.entity(), "abandoned": m.abandoned()}),
    lambda m: ("entity.restored", {**m.entity(), "deletion": _deletion(m)}),
)
