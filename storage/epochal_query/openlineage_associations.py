"""Associations for OpenLineage, which has no place for them: a facet of our own on the runs and datasets they join.

This module needs openlineage-python, and is imported where that is known to be there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import attr
from openlineage.client.facet_v2 import DatasetFacet, RunFacet

from epochal_query.columns import decoded, id_texts, instants, texts
from epochal_query.deletions import names_of
from epochal_query.lineage_index import Node
from epochal_query.reading import Reading, at

FACET: Final = "epochal_associations"
SCHEMA: Final = "https://pypi.org/project/epochal/#/$defs/EpochalAssociationsFacet/1"
"""Stands for the form that docs/lineage.md describes; it changes with it."""

Associated = Mapping[Node, list[dict[str, Any]]]
"""Of each node its associations, as the facet has them."""


@attr.define
class AssociationsRunFacet(RunFacet):
    """What a run is associated with."""

    associations: list[dict[str, Any]] = attr.field(factory=list[dict[str, Any]])

    @staticmethod
    def _get_schema() -> str:
        return SCHEMA


@attr.define
class AssociationsDatasetFacet(DatasetFacet):
    """What a dataset is associated with."""

    associations: list[dict[str, Any]] = attr.field(factory=list[dict[str, Any]])

    @staticmethod
    def _get_schema() -> str:
        return SCHEMA


def associated(reading: Reading) -> Associated:
    """The associations that a read sees, by either end, in the order in which they were made."""
    table = reading.rows(
        f"""SELECT relation, source_kind, source, target_kind, target, occurred_at FROM {at("associations")}
            WHERE project = {{project:String}} ORDER BY occurred_at, relation, source, target"""
    )
    sources, targets = (
        list(zip(texts(table, f"{end}_kind"), texts(table, end), strict=True)) for end in ("source", "target")
    )
    called = _called(reading, {*sources, *targets})
    found: dict[Node, list[dict[str, Any]]] = {}
    since = [one.isoformat() for one in instants(table, "occurred_at")]
    for relation, source, target, when in zip(texts(table, "relation"), sources, targets, since, strict=True):
        for mine, role, other in ((source, "source", target), (target, "target", source)):
            ends = {"kind": other[0], "id": other[1], **called.get(other, {})}
            found.setdefault(mine, []).append({"relation": relation, "as": role, **ends, "since": when})
    return found


def changed_since(now: Associated, then: Associated) -> set[Node]:
    """The nodes that have other associations than they had."""
    return {node for node in {*now, *then} if now.get(node) != then.get(node)}


def knowing(reading: Reading, nodes: Collection[Node]) -> set[str]:
    """The components that are among the nodes, or that have one of them as input or output."""
    table = reading.rows(
        f"""SELECT DISTINCT component FROM {at("artifacts")}
            WHERE project = {{project:String}} AND artifact IN {{artifacts:Array(String)}}""",
        artifacts=[id_ for kind, id_ in nodes if kind == "artifact"],
    )
    return {id_ for kind, id_ in nodes if kind == "component"} | set(id_texts(table, "component"))


def _called(reading: Reading, nodes: Collection[Node]) -> dict[Node, dict[str, Any]]:
    """Name, type and properties of actions and contexts, the names of what else has one."""
    found: dict[Node, dict[str, Any]] = {}
    for kind in ("action", "context"):
        ids = [id_ for one, id_ in nodes if one == kind]
        if not ids:
            continue
        table = reading.rows(
            f"""SELECT {kind} AS id, name, type, properties FROM {at(f"{kind}s")}
                WHERE project = {{project:String}} AND {kind} IN {{ids:Array(UUID)}}""",
            ids=ids,
        )
        columns = (texts(table, name) for name in ("name", "type", "properties"))
        for id_, name, type_, properties in zip(id_texts(table, "id"), *columns, strict=True):
            said = {"name": name, "type": type_, "properties": decoded(properties) or {}}
            found[kind, id_] = {key: value for key, value in said.items() if value}
    others = [UUID(id_) for kind, id_ in nodes if kind in ("component", "trial", "experiment")]
    for id_, entity in names_of(reading, others).items() if others else ():
        found[entity.kind, str(id_)] = {"name": entity.name}
    return found
