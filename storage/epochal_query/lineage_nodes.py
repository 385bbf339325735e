"""What the reached nodes and edges of a lineage are: names, types, since when; asked only of what was reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from epochal_query.columns import column, id_texts, instants, texts
from epochal_query.lineage_graph import RELATIONS, Mask, Numbers, Part
from epochal_query.lineage_index import KINDS, Edges, Node
from epochal_query.reading import KNOWN, NAMED_MAX, Reading, at, block, together
from epochal_query.resolve import Entity, trial_label, whereabouts

NODE = ("id", "kind", "type", "name", "detail", "created")
EDGE = ("source", "target", "relation", "name", "since")
_ORDER = ("since", "source", "target", "relation", "name")
_PRODUCED = RELATIONS.index("Produced")


@dataclass(frozen=True)
class Frames:
    """Nodes with the columns NODE and edges with the columns EDGE, by when they came to be."""

    nodes: pd.DataFrame
    edges: pd.DataFrame

    def __add__(self, other: Frames) -> Frames:
        """What is in either, nodes of one id once."""
        if other.nodes.empty and other.edges.empty:
            return self
        nodes = pd.concat([self.nodes, other.nodes]).drop_duplicates("id")
        rows = pd.concat([self.edges, other.edges]).drop_duplicates()
        return Frames(nodes, rows.sort_values(list(_ORDER), ignore_index=True))


def describe(reading: Reading, edges: Edges, part: Part, alone: Sequence[Node] = ()) -> Frames:
    """The nodes and edges of a part.

    The index of the nodes are the numbers of the nodes; -1 for those that stand ``alone``, without any edge. What did
    not exist within the bounds of the read is left out.
    """
    reached = {kind: edges.index.numbers(kind, part.nodes) for kind in KINDS}
    ids = {kind: [*reached[kind], *(id_ for one, id_ in alone if one == kind)] for kind in KINDS if kind != "artifact"}
    asked = [partial(_OF_KIND[kind], reading, found) for kind, found in ids.items() if found]
    workers = part.nodes.copy()
    workers[_naming(edges, part.nodes)] = True
    working = edges.index.numbers("component", workers)
    mentions, *told = together(partial(_mentions, reading, list(working)), *asked)
    nodes = pd.concat([_artifacts(edges, part.nodes, list(reached["artifact"]), mentions), *told])
    nodes.index = pd.Index([reached[kind].get(id_, -1) for kind, id_ in zip(nodes["kind"], nodes["id"], strict=True)])
    passed = _passed(edges, part, mentions, working, reached["artifact"])
    rows = pd.concat([passed, _associated(edges, part)])
    return Frames(
        nodes[list(NODE)].sort_values(["created", "kind", "id"]),
        rows[list(EDGE)].sort_values(list(_ORDER), ignore_index=True),
    )


def _naming(edges: Edges, nodes: Mask) -> Numbers:
    """The components that name the artifacts among the nodes: those that made it first, else those that used it first.

    What is called so doesn't depend on how much of the lineage is asked for.
    """
    graph, begin = edges.graph, edges.index.begins["artifact"]
    made = graph.relations == _PRODUCED
    of_runs = np.arange(len(made)) < len(made) - edges.associations.num_rows
    artifacts, workers = np.where(made, graph.targets, graph.sources), np.where(made, graph.sources, graph.targets)
    near = np.flatnonzero(of_runs & nodes[artifacts])
    rank = edges.since[near] - made[near] * np.int64(2**62)
    least = np.full(len(edges.index.keys["artifact"]), np.iinfo(np.int64).max)
    np.minimum.at(least, artifacts[near] - begin, rank)
    return cast(Numbers, workers[near[rank == least[artifacts[near] - begin]]])


def _mentions(reading: Reading, components: list[str]) -> pd.DataFrame:
    """What went into components and came out of them."""
    few = len(components) < NAMED_MAX
    table = reading.rows(
        f"""SELECT component, direction, name, artifact, ifNull(digest, '') AS digest, ifNull(uri, '') AS uri,
                   ifNull(media_type, '') AS media_type, occurred_at
            FROM {at("artifacts")}
            WHERE project = {{project:String}} AND {"component IN {components:Array(UUID)}" if few else "1"}""",
        # components that don't exist are joined by no edge
        KNOWN,
        components=components,
    )
    return pd.DataFrame(
        {
            "component": _words(id_texts(table, "component")),
            "made": column(table, "direction").to_pandas() == "out",
            **{name: _words(texts(table, name)) for name in ("name", "artifact", "digest", "uri", "media_type")},
            "since": instants(table, "occurred_at"),
        }
    )


def _artifacts(edges: Edges, nodes: Mask, reached: list[str], mentions: pd.DataFrame) -> pd.DataFrame:
    """The reached artifacts, called as who made them first calls them, else who used them first."""
    mentions = mentions[mentions["artifact"].isin(reached)]
    order = mentions.assign(used=~mentions["made"]).sort_values(["used", "since", "component", "name"])
    named = order.drop_duplicates("artifact").set_index("artifact").reindex(reached)
    unknown = named["name"].isna().to_numpy()
    key = pd.Series(_words(reached), index=named.index)
    place = named["digest"].where(named["digest"] != "", named["uri"])
    return pd.DataFrame(
        {
            "id": key,
            "kind": "artifact",
            "type": named["media_type"].fillna(""),
            "name": named["name"].where(~unknown, key),
            "detail": place.where(~unknown, ""),
            "created": pd.to_datetime(_first(edges, nodes), unit="us", utc=True),
        }
    )


def _first(edges: Edges, nodes: Mask) -> Numbers:
    """When each artifact among the nodes is mentioned first."""
    begin, count = edges.index.begins["artifact"], len(edges.index.keys["artifact"])
    first = np.full(len(nodes), np.iinfo(np.int64).max)
    for ends in (edges.graph.sources, edges.graph.targets):
        near = nodes[ends]
        np.minimum.at(first, ends[near], edges.since[near])
    inside = slice(begin, begin + count)
    return first[inside][nodes[inside]]


def _passed(
    edges: Edges, part: Part, mentions: pd.DataFrame, components: Mapping[str, int], artifacts: Mapping[str, int]
) -> pd.DataFrame:
    """The mentions that are edges of the part."""
    graph, count = edges.graph, len(part.nodes)
    near = mentions["component"].isin(components) & mentions["artifact"].isin(artifacts)
    mentions = mentions[near]
    component, artifact = (
        np.array([known[one] for one in mentions[name]], np.int64)
        for name, known in (("component", components), ("artifact", artifacts))
    )
    made = mentions["made"].to_numpy()
    pairs = np.where(made, component, artifact) * count + np.where(made, artifact, component)
    passed = (graph.sources * count + graph.targets)[part.edges]
    which = mentions[np.isin(pairs, passed)]
    out = which["made"]
    return pd.DataFrame(
        {
            "source": which["component"].where(out, which["artifact"]),
            "target": which["artifact"].where(out, which["component"]),
            "relation": pd.Series(np.where(out, "Produced", "ContributedTo"), index=which.index, dtype="str"),
            "name": which["name"],
            "since": which["since"],
        }
    )


def _associated(edges: Edges, part: Part) -> pd.DataFrame:
    """The associations of the part."""
    said = edges.associations
    passed = part.edges[len(part.edges) - said.num_rows :]
    made = pd.DataFrame({name: _words(texts(said, name)) for name in ("source", "target", "relation")})
    since = pd.to_datetime(column(said, "since").to_numpy(False).astype(np.int64), unit="us", utc=True)
    return made.assign(name=_words([""] * len(made)), since=since)[passed]


def _components(reading: Reading, found: list[str]) -> pd.DataFrame:
    table, where = together(
        partial(_opened, reading, found),
        lambda: whereabouts(reading, "component", [Entity("component", UUID(id_), id_) for id_ in found]),
    )
    ids, names, types = id_texts(table, "entity"), texts(table, "name"), texts(table, "type")
    placed = [f"{where[UUID(id_)]}  {id_}" if UUID(id_) in where else id_ for id_ in ids]
    shown = [f"[{type_}] {place}" for type_, place in zip(types, placed, strict=True)]
    return _nodes("component", ids, types, names, shown, instants(table, "created"))


def _opened(reading: Reading, found: list[str]) -> pa.Table:
    mine = "s.kind = 'component' AND s.field = 'opened' AND s.entity IN {ids:Array(UUID)}"
    return reading.rows(
        f"""SELECT s.entity AS entity, argMax(s.value, s.place) AS opening, min(s.ordered_at) AS created,
                   JSONExtractString(opening, 'name') AS name, JSONExtractString(opening, 'kind') AS type
            {block("of_entities", mine)} AND s.project = {{project:String}}
            GROUP BY s.entity""",
        ids=found,
    )


def _trials(reading: Reading, found: list[str]) -> pd.DataFrame:
    table = reading.rows(
        f"""SELECT trial, name, variables, created_at FROM {at("trials")}
            WHERE project = {{project:String}} AND trial IN {{ids:Array(UUID)}}""",
        ids=found,
    )
    names = [trial_label(*one) for one in zip(texts(table, "name"), texts(table, "variables"), strict=True)]
    ids = id_texts(table, "trial")
    return _nodes("trial", ids, [""] * len(ids), names, ids, instants(table, "created_at"))


def _declared(kind: str, reading: Reading, found: list[str]) -> pd.DataFrame:
    type_ = "''" if kind == "experiment" else "type"
    table = reading.rows(
        f"""SELECT {kind} AS id, name, {type_} AS type, created_at FROM {at(f"{kind}s")}
            WHERE project = {{project:String}} AND {kind} IN {{ids:Array(UUID)}}""",
        ids=found,
    )
    types = texts(table, "type")
    shown = [f"[{one}]" if one else "" for one in types]
    return _nodes(kind, id_texts(table, "id"), types, texts(table, "name"), shown, instants(table, "created_at"))


_OF_KIND: dict[str, Any] = {
    "component": _components,
    "trial": _trials,
    **{kind: partial(_declared, kind) for kind in ("experiment", "action", "context")},
}


def _nodes(
    kind: str, ids: list[str], types: list[str], names: list[str], details: list[str], created: Any
) -> pd.DataFrame:
    columns = {"id": ids, "type": types, "name": names, "detail": details}
    made = pd.DataFrame({name: _words(found) for name, found in columns.items()})
    return made.assign(kind=_words([kind] * len(ids)), created=created)


def _words(found: Sequence[str]) -> Any:
    return pd.array(list(found), dtype="str")
