"""Pages of a search while the store grows, and when something in it is erased."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from query.conftest import Bare

from epochal_query.connection import Opened
from epochal_query.errors import FilterError
from epochal_query.scope import Scope, of_components
from epochal_query.store import Store


class Growing:
    """Runs that are added all the while, before and after those that are there in every order."""

    def __init__(self, directory: Path) -> None:
        # a store of its own: in that of all tests a watermark is as far as the one that wrote most
        self.bare, self.number = Bare(directory), 0
        self.log = self.bare.log("pages")
        self.trial = self.log.trial(self.log.experiment("pages"), {})
        self.add(5)
        self.store = self.bare.open("pages")

    def add(self, count: int = 1) -> None:
        """So many more, with a loss that is less than that of some and more than that of others."""
        for _ in range(count):
            self.number += 1
            loss = self.number * 7 % 5 + self.number / 100
            self.log.run([self.trial], params={"n": self.number}, metrics={"loss": [(0, loss)]})
        self.log.flush()

    def pages(self, store: Store | None = None, **choice: Any) -> Any:
        """A search page by page."""
        return (store or self.store).search("run", order_by="metrics.loss.last desc", page_size=2, **choice)


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Growing]:
    """A store with five runs, to which more are added."""
    found = Growing(tmp_path)
    yield found
    found.bare.end()


@pytest.mark.long
@pytest.mark.parametrize("where", [None, "params.n > 0 and status = 'completed'"])
def test_each_row_is_visited_once_while_rows_are_added(growing: Growing, where: str | None) -> None:
    """What was there when the search began, once each, in one order; and nothing that came since."""
    expected = growing.store.search("run", where=where, order_by="metrics.loss.last desc")["id"].to_list()
    assert len(expected) == 5
    seen, marks, following = list[str](), list[Any](), list[Any]()
    pages = growing.pages(where=where)
    assert (pages.rows, len(pages)) == (5, 3)
    for page in pages:
        seen += page["id"].to_list()
        marks.append(page.attrs["epochal"]["watermark"])
        following.append(page.attrs["epochal"]["next"])
        growing.add(2)
    assert seen == expected
    assert marks == marks[:1] * 3
    assert [one is None for one in following] == [False, False, True]
    assert growing.pages(where=where).rows == 11
    assert [len(one) for one in pages] == [2, 2, 1]


def test_going_on_elsewhere(growing: Growing) -> None:
    """A page says what to go on with; rows that were added meanwhile are in none of the pages."""
    expected = growing.store.search("run", order_by="metrics.loss.last desc")["id"].to_list()
    page = next(iter(growing.pages()))
    seen = page["id"].to_list()
    while (after := page.attrs["epochal"]["next"]) is not None:
        growing.add(2)
        page = next(iter(growing.pages(growing.bare.open("pages"), after=after)))
        seen += page["id"].to_list()
    assert seen == expected
    assert len(seen) == 5


def test_what_is_nothing_to_go_on_with(growing: Growing) -> None:
    """Another search, another text, and a size of a page that is none."""
    after = next(iter(growing.pages())).attrs["epochal"]["next"]
    assert len(list(growing.pages(after=after))) == 2
    with pytest.raises(FilterError, match="another search"):
        growing.pages(after=after, where="params.n > 1")
    altered = json.dumps({**json.loads(after), "done": 3})
    endless = json.dumps({**json.loads(after), "done": math.inf})
    for wrong in ("x", "{}", 3, "[1]", altered, endless):
        with pytest.raises(FilterError, match="after="):
            growing.pages(after=wrong)
    with pytest.raises(FilterError, match="as_of="):
        growing.pages(after=after, as_of="now")
    for size in (0, -1, True, "2", 1.5):
        with pytest.raises(FilterError, match="page_size="):
            growing.store.search("run", page_size=size)  # type: ignore[call-overload]
    with pytest.raises(FilterError, match="page_size="):
        growing.store.search("run", after=after)  # type: ignore[call-overload]


def test_going_on_keeps_what_time_has_passed_over(growing: Growing) -> None:
    """Relative times mean what they meant at the first page, however long ago that was."""
    clock = [growing.log.now + timedelta(hours=1)]
    store = Store(Opened(growing.bare.reader, lambda: None, now=lambda: clock[0]), "pages")
    choice: dict[str, Any] = {"where": "created > '2 hours ago'", "page_size": 2}
    first, *rest = pages = store.search("run", **choice)
    assert pages.rows == 5
    clock[0] += timedelta(days=1)
    assert store.search("run", **choice).rows == 0
    again = list(store.search("run", **choice, after=first.attrs["epochal"]["next"]))
    assert [page["id"].to_list() for page in again] == [page["id"].to_list() for page in rest]


def erased(growing: Growing, *ids: str) -> None:
    """Erase what was said of these, as an eraser does."""
    for one in ids:
        growing.bare.writer.command(f"ALTER TABLE facts DELETE WHERE entity = '{one}' SETTINGS mutations_sync = 2")


def test_going_on_notices_what_is_missing_after_the_first_pages(growing: Growing) -> None:
    """Rows that were found and weren't read yet can't just be left out."""
    pages = growing.pages()
    after = next(iter(pages)).attrs["epochal"]["next"]
    erased(growing, pages.ids[3])
    with pytest.raises(FilterError, match="begin again"):
        growing.pages(after=after)


def test_what_is_erased_between_pages(growing: Growing) -> None:
    """The page that it was to be on says so, and so does every other reader that found it."""
    trials, runs = iter(growing.store.search("trial", page_size=1)), iter(growing.pages())
    ids = growing.store.search("run", order_by="metrics.loss.last desc")["id"].to_list()
    next(runs)
    erased(growing, str(growing.trial), ids[3])
    with pytest.raises(FilterError, match=f"trial {growing.trial} was found, and was erased meanwhile"):
        next(trials)
    with pytest.raises(FilterError, match=f"run {ids[3]} was found, and was erased meanwhile"):
        next(runs)


def test_what_is_erased_between_heads_and_lines(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of few of many reads which these are before it reads what they are."""

    def then_erased(scope: Scope, components: list[str]) -> Scope:
        erased(growing, components[1])
        return of_components(scope, components)

    monkeypatch.setattr("epochal_query.choosing.of_components", then_erased)
    with pytest.raises(FilterError, match=r"component .* was found, and was erased meanwhile"):
        growing.store.report(limit=3)
