"""From when until when associations held: what an alias stood for at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from epochal_query.columns import decoded, id_texts, instants, texts
from epochal_query.lineage_index import read_edges
from epochal_query.lineage_starts import starts_of
from epochal_query.reading import Reading, block

_ENDS = ("relation", "source_kind", "source", "target_kind", "target")


@dataclass(frozen=True)
class Said:
    """One statement about an association, in the order that decides who wins; ``ends`` is "" where it was removed."""

    association: str
    ends: str
    occurred_at: Any
    event: str


def spans(said: Iterable[Said]) -> Iterator[tuple[str, Any, Any, str, str]]:
    """Of each association what it joined, since when, and until when (None: it still does), by which events.

    At every instant the statement that wins is the last in order of those that were true by then.
    """
    by_id: dict[str, list[tuple[int, Said]]] = {}
    for place, one in enumerate(said):
        by_id.setdefault(one.association, []).append((place, one))
    for found in by_id.values():
        winner, ends, since, event = -1, "", None, ""
        for place, one in sorted(found, key=lambda each: (each[1].occurred_at, each[0])):
            if place < winner:
                continue
            winner = place
            if one.ends == ends:
                continue
            if ends:
                yield ends, since, one.occurred_at, event, one.event
            ends, since, event = one.ends, one.occurred_at, one.event
        if ends:
            yield ends, since, None, event, ""


def associations_of(reading: Reading, given: object) -> pd.DataFrame:
    """Every association that something ever had within the bounds of the read, by when it began.

    Raises:
        UnknownNameError: nothing is meant. FilterError: ``given`` can name nothing.
    """
    nodes = {start.node for start in starts_of(reading, read_edges(reading).index, given)}
    table = reading.rows(
        f"""SELECT entity, if(removed, '', value) AS ends, occurred_at,
                   concat(toString(writer), ':', toString(seq)) AS event
            FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = 'association' AND field = 'ends'
              AND {block("said", "s")}
            ORDER BY place"""
    )
    times = instants(table, "occurred_at")
    columns = id_texts(table, "entity"), texts(table, "ends"), times, texts(table, "event")
    said = [Said(*one) for one in zip(*columns, strict=True)]
    rows = [(*(decoded(ends)[name] for name in _ENDS), *span) for ends, *span in spans(said)]
    mine = [row for row in rows if {(row[1], row[2]), (row[3], row[4])} & nodes]
    made = pd.DataFrame(mine, columns=[*_ENDS, "since", "until", "event", "ended_by"])
    made = made.astype(
        {
            **dict.fromkeys((*_ENDS, "event", "ended_by"), "str"),
            **dict.fromkeys(("since", "until"), "datetime64[us, UTC]"),
        }
    )
    return made.sort_values(["since", *_ENDS], ignore_index=True)
