"""The JSON documents of rich results: their media types, their version, and how a number is written.

A number that JSON lacks is one of the texts "nan", "inf" and "-inf"; every other float is written so that it is read
back bit for bit. A document is the same bytes for the same content, so that it is stored once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from epochal._values import JSON

__all__ = ["CONFUSION", "HISTOGRAM", "PRECISION_RECALL", "ROC", "TABLE", "VERSION", "document", "media_type", "number"]

VERSION: Final = 1

TABLE: Final = "table"
HISTOGRAM: Final = "histogram"
CONFUSION: Final = "confusion-matrix"
ROC: Final = "roc-curve"
PRECISION_RECALL: Final = "precision-recall"


def media_type(kind: str) -> str:
    """The media type of a document of this kind."""
    return f"application/vnd.epochal.{kind}+json"


def document(kind: str, title: str, **fields: JSON) -> tuple[bytes, str]:
    """The document, and its media type."""
    whole = {"epochal": kind, "version": VERSION, "title": title, **fields}
    # in ASCII: half a character, which UTF-8 can't carry, is kept as it is
    return json.dumps(whole, allow_nan=False, separators=(",", ":")).encode("ascii"), media_type(kind)


def number(value: float) -> float | str:
    """A float as it is written."""
    if math.isfinite(value):
        return value
    return "nan" if value != value else "inf" if value > 0 else "-inf"


def numbers(values: Iterable[Any]) -> list[JSON]:
    """Floats as they are written."""
    return [value if math.isfinite(value) else number(value) for value in map(float, values)]
