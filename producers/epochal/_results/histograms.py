"""Histograms: values counted in bins, or counts that were made elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from epochal._errors import NotAvailableError
from epochal._results.documents import HISTOGRAM, document, number, numbers
from epochal._values import JSON

__all__ = ["histogram_document"]


def histogram_document(
    title: str, values: object, bins: int | Sequence[float], counts: object, edges: object
) -> tuple[bytes, str]:
    """How many values lie in each bin; NaN, infinities and what lies outside given edges are counted beside them.

    Raises:
        TypeError, ValueError: neither values nor counts with their edges are given, or they can't be counted.
        NotAvailableError: NumPy is not installed.
    """
    np = _numpy()
    if (values is None) == (counts is None) or (counts is None) != (edges is None):
        raise TypeError("a histogram is made of values=, or of counts= with edges=, one more than there are counts")
    if values is None:
        return document(HISTOGRAM, title, **_given(np, counts, edges))
    return document(HISTOGRAM, title, **_counted(np, values, bins))


def _given(np: Any, counts: object, edges: object) -> dict[str, JSON]:
    made, between = np.asarray(counts), np.asarray(edges, dtype=np.float64)
    if made.ndim != 1 or between.shape != (len(made) + 1,) or made.dtype.kind not in "iuf":
        raise ValueError(f"counts of shape {made.shape} have edges of shape {(made.size + 1,)}; got {between.shape}")
    _check_edges(np, between)
    written = numbers(made) if made.dtype.kind == "f" else made.tolist()
    return {"counts": written, "edges": numbers(between), "nan": 0, "below": 0, "above": 0, "min": None, "max": None}


def _check_edges(np: Any, edges: Any) -> None:
    if edges.ndim != 1 or len(edges) < 2 or not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise ValueError(f"the edges of a histogram are two or more, finite, and rise; got {edges.tolist()}")


def _counted(np: Any, values: Any, bins: Any) -> dict[str, JSON]:
    if hasattr(values, "detach"):  # torch
        values = values.detach().cpu()
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    if not len(flat):
        raise ValueError("there are no values to count")
    alone = np.ndim(bins) == 0
    if alone and (isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or int(bins) < 1):
        raise ValueError(f"bins={bins!r}: accepted are a number of bins from 1 on, or their edges")
    if not alone:
        bins = np.asarray(bins, dtype=np.float64)
        _check_edges(np, bins)
    there = flat[~np.isnan(flat)]
    finite = there[np.isfinite(there)]
    made, between = np.histogram(finite, bins) if len(finite) or not alone else ([], [])
    low, high = (between[0], between[-1]) if len(between) else (-np.inf, np.inf)
    return {
        "counts": [int(count) for count in made],
        "edges": numbers(between),
        "nan": len(flat) - len(there),
        "below": int((there < low).sum() if len(between) else (there < 0).sum()),
        "above": int((there > high).sum() if len(between) else (there > 0).sum()),
        "min": number(float(there.min())) if len(there) else None,
        "max": number(float(there.max())) if len(there) else None,
    }


def _numpy() -> Any:
    try:
        return importlib.import_module("numpy")
    except ImportError as error:
        raise NotAvailableError(f"a histogram needs NumPy: pip install 'epochal[metrics]' ({error})") from error
