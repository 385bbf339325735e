"""Where the FORMAT clause stands in a statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from epochal_storage.sql_text import Token, tokens


@dataclass(frozen=True)
class Insert:
    """An INSERT whose data stands apart: the statement up to its FORMAT, the format, and where the data begins."""

    statement: str
    data_format: str
    data_at: int


def insert_with_format(text: str) -> Insert | None:
    """Find the FORMAT of an INSERT; None for any other statement, and for an INSERT with VALUES or SELECT."""
    found = tokens(text)
    first = next(found, None)
    if first is None or first.name != "insert":
        return None
    depth = 0
    before = first
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.kind == "word" and token.name in ("values", "select", "with"):
            return None
        if depth == 0 and before.kind == "word" and before.name == "format" and token.kind == "word":
            return Insert(text[: before.start].rstrip(), token.text, token.end + _gap(text[token.end :]))
        before = token
    return None


def format_clause(found: Sequence[Token]) -> tuple[Token, Token] | None:
    """The words FORMAT and its name, where they end a query or only SETTINGS follow."""
    found = [token for token in found if token.text != ";"]
    for place in range(len(found) - 1, 0, -1):
        word, name = found[place - 1], found[place]
        if word.kind == "word" and word.name == "format" and name.kind == "word":
            return (word, name) if found[place + 1 :] == [] or found[place + 1].name == "settings" else None
    return None


def _gap(rest: str) -> int:
    """How much of the text stands between a format's name and the data: blanks, a semicolon, one end of line."""
    match = re.match(r"[ \t]*;?[ \t]*(?:\r?\n)?", rest)
    return match.end() if match else 0
