"""The edges of a project as a graph of numbers, and what the numbers stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from epochal_query.columns import column, compute, texts
from epochal_query.lineage_graph import RELATIONS, Graph, Mask, Numbers
from epochal_query.reading import Reading, at, block, together

KINDS: Final = ("component", "artifact", "trial", "experiment", "action", "context")
Node = tuple[str, str]
"""A kind, and an id; of an artifact what lineage joins on: its digest, else its URI, else where it was mentioned."""

_ID = pa.binary(16)
_PRODUCED, _CONTRIBUTED = RELATIONS.index("Produced"), RELATIONS.index("ContributedTo")


@dataclass(frozen=True)
class Index:
    """What the nodes of a graph stand for: those of one kind lie together, in the order of KINDS.

    ``keys`` are texts, but of components their 16 bytes: turning all of them into text would cost more than the walk.
    """

    keys: Mapping[str, Any]

    @property
    def begins(self) -> dict[str, int]:
        """The first node of each kind."""
        found, begin = dict[str, int](), 0
        for kind in KINDS:
            found[kind] = begin
            begin += len(self.keys[kind])
        return found

    def __len__(self) -> int:
        return sum(map(len, self.keys.values()))

    def each(self, nodes: Sequence[Node]) -> Numbers:
        """The number of each node; -1 where there is none."""
        known: dict[Node, int] = {}
        for kind in {kind for kind, _ in nodes}:
            wanted = _array(kind, [id_ for one, id_ in nodes if one == kind])
            mask = np.zeros(len(self), np.bool_)
            mask[self.begins[kind] :][: len(self.keys[kind])] = compute.is_in(self.keys[kind], wanted).to_numpy(False)
            known |= {(kind, id_): number for id_, number in self.numbers(kind, mask).items()}
        return np.array([known.get(node, -1) for node in nodes], np.int64)

    def numbers(self, kind: str, nodes: Mask) -> dict[str, int]:
        """The ids of those of a kind that are among the nodes, and their numbers."""
        begin = self.begins[kind]
        inside = np.flatnonzero(nodes[begin : begin + len(self.keys[kind])])
        found = self.keys[kind].take(pa.array(inside)).to_pylist()
        ids = [str(UUID(bytes=key)) for key in found] if kind == "component" else found
        return dict(zip(ids, (inside + begin).tolist(), strict=True))


@dataclass(frozen=True)
class Edges:
    """All edges that a read sees: the graph, its index, and since when each holds (microseconds, UTC).

    The last edges of the graph are the associations, as they come in ``associations``.
    """

    graph: Graph
    index: Index
    since: Numbers
    associations: pa.Table


def read_edges(reading: Reading) -> Edges:
    """Every edge of the project."""
    # where nothing was said twice there is nothing to fold; whether it was is known as soon as the rest is there
    asked = (partial(mentioned_once, reading), partial(_said_once, reading), partial(_associations, reading))
    made, simple, said = together(*asked)
    if not simple:
        made = mentioned(reading)
    sources, targets = (_ends(said, end) for end in ("source", "target"))
    index, component, artifact = _indexed(made, [*sources, *targets])
    out = column(made, "made").to_numpy(False).astype(np.bool_)
    relations = [RELATIONS.index(relation) for relation in texts(said, "relation")]
    graph = Graph(
        nodes=len(index),
        sources=np.concatenate([np.where(out, component, artifact), index.each(sources)]),
        targets=np.concatenate([np.where(out, artifact, component), index.each(targets)]),
        relations=np.concatenate([np.where(out, _PRODUCED, _CONTRIBUTED), np.array(relations, np.int64)]),
    )
    since = [column(table, "since").to_numpy(False).astype(np.int64) for table in (made, said)]
    return Edges(graph, index, np.concatenate(since), said)


def _ends(said: pa.Table, end: str) -> list[Node]:
    return list(zip(texts(said, f"{end}_kind"), texts(said, end), strict=True))


def mentioned(reading: Reading, knowing: frozenset[str] = frozenset()) -> pa.Table:
    """What went into components and came out of them, as columns: component, artifact, made (it came out), since."""
    return reading.rows(
        f"""SELECT component, artifact, direction = 'out' AS made, toUnixTimestamp64Micro(occurred_at) AS since
            FROM {at("artifacts")} WHERE project = {{project:String}}""",
        knowing,
    )


def mentioned_once(reading: Reading) -> pa.Table:
    """The same where no statement about an artifact is there twice, nor a copy of one.

    The view with nothing left of its folds but the bounds: no newest statement to find, no copies to drop, and what
    lineage joins on read from each statement once.
    """
    if "undeleted" not in reading.facts:
        return mentioned(reading, frozenset({"once"}))
    return reading.rows(
        f"""WITH JSONExtract(s.value, 'Tuple(digest Nullable(String), uri Nullable(String))') AS said
            SELECT s.entity AS component, startsWith(s.key, 'out/') AS made,
                   coalesce(said.1, said.2, concat(toString(s.entity), '/', s.key)) AS artifact,
                   toUnixTimestamp64Micro(s.occurred_at) AS since
            FROM facts AS s
            WHERE s.project = {{project:String}} AND s.kind = 'component' AND s.field = 'artifact' AND NOT s.removed
              AND {block("said", "s")}
              AND s.entity IN (SELECT entity FROM facts
                               WHERE project = {{project:String}} AND kind = 'component' AND field = 'opened'
                                 AND {block("said", "facts")})"""
    )


def _said_once(reading: Reading) -> bool:
    """Whether no artifact of any component was ever mentioned twice in one direction, and no copy of that is there."""
    table = reading.rows(
        """SELECT count() = uniqExact(entity, key) AS once FROM facts
           WHERE project = {project:String} AND kind = 'component' AND field = 'artifact'"""
    )
    return bool(column(table, "once")[0].as_py())


def _associations(reading: Reading) -> pa.Table:
    forks = f"""UNION ALL
                SELECT project, 'DerivedFrom', 'component', toString(of), 'component', toString(component), forked_at
                FROM {at("forks")}"""
    return reading.rows(
        f"""SELECT relation, source_kind, source, target_kind, target, toUnixTimestamp64Micro(min(occurred_at)) AS since
            FROM (
                SELECT project, relation, source_kind, source, target_kind, target, occurred_at
                FROM {at("associations")}
                {"" if "unforked" in reading.facts else forks}
            )
            WHERE project = {{project:String}}
            GROUP BY relation, source_kind, source, target_kind, target ORDER BY since, source, target"""
    )


def _indexed(made: pa.Table, loose: Sequence[Node]) -> tuple[Index, Numbers, Numbers]:
    """The index of all nodes, and the numbers of the components and artifacts that artifacts' edges join."""
    keys: dict[str, Any] = {}
    places: dict[str, Numbers] = {}
    for kind in KINDS:
        more = _array(kind, [key for k, key in loose if k == kind])
        first = compute.cast(column(made, kind), more.type) if kind in made.column_names else more[:0]
        found = pa.concat_arrays([first, more]).dictionary_encode()
        keys[kind] = found.dictionary
        places[kind] = found.indices.to_numpy(False).astype(np.int64)[: len(first)]
    index = Index(keys)
    return index, places["component"] + index.begins["component"], places["artifact"] + index.begins["artifact"]


def _array(kind: str, ids: Sequence[str]) -> Any:
    if kind == "component":
        return pa.array([UUID(id_).bytes for id_ in ids], _ID)
    return pa.array(list(ids), pa.string())
