"""What made what: artifacts, joined by content (digest) or, where that is unknown, by place (URI), the components that
made and used them, and what else was associated.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from epochal_query import lineage_formats as formats
from epochal_query.lineage_choice import Choice, wanted
from epochal_query.lineage_graph import RELATIONS, Direction, Numbers, Part, leading_to, reached
from epochal_query.lineage_index import Edges, read_edges
from epochal_query.lineage_nodes import Frames, describe
from epochal_query.lineage_starts import starts_of
from epochal_query.lineage_text import tree
from epochal_query.lineage_trials import trials_of
from epochal_query.openlineage import run_events
from epochal_query.reading import Reading
from epochal_query.shown import InWords

if TYPE_CHECKING:
    import networkx as nx
    from openlineage.client.event_v2 import RunEvent


class Lineage(InWords):
    """The lineage of something: ``nodes`` and ``edges`` as frames, as text, and for other tools."""

    def __init__(
        self,
        nodes: pd.DataFrame,
        edges: pd.DataFrame,
        starts: tuple[str, ...],
        direction: Direction,
        attrs: dict[str, object],
        reading: Reading | None = None,
    ) -> None:
        self.nodes = nodes
        """id, kind (component, artifact, trial, experiment, action or context), type, name, detail, created (UTC)."""
        self.edges = edges
        """source, target (ids of nodes, in the direction of time), relation, the artifact's name, since (UTC)."""
        self.starts = starts
        self._reading = reading
        self.direction: Direction = direction
        self.attrs = {"epochal": attrs}
        for frame in (nodes, edges):
            frame.attrs.update(self.attrs)

    def to_text(self) -> str:
        """The lineage as an indented tree; what was shown already is not unfolded again."""
        return tree(self.nodes, self.edges, self.starts, self.direction)

    def to_mermaid(self) -> str:
        """A Mermaid flowchart."""
        return formats.mermaid(self.nodes, self.edges)

    def to_dot(self) -> str:
        """A digraph for Graphviz."""
        return formats.dot(self.nodes, self.edges)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """A networkx graph: nodes with kind, type, name, detail, created; edges with relation, name, since.

        Raises ReadError: networkx is not installed.
        """
        return formats.to_networkx(self.nodes, self.edges)

    def to_openlineage(self) -> list[RunEvent]:
        """Its components that ran as OpenLineage run events, by time.

        Raises ReadError: openlineage-python is not installed.
        """
        components = list(self.nodes["id"][self.nodes["kind"] == "component"])
        return run_events(self._reading, components=components) if self._reading is not None and components else []

    def __str__(self) -> str:
        """The lineage as an indented tree."""
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Lineage: {self.direction}, {len(self.nodes):,} nodes, {len(self.edges):,} edges>"


def lineage_of(reading: Reading, given: object, choice: Choice) -> Lineage:
    """The lineage of an artifact (digest, URI or a unique name), an entity of any kind, or of several of these.

    Raises:
        UnknownNameError: nothing is meant by ``given``.
        FilterError: ``given`` can name nothing. TimeError: a time of the choice is none.
    """
    edges = read_edges(reading)
    graph, starts = edges.graph, starts_of(reading, edges.index, given)
    numbers = edges.index.each([start.node for start in starts])
    alone = [start.node for start, number in zip(starts, numbers, strict=True) if number < 0 and start.there]
    begin = numbers[numbers >= 0]
    follow = None
    if choice.relations is not None:
        follow = np.isin(graph.relations, [RELATIONS.index(one) for one in choice.relations])
    parts = reached(graph, begin, choice.direction, choice.depth, follow)
    whole = functools.reduce(operator.or_, parts.values())
    frames = describe(reading, edges, whole, alone)
    if choice.of_nodes:
        frames = _narrowed(reading, edges, parts, frames, begin, choice)
    shown = set(frames.nodes["id"])
    first = tuple(id_ for id_ in dict.fromkeys(start.node[1] for start in starts) if id_ in shown)
    shown_nodes = frames.nodes.reset_index(drop=True)
    return Lineage(shown_nodes, frames.edges, first, choice.direction, reading.attrs, reading)


def _narrowed(
    reading: Reading, edges: Edges, parts: Mapping[bool, Part], frames: Frames, begin: Numbers, choice: Choice
) -> Frames:
    """The wanted nodes and the ways to them; with the trials and experiments of components where these are wanted."""
    nodes, index = frames.nodes, frames.nodes.index.to_numpy()
    mask = edges.graph.nothing.nodes
    keep = wanted(reading, choice, nodes)
    mask[index[keep & (index >= 0)]] = True
    besides = trials_of(reading, choice, nodes)
    owners = nodes["id"].isin(set(besides.edges["source"])).to_numpy()
    mask[index[owners & (index >= 0)]] = True
    part = leading_to(edges.graph, parts, mask)
    part.nodes[begin] = True
    there = nodes[np.where(index >= 0, part.nodes[index], True)]
    ids = set(there["id"])
    between = frames.edges["source"].isin(ids) & frames.edges["target"].isin(ids)
    return Frames(there, frames.edges[between]) + besides
