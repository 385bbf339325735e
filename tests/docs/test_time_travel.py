"""The examples of docs/time-travel.md are real ones, of every view that travels in time."""

from __future__ import annotations

import re

import pytest
from docs.generated import ROOT
from docs.time_travel import PAGE_NAME, answered
from query.conftest import Bare, bare

from epochal_storage.views_doc import view_names

PAGE = ROOT / PAGE_NAME

__all__ = ["bare"]


@pytest.mark.long
def test_the_page_shows_what_the_store_answers(bare: Bare) -> None:
    """Each query, asked again of a store with that story; `make docs` writes what differs."""
    page = PAGE.read_text(encoding="utf-8")
    assert answered(page, bare) == page


def test_every_view_that_travels_has_an_example() -> None:
    """And the page names no view that isn't there."""
    named = set(re.findall(r"FROM (\w+_(?:at|of))\(", PAGE.read_text(encoding="utf-8")))
    assert named == {name for name in view_names() if name.endswith(("_at", "_of"))}
