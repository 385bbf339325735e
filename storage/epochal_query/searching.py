"""Search: the lines of what satisfies a filter, whole or in pages that all show the state at one watermark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import pandas as pd

from epochal_query import listings
from epochal_query.choosing import Choice, choose_ids
from epochal_query.columns import objects
from epochal_query.errors import FilterError, erased_meanwhile
from epochal_query.filter_names import EVERYTHING
from epochal_query.filter_tree import Condition, OrderKey
from epochal_query.listing_filter import listed_ids, running
from epochal_query.names import near
from epochal_query.rank_values import Ranks
from epochal_query.reading import Reading, together
from epochal_query.scope import of_components
from epochal_query.times import parse_instant

Kind = Literal["experiment", "trial", "component", "run"]
KINDS: tuple[Kind, ...] = ("experiment", "trial", "component", "run")


@dataclass(frozen=True)
class Search:
    """What is searched for. A run is a component that has a status: one that began to run."""

    kind: Kind
    where: Condition | None = None
    order: tuple[OrderKey, ...] = ()
    ranks: Ranks = None

    def ids(self, reading: Reading) -> list[str]:
        """The ids of all that satisfies it, in order; without an order in that of their creation.

        Raises:
            FilterError: the filter or the order makes no sense, or can't match anything.
            UnknownNameError: it names what nobody ever logged.
        """

        def components(where: Condition | None, order: tuple[OrderKey, ...] = ()) -> list[str]:
            return choose_ids(reading, EVERYTHING, Choice(where, order, None, self.ranks))

        if self.kind in ("experiment", "trial"):
            return listed_ids(reading, self.kind, self.where, self.order, components)
        return components(running(self.where) if self.kind == "run" else self.where, self.order)

    def lines(self, reading: Reading, ids: Sequence[str]) -> pd.DataFrame:
        """The lines of these, in their order: the columns of a list, and their tags.

        Raises:
            FilterError: one of them was erased since it was found.
        """
        about = "component" if self.kind == "run" else self.kind
        frame, tags = together(partial(self._listed, reading, ids), partial(listings.tags_of, reading, about, ids))
        place = {id_: i for i, id_ in enumerate(frame["id"])}
        if gone := [id_ for id_ in ids if id_ not in place]:
            raise erased_meanwhile(f"{self.kind} {gone[0]}")
        found: pd.DataFrame = frame.take([place[id_] for id_ in ids]).reset_index(drop=True)
        return found.assign(tags=objects(tags.get(id_, {}) for id_ in ids))

    def _listed(self, reading: Reading, ids: Sequence[str]) -> pd.DataFrame:
        match self.kind:
            case "experiment":
                return listings.experiments(reading, only=ids)
            case "trial":
                return listings.trials(reading, only=ids)
            case _:
                return listings.components(reading, of_components(EVERYTHING, list(ids)))

    @property
    def words(self) -> str:
        """What tells it from other searches."""
        return json.dumps(
            [self.kind, str(self.where), [f"{key.field} {key.descending}" for key in self.order], self.ranks]
        )


def check_kind(kind: object) -> Kind:
    """The kind, if it is one. Raises FilterError: it isn't; the message lists what is."""
    if isinstance(kind, str) and kind in KINDS:
        return kind
    close = near(kind, KINDS) if isinstance(kind, str) else []
    hint = f"; near: {', '.join(close)}" if close else ""
    raise FilterError(f"kind={kind!r} can't be searched for: there are {', '.join(KINDS)}{hint}")


def check_page_size(size: object) -> int:
    """The size of a page, if it is one. Raises FilterError: it isn't a whole number from 1 on."""
    if isinstance(size, int) and not isinstance(size, bool) and size >= 1:
        return size
    raise FilterError(f"page_size={size!r} is not a number of rows: give a whole number from 1 on")


@dataclass(frozen=True)
class Pages:
    """The rows of a search, page by page; ``rows`` is how many there are in all, ``len()`` how many pages are left.

    Guarantees: all pages show the state at one watermark, so that each row is in exactly one of them, whatever is
    written meanwhile. ``frame.attrs["epochal"]["next"]`` of a page is what to go on with after it, in this process or
    another (``after=``); it is None after the last.
    """

    reading: Reading
    search: Search
    size: int
    ids: list[str] = field(repr=False)
    begin: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are, those of pages before the first of these, too."""
        return len(self.ids)

    def __len__(self) -> int:
        """How many pages there are from where these begin; at least one, which has no rows where nothing is found."""
        return max(1, -(-(self.rows - self.begin) // self.size))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Read one page after the other. Raises FilterError: what is to be on it was erased meanwhile."""
        for number in range(len(self)):
            at = self.begin + number * self.size
            frame = self.search.lines(self.reading, self.ids[at : at + self.size])
            end = at + len(frame)
            frame.attrs["epochal"] = {
                **self.reading.attrs,
                "rows": self.rows,
                "next": self._token(end) if end < self.rows else None,
            }
            yield frame

    def _token(self, done: int) -> str:
        bounds, now = self.reading.bounds, self.reading.now.isoformat()
        token = {"as_of": bounds.as_of, "known_at": bounds.known_at, "now": now, "done": done, "seen": self._seen(done)}
        return json.dumps(token, separators=(",", ":"))

    def _seen(self, done: int) -> str:
        # all that was found and not only what is done: what goes missing after that would be left out unnoticed
        said = "\n".join([self.search.words, str(done), *self.ids])
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @classmethod
    def first(cls, reading: Reading, search: Search, size: int) -> Pages:
        """Find what satisfies the search, and begin with the first page."""
        return cls(reading, search, size, search.ids(reading))

    @classmethod
    def going_on(cls, reading: Reading, search: Search, size: int, after: After) -> Pages:
        """Find the same again, in a reading at the place of the token, and go on after what was read then.

        Times such as ``'2 hours ago'`` mean what they meant then.

        Raises:
            FilterError: the token is of another search, or what was found then isn't what is found now.
        """
        then = replace(reading, now=after.now)
        pages = cls(then, search, size, search.ids(then), after.done)
        if pages._seen(after.done) != after.seen:
            raise FilterError(
                "after= goes on with another search than this one, or what it found has changed since (a running "
                "component that is lost by now, or something that was erased): begin again without it"
            )
        return pages


@dataclass(frozen=True)
class After:
    """What a token says: the place in both times, when it was, how many rows were read, and what was found."""

    as_of: str | None
    known_at: str
    now: datetime
    done: int
    seen: str

    @classmethod
    def parsed(cls, token: object) -> After:
        """The token as it was given. Raises FilterError: it is none."""
        match _loaded(token):
            case {
                "as_of": str(as_of),
                "known_at": str(known_at),
                "now": str(now),
                "done": int(done),
                "seen": str(seen),
            }:
                instant = parse_instant(now, datetime.now(UTC), "the time in after")
                return cls(as_of or None, known_at, instant, done, seen)
            case _:
                raise FilterError(
                    f"after={token!r} is nothing to go on with: give what frame.attrs['epochal']['next'] of a page says"
                )


def _loaded(token: object) -> object:
    try:
        return json.loads(token) if isinstance(token, str) else None
    except (ValueError, RecursionError):
        return None
