"""What made what: components and artifacts, joined by content (digest) or, where that is unknown, by place (URI)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pandas as pd

from epochal_query import lineage_formats as formats
from epochal_query.columns import decoded, ids, texts
from epochal_query.errors import AmbiguousNameError, FilterError
from epochal_query.lineage_graph import Direction, Edge, Graph, Node, beside
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, resolve_any, shortened, whereabouts

if TYPE_CHECKING:
    import networkx as nx


class Lineage:
    """The lineage of something: ``nodes`` and ``edges`` as frames, as text, and for other tools."""

    def __init__(
        self,
        graph: Graph,
        starts: tuple[str, ...],
        direction: Direction,
        attrs: dict[str, object],
    ) -> None:
        self.graph = graph
        self.starts = starts
        self.direction = direction
        self.attrs = {"epochal": attrs}
        self._forward = beside(graph.edges, forward=True)
        self._backward = beside(graph.edges, forward=False)

    @property
    def nodes(self) -> pd.DataFrame:
        """id, kind (component or artifact), name, detail."""
        rows = [(node.id, node.kind, node.name, node.detail) for node in self.graph.nodes.values()]
        return self._frame(rows, ["id", "kind", "name", "detail"])

    @property
    def edges(self) -> pd.DataFrame:
        """source, target (ids of nodes, in the direction of time), relation, the artifact's name."""
        rows = [(edge.source, edge.target, edge.relation, edge.name) for edge in self.graph.edges]
        return self._frame(rows, ["source", "target", "relation", "name"])

    def _frame(self, rows: list[Any], columns: list[str]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=columns, dtype="str")
        frame.attrs.update(self.attrs)
        return frame

    def to_text(self) -> str:
        """The lineage as an indented tree; what was shown already is not unfolded again."""
        lines: list[str] = []
        for start in self.starts:
            lines.append(self._label(start))
            for forward, word in ((False, "made from"), (True, "went into")):
                if self.direction == ("ascendants" if forward else "descendants"):
                    continue
                if self.direction == "both":
                    lines.append(f"  {word}:")
                self._unfold(start, forward, "    " if self.direction == "both" else "", {start}, lines)
        return "\n".join(lines)

    def to_mermaid(self) -> str:
        """A Mermaid flowchart."""
        return formats.mermaid(self.graph)

    def to_dot(self) -> str:
        """A digraph for Graphviz."""
        return formats.dot(self.graph)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """A networkx graph: nodes with kind, name, detail; edges with relation, name.

        Raises ReadError: networkx is not installed.
        """
        return formats.to_networkx(self.graph)

    def __str__(self) -> str:
        """The lineage as an indented tree."""
        return self.to_text()

    def _label(self, id_: str) -> str:
        node = self.graph.nodes[id_]
        return f"{node.kind} {node.name}" + (f"  {node.detail}" if node.detail else "")

    def _unfold(self, start: str, forward: bool, indent: str, shown: set[str], lines: list[str]) -> None:
        # an explicit stack: a chain of a hundred thousand steps must not exhaust Python's
        waiting = self._below(start, forward, indent)[::-1]
        while waiting:
            id_, name, lead, inner = waiting.pop()
            again = id_ in shown
            below = self._below(id_, forward, inner)
            lines.append(f"{lead}{self._label(id_)}{name}" + ("  (see above)" if again and below else ""))
            if not again:
                shown.add(id_)
                waiting.extend(below[::-1])

    def _below(self, id_: str, forward: bool, indent: str) -> list[tuple[str, str, str, str]]:
        found: dict[str, list[str]] = {}
        for edge in (self._forward if forward else self._backward).get(id_, []):
            found.setdefault(edge.target if forward else edge.source, []).append(edge.name)
        rows: list[tuple[str, str, str, str]] = []
        for place, (other, names) in enumerate(found.items()):
            last = place == len(found) - 1
            called = ", ".join(dict.fromkeys(name for name in names if name != self.graph.nodes[other].name))
            via = f"  as {called}" if called and self.graph.nodes[other].kind == "artifact" else ""
            rows.append((other, via, f"{indent}{'└─ ' if last else '├─ '}", f"{indent}{'   ' if last else '│  '}"))
        return rows


def lineage_of(reading: Reading, given: object, direction: Direction, depth: int | None) -> Lineage:
    """The lineage of an artifact (digest, URI or a unique name), a component, a trial or an experiment.

    Raises:
        UnknownNameError: nothing is meant by ``given``.
        FilterError: ``direction`` or ``depth`` is not one.
    """
    if direction not in ("ascendants", "descendants", "both"):
        raise FilterError(f"direction={direction!r} is not one: ascendants, descendants or both")
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise FilterError(f"depth={depth!r} is not a number of steps: give a whole number from 0 on, or None for all")
    graph = read_graph(reading)
    starts = _starts(reading, graph, given)
    found = _located(reading, graph.around(starts, direction, depth))
    return Lineage(found, starts, direction, reading.attrs)


