"""Exports of a lineage, read back by readers of others: Mermaid's parser, pydot, NetworkX. The same graph each time."""

from __future__ import annotations

import random
from pathlib import Path

import networkx
import pandas as pd
import pydot
import pytest
from query.mermaid_reader import MermaidReader

from epochal_query.lineage import Lineage
from epochal_query.lineage_formats import SHAPES

ALPHABET = "ab Z0é日😀\"'`#;|<>[](){}&%\\/-=~.:,_*\n\t@$^!?"
KINDS = ("artifact", "component", "trial", "experiment", "action", "context")
RELATIONS = ("Produced", "ContributedTo", "DerivedFrom", "AssociatedWith", "SameAs")
MERMAID = {"artifact": "stadium", "component": "square", "trial": "subroutine", "experiment": "subroutine"}


def awkward(seed: int, count: int = 40) -> Lineage:
    """Nodes whose names are whatever people type, and edges of every relation; some lead back."""
    dice = random.Random(seed)

    def text(least: int) -> str:
        return "".join(dice.choice(ALPHABET) for _ in range(dice.randrange(least, 12)))

    names = ["end", "graph", "subgraph x", "%% no comment", "a --> b", "click", "style n0 fill:#fff", "1. list", "- x"]
    nodes = [(f"id-{i}", KINDS[i % 6], names[i] if i < len(names) else text(1), text(0)) for i in range(count)]
    edges = [
        (
            f"id-{dice.randrange(count)}",
            f"id-{dice.randrange(count)}",
            dice.choice(RELATIONS),
            dice.choice(["", text(1)]),
        )
        for _ in range(2 * count)
    ]
    return Lineage(
        pd.DataFrame(nodes, columns=["id", "kind", "name", "detail"], dtype="str"),
        pd.DataFrame(edges, columns=["source", "target", "relation", "name"], dtype="str"),
        ("id-0",),
        "both",
        {},
    )


def joined(found: Lineage) -> list[tuple[str, str]]:
    """The ends of its edges, sorted."""
    return sorted(zip(found.edges["source"], found.edges["target"], strict=True))


def plain(text: str) -> str:
    """Runs of spaces and line ends are one space on any drawing."""
    return " ".join(text.split())


@pytest.fixture(scope="session")
def mermaid(pytestconfig: pytest.Config) -> MermaidReader:
    cache = pytestconfig.cache
    assert cache is not None
    return MermaidReader(Path(cache.mkdir("mermaid-11.6.0")))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_mermaid_reads_the_same_graph(mermaid: MermaidReader, seed: int) -> None:
    """Nodes with their names and shapes, edges with what is written on them."""
    found = awkward(seed)
    chart = mermaid.read(found.to_mermaid())
    names = {f"n{place}": id_ for place, id_ in enumerate(found.nodes["id"])}
    assert set(chart.vertices) == set(names)
    for (shape, lines), kind, name, detail in zip(
        (chart.vertices[one] for one in names),
        found.nodes["kind"],
        found.nodes["name"],
        found.nodes["detail"],
        strict=True,
    ):
        assert shape == MERMAID.get(kind, "hexagon")
        assert [plain(line) for line in lines] == [plain(one) for one in ((name, detail) if detail else (name,))]
    assert sorted((names[source], names[target]) for source, target, _ in chart.edges) == joined(found)
    written = {text for _, _, text in chart.edges}
    assert set(RELATIONS) <= written


@pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning")  # pydot's, of its own parser
@pytest.mark.parametrize("seed", range(3))
def test_graphviz_reads_the_same_graph(seed: int) -> None:
    """By pydot's parser of the DOT language."""
    found = awkward(seed)
    parsed = pydot.graph_from_dot_data(found.to_dot())
    assert parsed is not None
    (graph,) = parsed
    nodes = {str(one.get_name()).strip('"'): one for one in graph.get_nodes()}
    assert set(found.nodes["id"]) <= set(nodes)
    for id_, kind in zip(found.nodes["id"], found.nodes["kind"], strict=True):
        assert nodes[id_].get("shape") == SHAPES[kind].dot
    ends = [(str(one.get_source()).strip('"'), str(one.get_destination()).strip('"')) for one in graph.get_edges()]
    assert sorted(ends) == joined(found)


def test_networkx_has_the_same_graph() -> None:
    """Nodes and edges with all that is known of them, and its own formats can write them."""
    found = awkward(0)
    graph = found.to_networkx()
    assert sorted((source, target) for source, target, _ in graph.edges) == joined(found)
    assert {id_: data["name"] for id_, data in graph.nodes(data=True)} == dict(
        zip(found.nodes["id"], found.nodes["name"], strict=True)
    )
    again = networkx.node_link_graph(networkx.node_link_data(graph, edges="links"), edges="links")
    assert networkx.utils.graphs_equal(graph, again)
