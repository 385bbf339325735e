"""Lineage over graphs of components and artifacts, without a store."""

from __future__ import annotations

import itertools

import networkx
from hypothesis import given
from hypothesis import strategies as st

from epochal_query.lineage import Lineage
from epochal_query.lineage_graph import Edge, Graph, Node


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


ODD = Graph(
    {
        "A": Node("A", "component", 'say "hi"\n<b>', "[training] A"),
        "x": Node("x", "artifact", "da|ta;<br/>", "s3://bucket/da ta"),
        "y": Node("y", "artifact", "model", "sha256:00ff"),
    },
    (Edge("x", "A", "contributed_to", "input"), Edge("A", "y", "produced", "model")),
)
LINES = Lineage(ODD, ("A",), "both", {"project": "p"})


def test_mermaid_escapes_what_has_a_meaning_there() -> None:
    """A name can't end a label or begin markup."""
    assert LINES.to_mermaid().splitlines() == [
        "flowchart LR",
        '  n0["say #34;hi#34;#10;#60;b#62;<br/>[training] A"]',
        '  n1(["da#124;ta#59;#60;br/#62;<br/>s3://bucket/da ta"])',
        '  n2(["model<br/>sha256:00ff"])',
        '  n1 -->|"input"| n0',
        "  n0 --> n2",
    ]


def test_dot_escapes_what_has_a_meaning_there() -> None:
    """Each statement is one line, and every quote in a text is escaped."""
    lines = LINES.to_dot().splitlines()
    assert lines[0] == "digraph lineage {"
    assert '  "A" [label="say \\"hi\\"\\n<b>\\n[training] A", shape=box];' in lines
    assert '  "x" -> "A" [label="input"];' in lines
    assert '  "A" -> "y";' in lines
    assert lines[-1] == "}"


def test_networkx_has_the_same_graph() -> None:
    """So that its algorithms answer."""
    made = LINES.to_networkx()
    assert networkx.ancestors(made, "y") == {"A", "x"}
    assert made.nodes["x"] == {"kind": "artifact", "name": "da|ta;<br/>", "detail": "s3://bucket/da ta"}
    assert next(iter(made.edges(data=True))) == ("A", "y", {"relation": "produced", "name": "model"})
