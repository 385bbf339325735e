"""Removing stored contents that are no longer wanted: the bytes go, what was recorded of them stays.

Each call is an action of type retention, which the artifacts whose contents it removed are associated with: so it has a
time and a reason, shows in their lineage, and is told to whoever fetches one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd

from epochal._entity_events import association_made, entity_declared
from epochal._errors import NotAvailableError
from epochal._ids import association_id, entity_id, uuid7
from epochal._values import JSON
from epochal_query.artifacts import aliases
from epochal_query.columns import decoded, instants, texts, values
from epochal_query.connection import Opened
from epochal_query.errors import DeletionError
from epochal_query.mentions import MENTIONS, MENTIONS_EVER
from epochal_query.reading import Reading, at
from epochal_query.times import When, parse_instant

_TYPE: Final = "retention"
_ALIASED_ELSEWHERE: Final = """
    SELECT groupUniqArray(JSONExtractString(ends, 'source')) FROM (
        SELECT argMax(value, place) AS ends FROM facts FINAL
        WHERE kind = 'association' AND field = 'ends' AND project != {project:String}
        GROUP BY project, entity HAVING NOT argMax(removed, place))
    WHERE JSONExtractString(ends, 'source_kind') = 'artifact' AND JSONExtractString(ends, 'target_kind') = 'context'"""
_IN_DIRECTORY: Final = "a directory that stays has it"
COLUMNS: Final = ("digest", "name", "size", "logged", "change", "reason")


@dataclass(frozen=True)
class Kept:
    """What stays, however old it is."""

    used: bool
    aliased: bool


@dataclass(frozen=True)
class Content:
    """A content that lies in the store: a name of it, its bytes, when it was logged last, by how many it was used, and
    the aliases that stand for it.
    """

    digest: str
    name: str
    size: int
    logged: datetime
    users: int
    aliases: Sequence[str]
    elsewhere: bool
    """Whether another project has it, too."""

    def stays(self, kept: Kept) -> str:
        """Why it stays; the empty text where it goes."""
        if self.elsewhere:
            return "another project has the same content"
        if kept.aliased and self.aliases:
            return f"it is {', '.join(map(repr, self.aliases))}: aliased=True (--aliased) takes it, too"
        if kept.used and self.users:
            several = "s" if self.users > 1 else ""
            return f"it went into {self.users:,} component{several}: used=True (--used) takes it, too"
        return ""


def prune(
    reading: Reading, opened: Opened, older_than: When, kept: Kept, reason: str, confirm: int | None
) -> pd.DataFrame:
    """Remove contents that were logged last before a time, or list them: one row each, and one for each that stays.

    Raises:
        TimeError: it is no time. DeletionError: ``confirm`` isn't how many would go, or there is no reason.
        NotAvailableError: there is no place for contents, or nothing can be said to the store.
        OSError: contents can't be removed.
    """
    instant = parse_instant(older_than, reading.now, "older_than")
    store: Any = opened.contents()
    if store is None:
        raise NotAvailableError("the store is a server, and EPOCHAL_ARTIFACTS doesn't say where contents lie: set it")
    found = [one for one in _contents(reading) if one.logged < instant and store.exists(one.digest)]
    stays = {one.digest: why for one in found if (why := one.stays(kept))}
    others = _all_stored(reading) - {one.digest for one in found if one.digest not in stays}
    held = store.belonging(others) if len(stays) < len(found) else set()
    stays |= {one.digest: _IN_DIRECTORY for one in found if one.digest in held and one.digest not in stays}
    going = [one for one in found if one.digest not in stays]
    change = "prunable"
    if confirm is not None:
        _check(going, confirm, reason)
        # said before it is done: what is gone has a reason, and what a crash leaves there goes with the next call
        _say(reading, opened, going, reason, instant)
        store.remove(sorted(one.digest for one in going), others | stays.keys())
        change = "removed"
    rows = [
        (one.digest, one.name, one.size, one.logged, "kept" if (why := stays.get(one.digest, "")) else change, why)
        for one in found
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    types = {**dict.fromkeys(("digest", "name", "change", "reason"), "str"), "size": "int64"}
    return frame.astype({**types, "logged": "datetime64[us, UTC]"})


def told_of(reading: Reading, artifact: str, name: str) -> str:
    """When the content of an artifact was removed last, and why; the empty text where it wasn't."""
    table = reading.rows(
        f"""SELECT a.name AS name, a.properties AS properties, s.occurred_at AS since
            FROM (SELECT toUUIDOrZero(target) AS action, occurred_at FROM {at("associations")}
                  WHERE project = {{project:String}} AND source = {{artifact:String}} AND target_kind = 'action') AS s
            INNER JOIN (SELECT action, name, properties FROM {at("actions")}
                        WHERE project = {{project:String}} AND type = '{_TYPE}') AS a ON a.action = s.action
            ORDER BY since DESC LIMIT 1""",
        artifact=artifact,
    )
    if not table.num_rows:
        return ""
    since, said = instants(table, "since")[0], decoded(texts(table, "properties")[0] or "{}")
    return (
        f"the content of artifact {name!r} ({artifact}) was removed on {since:%Y-%m-%d %H:%M:%S} UTC: "
        f"{said.get('reason', '')} ({texts(table, 'name')[0]}). What was recorded of it is still there; to have the "
        "content again, log it once more from a copy"
    )


