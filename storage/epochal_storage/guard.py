"""What a reader's SQL may hold: the gaps that `readonly=1` leaves open in an embedded engine.

The engine refuses writes and table functions that reach outside. It doesn't refuse reading any file
with the function `file`, writing one with INTO OUTFILE, ending others' queries with KILL, or looking
into the host's own memory with `python`: on a server these are bound to a directory or to rights.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from epochal_storage.errors import EngineError
from epochal_storage.formats import format_clause
from epochal_storage.sql_text import Token, tokens

_SELECTS = frozenset({"select", "with", "from"})
_FIRST_WORDS = _SELECTS | {"show", "describe", "desc", "explain", "exists", "use"}
_WRITES = frozenset(
    {
        "insert", "create", "drop", "alter", "delete", "update", "truncate", "rename", "exchange", "optimize", "attach",
        "detach", "undrop", "replace", "set", "system", "kill", "backup", "restore", "grant", "revoke", "begin",
        "commit", "rollback", "execute", "check", "watch", "move", "refresh", "copy",
    }
)  # fmt: skip

# functions can be named without being called: arrayMap(file, …), APPLY(file)
_FUNCTIONS = frozenset({"file", "showcertificate"})
# `eval` runs SQL that stands in a string, where it can't be looked at
_TABLE_FUNCTIONS = frozenset({"python", "eval", "filesystem", "executable", "arrowstream", "filecluster"})

_PLAIN_ESCAPES = re.compile(r"""\\[\\`"]""")

# characters of a text of which it is kept in mind that it may run
_REMEMBERED = 20_000

_READONLY = 164
_SYNTAX_ERROR = 62


@dataclass(frozen=True)
class Examined:
    """A text of SQL, looked through once."""

    format: tuple[Token, Token] | None
    """The words of its FORMAT clause."""
    selects: bool
    """It is one query of rows, and not SHOW, DESCRIBE, EXPLAIN or a statement that changes something."""
    refusal: EngineError | None
    """Why a reader may not run it; None when it may. Has the code that ClickHouse would use."""


def examined(sql: str) -> Examined:
    """Look through a text of SQL; at one that came lately, with other parameters, only once."""
    try:
        return _accepted(sql) if len(sql) <= _REMEMBERED else _accepted.__wrapped__(sql)
    except EngineError as error:
        return Examined(format_clause(list(tokens(sql))), selects=False, refusal=error)


@lru_cache(500)
def _accepted(sql: str) -> Examined:
    found = list(tokens(sql))
    _check(found)
    return Examined(format_clause(found), selects=_first(found).name in _SELECTS, refusal=None)


def check_read(sql: str) -> None:
    """Raise the EngineError for which a reader may not run a text; do nothing when it may."""
    refusal = examined(sql).refusal
    if refusal is not None:
        raise refusal


def _first(found: Sequence[Token]) -> Token:
    return next((token for token in found if token.text != "("), found[0])


def _check(found: Sequence[Token]) -> None:
    if not found or found[0].text == ";":
        raise EngineError("the query is empty", _SYNTAX_ERROR, "SYNTAX_ERROR")
    if any(before.text == ";" != after.text for before, after in pairwise(found)):
        raise EngineError("one statement at a time: found a ';' with more behind it", _SYNTAX_ERROR, "SYNTAX_ERROR")
    first = _first(found)
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


def _check_token(token: Token, before: Token | None, after: Token | None) -> None:
    if token.kind not in ("word", "quoted"):
        return
    called = after is not None and after.text == "("
    if (token.name in _TABLE_FUNCTIONS and called) or (token.name in _FUNCTIONS and not _is_column(before, called)):
        raise _refused(
            f"this connection may only read the store, and {token.text} reaches outside of it; "
            f"if it is a column, write it with its table: t.{token.text}"
        )
    if token.kind == "quoted" and "\\" in _PLAIN_ESCAPES.sub("", token.text):
        # a name spelt in escapes could be any of the words above
        raise _refused(f"a name may hold no escape but of quotes and backslashes here: {token.text[:40]}")
    if token.name == "outfile" and before is not None and before.name == "into":
        raise _refused(
            "this connection may only read: INTO OUTFILE writes a file; write the answer where you receive it"
        )
    if token.name == "with" and before is not None and before.name == "parallel":
        raise _refused("this connection may only read: PARALLEL WITH runs further statements")


def _is_column(before: Token | None, called: bool) -> bool:
    """Whether a word is plainly the name of a column: behind a dot or AS, and no call."""
    return before is not None and (before.text == "." or before.name == "as") and not called


def _refused(message: str) -> EngineError:
    return EngineError(message, _READONLY, "READONLY")
