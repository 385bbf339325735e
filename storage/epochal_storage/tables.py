"""The engine over a store's directory, with its tables as this version has them.

On a full disk chDB (4.4) writes the definitions of tables and views empty or cut short without a word, and can't open
them again. So marks say what is being made, and what was made is compared with what lies on the disk.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from epochal_storage.engine import DATABASE, Engine, ReadLimits
from epochal_storage.errors import MigrationError
from epochal_storage.migrations import migrate
from epochal_storage.schemas import SCHEMAS

UNFINISHED = "unfinished"
"""A file in the engine's directory from its making until all tables and views are there: it holds nothing yet."""
CHANGING = "changing"
"""A file there while tables and views are brought to a newer version."""
_HOLDING_ROWS = frozenset({*SCHEMAS, "migrations"})
_COMPARED = 200
"""How many characters of a definition's end are compared: it is the end that is missing."""


def open_tables(directory: Path, limits: ReadLimits | None = None) -> Engine:
    """Open the engine over a directory, made where there is none, and bring its tables to this version.

    Guarantees: what a full disk kept from being written is made again, once there is room.
    Raises: EngineError where it can't be opened; MigrationError where the tables can't be made.
    """
    unfinished, changing = directory / UNFINISHED, directory / CHANGING
    if unfinished.exists():
        shutil.rmtree(directory)
    if not directory.exists():
        directory.mkdir(parents=True)
        unfinished.touch()
    again = changing.exists()
    _remove_broken(directory, views=again)
    _remove_copied_link(directory)
    engine = Engine(directory, limits)
    try:
        migrate(engine, on_statement=lambda _: changing.touch(), again=again)
        if changing.exists():
            _check(engine, directory)
    except BaseException:
        engine.close()
        raise
    unfinished.unlink(missing_ok=True)
    changing.unlink(missing_ok=True)
    return engine


def _remove_broken(directory: Path, *, views: bool) -> None:
    """Remove definitions that can't be read: those of snapshots that are empty, and our views' if some may be."""
    own = _definitions(directory)
    for path in directory.glob("store/*/*/*.sql"):
        ours = path.parent == own
        if (views and path.stem not in _HOLDING_ROWS) if ours else not path.stat().st_size:
            path.unlink()


def _check(engine: Engine, directory: Path) -> None:
    """Compare each definition with its file. Raises: MigrationError where one isn't on the disk as a whole."""
    known = "SELECT name, create_table_query AS sql FROM system.tables WHERE database = currentDatabase()"
    own = _definitions(directory) or directory
    for row in engine.query_arrow(known).to_pylist():
        path = own / f"{row['name']}.sql"
        if not path.exists() or not _packed(path.read_text(encoding="utf-8")).endswith(
            _packed(row["sql"])[-_COMPARED:]
        ):
            raise MigrationError(f"there is no room for {path}: make some on the disk")


def _definitions(directory: Path) -> Path | None:
    """Where our database's definitions lie; None where there is no database yet."""
    try:
        said = (directory / "metadata" / f"{DATABASE}.sql").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    named = re.search(r"UUID '([0-9a-f-]{36})'", said)
    return directory / "store" / named[1][:3] / named[1] if named else None


def _remove_copied_link(directory: Path) -> None:
    """A store that was copied without its symbolic links has a directory where chDB wants to make a link."""
    link, own = directory / "metadata" / DATABASE, _definitions(directory)
    if own is not None and own.is_dir() and link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)


def _packed(sql: str) -> str:
    return "".join(sql.split())