def _located(reading: Reading, graph: Graph) -> Graph:
    """The graph, with the trials of its components, which tell those of one name apart."""
    components = [node for node in graph.nodes.values() if node.kind == "component"]
    where = whereabouts(reading, "component", [Entity("component", UUID(node.id), node.name) for node in components])
    labelled = {
        node.id: replace(node, detail=f"{kind} {where[UUID(node.id)]}  {id_}")
        for node in components
        for kind, _, id_ in [node.detail.rpartition(" ")]
        if UUID(node.id) in where
    }
    return Graph({id_: labelled.get(id_, node) for id_, node in graph.nodes.items()}, graph.edges)


def several_artifacts(name: str, found: Sequence[str], advice: str) -> str:
    """What to say of artifacts that share a name where one is meant."""
    return f"{len(found):,} artifacts are named {name!r}; {advice}:\n{shortened([f'  {one}' for one in found])}"


def _starts(reading: Reading, graph: Graph, given: object) -> tuple[str, ...]:
    digest = getattr(given, "digest", None)
    name = digest if isinstance(digest, str) else given
    if isinstance(name, str):
        found = _artifacts_named(graph, name)
        if len(found) > 1:
            raise AmbiguousNameError(several_artifacts(name, found, "give the digest or URI of one"))
        if found:
            return tuple(found)
    artifacts = [node.name for node in graph.nodes.values() if node.kind == "artifact"]
    entity = given if isinstance(given, Entity) else resolve_any(reading, given, {"artifact": artifacts})
    members = _members(reading, entity)
    for member, called in members.items():
        graph.nodes.setdefault(member, Node(member, "component", called))
    return tuple(members)


def _artifacts_named(graph: Graph, name: str) -> list[str]:
    """The artifact with this key (or the only one whose digest begins so, or URI is so), else all with this name."""
    if name in graph.nodes and graph.nodes[name].kind == "artifact":
        return [name]
    artifacts = [node for node in graph.nodes.values() if node.kind == "artifact"]
    short = [node.id for node in artifacts if len(name) >= 10 and node.id.startswith(name)]
    if len(short) == 1:
        return short
    placed = [node.id for node in artifacts if node.detail == name]
    named = {
        edge.source if edge.relation == "contributed_to" else edge.target for edge in graph.edges if edge.name == name
    }
    return placed or sorted(named)


def _members(reading: Reading, entity: Entity) -> dict[str, str]:
    """The components that an entity stands for, with their names."""
    if entity.kind == "component":
        return {str(entity.id): entity.name}
    trials = "trial = {id:UUID}"
    if entity.kind == "experiment":
        trials = (
            f"trial IN (SELECT trial FROM {at('trials')} "
            "WHERE project = {project:String} AND experiment = {id:UUID})"
        )
    table = reading.rows(
        f"""SELECT component, name FROM {at("components")} WHERE project = {{project:String}} AND component IN (
                SELECT component FROM {at("memberships")} WHERE project = {{project:String}} AND {trials})
            ORDER BY created_at, component""",
        id=str(entity.id),
    )
    return dict(zip(map(str, ids(table, "component")), texts(table, "name"), strict=True))


def read_graph(reading: Reading) -> Graph:
    """Every edge of the project, with the names of what it joins."""
    table = reading.rows(
        f"""SELECT source, target, relation, name, artifact, ifNull(digest, '') AS digest, ifNull(uri, '') AS uri
            FROM {at("edges")} WHERE project = {{project:String}}
            ORDER BY occurred_at, source, target, name"""
    )
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    columns = [texts(table, name) for name in ("source", "target", "relation", "name", "artifact", "digest", "uri")]
    for source, target, relation, name, artifact, digest, uri in zip(*columns, strict=True):
        edges.append(Edge(source, target, relation, name))
        if relation == "forked_into":  # between components
            continue
        known = nodes.get(artifact)
        if known is None or (relation == "produced" and known.detail != digest):
            nodes[artifact] = Node(artifact, "artifact", name, digest or uri)
    for id_, name, label in _component_names(reading):
        nodes[id_] = Node(id_, "component", name, label)
    used = {edge.source for edge in edges} | {edge.target for edge in edges}
    return Graph({id_: node for id_, node in nodes.items() if id_ in used}, tuple(edges))


def _component_names(reading: Reading) -> list[tuple[str, str, str]]:
    opened = reading.rows(
        f"""SELECT entity, value FROM {at("cells")}
            WHERE project = {{project:String}} AND kind = 'component' AND field = 'opened'"""
    )
    found: list[tuple[str, str, str]] = []
    for id_, value in zip(ids(opened, "entity"), texts(opened, "value"), strict=True):
        cells = decoded(value)
        found.append((str(id_), cells["name"], f"[{cells['kind']}] {id_}"))
    return found
