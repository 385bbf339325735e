"""What a store answers about the model: variable sets, parameters, actions and contexts, versions and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pandas as pd

from epochal_query import artifacts, listings, variables
from epochal_query.columns import id_texts
from epochal_query.handles import EntityHandle
from epochal_query.resolve import resolve_one
from epochal_query.scope import scope_of
from epochal_query.store_access import told
from epochal_query.store_proof import Provable
from epochal_query.times import KnownAt, When

if TYPE_CHECKING:
    from epochal_query.store import Store


class Modelled(Provable):
    """The reads of a store about experiments as plans, and about artifacts by name."""

    def variable_sets(
        self, experiment: object, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> pd.DataFrame:
        """One row a variable set of an experiment: those of its declared space, then others that were tried.

        Columns: variables, declared (in the space), trial (its id), name, status, completed (how often what was
        completed most often in it was completed: more than once is a repetition). A handle has ``missing()``,
        ``repeated()`` and ``outside()`` of it.

        Raises UnknownNameError: no experiment is meant, or several are.
        """
        reading = self.begin(as_of, known_at)
        return told(variables.variable_sets(reading, experiment), reading)

    def parameters(
        self, experiment: object, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> pd.DataFrame:
        """One row a parameter of an experiment, of its trials' variables and of their components.

        Columns: name, varies (it has several values: else it is static), declared (in the space), values (each once, by
        when they were said), trials (how many have it).

        Raises UnknownNameError: no experiment is meant, or several are.
        """
        reading = self.begin(as_of, known_at)
        return told(variables.parameters(reading, experiment), reading)

    def trials_of(
        self, component: object, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> pd.DataFrame:
        """The trials that a component (or several) is in, as :meth:`trials`.

        Raises UnknownNameError: a component that is not in the project.
        """
        reading = self.begin(as_of, known_at)
        members = scope_of(reading, component=component).members_in(reading)
        found = listings.trials(reading)
        inside = found["id"].isin(set(id_texts(members.table, "trial")))
        return told(found[inside].reset_index(drop=True), reading)

    def versions(self, name: str, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row a content that went by a name, in the order in which they were logged first.

        Columns: version (from 1 on), artifact (its digest, else its URI), uri, media_type, direction and name (of the
        component that made it, else that used it first), size, stored, since, component, aliases (that stand for it).

        Raises UnknownNameError: no artifact ever had the name; the message has near ones.
        """
        reading = self.begin(as_of, known_at)
        return told(artifacts.versions(reading, name), reading)

    def aliases(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row an alias that stands for something: name, artifact (its digest, else its URI), since.

        ``epochal.alias`` says what it stands for; ``associations(name)`` has what it ever stood for.
        """
        reading = self.begin(as_of, known_at)
        return told(artifacts.aliases(reading), reading)

    def context(self, given: object) -> EntityHandle:
        """A handle on a context, by name or id. Raises UnknownNameError: it is not in the project."""
        found = resolve_one(self.begin(), "context", given)
        return EntityHandle(cast("Store", self), found.id, found.name)

    def action(self, given: object) -> EntityHandle:
        """A handle on an action, by name or id. Raises UnknownNameError: it is not in the project."""
        found = resolve_one(self.begin(), "action", given)
        return EntityHandle(cast("Store", self), found.id, found.name)
