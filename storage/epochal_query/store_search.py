"""What a store has for search."""

from __future__ import annotations

from typing import overload

import pandas as pd

from epochal_query.errors import FilterError
from epochal_query.filter_tree import Condition
from epochal_query.filters import as_condition, as_order
from epochal_query.rank_values import Ranks, check_ranks
from epochal_query.searching import After, Kind, Pages, Search, check_kind, check_page_size
from epochal_query.store_access import Access, told
from epochal_query.times import KnownAt, When


class Searchable(Access):
    """The part of a store that finds experiments, trials, components and runs."""

    @overload
    def search(
        self,
        kind: Kind,
        *,
        where: str | Condition | None = None,
        order_by: str | None = None,
        page_size: None = None,
        ranks: Ranks = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame: ...

    @overload
    def search(
        self,
        kind: Kind,
        *,
        where: str | Condition | None = None,
        order_by: str | None = None,
        page_size: int,
        after: str | None = None,
        ranks: Ranks = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> Pages: ...

    def search(
        self,
        kind: Kind,
        *,
        where: str | Condition | None = None,
        order_by: str | None = None,
        page_size: int | None = None,
        after: str | None = None,
        ranks: Ranks = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame | Pages:
        """The experiments, trials, components or runs of the project that satisfy a filter, in order of creation unless
        ``order_by`` says otherwise: the columns of :meth:`experiments`, :meth:`trials` or :meth:`components`, and tags.

        A run is a component that began to run, so that it has a status. docs/search.md has what can be asked of what.

        With ``page_size`` it gives pages: an iterable of frames that all show one state, so that each row is in exactly
        one, whatever is written meanwhile. ``frame.attrs["epochal"]["next"]`` is what to give as ``after=`` to go on
        after a page, in another process or another day.

        Raises:
            FilterError: an argument that can't be understood, or a filter that can't match anything.
            UnknownNameError: a name that nobody ever logged; the message has near ones.
        """
        of = check_kind(kind)
        search = Search(of, as_condition(where, of), as_order(order_by, of), check_ranks(ranks))
        if after is not None:
            size = check_page_size(page_size)
            if as_of is not None or known_at is not None:
                raise FilterError("after= goes on where a search was: it has its own as_of= and known_at=")
            token = After.parsed(after)
            return Pages.going_on(self.begin(token.as_of, token.known_at), search, size, token)
        if page_size is not None:
            size = check_page_size(page_size)
            return Pages.first(self.begin(as_of, known_at), search, size)
        reading = self.begin(as_of, known_at)
        return told(search.lines(reading, search.ids(reading)), reading)
