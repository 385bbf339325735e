"""Which components a read is about, as a condition in SQL on a column ``component``; and what names occur there."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from epochal_query.columns import compute, id_texts, texts
from epochal_query.errors import UnknownNameError
from epochal_query.memberships import Members
from epochal_query.reading import NAMED_MAX as FEW
from epochal_query.reading import Reading, at, block
from epochal_query.resolve import id_of, resolve

BOUND_MAX = 20_000
"""Up to so many components are named one by one in queries, which the engine answers by primary key."""


@dataclass(frozen=True)
class Scope:
    """A condition on ``component``, the parameters it binds, and how to name it in a message.

    ``given`` is what it was made from, so that it can be made again for another time; ``members`` are the
    memberships of its components where they were read already.
    """

    sql: str
    parameters: Mapping[str, Any]
    words: str
    empty: bool = False
    given: tuple[object, object, object] = (None, None, None)
    members: Members | None = field(default=None, repr=False)
    most: bool = False
    """Whether most components of the project are in it."""
    unchecked: bool = False
    """Whether nobody has seen yet that the component it names is there."""

    def widened(self) -> Scope:
        """A scope that may hold others, too, where that is quicker; for answers that are put beside its components."""
        return replace(self, sql="1") if self.most else self

    @property
    def listed(self) -> frozenset[str]:
        """For `Reading.rows`, of a query with this condition: whether folds are to be of its components only. Of most
        components of a project that takes longer than to fold all.
        """
        many = isinstance(self.parameters.get("components"), str) and not self.most
        return frozenset({"listed"}) if many else frozenset()

    def check(self, reading: Reading) -> None:
        """Raises UnknownNameError where it names a component that isn't there."""
        if self.unchecked:
            resolve(reading, "component", self.given[2])

    def on(self, column: str) -> str:
        """The condition on a column of another name."""
        return self.sql.replace("component IN", f"{column} IN", 1)

    def members_in(self, reading: Reading) -> Members:
        """The memberships of its components."""
        if self.members is not None:
            return self.members
        components = self.parameters.get("components")
        if isinstance(components, list):
            return Members.of_few(reading, cast("list[str]", components))
        return Members.read(reading, self.sql, self.parameters)

    def naming(self, reading: Reading) -> tuple[Reading, Scope]:
        """Where names are looked up: the present, in the scope as it is there; where what it is made from isn't there
        any more, where it was.
        """
        if reading.is_present:
            return reading, self
        try:
            return reading.present, scope_of(reading.present, *self.given)
        except UnknownNameError:
            return reading, self


def scope_of(
    reading: Reading,
    experiment: object = None,
    trial: object = None,
    component: object = None,
    *,
    unchecked: bool = False,
) -> Scope:
    """The components that belong to all that is given; everything in the project where nothing is.

    ``unchecked``: the id of one component is taken as it is, so that reading need not wait for who it is; whoever asks
    has to :meth:`Scope.check` it where what is read doesn't show that it is there.

    Raises:
        UnknownNameError: something given is nothing in the project.
    """
    given = (experiment, trial, component)
    words = _words(reading, *given)
    if experiment is None and trial is None:
        if component is None:
            return Scope("1", {}, words, given=given)
        if unchecked and reading.is_present and (meant := id_of(component)):
            return replace(_named([str(meant)], words, given, None), unchecked=True)
        return _named([str(entity.id) for entity in resolve(reading, "component", component)], words, given, None)
    wanted: dict[str, set[bytes]] = {}
    owners = [] if experiment is None else resolve(reading, "experiment", experiment)
    if experiment is not None:
        wanted["experiment"] = {entity.id.bytes for entity in owners}
    if trial is not None:
        wanted["trial"] = {entity.id.bytes for entity in resolve(reading, "trial", trial)}
    members = Members.read(reading, *_candidates(wanted), owners)
    found = members.of(**wanted)
    if component is not None:
        only = pa.array([entity.id.bytes for entity in resolve(reading, "component", component)], pa.binary(16))
        found = found.filter(compute.is_in(found, value_set=only))
    if len(found) <= BOUND_MAX:
        named = _named(id_texts(pa.table({"component": found}), "component"), words, given, members)
        return replace(named, most=len(found) >= FEW and _are_most(reading, len(found)))
    return _asked(wanted, words, given, members)


