"""ClickHouse SQL as text: its tokens, its statements. Knows nothing of what statements mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|\#[!\x20][^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<quoted>`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
  | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[0-9][0-9A-Za-z_.]*)
  | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL that isn't a comment or space; `kind` is word, quoted, string, heredoc, number or other."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The identifier it spells, in lower case; empty for what is no identifier."""
        if self.kind == "word":
            return self.text.lower()
        return self.text[1:-1].lower() if self.kind == "quoted" else ""


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of a text, in order, without comments and spaces.

    Guarantees: nothing of the text but comments and spaces is left out, valid SQL or not.
    """
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "other"
        # the named group inside a heredoc is the last one that matched
        kind = "heredoc" if kind == "tag" else kind
        if kind != "space":
            yield Token(kind, match[0], match.start(), match.end())


def statements(sql: str) -> list[str]:
    """The statements of a script, split at semicolons outside of strings, names and comments.

    Guarantees: each has at least one token; comments stay with the statement they stand in.
    """
    found: list[str] = []
    begin = 0
    held = False
    for token in tokens(sql):
        if token.text == ";":
            if held:
                found.append(sql[begin : token.start].strip())
            begin, held = token.end, False
        else:
            held = True
    if held:
        found.append(sql[begin:].strip())
    return found


def quoted_name(name: str) -> str:
    """A name as an identifier in SQL, whatever it holds."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def quoted_text(text: str) -> str:
    """Text as a string literal in SQL, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
