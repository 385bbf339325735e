"""What was erased, and how far that is: the tombstones, and what Kafka keeps of what they name."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from epochal_processors.late import late
from epochal_processors.tombstones import ERASED, erasures
from epochal_processors.traces import Traces, joined
from epochal_query.columns import decoded, id_texts, ids, instants, texts
from epochal_query.connection import Opened
from epochal_query.erasure_extent import places, query_of, remains
from epochal_query.erasure_state import PENDING, State, remarks, state_of
from epochal_query.history_writers import writers_of
from epochal_query.reading import Reading, block
from epochal_query.resolve import Entity, id_of


def listed(reading: Reading, opened: Opened) -> tuple[pd.DataFrame, list[str]]:
    """The tombstones, as a frame, with what there is to say of them.

    Raises:
        KafkaAwayError: Kafka has some of it, and doesn't answer.
    """
    table = reading.rows(
        f"""SELECT kind, entity, key, value, writer, occurred_at FROM facts AS s FINAL
            WHERE project = {{project:String}} AND field = 'erased' AND {block("within", "s | _at | ")}
            ORDER BY place"""
    )
    writers = id_texts(table, "writer")
    known, _ = writers_of(reading, writers, {})
    named = _named(reading)
    traces = [named[key] for key in texts(table, "key")]
    states, told = states_of(reading, opened, traces)
    there = remains(reading, ids(table, "entity"), traces)
    if there:
        told = [f"{there:,} events and points aren't gone from the store yet", *told]
    query = query_of(reading)
    more = {one.tombstone.entity: one.traces for one in late(query, erasures(query), reading.project)}
    for entity, traces_of_it in more.items():
        told.append(
            f"{traces_of_it.events:,} events of {entity} came in after it was erased, and were said before: the host, "
            "or a worker, erases them, too (its log says if it can't)"
        )
    frame = pd.DataFrame(
        {
            "kind": pd.array(texts(table, "kind"), dtype="str"),
            "id": pd.array(id_texts(table, "entity"), dtype="str"),
            "erased": instants(table, "occurred_at"),
            "reason": pd.array([decoded(value)["reason"] for value in texts(table, "value")], dtype="str"),
            "user": pd.array([known[one].user for one in writers], dtype="str"),
            "host": pd.array([known[one].host for one in writers], dtype="str"),
            "state": pd.array(
                [
                    PENDING if there or entity in more else one.name
                    for entity, one in zip(ids(table, "entity"), states, strict=True)
                ],
                dtype="str",
            ),
            "until": pd.Series([one.until for one in states], dtype="datetime64[us, UTC]"),
            "event": pd.array(texts(table, "key"), dtype="str"),
        }
    )
    return frame, told


def states_of(reading: Reading, opened: Opened, traces: Sequence[Traces]) -> tuple[list[State], list[str]]:
    """The state of each of these, and what there is to say of them.

    Raises:
        KafkaAwayError: Kafka has some of it, and doesn't answer.
    """
    found = places(reading, traces)
    if not any(found):
        return [State() for _ in traces], []
    if opened.topics is None:
        states = [state_of(one, {}) for one in found]
        return states, list(remarks(states, {}))
    logs = {place.log for one in found for place in one}
    # of a writer of whom only some events are gone nobody looks whether its letters are about them
    kept = opened.topics.kept(logs, {writer for one in traces for writer in one.writers})
    lettered = [[kept.letters[writer] for writer in one.writers & kept.letters.keys()] for one in traces]
    states = [state_of([*one, *letters], kept.partitions) for one, letters in zip(found, lettered, strict=True)]
    return states, list(remarks(states, kept.partitions))


def erased_component(reading: Reading, given: object) -> tuple[Entity, Traces] | None:
    """The component that had an id and was erased, and what there was of it; None where none was."""
    meant = id_of(given)
    if meant is None:
        return None
    table = reading.rows(
        f"""SELECT key FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = 'component' AND field = 'erased'
              AND entity = {{id:UUID}} AND {block("within", "s | _at | ")}""",
        id=str(meant),
    )
    named = _named(reading) if table.num_rows else {}
    keys = texts(table, "key")
    return (Entity("component", meant, ""), joined(named[key] for key in keys)) if keys else None


def _named(reading: Reading) -> dict[str, Traces]:
    """By tombstone, what it names."""
    table = reading.rows(
        """SELECT concat(toString(writer), ':', toString(seq)) AS event, payload FROM events FINAL
           WHERE project = {project:String} AND type = {type:String}""",
        type=ERASED,
    )
    said = zip(texts(table, "event"), texts(table, "payload"), strict=True)
    return {event: Traces.of(json.loads(payload)["data"]) for event, payload in said}
