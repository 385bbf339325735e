"""What a reader's SQL may hold: the gaps that `readonly=1` leaves open in an embedded engine.

The engine refuses writes and table functions that reach outside. It doesn't refuse reading any file
with the function `file`, writing one with INTO OUTFILE, ending others' queries with KILL, or looking
into the host's own memory with `python`: on a server these are bound to a directory or to rights.
"""

from __future__ import annotations

from epochal_storage.errors import EngineError
from epochal_storage.sql_text import Token, statements, tokens

_SELECTS = frozenset({"select", "with", "from"})
_FIRST_WORDS = _SELECTS | {"show", "describe", "desc", "explain", "exists", "use"}
_WRITES = frozenset(
    {
        "insert", "create", "drop", "alter", "delete", "update", "truncate", "rename", "exchange", "optimize", "attach",
        "detach", "undrop", "replace", "set", "system", "kill", "backup", "restore", "grant", "revoke", "begin",
        "commit", "rollback", "execute", "check", "watch", "move", "refresh", "copy",
    }
)  # fmt: skip

# `eval` runs SQL that stands in a string, where it can't be looked at
_REACHING_OUT = frozenset(
    {"file", "python", "eval", "filesystem", "executable", "arrowstream", "filecluster", "showcertificate"}
)

_READONLY = 164
_SYNTAX_ERROR = 62


def check_read(sql: str) -> None:
    """Raise EngineError, with the code ClickHouse would use, unless the text is one statement that only reads.

    Guarantees: never alters the text; says which word it stumbled over.
    """
    if len(statements(sql)) > 1:
        raise EngineError("one statement at a time: found a ';' with more behind it", _SYNTAX_ERROR, "SYNTAX_ERROR")
    found = list(tokens(sql))
    if not found:
        raise EngineError("the query is empty", _SYNTAX_ERROR, "SYNTAX_ERROR")
    first = next((token for token in found if token.text != "("), found[0])
    if first.name in _WRITES:
        raise _refused(f"this connection may only read; {first.text.upper()} doesn't")
    if first.name not in _FIRST_WORDS:
        raise EngineError(
            f"no query begins with {first.text[:40]}; SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS do",
            _SYNTAX_ERROR,
            "SYNTAX_ERROR",
        )
    for place, token in enumerate(found):
        _check_token(token, found[place - 1] if place else None, found[place + 1] if place + 1 < len(found) else None)


def reads(sql: str) -> bool:
    """Whether `check_read` has nothing against a text."""
    try:
        check_read(sql)
    except EngineError:
        return False
    return True


def selects(sql: str) -> bool:
    """Whether a text is a query of rows, and not SHOW, DESCRIBE, EXPLAIN or a statement that changes something."""
    first = next((token for token in tokens(sql) if token.text != "("), None)
    return first is not None and first.name in _SELECTS and reads(sql)


def _check_token(token: Token, before: Token | None, after: Token | None) -> None:
    if token.name in _REACHING_OUT and not _is_column(before, after):
        raise _refused(
            f"this connection may only read the store, and {token.text} reaches outside of it; "
            f"if it is a column, write it with its table: t.{token.text}"
        )
    if token.kind == "quoted" and "\\" in token.text and after is not None and after.text == "(":
        raise _refused(f"a function's name may not hold a backslash here: {token.text[:40]}")
    if token.name == "outfile" and before is not None and before.name == "into":
        raise _refused(
            "this connection may only read: INTO OUTFILE writes a file; write the answer where you receive it"
        )
    if token.name == "with" and before is not None and before.name == "parallel":
        raise _refused("this connection may only read: PARALLEL WITH runs further statements")


def _is_column(before: Token | None, after: Token | None) -> bool:
    """Whether a word is plainly the name of a column or format: behind a dot, AS or FORMAT, and no call."""
    named = before is not None and (before.text == "." or before.name in ("as", "format"))
    return named and (after is None or after.text != "(")


def _refused(message: str) -> EngineError:
    return EngineError(message, _READONLY, "READONLY")
