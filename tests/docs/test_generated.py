"""Documents that can be generated are; what is in the repository is what the generators print."""

from __future__ import annotations

import re

import click
import pytest
from docs.generated import GENERATORS, ROOT, printed

SOURCES = [path for folder in ("producers", "stream_processors", "storage") for path in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("path", GENERATORS)
def test_a_generated_document_is_current(path: str) -> None:
    """A change of models, settings, views or commands comes with its documentation: `make docs`."""
    assert (ROOT / path).read_text(encoding="utf-8") == printed(GENERATORS[path])


def test_every_event_is_documented() -> None:
    """Each type of the closed union has its section."""
    from epochal.contract import EVENT_TYPES

    headings = set(re.findall(r"^## (.+)$", (ROOT / "docs/events.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert EVENT_TYPES.keys() <= headings


def test_every_setting_is_documented_and_in_the_one_table() -> None:
    """Whatever the code looks for in the environment is a row of the table, and the table is in the document."""
    from epochal._settings import VARIABLES

    documented = set(re.findall(r"`(EPOCHAL_[A-Z_]+)`", (ROOT / "docs/configuration.md").read_text(encoding="utf-8")))
    read = {
        name
        for source in SOURCES
        for name in re.findall(r"""["'](EPOCHAL_[A-Z]+(?:_[A-Z]+)*)["'](?!\s*:)""", source.read_text(encoding="utf-8"))
    }
    assert {variable.name for variable in VARIABLES} == documented
    assert read <= documented


def test_every_view_is_documented() -> None:
    """Each view that a migration makes is named in the document."""
    made = {
        name
        for file in sorted((ROOT / "storage/epochal_storage/migrations").glob("*.sql"))
        for name in re.findall(
            r"CREATE (?:OR REPLACE )?VIEW\s+(?:IF NOT EXISTS\s+)?\{database\}\.(\w+)", file.read_text()
        )
    }
    assert made
    text = (ROOT / "docs/views.md").read_text(encoding="utf-8")
    assert {name for name in made if f"`{name}" not in text and f"## {name}" not in text} == set()


def commands(group: click.Group, parents: tuple[str, ...] = ("epochal",)) -> list[str]:
    """All commands below a group, each as it is typed."""
    found: list[str] = []
    for name, command in group.commands.items():
        typed = (*parents, name)
        found += commands(command, typed) if isinstance(command, click.Group) else [" ".join(typed)]
    return found


def test_every_command_is_documented() -> None:
    """Each command of the installed command line is in the document as it is typed."""
    from epochal.cli import group, load_commands

    text = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert load_commands(group) == []
    typed = commands(group)
    assert typed
    assert [command for command in typed if command not in text] == []
