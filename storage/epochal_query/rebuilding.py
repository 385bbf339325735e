"""Rebuilding views: which tables they are read from, and what came of making these anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd
import pyarrow as pa

from epochal_processors.rebuilding import DERIVED, Rebuilt, rebuild
from epochal_query.names import unknown
from epochal_query.times import Watermark
from epochal_storage.archive import Progress
from epochal_storage.migrations import Layout, migrate
from epochal_storage.remote import RemoteStore
from epochal_storage.views_sql import view_texts

ALL = "all"


def tables_of(view: str | None) -> list[str]:
    """The tables to make anew for a view (with or without ``_at``) or a table; all of them for None or ``all``.

    Raises:
        UnknownNameError: there is no such view; the message has near names.
    """
    read = {name.removesuffix("_at"): _read_by(text) for name, text in view_texts().items()}
    known = {ALL: list(DERIVED), **{table: [table] for table in DERIVED}, **read}
    name = ALL if view is None else view.removesuffix("_at")
    if name not in known:
        raise unknown("view", str(view), known)
    return known[name]


def rebuilt(store: RemoteStore, tables: Sequence[str], at: Watermark, progress: Progress) -> pd.DataFrame:
    """Define all views anew, then make the tables anew, one after the other; one row a table."""
    database = store.query_arrow("SELECT currentDatabase() AS name")["name"][0].as_py()
    migrate(store, Layout(database), again=True)

    def query(sql: str, parameters: Mapping[str, object]) -> pa.Table:
        return store.query_arrow(sql, parameters)

    return pd.DataFrame([_row(rebuild(store, query, table, at, progress)) for table in tables])


def _row(made: Rebuilt) -> dict[str, object]:
    found = asdict(made)
    before, now = found.pop("checksum_before"), found.pop("checksum")
    changed = (before, made.rows_before) != (now, made.rows)
    return {**found, "checksum": f"{now:016x}", "changed": changed}


def _read_by(text: str) -> list[str]:
    return [table for table in DERIVED if re.search(rf"\b{table}\b", text)]
