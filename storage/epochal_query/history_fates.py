"""What became of all that was said of one entity. Pure; the law is that of the views (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from epochal_query.param_paths import with_those_above


@dataclass(frozen=True, slots=True)
class Said:
    """One statement about the entity, by the event ``<writer>:<seq>``."""

    field: str
    key: str
    removed: bool
    event: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a statement, and the event that did it.

    ``in effect``: it is what reads show; of one that takes a value away, that they show none. ``superseded``: another
    statement of the same field followed; ``unset``: one that takes away; ``hidden``: a value at a path above or below;
    ``deleted``: the entity was deleted; ``undone``: its event was taken back, or it is a deletion that was restored;
    ``undeclared``: nobody has declared the entity, in this life. Of points also ``rewound``: their rank restarted from
    a step before theirs; ``retracted``; ``corrected``: the value that follows holds.
    """

    word: str
    by: str | None = None


IN_EFFECT = Fate("in effect")

_Cell = tuple[str, str]


def fates(said: Sequence[Said]) -> list[Fate]:
    """The fate of each of all statements about an entity's life and some of its fields, given in order of ``place``.

    Params must come with all that was said at paths above and below theirs.
    """
    taken_back = _taken_back(said)
    undone = {one.key: one.event for one in reversed(said) if one.field == "restored" and one.event not in taken_back}
    found = [IN_EFFECT] * len(said)
    standing: dict[_Cell, int] = {}
    below: dict[str, dict[str, None]] = {}
    exists = False
    last_word: dict[str, int] = {}
    for place, one in enumerate(said):
        if one.field == "undone":
            if one.key in last_word:
                found[last_word[one.key]] = Fate("superseded", one.event)
            last_word[one.key] = place
            continue
        if one.event in taken_back:
            found[place] = Fate("undone", taken_back[one.event])
            continue
        if one.field in ("restored", "erased"):
            continue
        if one.field == "deleted":
            if one.key in undone:
                found[place] = Fate("undone", undone[one.key])
                continue
            for ended in standing.values():
                found[ended] = Fate("deleted", one.event)
            standing, exists = {}, False
            continue
        for cell in _ended_by(one, below):
            if cell in standing:
                found[standing.pop(cell)] = Fate(_word(one, cell), one.event)
        standing[one.field, one.key] = place
        exists = exists or one.field == "opened"
        if one.field == "param":
            for above in _above(one.key):
                below.setdefault(above, {})[one.key] = None
    for place in () if exists else standing.values():
        found[place] = Fate("undeclared")
    return found


def _taken_back(said: Sequence[Said]) -> dict[str, str]:
    """Events that are undone, and by which: of undoing and redoing one the last word counts."""
    last = {one.key: one for one in said if one.field == "undone"}
    return {event: one.event for event, one in last.items() if not one.removed}


def _ended_by(one: Said, below: dict[str, dict[str, None]]) -> Iterator[_Cell]:
    """The cells that a statement ends, where something stands in them."""
    yield one.field, one.key
    if one.field == "param":
        related = [*below.get(one.key, ()), *(() if one.removed else _above(one.key))]
        yield from (("param", key) for key in related)


def _word(one: Said, cell: _Cell) -> str:
    if one.removed:
        return "unset"
    return "superseded" if cell == (one.field, one.key) else "hidden"


@lru_cache(maxsize=4096)
def _above(key: str) -> tuple[str, ...]:
    return tuple(above for above in with_those_above([key]) if above != key)


@dataclass(frozen=True, slots=True)
class Cut:
    """A standing deletion, or a rewind that is in effect: what it takes out of the main line.

    ``abandoned``: of each writer the points whose sequence numbers lie below a count; of a rewind only those of its
    ``rank`` beyond ``to_step``.
    """

    event: str
    abandoned: tuple[tuple[str, int], ...]
    rank: int | None = None
    to_step: float = 0.0

    def takes(self, point: Point) -> bool:
        """Whether it takes the point out."""
        if self.rank is not None and not (point.rank == self.rank and point.step > self.to_step):
            return False
        return any(writer == point.writer and point.seq < count for writer, count in self.abandoned)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a metric."""

    rank: int
    step: float
    writer: str
    seq: int

    @property
    def event(self) -> str:
        """What names it: a place in its writer's stream of metrics."""
        return f"{self.writer}:metrics:{self.seq}"


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction or retraction that is in effect: what it does to which points of a metric.

    ``rank`` None is all of them; ``abandoned`` is of each writer how many of its points are meant.
    """

    event: str
    abandoned: tuple[tuple[str, int], ...]
    rank: int | None
    first_step: float
    last_step: float
    operation: str
    operand: float = 0.0

    def covers(self, point: Point) -> bool:
        """Whether the point is one of them."""
        return (
            self.rank in (None, point.rank)
            and self.first_step <= point.step <= self.last_step
            and any(writer == point.writer and point.seq < count for writer, count in self.abandoned)
        )

    def applied(self, value: float) -> float:
        """The value that it makes of another."""
        match self.operation:
            case "scale":
                return value * self.operand
            case "shift":
                return value + self.operand
            case _:
                return self.operand


def point_fates(points: Sequence[Point], cuts: Sequence[Cut], corrections: Sequence[Correction] = ()) -> list[Fate]:
    """The fate of each of all points at one step of a metric, given by rank and then in order."""
    retractions = [one for one in corrections if one.operation == "retract"]
    found: list[Fate] = []
    newest: dict[int, int] = {}
    for place, point in enumerate(points):
        cut = next((cut for cut in cuts if cut.takes(point)), None)
        if cut is not None:
            found.append(Fate("deleted" if cut.rank is None else "rewound", cut.event))
            continue
        retraction = next((one for one in retractions if one.covers(point)), None)
        if retraction is not None:
            found.append(Fate("retracted", retraction.event))
            continue
        found.append(IN_EFFECT)
        if point.rank in newest:
            found[newest[point.rank]] = Fate("superseded", point.event)
        newest[point.rank] = place
    return found
