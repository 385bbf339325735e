"""The migrations with the views say what their sources say, and every view has the columns that are documented."""

from __future__ import annotations

import json
import random
import re
import uuid
from pathlib import Path

import pytest
from views.engine_of_tests import RefusedError, TestEngine
from views.taking_in import take_in
from views.worlds import world

import epochal_query
from epochal_storage.migrations import REVISIONS
from epochal_storage.views_doc import nouns, view_names
from epochal_storage.views_sql import SOURCE, TARGET, expanded, migration, revised, sections

COUNT = "SELECT count() AS n FROM statements_at(as_of = {as_of:String}, known_at = {known_at:String})"
NOUNS = {noun.name: noun for noun in nouns()}


@pytest.fixture(scope="module")
def facts(engine: TestEngine) -> None:
    """The engine evaluates nothing over tables without rows."""
    dice = random.Random(1)
    take_in(engine, [world(dice, f"sources-{uuid.uuid4()}", events=20, frames=2)], dice)


def test_the_migration_is_made_from_its_source() -> None:
    """`python -m epochal_storage.views_sql` was run after the last change."""
    assert TARGET.read_text(encoding="utf-8") == migration(SOURCE.read_text(encoding="utf-8"))
    revisions = json.loads((TARGET.parent / REVISIONS).read_text())
    assert revised(revisions) == revisions


def test_every_block_is_used() -> None:
    """No block of the source is left over."""
    source = SOURCE.read_text(encoding="utf-8")
    blocks, _ = sections(source)
    readers = [path.read_text(encoding="utf-8") for path in Path(epochal_query.__file__).parent.glob("*.py")]
    texts = "".join([source, *readers])
    assert [name for name in blocks if f"{{{{{name}" not in texts and f'("{name}"' not in texts] == []


def test_every_fact_of_a_variant_is_explained() -> None:
    """The head of the source says what each fact means, and no other."""
    source = SOURCE.read_text(encoding="utf-8")
    used = {
        fact.strip()
        for _, _, when in re.findall(r"^-- (block) (\w+) when (.+)$", source, re.M)
        for fact in when.split(",")
    }
    assert used == set(re.findall(r"^--   (\w+)  ", source, re.M))


def test_a_block_takes_arguments_with_blocks_in_them() -> None:
    """An argument is put in whole, and in parts where it has bars."""
    blocks = {"pair": "{{1}}+{{2}}", "twice": "{{argument}}{{argument}}", "x": "X"}
    assert expanded("{{twice: {{x}}}} {{pair: a | b}}", blocks) == "XX a+b"


def test_every_view_is_a_documented_noun_or_its_twin() -> None:
    """Nothing is created that docs/views.md doesn't have."""
    assert view_names() == NOUNS.keys() | {noun.bounded for noun in NOUNS.values()} | {"summaries_of"}


@pytest.mark.parametrize("name", NOUNS)
def test_a_view_has_the_documented_columns_with_and_without_bounds(engine: TestEngine, name: str) -> None:
    """Names and types, in order."""
    noun = NOUNS[name]
    documented = [(column.name, column.type) for column in noun.columns]
    for view in (name, f"{noun.bounded}(as_of = '2020-01-01', known_at = '{{\"log\": 1}}')"):
        described = engine.text(f"DESCRIBE (SELECT * FROM {view})")
        shown = [tuple(line.split("\t")[:2]) for line in described.splitlines()]
        assert [(column, kind.replace("\\'", "'")) for column, kind in shown] == documented


@pytest.mark.parametrize("bound", ["as_of", "known_at"])
@pytest.mark.parametrize("text", ["yesterday-ish", "2024-13-45", "{broken"])
def test_a_bound_that_is_neither_time_nor_watermark_is_refused(
    engine: TestEngine, facts: None, bound: str, text: str
) -> None:
    """A misspelt time never means no bound, and a misspelt watermark never means nothing: both are errors."""
    bounds = {"as_of": "", "known_at": "", bound: text}
    with pytest.raises(RefusedError):
        engine.rows(COUNT, **bounds)


@pytest.mark.parametrize(
    "text",
    ["{broken", '{"a": "x"}', '{"a": 1.5}', '{"a": -2}', '{"a": 1} 2', '{"a": [1]}', '{"a": 12345678901234567890}'],
)
def test_what_is_no_watermark_is_named(engine: TestEngine, facts: None, text: str) -> None:
    """The error has the text and says what is accepted."""
    with pytest.raises(RefusedError, match=re.escape(f"known_at={text} is not a watermark: {{")):
        engine.rows(COUNT, as_of="", known_at=text)


@pytest.mark.parametrize("text", ["{}", '{"a": -1}', '{"a": 7, "b" :8}', '{"a": 9223372036854775807}'])
def test_what_is_a_watermark_is_accepted(engine: TestEngine, facts: None, text: str) -> None:
    """Also one that covers nothing."""
    assert engine.rows(COUNT, as_of="", known_at=text)[0]["n"] >= 0
