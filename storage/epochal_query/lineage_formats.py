"""Lineage in the languages of other tools: Mermaid, Graphviz, networkx."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from epochal_query.errors import ReadError

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd


@dataclass(frozen=True)
class Shape:
    """How nodes of a kind are drawn."""

    opening: str
    closing: str
    dot: str


SHAPES: Final = {
    "artifact": Shape("([", "])", "ellipse"),
    "component": Shape("[", "]", "box"),
    "trial": Shape("[[", "]]", "folder"),
    "experiment": Shape("[[", "]]", "folder"),
    "action": Shape("{{", "}}", "hexagon"),
    "context": Shape("{{", "}}", "hexagon"),
}


def mermaid(nodes: pd.DataFrame, edges: pd.DataFrame) -> str:
    """A flowchart: artifacts are rounded, components boxes, trials and experiments subroutines, all else hexagons."""
    names = {id_: f"n{place}" for place, id_ in enumerate(nodes["id"])}
    lines = ["flowchart LR"]
    for id_, kind, name, detail in zip(nodes["id"], nodes["kind"], nodes["name"], nodes["detail"], strict=True):
        label = "<br/>".join(map(_mermaid_text, [name, detail] if detail else [name]))
        shape = SHAPES[kind]
        lines.append(f'  {names[id_]}{shape.opening}"{label}"{shape.closing}')
    for source, target, label in _labelled(nodes, edges):
        shown = f'|"{_mermaid_text(label)}"|' if label else ""
        lines.append(f"  {names[source]} -->{shown} {names[target]}")
    return "\n".join(lines) + "\n"


def dot(nodes: pd.DataFrame, edges: pd.DataFrame) -> str:
    """A digraph for Graphviz."""
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for id_, kind, name, detail in zip(nodes["id"], nodes["kind"], nodes["name"], nodes["detail"], strict=True):
        label = f"{name}\n{detail}" if detail else name
        lines.append(f"  {_dot_text(id_)} [label={_dot_text(label)}, shape={SHAPES[kind].dot}];")
    for source, target, label in _labelled(nodes, edges):
        shown = f" [label={_dot_text(label)}]" if label else ""
        lines.append(f"  {_dot_text(source)} -> {_dot_text(target)}{shown};")
    return "\n".join([*lines, "}"]) + "\n"


def to_networkx(nodes: pd.DataFrame, edges: pd.DataFrame) -> nx.MultiDiGraph[str]:
    """A networkx graph: nodes with kind, type, name, detail, created; edges with relation, name, since.

    Raises:
        ReadError: networkx is not installed.
    """
    try:
        import networkx
    except ImportError:
        raise ReadError("to_networkx() needs networkx: pip install 'epochal[graph]'") from None
    made: nx.MultiDiGraph[str] = networkx.MultiDiGraph()
    for node in _records(nodes):
        made.add_node(node.pop("id"), **node)
    for edge in _records(edges):
        made.add_edge(edge.pop("source"), edge.pop("target"), **edge)
    return made


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in one.items()} for one in frame.to_dict("records")]


def _labelled(nodes: pd.DataFrame, edges: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """The edges with what to write on them: an association's relation, else the name that the artifact had there,
    where it is another than its own.
    """
    names = {
        id_: name
        for id_, kind, name in zip(nodes["id"], nodes["kind"], nodes["name"], strict=True)
        if kind == "artifact"
    }
    for source, target, relation, name in zip(
        edges["source"], edges["target"], edges["relation"], edges["name"], strict=True
    ):
        own = names.get(target if relation == "Produced" else source)
        yield source, target, relation if not name else "" if name == own else name


def _mermaid_text(text: str) -> str:
    """Text in quotes in a flowchart: what has a meaning there is written as its number.

    So is the beginning of two words of its own: in lines that have them Mermaid takes a semicolon away.
    """
    plain = "".join(char if char.isalnum() or char in " .,:/=_-[]" else f"#{ord(char)};" for char in text) or " "
    return plain.replace("style", f"#{ord('s')};tyle").replace("classDef", f"#{ord('c')};lassDef")


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
