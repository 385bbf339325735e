"""Users' own SQL: it reads, and its errors are the engine's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pandas as pd

from epochal_query.errors import QueryError, no_text
from epochal_storage.errors import EngineError
from epochal_storage.parameters import encoded

# ClickHouse's numbers for "not in readonly mode", "not enough privileges" and the like
_HINTS = {
    "UNKNOWN_TABLE": "SHOW TABLES lists what there is, docs/views.md says what it means",
    "UNKNOWN_IDENTIFIER": "DESCRIBE <view> lists its columns",
    "UNKNOWN_QUERY_PARAMETER": "give it as parameters={'name': value}, on the command line as -P name=value",
    "TIMEOUT_EXCEEDED": "ask for less: name project, component and metric wherever they are known",
    "MEMORY_LIMIT_EXCEEDED": "ask for less: name project, component and metric, and aggregate or LIMIT in the query",
    "CANNOT_PARSE_DATETIME": "as_of and known_at are texts such as '2025-03-03T12:00:00Z', or '' for no bound",
}
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
    wrong = [name for name in parameters or () if not isinstance(cast(object, name), str)]
    if wrong:
        raise QueryError(f"a parameter's name is text such as 'epochs', for {{epochs:UInt32}}; not {wrong[0]!r}")
    try:
        given = {**{name: value for name, value in bounds.items() if f"{{{name}:" in query}, **(parameters or {})}
        encoded(given)
        return run(query, given)
    except EngineError as error:
        if error.code in _REFUSED_WRITES:
            raise QueryError(
                "sql() only reads: nothing in a store is changed by SQL. Log, tag or correct with the SDK; "
                f"the engine said: {error.message}"
            ) from None
        hint = f"; {_HINTS[error.name]}" if error.name in _HINTS else ""
        raise QueryError(f"{error.message}" + (f" ({error.name})" if error.name else "") + hint) from None
    except UnicodeEncodeError as error:
        raise no_text(error) from None
    except TypeError as error:
        raise QueryError(str(error)) from None
