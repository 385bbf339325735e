"""Makes the migration with the views from `views.sql`: `python -m epochal_storage.views_sql`.

A view is written once out of named blocks and stored with every block put in. Views that call views would do the
same in the engine, which then analyses the inner ones again at every level: a second for the deepest.

A block may have variants, `-- block NAME when FACT, …`: the same rows with less to do, where the facts hold. Stored
views have the general block; who reads and knows what holds puts in the variants (`put_in`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from epochal_storage.migrations import REVISIONS, checksum

SOURCE = Path(__file__).with_name("views.sql")
TARGET = Path(__file__).parent / "migrations" / "0003_views.sql"

_SECTION = re.compile(r"^-- (block|view) (\w+)(?: when ([\w, ]+))?$", re.MULTILINE)
# an argument may hold bound parameters and blocks, and those may have arguments that hold blocks
_TEXT = r"[^{}]|\{\w+:[^{}]+\}"
_INNER = re.compile(rf"\{{\{{(\w+)(?:: ((?:{_TEXT}|\{{\{{(?:{_TEXT}|\{{\{{(?:{_TEXT})*\}}\}})*\}}\}})*))?\}}\}}")
_HEAD = """\
-- The views that fold the log. Each takes two texts: as_of (a time: what was true then) and known_at (a time, or a
-- watermark as JSON text {"<log>": offset}: what the system knew then); '' is no bound. Times without a zone are UTC.
-- Made from views.sql by `python -m epochal_storage.views_sql`: change that, not this.
-- Rollback: drop the views; nothing is stored in them.
"""


def migration(source: str) -> str:
    """The text of the migration: one CREATE VIEW for each view of the source, with the blocks put in."""
    blocks, views = sections(source)
    statements = [
        f"CREATE OR REPLACE VIEW {{database}}.{name} {{on_cluster}} AS\n{expanded(text, blocks)};\n"
        for name, text in views.items()
    ]
    return "\n".join([_HEAD, *statements])


def view_texts() -> dict[str, str]:
    """What each view reads, with the blocks put in."""
    blocks, views = _known(frozenset())
    return {name: expanded(text, blocks) for name, text in views.items()}


def sections(source: str, facts: frozenset[str] = frozenset()) -> tuple[dict[str, str], dict[str, str]]:
    """Blocks and views by name, each without the comment that follows its heading.

    Of a block with variants it is the last one whose facts all hold.
    """
    parts = _SECTION.split(source)
    found: dict[str, dict[str, str]] = {"block": {}, "view": {}}
    for kind, name, when, text in zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True):
        if when and not facts.issuperset(map(str.strip, when.split(","))):
            continue
        lines = text.strip("\n").split("\n")
        while lines[0].startswith("--"):
            lines.pop(0)
        found[kind][name] = "\n".join(lines).rstrip()
    return found["block"], found["view"]


@lru_cache(maxsize=512)
def put_in(sql: str, facts: frozenset[str]) -> str:
    """A query with the views that it names as `{{view}}` or `{{view: condition on statements}}` put in, as subqueries
    that make use of what holds.
    """
    blocks, views = _known(facts)
    return expanded(sql, {**blocks, **{name: f"({text})" for name, text in views.items()}})


@lru_cache(maxsize=32)
def _known(facts: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    blocks, views = sections(SOURCE.read_text(encoding="utf-8").replace("{database}.", ""), facts)
    return blocks, views


def revised(revisions: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The revisions with what the files are now, where that is new."""
    now = {name: checksum((TARGET.parent / name).read_text(encoding="utf-8")) for name in revisions}
    return {name: sums if now[name] == sums[-1] else [*sums, now[name]] for name, sums in revisions.items()}


def expanded(text: str, blocks: Mapping[str, str], argument: str = "") -> str:
    """The text with every `{{block}}` and `{{block: argument}}` put in.

    A block calls its argument `{{argument}}`, and the parts of one that has bars in it `{{1}}`, `{{2}}`, …
    """
    text = text.replace("{{argument}}", argument)
    for place, part in enumerate(argument.split("|"), start=1):
        text = text.replace(f"{{{{{place}}}}}", part.strip())
    return _INNER.sub(lambda inner: expanded(blocks[inner[1]], blocks, inner[2] or "").lstrip(), text)


if __name__ == "__main__":
    TARGET.write_text(migration(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    _LIST = TARGET.parent / REVISIONS
    _LIST.write_text(json.dumps(revised(json.loads(_LIST.read_text())), indent=1) + "\n", encoding="utf-8")
