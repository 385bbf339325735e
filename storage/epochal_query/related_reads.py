"""What handles answer about lineage, each for where it stands: the methods that several of them have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from epochal_query.lineage import Lineage
from epochal_query.lineage_graph import Direction
from epochal_query.names import Selection
from epochal_query.related import What, related

if TYPE_CHECKING:
    from epochal_query.store import Store


class Related:
    """The base of handles that are in lineage. ``at`` is ``as_of`` and ``known_at``, as for every read."""

    store: Store

    def lineage(self, **choice: Any) -> Lineage:
        """What it was made from, or went into: takes what ``Store.lineage`` takes."""
        return self.store.lineage(self._meant, **choice)

    def datasets(
        self,
        direction: Direction = "ascendants",
        *,
        name: Selection | None = None,
        type: Selection | None = None,
        **at: Any,
    ) -> pd.DataFrame:
        """The datasets that it was made from, or (descendants) that were made from it: what went into components, and
        is neither a model nor source code. ``type`` is a media type.
        """
        return self._related("dataset", direction, name, type, at)

    def models(
        self,
        direction: Direction = "descendants",
        *,
        name: Selection | None = None,
        type: Selection | None = None,
        **at: Any,
    ) -> pd.DataFrame:
        """The models that came of it, or (ascendants) that it was made from: what trainings put out. ``type`` is a
        media type.
        """
        return self._related("model", direction, name, type, at)

    def endpoints(self, *, name: Selection | None = None, **at: Any) -> pd.DataFrame:
        """The endpoints that serve what came of it: contexts of type endpoint."""
        return self._related("endpoint", "descendants", name, None, at)

    @property
    def _meant(self) -> object:
        """What the store's lineage takes for it."""
        return self

    def _related(
        self, what: What, direction: Direction, name: Selection | None, type: Selection | None, at: dict[str, Any]
    ) -> pd.DataFrame:
        return related(self.store, self._meant, what, direction, name, type, **at)


class Joined(Related):
    """The base of handles that stand between components: artifacts, actions and contexts."""

    def components(
        self, direction: Direction = "both", *, kind: Selection | None = None, name: Selection | None = None, **at: Any
    ) -> pd.DataFrame:
        """The components in its lineage: those it came from (ascendants), those it went into, or both."""
        return self._related("component", direction, name, kind, at)

    def trials(self, direction: Direction = "both", *, name: Selection | None = None, **at: Any) -> pd.DataFrame:
        """The trials of the components in its lineage: up (ascendants), down (descendants), or both."""
        return self._related("trial", direction, name, None, at)
