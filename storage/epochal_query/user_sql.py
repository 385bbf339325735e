"""Users' own SQL: it reads, and its errors are the engine's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pandas as pd

from epochal_query.errors import QueryError
from epochal_storage.errors import EngineError

# ClickHouse's numbers for "not in readonly mode", "not enough privileges" and the like
_REFUSED_WRITES = {164, 482, 497}


def user_query(
    run: Callable[[str, Mapping[str, object] | None], pd.DataFrame],
    query: str,
    parameters: Mapping[str, object] | None,
    bounds: Mapping[str, object],
) -> pd.DataFrame:
    """The answer to a user's query.

    Raises:
        QueryError: the engine refused it, it would change something, or a parameter can't be bound.
    """
    if not isinstance(cast(object, query), str) or not query.strip():
        raise QueryError(f"a query is SQL text such as 'SELECT count() FROM components', not {query!r}")
    if parameters is not None and not isinstance(cast(object, parameters), Mapping):
        raise QueryError(
            f"parameters={parameters!r} is not a mapping: give {{'name': value}} and write {{name:String}} in the query"
        )
    try:
        given = {**{name: value for name, value in bounds.items() if f"{{{name}:" in query}, **(parameters or {})}
        return run(query, given)
    except EngineError as error:
        if error.code in _REFUSED_WRITES:
            raise QueryError(
                "sql() only reads: nothing in a store is changed by SQL. Log, tag or correct with the SDK; "
                f"the engine said: {error.message}"
            ) from None
        raise QueryError(f"{error.message}" + (f" ({error.name})" if error.name else "")) from None
    except TypeError as error:
        raise QueryError(str(error)) from None
