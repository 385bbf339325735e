"""Who wrote: what the writers of an entity's statements said of themselves when they opened, and of their code."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from epochal_query.columns import id_texts, texts, values
from epochal_query.reading import Reading, block

_OPENED = "epochal.writer.opened"
_CORRECTIONS = ("epochal.params.corrected", "epochal.tags.set", "epochal.note.written", "epochal.artifact.logged")


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer; None is what isn't known of it. ``commit`` is that of the code that its attempt ran."""

    user: str | None = None
    host: str | None = None
    pid: int | None = None
    rank: int | None = None
    attempt: str | None = None
    commit: str | None = None


def writers_of(
    reading: Reading, wanted: Collection[str], commits: Mapping[str, str], *, reasons: bool = False
) -> tuple[dict[str, Writer], dict[str, str]]:
    """What is known of writers by their ids; and of each event of the wanted ones the reason given with it, where it
    corrects a param, a tag, a note or an artifact (``reasons``). Helpers share the commit of their attempt's main
    writer.
    """
    asked = sorted({*wanted, *commits})
    if not asked:
        return {}, {}
    corrections = "writer IN {corrected:Array(UUID)} AND type IN {corrections:Array(String)}"
    # the opening is the first event of every writer
    table = _whenever(reading).rows(
        f"""SELECT writer, seq, type, JSONExtractString(payload, 'data', 'user') AS user,
                   JSONExtractString(payload, 'data', 'host') AS host, JSONExtractInt(payload, 'data', 'pid') AS pid,
                   JSONExtractUInt(payload, 'data', 'rank') AS rank,
                   JSONExtractString(payload, 'data', 'attempt') AS attempt,
                   if(type = 'epochal.params.corrected', JSONExtractString(payload, 'data', 'reason'),
                      JSONExtractString(payload, 'data', 'correction', 'reason')) AS reason
            FROM events AS e FINAL
            WHERE project = {{project:String}} AND writer IN {{writers:Array(UUID)}}
              AND (seq = 0 AND type = '{_OPENED}'{f" OR {corrections}" if reasons else ""})
              AND {block("within", "e | _at | ")}""",
        writers=asked,
        corrected=sorted(wanted),
        corrections=list(_CORRECTIONS),
    )
    columns = [texts(table, name) for name in ("type", "user", "host", "attempt", "reason")]
    numbers = [values(table, name) for name in ("seq", "pid", "rank")]
    opened, why = dict[str, Writer](), dict[str, str]()
    for writer, type_, user, host, attempt, reason, seq, pid, rank in zip(
        id_texts(table, "writer"), *columns, *numbers, strict=True
    ):
        if type_ == _OPENED:
            opened[writer] = Writer(user or None, host or None, pid, rank, attempt or None)
        elif reason:
            why[f"{writer}:{seq}"] = reason
    return dict(_with_commits(opened, asked, commits)), why


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
