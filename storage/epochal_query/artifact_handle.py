"""An artifact in a store: its content, verified, and what has to do with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from epochal._artifacts.artifact import Artifact
from epochal._artifacts.errors import NotStored
from epochal_query.names import Selection
from epochal_query.related_reads import Joined

if TYPE_CHECKING:
    from epochal_query.store import Store

Brought = TypeVar("Brought")


class ArtifactHandle(Artifact, Joined):
    """What ``store.artifact(...)`` returns: an artifact with the store's reads."""

    def __init__(self, store: Store, key: str, of: Artifact) -> None:
        super().__init__(
            of.name,
            of.direction,
            uri=of.uri,
            media_type=of.media_type,
            digest=of.digest,
            size=of.size,
            stored=of.stored,
            store=of.contents,
        )
        self.store = store
        self.key = key
        """What lineage joins on: its digest, else its URI, else where it was mentioned."""

    def producers(self, *, name: Selection | None = None, **at: Any) -> pd.DataFrame:
        """The components that put it out."""
        return self._related("component", "ascendants", name, None, {"depth": 1, "relations": "Produced", **at})

    def consumers(self, *, name: Selection | None = None, **at: Any) -> pd.DataFrame:
        """The components that it went into; not those that it is only associated with."""
        return self._related("component", "descendants", name, None, {"depth": 1, "relations": "ContributedTo", **at})

    def versions(self, **at: Any) -> pd.DataFrame:
        """Every content that an artifact of its name ever had: see ``Store.versions``."""
        return self.store.versions(self.name, **at)

    def aliases(self, **at: Any) -> pd.DataFrame:
        """The aliases that stand for it, by its digest or its URI."""
        found = self.store.aliases(**at)
        return found[found["artifact"].isin([self.key, self.uri])].reset_index(drop=True)

    def associations(self, **at: Any) -> pd.DataFrame:
        """Every association that it ever had: when it was which alias, what was said of it."""
        return self.store.associations(self.key, **at)

    def fetch(self, target: str | os.PathLike[str]) -> Path:
        """Bring the content to ``target``, verified; see :meth:`epochal.Artifact.fetch`.

        Raises:
            NotStored: the content isn't there; the message says when it was removed, by whom and why, where it was.
        """
        return self._or_why(lambda: super(ArtifactHandle, self).fetch(target))

    def content(self) -> bytes:
        """The bytes of a file, verified; see :meth:`epochal.Artifact.content`. Raises NotStored: as ``fetch``."""
        return self._or_why(super().content)

    def _or_why(self, bring: Callable[[], Brought]) -> Brought:
        try:
            return bring()
        except NotStored as error:
            raise NotStored(self.why_not_stored() or str(error)) from None

    def why_not_stored(self) -> str:
        """When its content was removed, by whom and why; the empty text where it wasn't."""
        from epochal_query.retention import told_of

        return told_of(self.store.begin(), self.key, self.name)

    @property
    def _meant(self) -> object:
        return self.key

    def __reduce__(self) -> tuple[Any, ...]:
        return ArtifactHandle, (self.store, self.key, self.plain())
