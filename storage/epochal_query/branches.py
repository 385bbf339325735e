"""The branches of a rank: what it logged until it was rewound, and after each rewind."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from epochal_query.columns import column, floats, id_texts, instants, texts, values
from epochal_query.errors import FilterError
from epochal_query.reading import Reading, at
from epochal_query.scope import Scope

Branch = int | str | Literal["all"] | None
"""A branch by its number or by the rewind that began it (``<writer>:<seq>``), "all" of them, or None: the main line."""


def check_branch(branch: object) -> Branch:
    """The choice, if it can be one.

    Raises:
        FilterError: it can't; the message says what can.
    """
    if branch is None or (isinstance(branch, int) and not isinstance(branch, bool) and 0 <= branch < 2**32):
        return branch
    if isinstance(branch, str) and (branch == "all" or ":" in branch):
        return branch
    raise FilterError(
        f"branch={branch!r} is no branch: give its number (0 is what was logged before any rewind, each rewind begins "
        "the next), the event that began it, 'all' for every one in a column of its own, or None for the main line"
    )


def which_branches(reading: Reading, scope: Scope, branch: int | str) -> tuple[str, dict[str, object]]:
    """The condition on component, rank and branch, and what it binds.

    Raises:
        FilterError: nothing in scope has such a branch now.
    """
    if branch == "all":
        return "1", {}
    chosen = "branch = {branch:UInt32}" if isinstance(branch, int) else "event = {branch:String}"
    begun = f"FROM {at('branches')} WHERE project = {{project:String}}"
    present, now = scope.naming(reading)
    there = present.rows(
        f"SELECT max(branch) AS newest, countIf({chosen}) > 0 AS found {begun} AND {now.sql}",
        **now.parameters,
        branch=branch,
    )
    if not values(there, "found")[0]:
        newest = values(there, "newest")[0]
        known = f"branches 0 to {newest}" if newest else "branch 0 alone: nothing in it was ever rewound"
        raise FilterError(f"branch={branch!r}: {scope.words} has {known}; branches() of a component lists its own")
    if isinstance(branch, int):
        return chosen, {"branch": branch}
    return (
        f"(component, rank, branch) IN (SELECT component, rank, branch {begun} AND {scope.sql} AND {chosen})",
        {"branch": branch},
    )


def branch_frame(reading: Reading, scope: Scope) -> pd.DataFrame:
    """One row a branch of every rank in scope: component, rank, branch, newest, step, time, attempt, event."""
    table = reading.rows(
        f"""SELECT b.component AS component, b.rank AS rank, b.branch AS branch, b.newest AS newest,
                   b.began_at_step AS step, b.began_at AS time, a.number AS attempt, b.event AS event
            FROM (SELECT * FROM {at("branches")} WHERE project = {{project:String}} AND {scope.sql}) AS b
            LEFT JOIN (SELECT * FROM {at("attempts")} WHERE project = {{project:String}} AND {scope.sql}) AS a
                ON a.component = b.component AND a.rank = b.rank AND a.attempt = b.attempt
            ORDER BY component, rank, branch""",
        **scope.parameters,
    )
    whole = {name: column(table, name).to_numpy(False).astype(np.int64) for name in ("rank", "branch", "attempt")}
    begun = whole["branch"] > 0
    return pd.DataFrame(
        {
            "component": pd.array(id_texts(table, "component"), dtype="str"),
            "rank": whole["rank"],
            "branch": whole["branch"],
            "newest": np.array(values(table, "newest"), dtype=np.bool_),
            "step": floats(table, "step"),
            "time": instants(table, "time"),
            "attempt": pd.arrays.IntegerArray(whole["attempt"], ~begun | (whole["attempt"] == 0)),
            "event": pd.array(texts(table, "event"), dtype="str"),
        }
    )
