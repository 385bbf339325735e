"""Lineage in the languages of other tools: Mermaid, Graphviz, networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epochal_query.errors import ReadError

if TYPE_CHECKING:
    import networkx as nx

    from epochal_query.lineage_graph import Edge, Graph


def mermaid(graph: Graph) -> str:
    """A flowchart: components are boxes, artifacts are rounded."""
    names = {id_: f"n{place}" for place, id_ in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for id_, node in graph.nodes.items():
        label = "<br/>".join(map(_mermaid_text, [node.name, node.detail] if node.detail else [node.name]))
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


def _alias(graph: Graph, edge: Edge) -> str:
    """The name that an edge gives the artifact, where it is another than the artifact's own."""
    artifact = edge.source if graph.nodes[edge.source].kind == "artifact" else edge.target
    return "" if edge.name == graph.nodes[artifact].name else edge.name


def _mermaid_label(graph: Graph, edge: Edge) -> str:
    named = _alias(graph, edge)
    return f'|"{_mermaid_text(named)}"|' if named else ""


def _mermaid_text(text: str) -> str:
    """Text in quotes in a flowchart: what has a meaning there is written as its number."""
    return "".join(char if char.isalnum() or char in " .,:/=_-[]" else f"#{ord(char)};" for char in text) or " "


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
