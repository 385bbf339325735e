"""Artifacts by name: the versions that one had, and the aliases that stand for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from epochal._associating import ALIAS
from epochal._ids import entity_id, normal_text
from epochal_query.columns import id_texts, instants, texts, values
from epochal_query.errors import UnknownNameError
from epochal_query.mentions import MENTIONS
from epochal_query.names import unknown
from epochal_query.reading import Reading, at

_ALIASED: Final = f"""
    SELECT c.context AS context, c.name AS name, a.source AS artifact, a.occurred_at AS since
    FROM (SELECT context, name FROM {at("contexts")} WHERE project = {{project:String}} AND type = '{ALIAS}') AS c
    INNER JOIN (SELECT toUUIDOrZero(target) AS context, source, occurred_at FROM {at("associations")}
                WHERE project = {{project:String}} AND relation = 'AssociatedWith'
                  AND source_kind = 'artifact' AND target_kind = 'context') AS a ON a.context = c.context"""

_TEXTS: Final = {"uri": "place", "media_type": "type", "direction": "way", "name": "called"}


def aliases(reading: Reading) -> pd.DataFrame:
    """One row an alias: name, artifact (digest, else URI), since (UTC); by name."""
    table = reading.rows(f"SELECT name, artifact, since FROM ({_ALIASED}) ORDER BY name, since, artifact")
    return pd.DataFrame(
        {
            "name": _words(texts(table, "name")),
            "artifact": _words(texts(table, "artifact")),
            "since": instants(table, "since"),
        }
    )


def aliased(reading: Reading, name: str) -> str | None:
    """The artifact that an alias stands for; None where there is no such alias, or it stands for nothing."""
    table = reading.rows(
        f"SELECT artifact FROM ({_ALIASED}) WHERE context = {{alias:UUID}} ORDER BY since DESC LIMIT 1",
        alias=str(entity_id(reading.project, "context", name)),
    )
    return texts(table, "artifact")[0] if table.num_rows else None


def versions(reading: Reading, name: object) -> pd.DataFrame:
    """One row a content that went by a name, by when it was logged first; who made it, else who used it first.

    Raises:
        UnknownNameError: no artifact ever had the name; the message has near ones.
    """
    text = normal_text(name) if isinstance(name, str) else ""
    first = "(direction = 'in', occurred_at, component)"
    table = reading.rows(
        f"""SELECT v.*, c.name AS called FROM (
                SELECT artifact, min(occurred_at) AS since, argMin(uri, {first}) AS place,
                       argMin(media_type, {first}) AS type, max(size) AS bytes, max(stored) AS kept,
                       argMin(direction, {first}) AS way, argMin(component, {first}) AS maker
                FROM ({MENTIONS}) WHERE project = {{project:String}} AND name = {{name:String}}
                GROUP BY artifact) AS v
            LEFT JOIN (SELECT component, name FROM {at("components")} WHERE project = {{project:String}}) AS c
                ON c.component = v.maker
            ORDER BY since, artifact""",
        name=text,
    )
    if not table.num_rows:
        raise _unknown(reading, name, text)
    keys = texts(table, "artifact")
    named = aliases(reading).groupby("artifact")["name"].agg(list).to_dict()
    return pd.DataFrame(
        {
            "version": range(1, len(keys) + 1),
            "artifact": _words(keys),
            **{shown: _words(texts(table, column)) for shown, column in _TEXTS.items()},
            "size": pd.array(values(table, "bytes"), dtype="Int64"),
            "stored": pd.array(values(table, "kept"), dtype="bool"),
            "since": instants(table, "since"),
            "component": _words(id_texts(table, "maker")),
            "aliases": [named.get(key, []) for key in keys],
        }
    )


def _unknown(reading: Reading, name: object, text: str) -> UnknownNameError:
    table = reading.present.rows(
        f"SELECT DISTINCT name FROM {at('artifacts')} WHERE project = {{project:String}} ORDER BY name"
    )
    return unknown("artifact", text or repr(name), texts(table, "name"), f" in project {reading.project!r}")


def _words(found: Iterable[str]) -> Any:
    return pd.array(list(found), dtype="str")
