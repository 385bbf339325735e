"""Lineage over graphs of components and artifacts, without a store."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from epochal_query.lineage import Edge, Graph, Lineage, Node


def _graph(*edges: tuple[str, str]) -> Graph:
    """Capital letters are components, small ones artifacts."""
    found = tuple(
        Edge(source, target, "produced" if source.isupper() else "contributed_to", "") for source, target in edges
    )
    names = {name for edge in edges for name in edge}
    return Graph({n: Node(n, "component" if n.isupper() else "artifact", n) for n in names}, found)


CHAIN = _graph(("a", "P"), ("P", "d"), ("d", "T"), ("T", "m"), ("d", "U"), ("U", "n"))


def test_ascendants_and_descendants() -> None:
    """What something was made from, and what it went into; nothing else."""
    assert set(CHAIN.around(["m"], "ascendants", None).nodes) == {"m", "T", "d", "P", "a"}
    assert set(CHAIN.around(["d"], "descendants", None).nodes) == {"d", "T", "m", "U", "n"}
    assert set(CHAIN.around(["T"], "both", None).nodes) == {"T", "m", "d", "P", "a"}


def test_depth_counts_edges() -> None:
    """One step is one edge."""
    assert set(CHAIN.around(["m"], "ascendants", 2).nodes) == {"m", "T", "d"}
    assert set(CHAIN.around(["m"], "ascendants", 0).nodes) == {"m"}


def test_the_text_is_a_tree() -> None:
    """Indented, and what was shown is not unfolded again."""
    text = Lineage(CHAIN.around(["d"], "descendants", None), ("d",), "descendants", {}).to_text()
    assert text.splitlines() == [
        "artifact d",
        "├─ component T",
        "│  └─ artifact m",
        "└─ component U",
        "   └─ artifact n",
    ]


def test_cycles_end() -> None:
    """A component that reads what it wrote is shown once."""
    loop = _graph(("A", "x"), ("x", "B"), ("B", "y"), ("y", "A"))
    text = Lineage(loop.around(["x"], "ascendants", None), ("x",), "ascendants", {}).to_text()
    assert text.splitlines()[-1].endswith("artifact x  (see above)")
    assert set(loop.around(["x"], "both", None).edges) == set(loop.edges)


def test_a_long_chain_is_shown_to_its_end() -> None:
    """A thousand generations."""
    names = [f"{'A' if i % 2 else 'a'}{i}" for i in range(2_001)]
    chain = Graph(
        {n: Node(n, "component" if n[0] == "A" else "artifact", n) for n in names},
        tuple(Edge(a, b, "produced", "") for a, b in itertools.pairwise(names)),
    )
    found = Lineage(chain.around([names[-1]], "ascendants", None), (names[-1],), "ascendants", {})
    assert len(found.nodes) == 2_001
    assert len(found.to_text().splitlines()) == 2_001


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("ABCDE"), st.booleans()), max_size=20),
    st.sampled_from("abcdeABCDE"),
)
def test_reaching_is_transitive(edges: list[tuple[str, str, bool]], start: str) -> None:
    """Against a naive closure, on graphs with cycles."""
    pairs = [(a, b) if forward else (b, a) for a, b, forward in edges]
    graph = _graph(*pairs, ("zz", "ZZ"), (start, "ZY") if start.islower() else ("zy", start))
    reached = {start}
    while True:
        more = {edge.target for edge in graph.edges if edge.source in reached} - reached
        if not more:
            break
        reached |= more
    found = graph.around([start], "descendants", None)
    assert set(found.nodes) == reached
    lines = Lineage(found, (start,), "descendants", {}).to_text().splitlines()
    assert len(lines) <= 1 + len(found.edges)
