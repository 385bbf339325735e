"""Makes the migration with the views from `views.sql`: `python -m epochal_storage.views_sql`.

A view is written once out of named blocks and stored with every block put in. Views that call views would do the
same in the engine, which then analyses the inner ones again at every level: a second for the deepest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("views.sql")
TARGET = Path(__file__).parent / "migrations" / "0003_views.sql"

_SECTION = re.compile(r"^-- (block|view) (\w+)$", re.MULTILINE)
# an argument may hold blocks, and those may have arguments that hold blocks
_INNER = re.compile(r"\{\{(\w+)(?:: ((?:[^{}]|\{\{(?:[^{}]|\{\{[^{}]*\}\})*\}\})*))?\}\}")
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


def sections(source: str) -> tuple[dict[str, str], dict[str, str]]:
    """Blocks and views by name, each without the comment that follows its heading."""
    parts = _SECTION.split(source)
    found: dict[str, dict[str, str]] = {"block": {}, "view": {}}
    for kind, name, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        lines = text.strip("\n").split("\n")
        while lines[0].startswith("--"):
            lines.pop(0)
        found[kind][name] = "\n".join(lines).rstrip()
    return found["block"], found["view"]


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
