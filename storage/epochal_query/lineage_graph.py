"""The graph of what made what, as columns of numbers, and what is reached in it from some nodes.

Nodes are the numbers from 0 on. Nothing here knows what they stand for.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Mapping
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

    @property
    def nothing(self) -> Part:
        """None of its nodes and edges."""
        return Part(np.zeros(self.nodes, np.bool_), np.zeros(len(self.sources), np.bool_))


@dataclass(frozen=True)
class Part:
    """Some nodes and edges of a graph."""

    nodes: Mask
    edges: Mask

    def __or__(self, other: Part) -> Part:
        """What is in either."""
        return Part(self.nodes | other.nodes, self.edges | other.edges)


def reached(
    graph: Graph, starts: Numbers, direction: Direction, depth: int | None = None, follow: Mask | None = None
) -> dict[bool, Part]:
    """What is reached from the starts within ``depth`` steps, forward (True) and backward (False) as asked for.

    A step is one edge, of those to ``follow``. What is the same as something (SameAs) is reached from it either way.
    """
    ways = {"ascendants": (False,), "descendants": (True,), "both": (False, True)}[direction]
    every = np.ones(len(graph.sources), np.bool_) if follow is None else follow
    return {forward: _walk(graph, starts, forward, depth, every) for forward in ways}


def leading_to(graph: Graph, parts: Mapping[bool, Part], wanted: Mask) -> Part:
    """Of what was reached the wanted nodes, and all that lies on the ways to them."""
    back = [
        _walk(graph, np.flatnonzero(wanted & part.nodes), not forward, None, part.edges)
        for forward, part in parts.items()
    ]
    return functools.reduce(operator.or_, back, graph.nothing)


def _walk(graph: Graph, starts: Numbers, forward: bool, depth: int | None, follow: Mask) -> Part:
    """Step by step from all nodes that the step before reached first; so cycles end where they close."""
    begins, edges, ends = _ways(graph, forward, follow)
    part = graph.nothing
    here = np.unique(starts)
    part.nodes[here] = True
    for _ in itertools.count() if depth is None else range(depth):
        if not here.size:
            break
        places = _spread(begins[here], begins[here + 1])
        part.edges[edges[places]] = True
        there = ends[places]
        here = np.unique(there[~part.nodes[there]])
        part.nodes[here] = True
    return part


def _ways(graph: Graph, forward: bool, follow: Mask) -> tuple[Numbers, Numbers, Numbers]:
    """The edges that lead on from each node: where its own begin, all of them, and the node that each leads to."""
    edges = np.flatnonzero(follow)
    edges = np.concatenate([edges, edges[graph.relations[edges] == SAME_AS]])
    turned = np.arange(len(edges)) >= np.count_nonzero(follow)
    onward = turned != forward
    here = np.where(onward, graph.sources[edges], graph.targets[edges])
    there = np.where(onward, graph.targets[edges], graph.sources[edges])
    order = np.argsort(here, kind="stable")
    begins = np.concatenate([[0], np.cumsum(np.bincount(here, minlength=graph.nodes))])
    return cast(Numbers, begins), edges[order], there[order]


def _spread(begins: Numbers, ends: Numbers) -> Numbers:
    """All numbers of some ranges, one range after the other."""
    counts = ends - begins
    before = np.cumsum(counts) - counts
    return cast(Numbers, np.repeat(begins - before, counts) + np.arange(int(counts.sum())))
