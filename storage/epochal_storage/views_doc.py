"""Makes docs/views.md from the migrations: `python -m epochal_storage.views_doc > docs/views.md`.

Columns, types and comments are read from the text of the migrations, so that no engine is needed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from epochal_storage.migrations import available

_NOUN = re.compile(
    r"CREATE OR REPLACE VIEW \{database\}\.(?P<name>\w+) \{on_cluster\} \(\n(?P<columns>.*?)\n\) "
    r"AS SELECT \* FROM \{database\}\.(?P<bounded>\w+)\(as_of = '', known_at = ''\)\n"
    r"COMMENT '(?P<comment>(?:[^']|'')*)'",
    re.DOTALL,
)
_COLUMN = re.compile(r"^\s*`(?P<name>\w+)` (?P<type>.+?) COMMENT '(?P<comment>(?:[^']|'')*)',?$", re.MULTILINE)
_CREATED = re.compile(r"CREATE OR REPLACE VIEW \{database\}\.(\w+) ")

_HEAD = """\
# Views

<!-- Made from the migrations by `python -m epochal_storage.views_doc > docs/views.md`: change those, not this. -->

What queries read, from any ClickHouse client (`epochal url` prints the address). Each noun is a view without bounds
and a view with two, both texts:

* `as_of`: a time. What was true then: `occurred_at <= as_of`.
* `known_at`: a time, or a watermark (JSON text `{"<log>": offset}`, as every answer carries it). What the system knew
  then: `recorded_at <= known_at`, or the rows of each log up to the offset; logs not named are left out.

`''` is no bound, any other text is an error; a time without a zone is UTC; both bounds include the instant itself.

```sql
SELECT name, status FROM components WHERE project = 'default';
SELECT name, status FROM components_at(as_of = '2026-03-03T12:00:00Z', known_at = '') WHERE project = 'default';
```

Conditions on `project`, `component`, `metric` and `rank` reach the sorting key through the views: name them whenever
they are known. `summaries_at` has to look at the blocks of all series before it knows which points to read;
`summaries_of(as_of = '…', known_at = '…', components = '["<id>", …]')` shows the same of the components listed and
looks at theirs only. What each view shows is defined by the law of views ([architecture](architecture.md)) and held to
a reference fold in plain Python by `tests/views/test_law.py`. An example of each view with bounds, with its answer:
[time travel](time-travel.md).
"""


@dataclass(frozen=True)
class Column:
    """A documented column."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Noun:
    """A documented view, and the name of its twin that takes bounds."""

    name: str
    bounded: str
    comment: str
    columns: tuple[Column, ...]


def nouns() -> list[Noun]:
    """The documented views, in the order of the migrations; a later definition takes the place of an earlier one."""
    found: dict[str, Noun] = {}
    for text in _texts():
        for match in _NOUN.finditer(text):
            columns = tuple(
                Column(column["name"], column["type"], _unquoted(column["comment"]))
                for column in _COLUMN.finditer(match["columns"])
            )
            found[match["name"]] = Noun(match["name"], match["bounded"], _unquoted(match["comment"]), columns)
    return list(found.values())


def view_names() -> set[str]:
    """Every view that the migrations create."""
    return {name for text in _texts() for name in _CREATED.findall(text)}


def document(found: Iterable[Noun]) -> str:
    """The page."""
    parts = [_HEAD]
    for noun in found:
        parts.append(
            f"\n## {noun.name}\n\n{noun.comment[:1].upper()}{noun.comment[1:]}. With bounds: `{noun.bounded}`.\n"
        )
        parts.append("\n| column | type | meaning |\n|---|---|---|\n")
        parts += [f"| {column.name} | {_cell(column.type)} | {_cell(column.comment)} |\n" for column in noun.columns]
    return "".join(parts)


def _texts() -> list[str]:
    return [migration.text for migration in available()]


def _unquoted(comment: str) -> str:
    return comment.replace("''", "'").replace("\\\\", "\\")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\\", "\\\\")


if __name__ == "__main__":
    sys.stdout.write(document(nouns()))
