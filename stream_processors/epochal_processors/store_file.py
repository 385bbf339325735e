"""``store.json``: which store a directory holds, and in which format."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from epochal_processors.intake import store_of
from epochal_storage.errors import StoreError

FORMAT = 1
NAME = "store.json"


def read_or_create(directory: Path, now: datetime) -> UUID:
    """The id of the store in a directory; a new one where there is none, and the intake doesn't know it either.

    Raises:
        StoreError: the file is damaged, or the store was made by a newer version.
        OSError: the directory can't be written.
    """
    path = directory / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _create(path, now, store_of(directory / "intake" / "intake.log") or uuid4())
    try:
        found = json.loads(content)
        version, store = int(found["format"]), UUID(found["store"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is damaged ({error}); restore it: without it nobody can tell which log the rows belong to"
        ) from error
    if version > FORMAT:
        raise StoreError(f"{directory} has format {version}, this version reads up to {FORMAT}: upgrade epochal")
    return store


def _create(path: Path, now: datetime, store: UUID) -> UUID:
    draft = path.with_name(f"{NAME}.new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"format": FORMAT, "store": str(store), "created": now.isoformat()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return store
