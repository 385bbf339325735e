"""The graph of what made what, as columns of numbers, and what is reached in it from some nodes.

Nodes are the numbers from 0 on. Nothing here knows what they stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
import numpy.typing as npt

Direction = Literal["ascendants", "descendants", "both"]
DIRECTIONS: Final = ("ascendants", "descendants", "both")

RELATIONS: Final = ("ContributedTo", "Produced", "DerivedFrom", "AssociatedWith", "SameAs")
"""What an edge says; ``Graph.relations`` are places in it."""
SAME_AS: Final = RELATIONS.index("SameAs")

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Graph:
    """Edges: of each where it begins and ends, in the direction of time, and its relation."""

    nodes: int
    """How many there are."""
    sources: Numbers
    targets: Numbers
    relations: Numbers

    def only(self, edges: Mask) -> Graph:
        """The same nodes with some of the edges."""
        return Graph(self.nodes, self.sources[edges], self.targets[edges], self.relations[edges])


@dataclass(frozen=True)
class Part:
    """Some nodes and edges of a graph."""

    nodes: Mask
    edges: Mask

    def __or__(self, other: Part) -> Part:
        """What is in either."""
        return Part(self.nodes | other.nodes, self.edges | other.edges)


def reached(graph: Graph, starts: Numbers, direction: Direction, depth: int | None) -> dict[bool, Part]:
    """What is reached from the starts within ``depth`` steps, forward (True) and backward (False) as asked for.

    A step is one edge. What is the same as something (SameAs) is reached from it either way.
    """
    ways = {"ascendants": (False,), "descendants": (True,), "both": (False, True)}[direction]
    return {forward: _walk(graph, starts, forward, depth) for forward in ways}


def leading_to(graph: Graph, parts: dict[bool, Part], wanted: Mask) -> Part:
    """Of what was reached the wanted nodes, and all that lies on the ways to them."""
    found = Part(np.zeros(graph.nodes, np.bool_), np.zeros(len(graph.sources), np.bool_))
    for forward, part in parts.items():
        back = _walk(graph.only(part.edges), np.flatnonzero(wanted & part.nodes), not forward, None)
        edges = np.zeros(len(graph.sources), np.bool_)
        edges[np.flatnonzero(part.edges)[back.edges]] = True
        found |= Part(back.nodes, edges)
    return found


def _walk(graph: Graph, starts: Numbers, forward: bool, depth: int | None) -> Part:
    """Step by step from all nodes that the step before reached first; so cycles end where they close."""
    begins, edges, ends = _ways(graph, forward)
    seen, passed = np.zeros(graph.nodes, np.bool_), np.zeros(len(graph.sources), np.bool_)
    seen[starts] = True
    here = np.unique(starts)
    for _ in _steps(depth):
        if not here.size:
            break
        places = _spread(begins[here], begins[here + 1])
        passed[edges[places]] = True
        there = ends[places]
        here = np.unique(there[~seen[there]])
        seen[here] = True
    return Part(seen, passed)


def _ways(graph: Graph, forward: bool) -> tuple[Numbers, Numbers, Numbers]:
    """The edges that lead on from each node: where its own begin, all of them, and the node that each leads to."""
    here, there = (graph.sources, graph.targets) if forward else (graph.targets, graph.sources)
    same = np.flatnonzero(graph.relations == SAME_AS)
    edges = np.concatenate([np.arange(len(here)), same])
    here, there = np.concatenate([here, there[same]]), np.concatenate([there, here[same]])
    order = np.argsort(here, kind="stable")
    begins = np.concatenate([[0], np.cumsum(np.bincount(here, minlength=graph.nodes))])
    return cast(Numbers, begins), edges[order], there[order]


def _spread(begins: Numbers, ends: Numbers) -> Numbers:
    """All numbers of some ranges, one range after the other."""
    counts = ends - begins
    before = np.cumsum(counts) - counts
    return cast(Numbers, np.repeat(begins - before, counts) + np.arange(int(counts.sum())))


def _steps(depth: int | None) -> Iterator[int]:
    step = 0
    while depth is None or step < depth:
        yield step
        step += 1
