"""Lineage over graphs of components and artifacts, without a store."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable

import networkx
import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from epochal_query.lineage import Lineage
from epochal_query.lineage_graph import RELATIONS, Direction, Graph, Part, leading_to, reached


class Drawn:
    """A graph with names for its nodes: capital letters are components, small ones artifacts."""

    def __init__(self, *edges: tuple[str, str], same: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = [*edges, *same]
        self.names = sorted({name for pair in self.pairs for name in pair})
        sources, targets = ([self.names.index(pair[end]) for pair in self.pairs] for end in (0, 1))
        self.relations = ["Produced" if source.isupper() else "ContributedTo" for source, _ in edges]
        self.relations += ["SameAs"] * (len(self.pairs) - len(edges))
        codes = [RELATIONS.index(relation) for relation in self.relations]
        self.graph = Graph(len(self.names), np.array(sources), np.array(targets), np.array(codes))

    def parts(self, starts: str, direction: Direction, depth: int | None = None) -> dict[bool, Part]:
        """What is reached, by way."""
        return reached(self.graph, np.array([self.names.index(start) for start in starts]), direction, depth)

    def around(self, starts: str, direction: Direction, depth: int | None = None) -> Part:
        """What is reached."""
        return functools.reduce(operator.or_, self.parts(starts, direction, depth).values())

    def nodes(self, part: Part) -> str:
        """The names of its nodes."""
        return "".join(np.array(self.names)[part.nodes])

    def lineage(self, starts: str, direction: Direction) -> Lineage:
        """The same as a user gets it."""
        part = self.around(starts, direction)
        names = (
            list(self.nodes(part)) if all(len(n) == 1 for n in self.names) else list(np.array(self.names)[part.nodes])
        )
        nodes = _nodes(*((name, "component" if name[0].isupper() else "artifact", name, "") for name in names))
        edges = [
            (*self.pairs[i], self.relations[i], min(self.pairs[i], key=str.isupper)) for i in np.flatnonzero(part.edges)
        ]
        return Lineage(nodes, _edges(*edges), tuple(starts), direction, {})


def _nodes(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "kind", "name", "detail"], dtype="str")


def _edges(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["source", "target", "relation", "name"], dtype="str")


CHAIN = Drawn(("a", "P"), ("P", "d"), ("d", "T"), ("T", "m"), ("d", "U"), ("U", "n"))


def test_ascendants_and_descendants() -> None:
    """What something was made from, and what it went into; nothing else."""
    assert CHAIN.nodes(CHAIN.around("m", "ascendants")) == "PTadm"
    assert CHAIN.nodes(CHAIN.around("d", "descendants")) == "TUdmn"
    assert CHAIN.nodes(CHAIN.around("T", "both")) == "PTadm"


def test_several_starts() -> None:
    """What any of them was made from."""
    assert CHAIN.nodes(CHAIN.around("nP", "ascendants")) == "PUadn"
    assert CHAIN.nodes(CHAIN.around("mn", "descendants")) == "mn"


def test_depth_counts_edges() -> None:
    """One step is one edge."""
    assert CHAIN.nodes(CHAIN.around("m", "ascendants", 2)) == "Tdm"
    assert CHAIN.nodes(CHAIN.around("m", "ascendants", 0)) == "m"


def test_what_is_the_same_is_reached_either_way() -> None:
    """A model that one run made by content and another one used by place, whichever came first in the statement."""
    for pair in ("ms", "sm"):
        drawn = Drawn(("A", "m"), ("s", "B"), ("B", "x"), same=[(pair[0], pair[1])])
        assert drawn.nodes(drawn.around("x", "ascendants")) == "ABmsx"
        assert drawn.nodes(drawn.around("m", "descendants")) == "Bmsx"


def test_only_some_edges_are_followed() -> None:
    """Those asked for."""
    follow = np.array([source != "T" for source, _ in CHAIN.pairs])
    start = np.array([CHAIN.names.index("d")])
    assert CHAIN.nodes(reached(CHAIN.graph, start, "descendants", None, follow)[True]) == "TUdn"


def test_what_leads_to_the_wanted() -> None:
    """The wanted nodes that were reached, and the ways to them; branches that lead nowhere are left out."""
    for start, wanted, shown in (("d", "n", "Udn"), ("d", "a", ""), ("T", "am", "PTadm"), ("T", "an", "PTad")):
        mask = np.array([name in wanted for name in CHAIN.names])
        way: Direction = "both" if start == "T" else "descendants"
        assert CHAIN.nodes(leading_to(CHAIN.graph, CHAIN.parts(start, way), mask)) == shown


def test_the_text_is_a_tree() -> None:
    """Indented, and what was shown is not unfolded again."""
    assert CHAIN.lineage("d", "descendants").to_text().splitlines() == [
        "artifact d",
        "├─ component T",
        "│  └─ artifact m",
        "└─ component U",
        "   └─ artifact n",
    ]


def test_diamonds_end() -> None:
    """What two ways lead to is unfolded once."""
    drawn = Drawn(("a", "P"), ("P", "d"), ("P", "e"), ("d", "T"), ("e", "T"))
    text = drawn.lineage("T", "ascendants").to_text()
    assert [line.count("component P") for line in text.splitlines()].count(1) == 2
    assert text.count("artifact a") == 1


def test_cycles_end() -> None:
    """A component that reads what it wrote is shown once."""
    loop = Drawn(("A", "x"), ("x", "B"), ("B", "y"), ("y", "A"))
    assert loop.lineage("x", "ascendants").to_text().splitlines()[-1].endswith("artifact x  (see above)")
    assert loop.around("x", "both").edges.all()


def test_a_long_chain_is_shown_to_its_end() -> None:
    """A thousand generations."""
    names = [f"{'A' if i % 2 else 'a'}{i}" for i in range(2_001)]
    drawn = Drawn(*itertools.pairwise(names))
    place = np.array([drawn.names.index(names[-1])])
    assert reached(drawn.graph, place, "ascendants")[False].nodes.all()
    nodes = _nodes(*((name, "artifact", name, "") for name in names))
    edges = _edges(*((a, b, "Produced", "x") for a, b in itertools.pairwise(names)))
    assert len(Lineage(nodes, edges, (names[-1],), "ascendants", {}).to_text().splitlines()) == 2_001


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("ABCDE"), st.booleans()), max_size=20),
    st.sets(st.sampled_from("abcdeABCDE"), min_size=1, max_size=3),
    st.one_of(st.none(), st.integers(0, 4)),
    st.sets(st.sampled_from("abcdeABCDE")),
)
def test_reaching_is_transitive(
    edges: list[tuple[str, str, bool]], starts: set[str], depth: int | None, wanted: set[str]
) -> None:
    """Against a naive closure, on graphs with cycles; and what leads to something is what is on a way to it."""
    pairs = [(a, b) if forward else (b, a) for a, b, forward in edges] + [(start, "z") for start in starts]
    drawn = Drawn(*pairs)
    near, used = set(starts), set[tuple[str, str]]()
    for _ in range(len(drawn.names) if depth is None else depth):
        used |= {pair for pair in pairs if pair[0] in near}
        near |= {target for source, target in used if source in near}
    part = drawn.around("".join(starts), "descendants", depth)
    assert set(drawn.nodes(part)) == near
    assert {drawn.pairs[i] for i in np.flatnonzero(part.edges)} == used
    lines = drawn.lineage("".join(sorted(starts)), "descendants").to_text().splitlines()
    assert len(lines) <= len(starts) * (1 + len(drawn.pairs))
    leading = set(wanted & near)
    for _ in drawn.names:
        leading |= {source for source, target in used if target in leading}
    mask = np.array([name in wanted for name in drawn.names])
    parts = drawn.parts("".join(starts), "descendants", depth)
    assert set(drawn.nodes(leading_to(drawn.graph, parts, mask))) == leading


ODD = Lineage(
    _nodes(
        ("A", "component", 'say "hi"\n<b>', "[training] A"),
        ("x", "artifact", "da|ta;<br/>", "s3://bucket/da ta"),
        ("y", "artifact", "model", "sha256:00ff"),
        ("c", "context", "prod", "[alias]"),
    ),
    _edges(("x", "A", "ContributedTo", "input"), ("A", "y", "Produced", "model"), ("y", "c", "AssociatedWith", "")),
    ("A",),
    "both",
    {"project": "p"},
)


def test_associations_are_named_in_the_text() -> None:
    """What runs record needs no word."""
    assert ODD.to_text().splitlines()[-2:] == [
        "    └─ artifact model  sha256:00ff",
        "       └─ context prod  [alias]  (AssociatedWith)",
    ]


def test_mermaid_escapes_what_has_a_meaning_there() -> None:
    """A name can't end a label or begin markup."""
    assert ODD.to_mermaid().splitlines() == [
        "flowchart LR",
        '  n0["say #34;hi#34;#10;#60;b#62;<br/>[training] A"]',
        '  n1(["da#124;ta#59;#60;br/#62;<br/>s3://bucket/da ta"])',
        '  n2(["model<br/>sha256:00ff"])',
        '  n3{{"prod<br/>[alias]"}}',
        '  n1 -->|"input"| n0',
        "  n0 --> n2",
        '  n2 -->|"AssociatedWith"| n3',
    ]


def test_dot_escapes_what_has_a_meaning_there() -> None:
    """Each statement is one line, and every quote in a text is escaped."""
    lines = ODD.to_dot().splitlines()
    assert lines[0] == "digraph lineage {"
    assert '  "A" [label="say \\"hi\\"\\n<b>\\n[training] A", shape=box];' in lines
    assert '  "x" -> "A" [label="input"];' in lines
    assert '  "A" -> "y";' in lines
    assert '  "y" -> "c" [label="AssociatedWith"];' in lines
    assert lines[-1] == "}"


def test_networkx_has_the_same_graph() -> None:
    """So that its algorithms answer."""
    made = ODD.to_networkx()
    assert networkx.ancestors(made, "y") == {"A", "x"}
    assert made.nodes["x"] == {"kind": "artifact", "name": "da|ta;<br/>", "detail": "s3://bucket/da ta"}
    assert next(iter(made.edges(data=True))) == ("A", "y", {"relation": "Produced", "name": "model"})
