"""What made what in a store, and how it is made again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from epochal_query.lineage import Lineage, lineage_of
from epochal_query.lineage_choice import Words, chosen
from epochal_query.lineage_spans import associations_of
from epochal_query.openlineage import run_events
from epochal_query.provenance import Provenance, provenance_of
from epochal_query.reproduce import Reproduction, reproduce
from epochal_query.store_access import told
from epochal_query.store_proof import Provable
from epochal_query.times import KnownAt, When

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent


class Traceable(Provable):
    """The reads of a store about what made what."""

    def lineage(
        self,
        of: object,
        direction: Literal["ascendants", "descendants", "both"] = "ascendants",
        depth: int | None = None,
        *,
        relations: Words | None = None,
        kinds: Words | None = None,
        types: Words | None = None,
        since: When | None = None,
        until: When | None = None,
        properties: Mapping[str, object] | None = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> Lineage:
        """What something was made from, or went into: an artifact (digest, URI, name), a component, trial, experiment,
        action or context, or a list of these; any ``depth`` in steps, each an edge.

        ``relations`` says which edges to follow (Produced, ContributedTo, DerivedFrom, AssociatedWith, SameAs). The
        others say which nodes are wanted, and what lies on the ways to them is shown with them: ``kinds``
        (artifact, component, action, context; also trial and experiment, which are in a lineage only then or where
        they were associated), ``types`` (a component's kind, a context's type, an artifact's media type), ``since``
        and ``until`` (when they came to be), ``properties`` (of a context or action; of a component its params).

        Raises:
            UnknownNameError: nothing is meant, or several things are.
            FilterError: an argument can't be understood.
        """
        asked = chosen(
            direction,
            depth,
            relations=relations,
            kinds=kinds,
            types=types,
            since=since,
            until=until,
            properties=properties,
        )
        reading = self.begin(as_of, known_at)
        return lineage_of(reading, of, asked)

    def provenance(self, of: object, *, as_of: When | None = None, known_at: KnownAt | None = None) -> Provenance:
        """What made something, as it was and as it was known then, and what descends from it now: in one answer.

        ``of`` is what :meth:`lineage` takes; of a context or an action, such as an endpoint, what descends is that of
        the artifacts associated with it. ``made_from`` and ``became`` are lineages; ``recipes`` has code, packages,
        params, command line and inputs of every component among the ascendants, by id.

        Raises UnknownNameError: nothing is meant, or several things are.
        """
        return provenance_of(self.begin(as_of, known_at), of)

    def reproduce(
        self,
        of: object,
        directory: str | os.PathLike[str] | None = None,
        *,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> Reproduction:
        """What is needed to run a component again, or the one that made an artifact; ``unknown`` says what isn't known.

        Into ``directory`` (empty or new) it writes recipe.json, requirements.txt, the inputs that are stored, verified,
        and, where command line and commit are known, run.sh, which runs the job again.

        Raises:
            UnknownNameError: nothing is meant, nothing is known to have made it, or several components did.
            ReadError: the directory isn't empty.
            ArtifactError: the content of an input was altered, or is gone.
        """
        place = None if directory is None else Path(directory)
        return reproduce(self.begin(as_of, known_at), of, place, self._opened.contents)

    def openlineage(
        self, since: KnownAt | None = None, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> list[RunEvent]:
        """Every run as OpenLineage run events, by time; with ``since`` what the log accepted after that time or
        watermark. To go on from here, ask again with ``since=store.last_watermark``.

        Raises ReadError: openlineage-python is not installed.
        """
        reading = self.begin(as_of, known_at)
        return run_events(reading, None if since is None else reading.elsewhere(None, since))

    def associations(self, of: object, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """Every association that something ever had, also those that are no more: what an alias stood for, and when.

        Columns: relation, source_kind, source, target_kind, target, since, until (UTC; NaT where it still holds), event
        and ended_by: what made it and what ended it ("" where it still holds), which can be undone.

        Raises UnknownNameError: nothing is meant, or several things are.
        """
        reading = self.begin(as_of, known_at)
        return told(associations_of(reading, of), reading)