def _contents(reading: Reading) -> list[Content]:
    """Every content that something there stored, by when it was logged last.

    What went into a component counts however it was said, and also where that is deleted: it may come back.
    """
    table = reading.rows(
        f"""SELECT digest, argMax(name, logged_at) AS called, max(ifNull(size, 0)) AS bytes, max(occurred_at) AS logged,
                   uniqExactIf(component, direction = 'in') AS users,
                   arrayConcat([assumeNotNull(digest)], groupUniqArray(uri)) AS keys,
                   digest IN (SELECT JSONExtractString(value, 'digest') FROM facts
                              WHERE kind = 'component' AND field = 'artifact'
                                AND project != {{project:String}})
                       OR hasAny(keys, ({_ALIASED_ELSEWHERE})) AS shared
            FROM ({MENTIONS_EVER}) WHERE digest IN (SELECT digest FROM ({MENTIONS}) WHERE stored)
            GROUP BY digest ORDER BY logged, digest"""
    )
    named = aliases(reading).groupby("artifact")["name"].agg(list).to_dict()
    columns = (texts(table, "digest"), texts(table, "called"), values(table, "bytes"), instants(table, "logged"))
    more = (values(table, "users"), values(table, "keys"), values(table, "shared"))
    return [
        Content(
            digest,
            name,
            int(size),
            logged,
            int(users),
            [alias for key in keys for alias in named.get(key, ())],
            bool(shared),
        )
        for digest, name, size, logged, users, keys, shared in zip(*columns, *more, strict=True)
    ]


def _all_stored(reading: Reading) -> set[str]:
    """Every content that any project, also something deleted, has."""
    table = reading.rows(
        """SELECT DISTINCT JSONExtractString(value, 'digest') AS digest FROM facts
           WHERE kind = 'component' AND field = 'artifact' AND JSONExtractBool(value, 'stored') AND digest != ''"""
    )
    return set(texts(table, "digest"))


def _check(going: Sequence[Content], confirm: int, reason: str) -> None:
    if confirm != len(going):
        size = sum(one.size for one in going)
        raise DeletionError(
            f"nothing is removed: {len(going):,} contents ({size:,} bytes) would go, not {confirm!r}. Look at the list "
            f"without confirm=, then say confirm={len(going)} (--confirm {len(going)})"
        )
    if not reason.strip():
        raise DeletionError("no content is removed without a reason, which is told to whoever asks for it: reason=")


def _say(reading: Reading, opened: Opened, going: Sequence[Content], reason: str, older_than: datetime) -> None:
    if not going:
        return
    name = f"retention {uuid7()}"
    action = str(entity_id(reading.project, "action", name))
    properties: dict[str, JSON] = {"reason": reason, "older_than": older_than.isoformat(), "contents": len(going)}
    events = [entity_declared(kind="action", entity=action, name=name, type=_TYPE, properties=properties)]
    for one in going:
        source, target = ("artifact", one.digest), ("action", action)
        association = str(association_id(reading.project, "AssociatedWith", source, target))
        events.append(
            association_made(
                association=association,
                relation="AssociatedWith",
                source_kind="artifact",
                source=one.digest,
                target_kind="action",
                target=action,
            )
        )
    opened.say(reading.project, events, 0)
