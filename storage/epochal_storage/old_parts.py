"""Parts that the engine replaced when it changed rows: it keeps them for a while, with all that was in them."""

from __future__ import annotations

from collections.abc import Collection

from epochal_storage.engine import Engine

_ASIDE = "_erasing"
_FOUND = f"""
SELECT table AS name FROM system.mutations WHERE database = currentDatabase() AND is_done
UNION DISTINCT
SELECT name FROM system.tables WHERE database = currentDatabase() AND endsWith(name, '{_ASIDE}')
"""  # noqa: S608  a name of our own


def forget_old_parts(engine: Engine, tables: Collection[str]) -> None:
    """Have the replaced parts of tables in which rows were changed, by whomever, removed now.

    Such a table is cloned, which takes hard links, and the clone takes its place; inserts of others wait. The clone
    knows nothing of changes, so that the next call has nothing to do; nor is anything else remembered.
    For the thread that inserts for the engine's owner. Raises: EngineError.
    """
    found = set(engine.query_arrow(_FOUND)["name"].to_pylist())
    for table in tables:
        aside = f"{table}{_ASIDE}"
        if aside in found:  # left by a process that was killed
            engine.command(f"DROP TABLE {aside} SYNC")
        if table in found:
            with engine.writes.shut():
                engine.command(f"CREATE TABLE {aside} CLONE AS {table}")
                engine.command(f"EXCHANGE TABLES {aside} AND {table}")
            engine.command(f"DROP TABLE {aside} SYNC")
