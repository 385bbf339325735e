"""The trials and experiments that the components of a lineage belong to, where these are asked for."""

from __future__ import annotations

from typing import Any

import pandas as pd

from epochal_query.columns import id_texts, instants, texts
from epochal_query.lineage_choice import Choice, wanted
from epochal_query.lineage_nodes import EDGE, NODE, Frames
from epochal_query.reading import Reading, at
from epochal_query.resolve import trial_label


def trials_of(reading: Reading, choice: Choice, nodes: pd.DataFrame) -> Frames:
    """Wanted trials and experiments of the components among the nodes, and that these are associated with them."""
    kinds = choice.kinds or ()
    components = list(nodes["id"][nodes["kind"] == "component"])
    if not components or not {"trial", "experiment"} & set(kinds):
        return Frames(pd.DataFrame(columns=list(NODE)), pd.DataFrame(columns=list(EDGE)))
    table = reading.rows(
        f"""SELECT m.component AS component, m.attached_at AS since, t.trial AS trial, t.name AS name,
                   t.variables AS variables, t.created_at AS created,
                   e.experiment AS experiment, e.name AS owner, e.created_at AS owner_created
            FROM (SELECT component, trial, attached_at FROM {at("memberships")}
                  WHERE project = {{project:String}} AND component IN {{components:Array(UUID)}}) AS m
            INNER JOIN (SELECT * FROM {at("trials")} WHERE project = {{project:String}}) AS t ON m.trial = t.trial
            INNER JOIN (SELECT * FROM {at("experiments")} WHERE project = {{project:String}}) AS e
                ON t.experiment = e.experiment
            ORDER BY since, component, trial""",
        components=components,
    )
    names = [trial_label(*one) for one in zip(texts(table, "name"), texts(table, "variables"), strict=True)]
    ids = {kind: id_texts(table, kind) for kind in ("component", "trial", "experiment")}
    since = instants(table, "since")
    found = {
        "trial": _nodes("trial", ids["trial"], names, instants(table, "created")),
        "experiment": _nodes("experiment", ids["experiment"], texts(table, "owner"), instants(table, "owner_created")),
    }
    rows = [_edges(ids["component"], ids["trial"], since)]
    rows += [_edges(ids["trial"], ids["experiment"], since)] if "experiment" in kinds else []
    there = pd.concat(list(found.values()) if "experiment" in kinds else [found["trial"]]).drop_duplicates("id")
    kept = set(there["id"][wanted(reading, choice, there)])
    joined = _joined(pd.concat(rows).drop_duplicates(["source", "target"]), kept)
    return Frames(there[there["id"].isin(set(joined["target"]))], joined)


def _joined(edges: pd.DataFrame, kept: set[str]) -> pd.DataFrame:
    """The edges to what is kept, and those of components to trials on the way to it."""
    to_kept = edges["target"].isin(kept)
    return edges[to_kept | edges["target"].isin(set(edges["source"][to_kept]))]


def _nodes(kind: str, ids: list[str], names: list[str], created: Any) -> pd.DataFrame:
    columns = {"id": ids, "kind": kind, "type": "", "name": names, "detail": ids if kind == "trial" else ""}
    return pd.DataFrame(columns).astype("str").assign(created=created)[list(NODE)]


def _edges(sources: list[str], targets: list[str], since: Any) -> pd.DataFrame:
    columns = {"source": sources, "target": targets, "relation": "AssociatedWith", "name": ""}
    return pd.DataFrame(columns).astype("str").assign(since=since)[list(EDGE)]
