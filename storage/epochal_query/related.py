"""Lineage in the words of machine learning: models, datasets, endpoints, trials of something; read off its graph.

Nothing is declared to be a model or a dataset, so what ran decides:

* a **model** is an artifact that came out of a component of kind training, and isn't an image or a rich result (a
  table, a curve, …) by its media type;
* a **dataset** is an artifact that went into a component, that no training made, and that isn't source code by its
  media type;
* an **endpoint** is a context of type endpoint.

What was captured by itself (``sys/…``) is neither. ``name`` and ``type`` (media type) narrow an answer down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from epochal_query.lineage import Lineage
from epochal_query.lineage_graph import Direction
from epochal_query.names import Selection, as_parts
from epochal_query.report_cells import SYSTEM_PREFIX

if TYPE_CHECKING:
    from epochal_query.store import Store

What = Literal["artifact", "component", "dataset", "endpoint", "model", "trial"]

_SOURCE_CODE = ("text/x-", "text/javascript", "application/x-sh", "application/x-ipynb+json")
"""How media types of source code begin."""
_RESULTS = ("application/vnd.epochal.", "image/")
"""How media types of what is looked at begin."""


def related(
    store: Store,
    of: object,
    what: What,
    direction: Direction,
    name: Selection | None = None,
    type: Selection | None = None,
    **at: Any,
) -> pd.DataFrame:
    """One row a thing of this sort in the lineage of something, by age: id, kind, type, name, detail, created.

    Raises:
        UnknownNameError: nothing is meant by ``of``.
        FilterError: ``name`` or ``type`` is no name, pattern or list of these.
    """
    kinds = "trial" if what == "trial" else None
    lineage = store.lineage(of, direction, kinds=kinds, **at)
    nodes = lineage.nodes
    found = nodes["id"].isin(_OF[what](lineage)) & ~nodes["id"].isin(lineage.starts)
    if name is not None:
        # an artifact answers to the name it has in any component
        called = lineage.edges[_matching(lineage.edges["name"], name, "name")]
        found &= _matching(nodes["name"], name, "name") | nodes["id"].isin({*called["source"], *called["target"]})
    if type is not None:
        found &= _matching(nodes["type"], type, "type")
    chosen = nodes[found].reset_index(drop=True)
    chosen.attrs.update(lineage.attrs)
    return chosen


def _artifacts(lineage: Lineage) -> set[str]:
    nodes = lineage.nodes
    return set(nodes["id"][(nodes["kind"] == "artifact") & ~nodes["name"].str.startswith(SYSTEM_PREFIX)])


def _components(lineage: Lineage) -> set[str]:
    return set(lineage.nodes["id"][lineage.nodes["kind"] == "component"])


def _models(lineage: Lineage) -> set[str]:
    nodes, edges = lineage.nodes, lineage.edges
    trainings = set(nodes["id"][(nodes["kind"] == "component") & (nodes["type"] == "training")])
    made = edges["target"][(edges["relation"] == "Produced") & edges["source"].isin(trainings)]
    results = set(nodes["id"][nodes["type"].str.startswith(_RESULTS)])
    return (set(made) & _artifacts(lineage)) - results


def _datasets(lineage: Lineage) -> set[str]:
    nodes, edges = lineage.nodes, lineage.edges
    used = edges["source"][(edges["relation"] == "ContributedTo") & edges["target"].isin(_components(lineage))]
    code = set(nodes["id"][nodes["type"].str.startswith(_SOURCE_CODE)])
    return (set(used) & _artifacts(lineage)) - code - _models(lineage)


def _endpoints(lineage: Lineage) -> set[str]:
    nodes = lineage.nodes
    return set(nodes["id"][(nodes["kind"] == "context") & (nodes["type"] == "endpoint")])


def _trials(lineage: Lineage) -> set[str]:
    return set(lineage.nodes["id"][lineage.nodes["kind"] == "trial"])


_OF: dict[What, Any] = {
    "artifact": _artifacts,
    "component": _components,
    "dataset": _datasets,
    "endpoint": _endpoints,
    "model": _models,
    "trial": _trials,
}


def _matching(column: pd.Series[Any], wanted: Selection, what: str) -> Any:
    """Which cells are one of the names, or match one of the patterns as a whole."""
    found = pd.Series(False, index=column.index)
    for part in as_parts(wanted, what):
        found |= column == part if isinstance(part, str) else column.str.fullmatch(part)
    return found
