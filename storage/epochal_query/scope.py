"""Which components a read is about, as a condition in SQL on a column ``component``; and what names occur there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epochal_query.columns import texts
from epochal_query.reading import Reading
from epochal_query.resolve import BOUNDS, Entity, resolve


@dataclass(frozen=True)
class Scope:
    """A condition on ``component``, the parameters it binds, and how to name it in a message."""

    sql: str
    parameters: Mapping[str, Any]
    words: str


def scope_of(reading: Reading, experiment: object = None, trial: object = None, component: object = None) -> Scope:
    """The components that belong to all that is given; everything in the project where nothing is.

    Raises:
        UnknownNameError: something given is nothing in the project.
    """
    parts: list[str] = []
    words: list[str] = []
    bound: dict[str, Any] = {}
    if component is not None:
        bound["components"] = _ids(resolve(reading, "component", component))
        parts.append("component IN {components:Array(UUID)}")
        words.append(f"component {component!r}")
    trials: list[str] = []
    if trial is not None:
        bound["trials"] = _ids(resolve(reading, "trial", trial))
        trials.append("trial IN {trials:Array(UUID)}")
        words.append(f"trial {trial!r}")
    if experiment is not None:
        bound["experiments"] = _ids(resolve(reading, "experiment", experiment))
        trials.append(
            f"trial IN (SELECT trial FROM trials_at({BOUNDS}) "
            "WHERE project = {project:String} AND experiment IN {experiments:Array(UUID)})"
        )
        words.append(f"experiment {_word(experiment)}")
    if trials:
        inside = f"SELECT component FROM memberships_at({BOUNDS}) WHERE project = {{project:String}}"
        parts.append(f"component IN ({inside} AND {' AND '.join(trials)})")
    return Scope(" AND ".join(parts) or "1", bound, " of ".join(words) or f"project {reading.project!r}")


def of_components(scope: Scope, components: list[str]) -> Scope:
    """The scope narrowed to these ids."""
    return Scope("component IN {chosen:Array(UUID)}", {"chosen": components}, scope.words)


def metric_names(reading: Reading, scope: Scope) -> list[str]:
    """The metrics that components in scope ever logged, sorted."""
    sql = f"SELECT DISTINCT metric FROM partials WHERE project = {{project:String}} AND {scope.sql} ORDER BY metric"
    return texts(reading.rows(sql, **scope.parameters), "metric")


def param_keys(reading: Reading, scope: Scope) -> list[str]:
    """The keys of the params that components in scope have, sorted."""
    sql = f"SELECT DISTINCT path FROM params_at({BOUNDS}) WHERE project = {{project:String}} AND {scope.sql} ORDER BY path"
    return texts(reading.rows(sql, **scope.parameters), "path")


def tag_names(reading: Reading, scope: Scope) -> list[str]:
    """The tags that components in scope have, sorted."""
    sql = (
        f"SELECT DISTINCT tag FROM (SELECT entity AS component, tag FROM tags_at({BOUNDS}) "
        f"WHERE project = {{project:String}} AND kind = 'component') WHERE {scope.sql} ORDER BY tag"
    )
    return texts(reading.rows(sql, **scope.parameters), "tag")


def _ids(entities: list[Entity]) -> list[str]:
    return [str(entity.id) for entity in entities]


def _word(given: object) -> str:
    name = getattr(given, "name", None)
    return repr(name if isinstance(name, str) else given)
