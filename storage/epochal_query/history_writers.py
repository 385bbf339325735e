"""Who wrote: what the writers of an entity's statements said of themselves when they opened, and of their code."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from epochal_query.columns import id_texts, texts, values
from epochal_query.reading import Reading, block
from epochal_query.resolve import Entity


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer; None is what isn't known of it. ``commit`` is that of the code that its attempt ran."""

    user: str | None = None
    host: str | None = None
    pid: int | None = None
    rank: int | None = None
    attempt: str | None = None
    commit: str | None = None


def commits_of(reading: Reading, entity: Entity) -> dict[str, str]:
    """Writer to the git commit of the code that it captured for a component."""
    if entity.kind != "component":
        return {}
    table = _whenever(reading).rows(
        f"""SELECT writer, argMax(JSONExtractString(value, 'commit'), place) AS commit FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = 'component' AND field = 'env' AND entity = {{entity:UUID}}
              AND endsWith(key, '/code') AND {block("within", "s | _at | ")}
            GROUP BY writer HAVING commit != ''""",
        entity=str(entity.id),
    )
    return dict(zip(id_texts(table, "writer"), texts(table, "commit"), strict=True))


def writers_of(reading: Reading, wanted: Collection[str], commits: Mapping[str, str]) -> dict[str, Writer]:
    """What is known of writers by their ids. Helpers share the commit of their attempt's main writer."""
    asked = sorted({*wanted, *commits})
    if not asked:
        return {}
    # the opening is the first event of every writer
    table = _whenever(reading).rows(
        f"""SELECT writer, JSONExtractString(payload, 'data', 'user') AS user,
                   JSONExtractString(payload, 'data', 'host') AS host, JSONExtractInt(payload, 'data', 'pid') AS pid,
                   JSONExtractUInt(payload, 'data', 'rank') AS rank,
                   JSONExtractString(payload, 'data', 'attempt') AS attempt
            FROM events AS e FINAL
            WHERE project = {{project:String}} AND writer IN {{writers:Array(UUID)}} AND seq = 0
              AND type = 'epochal.writer.opened' AND {block("within", "e | _at | ")}""",
        writers=asked,
    )
    columns = [texts(table, name) for name in ("user", "host", "attempt")]
    numbers = [values(table, name) for name in ("pid", "rank")]
    opened = {
        writer: Writer(user or None, host or None, pid, rank, attempt or None)
        for writer, user, host, attempt, pid, rank in zip(id_texts(table, "writer"), *columns, *numbers, strict=True)
    }
    return dict(_with_commits(opened, asked, commits))


def reasons_of(reading: Reading, writers: Collection[str]) -> dict[str, str]:
    """Event to the reason given with it, of corrections of params, tags, notes and artifacts by these writers."""
    if not writers:
        return {}
    table = _whenever(reading).rows(
        f"""SELECT concat(toString(writer), ':', toString(seq)) AS event,
                   if(type = 'epochal.params.corrected', JSONExtractString(payload, 'data', 'reason'),
                      JSONExtractString(payload, 'data', 'correction', 'reason')) AS reason
            FROM events AS e FINAL
            WHERE project = {{project:String}} AND writer IN {{writers:Array(UUID)}}
              AND type IN ('epochal.params.corrected', 'epochal.tags.set', 'epochal.note.written',
                           'epochal.artifact.logged') AND {block("within", "e | _at | ")}""",
        writers=sorted(writers),
    )
    return {
        event: reason for event, reason in zip(texts(table, "event"), texts(table, "reason"), strict=True) if reason
    }


def _with_commits(
    opened: Mapping[str, Writer], asked: Collection[str], commits: Mapping[str, str]
) -> Iterator[tuple[str, Writer]]:
    of_attempt: dict[tuple[int | None, str | None], str] = {
        (one.rank, one.attempt): commits[writer] for writer, one in opened.items() if one.attempt and writer in commits
    }
    for writer in asked:
        one = opened.get(writer, Writer())
        yield writer, replace(one, commit=commits.get(writer) or of_attempt.get((one.rank, one.attempt)))


def _whenever(reading: Reading) -> Reading:
    """The reading without a bound on when it was so: who said something in a past is found there or later."""
    return replace(reading, bounds=replace(reading.bounds, as_of=""))
