"""Images and figures as contents: PNG and what else is an image already, SVG, and Plotly's own JSON."""

from __future__ import annotations

import importlib
import io
import os
import re
from pathlib import Path
from typing import Any, Final, Literal, cast

from epochal._errors import NotAvailableError

__all__ = ["PLOTLY", "figure_content", "image_content"]

PLOTLY: Final = "application/vnd.plotly.v1+json"
"""The media type by which notebooks know a figure of Plotly."""

_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_SVG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*+<svg", re.DOTALL | re.IGNORECASE
)
"""What stands before an image in XML: a byte order mark, a declaration, comments, a document type."""
_ACCEPTED: Final = "accepted are a path, the bytes of an image file, an image of Pillow, and an array"


def image_content(image: object) -> tuple[bytes, str]:
    """An image as PNG, or as the file that it is already; and its media type.

    An array is height x width (grey), or height x width x 3 (RGB) or 4 (with alpha): bools, whole numbers from 0 to
    255, or floats from 0 to 1, which are rounded to 256 levels.

    Raises:
        TypeError, ValueError: it is no image. OSError: the file can't be read.
        NotAvailableError: an array, and Pillow is not installed.
    """
    if isinstance(image, (str, os.PathLike)):
        path = Path(cast("str | os.PathLike[str]", image))
        return _known(path.read_bytes(), str(path))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _known(bytes(image), f"{len(image):,} bytes")
    if hasattr(image, "save") and hasattr(image, "mode"):
        return _png(image)
    if hasattr(image, "dtype") and hasattr(image, "shape"):
        return _png(_pillow().fromarray(_levels(image)))
    if hasattr(image, "savefig") or hasattr(image, "to_plotly_json"):
        raise TypeError(f"a {type(image).__name__} is a figure: log_figure(name, figure) takes it")
    raise TypeError(f"a {type(image).__name__} is no image: {_ACCEPTED}")


def figure_content(figure: object, kind: Literal["png", "svg"]) -> tuple[bytes, str]:
    """A figure of Matplotlib (or what has one, such as axes) as PNG or SVG; of Plotly as its JSON, which stays alive.

    Raises:
        TypeError: it is no figure. ValueError: ``kind`` is neither.
    """
    if kind not in ("png", "svg"):
        raise ValueError(f"format={kind!r}: accepted are 'png' and 'svg'")
    if hasattr(figure, "to_plotly_json"):
        return cast("Any", figure).to_json().encode(), PLOTLY
    whole: Any = figure if hasattr(figure, "savefig") else getattr(figure, "figure", None)
    if not hasattr(whole, "savefig") or isinstance(whole, type):
        raise TypeError(f"a {type(figure).__name__} is no figure: accepted are those of Matplotlib and Plotly")
    content = io.BytesIO()
    if kind == "png":
        whole.savefig(content, format="png")
    else:  # without a date, and with names that are not drawn by lot: the same figure is the same content
        with importlib.import_module("matplotlib").rc_context({"svg.hashsalt": "epochal"}):
            whole.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue(), "image/svg+xml" if kind == "svg" else "image/png"


def _known(content: bytes, what: str) -> tuple[bytes, str]:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return content, "image/webp"
    if _SVG.match(content):
        return content, "image/svg+xml"
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return content, media_type
    raise ValueError(f"{what}: neither PNG, JPEG, GIF, BMP, TIFF, WebP nor SVG; log_output(name, path=) takes any file")


def _png(image: Any) -> tuple[bytes, str]:
    content = io.BytesIO()
    try:
        image.save(content, "PNG")
    except OSError as error:
        raise ValueError(
            f"an image of mode {image.mode!r} can't be PNG ({error}): convert it, to 'RGB' or 'L'"
        ) from None
    return content.getvalue(), "image/png"


def _levels(image: Any) -> Any:
    """The array in 256 levels, without an axis of one channel."""
    import numpy as np

    if hasattr(image, "detach"):  # torch
        image = image.detach().cpu()
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(
            f"an array of shape {array.shape} is no image: accepted is height x width, or height x width x 3 or 4; "
            "channels that come first are moved by numpy.moveaxis(array, 0, -1)"
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "iuf":
        raise TypeError(f"an array of {array.dtype} is no image: accepted are numbers and bools")
    low, high = array.min(), array.max()
    most = 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= most):  # also where one is NaN
        raise ValueError(
            f"an array of {array.dtype} from {low} to {high} is no image: accepted are whole numbers from 0 to 255, "
            "floats from 0 to 1, and bools"
        )
    return np.rint(array * 255).astype(np.uint8) if most == 1 else array.astype(np.uint8)


def _pillow() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise NotAvailableError(f"an array as an image needs Pillow: pip install 'epochal[plot]' ({error})") from error
