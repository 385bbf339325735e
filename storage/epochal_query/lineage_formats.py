"""Lineage in the languages of other tools: Mermaid, Graphviz, networkx, OpenLineage. Pure, but for networkx."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from epochal._version import __version__
from epochal_query.errors import ReadError

if TYPE_CHECKING:
    import networkx as nx

    from epochal_query.lineage_graph import Edge, Graph

PRODUCER = f"urn:epochal:{__version__}"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_SOURCE_FACET = "https://openlineage.io/spec/facets/1-0-1/DatasourceDatasetFacet.json"
_ERROR_FACET = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json"
_EVENT_TYPES = {"completed": "COMPLETE", "failed": "FAIL", "stopped": "ABORT", "lost": "ABORT", "running": "START"}


@dataclass(frozen=True)
class Ran:
    """How a component ran, as far as it is known; ``at`` is its end, its start or its making."""

    id: str
    name: str
    kind: str
    status: str
    at: datetime
    error: str = ""


def mermaid(graph: Graph) -> str:
    """A flowchart: components are boxes, artifacts are rounded."""
    names = {id_: f"n{place}" for place, id_ in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for id_, node in graph.nodes.items():
        label = _mermaid_text(f"{node.name}<br/>{node.detail}" if node.detail else node.name)
        lines.append(f'  {names[id_]}["{label}"]' if node.kind == "component" else f'  {names[id_]}(["{label}"])')
    for edge in graph.edges:
        lines.append(f"  {names[edge.source]} -->{_mermaid_label(graph, edge)} {names[edge.target]}")
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """A digraph for Graphviz."""
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for id_, node in graph.nodes.items():
        label = f"{node.name}\n{node.detail}" if node.detail else node.name
        shape = "box" if node.kind == "component" else "ellipse"
        lines.append(f"  {_dot_text(id_)} [label={_dot_text(label)}, shape={shape}];")
    for edge in graph.edges:
        named = _alias(graph, edge)
        label = f" [label={_dot_text(named)}]" if named else ""
        lines.append(f"  {_dot_text(edge.source)} -> {_dot_text(edge.target)}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def to_networkx(graph: Graph) -> nx.MultiDiGraph[str]:
    """A networkx graph: nodes with kind, name, detail; edges with relation, name.

    Raises:
        ReadError: networkx is not installed.
    """
    try:
        import networkx
    except ImportError:
        raise ReadError("to_networkx() needs networkx: pip install 'epochal[graph]'") from None
    made: nx.MultiDiGraph[str] = networkx.MultiDiGraph()
    for id_, node in graph.nodes.items():
        made.add_node(id_, kind=node.kind, name=node.name, detail=node.detail)
    for edge in graph.edges:
        made.add_edge(edge.source, edge.target, relation=edge.relation, name=edge.name)
    return made


def openlineage(graph: Graph, ran: Iterable[Ran], project: str) -> list[dict[str, Any]]:
    """One run event a component, with the artifacts that went in and came out as datasets."""
    return [_run_event(graph, one, project) for one in ran]


def _run_event(graph: Graph, one: Ran, project: str) -> dict[str, Any]:
    run: dict[str, Any] = {"runId": one.id}
    if one.error:
        facet = {"_producer": PRODUCER, "_schemaURL": _ERROR_FACET, "programmingLanguage": "PYTHON"}
        run["facets"] = {"errorMessage": {**facet, "message": one.error}}
    return {
        "eventType": _EVENT_TYPES.get(one.status, "OTHER"),
        "eventTime": one.at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": _SCHEMA,
        "run": run,
        "job": {"namespace": project, "name": f"{one.kind}/{one.name}"},
        "inputs": [_dataset(graph, edge.source, project) for edge in graph.edges if edge.target == one.id],
        "outputs": [_dataset(graph, edge.target, project) for edge in graph.edges if edge.source == one.id],
    }


def _dataset(graph: Graph, id_: str, project: str) -> Mapping[str, Any]:
    """A digest is the same data wherever it lies; without one the place is the name, split as OpenLineage does."""
    node = graph.nodes[id_]
    source = {"_producer": PRODUCER, "_schemaURL": _SOURCE_FACET, "name": node.name, "uri": node.detail or node.id}
    url = urlsplit(node.detail)
    if url.scheme and not node.detail.startswith("sha256:"):
        space = f"{url.scheme}://{url.netloc}" if url.netloc else url.scheme
        return {"namespace": space, "name": url.path.lstrip("/") or "/", "facets": {"dataSource": source}}
    return {"namespace": project, "name": node.detail or node.id, "facets": {"dataSource": source}}


def _alias(graph: Graph, edge: Edge) -> str:
    """The name that an edge gives the artifact, where it is another than the artifact's own."""
    artifact = edge.source if graph.nodes[edge.source].kind == "artifact" else edge.target
    return "" if edge.name == graph.nodes[artifact].name else edge.name


def _mermaid_label(graph: Graph, edge: Edge) -> str:
    named = _alias(graph, edge)
    return f'|"{_mermaid_text(named)}"|' if named else ""


def _mermaid_text(text: str) -> str:
    """Text in quotes in a flowchart: what has a meaning there is written as its number."""
    kept = "<br/>".join(
        "".join(char if char.isalnum() or char in " .,:/=_-[]" else f"#{ord(char)};" for char in part)
        for part in text.split("<br/>", 1)
    )
    return kept or " "


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
