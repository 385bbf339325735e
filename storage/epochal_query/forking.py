"""What a fork continues: which points of another component, named by writers and numbers once and for all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from epochal_query.columns import floats, id_texts, values
from epochal_query.reading import Reading, at, block
from epochal_query.report_cells import SYSTEM_PREFIX


class Piece(NamedTuple):
    """Of a component and a writer of it the points numbered from (included) until (excluded), up to a step."""

    of: str
    writer: str
    first: int
    until: int
    to_step: float


class Cut(NamedTuple):
    """Of a writer's points before a number those after a step leave the main line; all where it is minus infinity."""

    writer: str
    until: int
    to_step: float


def pieces_left(pieces: Iterable[Piece], cuts: Sequence[Cut], step: float) -> Iterator[Piece]:
    """What deletions and rewinds leave of pieces, up to a step: cut where the numbers that they name end."""
    for piece in pieces:
        mine = [cut for cut in cuts if cut.writer == piece.writer]
        inside = {cut.until for cut in mine if piece.first < cut.until < piece.until}
        for first, until in pairwise(sorted({piece.first, piece.until, *inside})):
            to_step = min(step, piece.to_step, *(cut.to_step for cut in mine if cut.until >= until))
            if to_step > -math.inf:
                yield Piece(piece.of, piece.writer, first, until, to_step)


def past_of(reading: Reading, component: str, rank: int, step: float) -> list[Piece]:
    """The points of a rank's main line up to a step, as a fork names them: the oldest generation first."""
    written = [Piece(component, writer, 0, points, step) for writer, points in writers_of(reading, component, rank)]
    pieces = [*continued_by(reading, component, rank), *written]
    return list(pieces_left(pieces, _cuts(reading, component, rank), step))


def continued_by(reading: Reading, component: str, rank: int) -> list[Piece]:
    """The pieces of others that a rank of a component continues itself, the oldest generation first."""
    table = reading.rows(
        f"""SELECT source, writer, first_seq, until_seq, to_step FROM ({block("continued")})
            WHERE project = {{project:String}} AND component = {{component:UUID}} AND rank = {{rank:UInt32}}
            ORDER BY generation, writer, first_seq""",
        component=component,
        rank=rank,
    )
    numbers = [values(table, name) for name in ("first_seq", "until_seq", "to_step")]
    return [Piece(*row) for row in zip(id_texts(table, "source"), id_texts(table, "writer"), *numbers, strict=True)]


def writers_of(reading: Reading, component: str, rank: int) -> list[tuple[str, int]]:
    """The writers of a rank's metrics and how many points of each the log holds; none that measured the system only."""
    table = reading.rows(
        f"""SELECT toString(writer) AS writer, sum(n) AS points FROM partials FINAL
            WHERE project = {{project:String}} AND component = {{component:UUID}} AND rank = {{rank:UInt32}}
            GROUP BY writer HAVING countIf(NOT startsWith(metric, '{SYSTEM_PREFIX}')) > 0 ORDER BY writer""",
        component=component,
        rank=rank,
    )
    return list(zip(values(table, "writer"), map(int, values(table, "points")), strict=True))


def _cuts(reading: Reading, component: str, rank: int) -> list[Cut]:
    table = reading.rows(
        f"""SELECT toString(cut.1) AS writer, cut.2 AS count, if(cut.3 < 0, -inf, cut.4) AS to_step
            FROM (SELECT arrayJoin(cuts) AS cut FROM ({block("cuts")})
                  WHERE project = {{project:String}} AND component = {{component:UUID}})
            WHERE cut.3 IN (-1, {{rank:UInt32}})""",
        component=component,
        rank=rank,
    )
    columns = [values(table, name) for name in ("writer", "count", "to_step")]
    return [Cut(*row) for row in zip(*columns, strict=True)]


def reached_by(reading: Reading, component: str, rank: int, *, alone: bool = False) -> float | None:
    """The greatest step of a rank's main line; of all ranks where it has none, unless ``alone``. None without points.

    System metrics have steps of their own.
    """
    table = reading.rows(
        f"""SELECT maxOrNull(step) AS greatest, maxOrNullIf(step, rank = {{rank:UInt32}}) AS mine
            FROM {at("metrics")} WHERE project = {{project:String}} AND component = {{component:UUID}}
              AND NOT startsWith(metric, '{SYSTEM_PREFIX}')""",
        component=component,
        rank=rank,
    )
    greatest, mine = (float(floats(table, name)[0]) for name in ("greatest", "mine"))
    reached = greatest if math.isnan(mine) and not alone else mine
    return None if math.isnan(reached) else reached


def chain_of(forks: Mapping[str, Iterable[str]], component: str) -> set[str]:
    """A component and all that it continues, over any number of generations."""
    found, waiting = {component}, [component]
    while waiting:
        new = set(forks.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def forks_of(reading: Reading) -> dict[str, set[str]]:
    """Component to what its ranks continue."""
    table = reading.rows(f"SELECT component, of FROM {at('forks')} WHERE project = {{project:String}}")
    found: dict[str, set[str]] = {}
    for component, of in zip(id_texts(table, "component"), id_texts(table, "of"), strict=True):
        found.setdefault(component, set()).add(of)
    return found
