"""Rich results that were logged: which there are, and what each of them is, as data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from epochal._artifacts.artifact import Artifact
from epochal._results.documents import CONFUSION, HISTOGRAM, PRECISION_RECALL, ROC, TABLE, VERSION, media_type
from epochal._results.pictures import PLOTLY
from epochal_query.columns import floats, id_texts, instants, texts
from epochal_query.errors import FilterError, ReadError
from epochal_query.reading import Reading, at
from epochal_query.report_cells import SYSTEM_PREFIX
from epochal_query.result_curves import PrecisionRecall, PrecisionRecallCurve, RocCurve, RocCurves
from epochal_query.result_kinds import ConfusionMatrix, Histogram, Image, PlotlyFigure, Text
from epochal_query.result_tables import table_frame
from epochal_query.scope import Scope

Result = pd.DataFrame | Text | Image | PlotlyFigure | Histogram | ConfusionMatrix | RocCurves | PrecisionRecall

_DOCUMENTS = {media_type(kind): kind for kind in (TABLE, HISTOGRAM, CONFUSION, ROC, PRECISION_RECALL)}
_KINDS = {**_DOCUMENTS, PLOTLY: "figure", "text/plain": "text", "text/markdown": "text"}
"""Media type to what it is; images besides."""


def kind_of(media_type: str | None) -> str | None:
    """What kind of result an artifact is; None: none."""
    if media_type is not None and media_type.startswith("image/"):
        return "image"
    return _KINDS.get(media_type or "")


def results_frame(reading: Reading, scope: Scope) -> pd.DataFrame:
    """One row a result of the components in scope: component, name, result, kind, direction, media_type, size, time."""
    table = reading.rows(
        f"""SELECT a.component AS component, c.name AS name, a.name AS result, direction,
                   ifNull(media_type, '') AS media_type, ifNull(size, 0) AS size, occurred_at, seq
            FROM (SELECT * FROM {at("artifacts")} WHERE project = {{project:String}} AND {scope.sql}
                  AND NOT startsWith(name, '{SYSTEM_PREFIX}')
                  AND (media_type IN {{media_types:Array(String)}} OR startsWith(ifNull(media_type, ''), 'image/'))
                 ) AS a
            INNER JOIN (SELECT component, name FROM {at("components")} WHERE project = {{project:String}}) AS c
                ON c.component = a.component
            ORDER BY occurred_at, component, seq""",
        media_types=list(_KINDS),
        **scope.parameters,
    )
    words = {name: texts(table, name) for name in ("name", "result", "direction", "media_type")}
    kinds = [kind_of(one) or "" for one in words["media_type"]]
    return pd.DataFrame(
        {
            "component": pd.array(id_texts(table, "component"), dtype="str"),
            "name": pd.array(words["name"], dtype="str"),
            "result": pd.array(words["result"], dtype="str"),
            "kind": pd.array(kinds, dtype="str"),
            "direction": pd.array(words["direction"], dtype="str"),
            "media_type": pd.array(words["media_type"], dtype="str"),
            "size": floats(table, "size").astype(np.int64),
            "time": instants(table, "occurred_at"),
        }
    )


def read_result(artifact: Artifact, attrs: dict[str, object]) -> Result:
    """What an artifact is as data: a frame, a text, or an object with its data and a picture.

    Raises:
        FilterError: it is no rich result. ReadError: a newer version wrote it.
        ArtifactError: its content is not stored, or was altered.
    """
    kind = kind_of(artifact.media_type)
    if kind is None:
        raise FilterError(
            f"artifact {artifact.name!r} is {artifact.media_type or 'of no known type'}, which is no rich result: "
            f"store.artifact({artifact.name!r}).fetch(path) brings its content"
        )
    found = _made(artifact.name, kind, artifact.media_type or "", artifact.content())
    found.attrs["epochal"] = attrs
    return found


def _made(name: str, kind: str, media_type: str, content: bytes) -> Result:
    match kind:
        case "image":
            return Image(name, media_type, content)
        case "text":
            return Text(content.decode("utf-8", "replace"), media_type)
        case "figure":
            return PlotlyFigure(name, json.loads(content))
        case _:
            return from_document(name, content)


def from_document(name: str, content: bytes) -> Result:
    """What a document says.

    Raises:
        ReadError: a newer version wrote it.
    """
    document: dict[str, Any] = json.loads(content)
    if document["version"] > VERSION:
        raise ReadError(
            f"{name!r} was written in version {document['version']} of its format, and this Epochal reads up to "
            f"{VERSION}: read it with a newer one"
        )
    title = document["title"]
    match document["epochal"]:
        case "table":
            return table_frame(document)
        case "histogram":
            return _histogram(name, title, document)
        case "confusion-matrix":
            counts = np.array(document["counts"], dtype=np.int64)
            return ConfusionMatrix(name, title, tuple(document["labels"]), counts)
        case "roc-curve":
            curves = [RocCurve(**_curve(curve)) for curve in document["curves"]]
            return RocCurves(name, title, tuple(curves), auc=float(document["auc"]))
        case _:
            average = float(document["average_precision"])
            several = [PrecisionRecallCurve(**_curve(curve)) for curve in document["curves"]]
            return PrecisionRecall(name, title, tuple(several), average_precision=average)


def _histogram(name: str, title: str, document: dict[str, Any]) -> Histogram:
    counts = [float(count) if isinstance(count, str) else count for count in document["counts"]]
    # without counts there are no bins: all values were NaN or infinite
    made = np.array(counts) if counts else np.zeros(0, dtype=np.int64)
    low, high = (None if document[end] is None else float(document[end]) for end in ("min", "max"))
    beside = (document["nan"], document["below"], document["above"])
    return Histogram(name, title, made, _numbers(document["edges"]), *beside, low, high)


def _curve(curve: dict[str, Any]) -> dict[str, Any]:
    """The fields of a curve: lists are numbers, and so is a text, but for the label's."""
    return {
        key: _numbers(value) if isinstance(value, list) else value if key == "label" or value is None else _one(value)
        for key, value in curve.items()
    }


def _one(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def _numbers(values: list[Any]) -> Any:
    return np.array([float(value) for value in values], dtype=np.float64)
