"""The engine over a store's directory, with its tables as this version has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from epochal_storage.engine import Engine, ReadLimits
from epochal_storage.errors import MigrationError
from epochal_storage.migrations import migrate

UNFINISHED = "unfinished"
"""A file in the engine's directory from its making until all tables are there."""


def open_tables(directory: Path, limits: ReadLimits | None = None) -> Engine:
    """Open the engine over a directory, made where there is none, and bring its tables to this version.

    Guarantees: a directory in which this never succeeded holds nothing, and is made anew the next time.
    Raises: EngineError where it can't be opened; MigrationError where the tables can't be made.
    """
    mark = directory / UNFINISHED
    if mark.exists():
        shutil.rmtree(directory)
    if not directory.exists():
        directory.mkdir(parents=True)
        mark.touch()
    engine = Engine(directory, limits)
    try:
        migrate(engine)
        _check_definitions(directory)
    except BaseException:
        engine.close()
        raise
    mark.unlink(missing_ok=True)
    return engine


def _check_definitions(directory: Path) -> None:
    """On a full disk chDB (4.4) writes empty definitions of tables without a word, and can't read them at its start."""
    empty = sorted(path.stem for path in directory.glob("store/*/*/*.sql") if not path.stat().st_size)
    if empty:
        raise MigrationError(
            f"{directory} has no room left for its tables ({', '.join(empty[:3])}, …): make room on the disk"
        )