def _are_most(reading: Reading, found: int) -> bool:
    sql = """SELECT count() AS n FROM facts
             WHERE project = {project:String} AND kind = 'component' AND field = 'opened'"""
    return 2 * found >= int(reading.rows(sql)["n"][0].as_py())


def _words(reading: Reading, experiment: object, trial: object, component: object) -> str:
    parts = (("component", component), ("trial", trial), ("experiment", experiment))
    words = [f"{kind} {_word(given)}" for kind, given in parts if given is not None]
    return " of ".join(words) or f"project {reading.project!r}"


def _named(chosen: list[str], words: str, given: tuple[object, object, object], members: Members | None) -> Scope:
    if len(chosen) < FEW:
        return Scope("component IN {components:Array(UUID)}", {"components": chosen}, words, not chosen, given, members)
    # the engine takes three times as long to make a set of many ids in an array that is bound
    sql = "component IN (SELECT arrayJoin(JSONExtract({components:String}, 'Array(UUID)')))"
    return Scope(sql, {"components": json.dumps(chosen)}, words, False, given, members)


def _asked(
    wanted: Mapping[str, set[bytes]], words: str, given: tuple[object, object, object], members: Members
) -> Scope:
    """The scope as a question, where its answer is too long to be named in others."""
    trials: list[str] = []
    bound: dict[str, Any] = {}
    if "trial" in wanted:
        trials.append("trial IN {trials:Array(UUID)}")
        bound["trials"] = [str(UUID(bytes=raw)) for raw in wanted["trial"]]
    if "experiment" in wanted:
        bound["experiments"] = [str(UUID(bytes=raw)) for raw in wanted["experiment"]]
        trials.append(
            f"trial IN (SELECT trial FROM {at('trials')} "
            "WHERE project = {project:String} AND experiment IN {experiments:Array(UUID)})"
        )
    inside = f"SELECT component FROM {at('memberships')} WHERE project = {{project:String}}"
    return Scope(f"component IN ({inside} AND {' AND '.join(trials)})", bound, words, False, given, members)


def _candidates(wanted: Mapping[str, set[bytes]]) -> tuple[str, dict[str, Any]]:
    """A quick condition that holds for every component that may belong to what is wanted, and for some others."""
    said = "SELECT entity FROM facts WHERE project = {project:String} AND kind = 'component' AND field = 'member'"
    if "trial" in wanted:
        keys = [str(UUID(bytes=raw)) for raw in wanted["trial"]]
        return f"component IN ({said} AND key IN {{trials:Array(String)}})", {"trials": keys}
    keys = [str(UUID(bytes=raw)) for raw in wanted["experiment"]]
    trials = (
        "SELECT toString(entity) FROM facts WHERE project = {project:String} AND kind = 'trial' AND field = 'opened' "
        "AND JSONExtractString(value, 'experiment') IN {experiments:Array(String)}"
    )
    return f"component IN ({said} AND key IN ({trials}))", {"experiments": keys}


def of_components(scope: Scope, components: list[str]) -> Scope:
    """The scope narrowed to these ids."""
    return _named(components, scope.words, scope.given, scope.members)


def metric_names(reading: Reading, scope: Scope, of: Collection[str] | None = None) -> list[str]:
    """The metrics that components in scope ever logged, sorted; those among some names where they are given."""
    some = "1" if of is None else "metric IN {names:Array(String)}"
    sql = f"""SELECT DISTINCT metric FROM {block("series")}
              WHERE project = {{project:String}} AND {scope.sql} AND {some} ORDER BY metric"""
    return texts(reading.rows(sql, names=list(of or ()), **scope.parameters), "metric")


def param_keys(reading: Reading, scope: Scope) -> list[str]:
    """The keys of the params that components in scope ever had, sorted."""
    return _keys(reading, scope, "param")


def tag_names(reading: Reading, scope: Scope) -> list[str]:
    """The tags that components in scope ever had, sorted."""
    return _keys(reading, scope, "tag")


def _keys(reading: Reading, scope: Scope, what: str) -> list[str]:
    # from what was said and not from the views: it only tells what names there are, and has to be quick
    sql = f"""SELECT DISTINCT key FROM facts WHERE project = {{project:String}} AND kind = 'component'
              AND field = '{what}' AND NOT removed AND {scope.on("entity")} ORDER BY key"""
    return texts(reading.rows(sql, **scope.parameters), "key")


def _word(given: object) -> str:
    name = getattr(given, "name", None)
    return repr(name if isinstance(name, str) else given)
