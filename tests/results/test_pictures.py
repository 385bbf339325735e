"""Images, figures and histograms as contents, and what they are when they are read."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import plotly.graph_objects
import pytest
from matplotlib.figure import Figure
from results.axes import axes_of

from epochal._results.histograms import histogram_document
from epochal._results.pictures import PLOTLY, figure_content, image_content
from epochal_query.result_kinds import Histogram, Image, PlotlyFigure, Text
from epochal_query.results import _made, from_document

PIXELS = np.random.default_rng(7).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def read(image: object) -> np.ndarray[Any, Any]:
    """The pixels of what is written of an image."""
    content, media_type = image_content(image)
    return Image("i", media_type, content).array()


def test_pixels_come_back_exactly() -> None:
    """Of arrays of every kind and of images of Pillow, as PNG."""
    assert (read(PIXELS) == PIXELS).all()
    assert (read(PIXELS.astype(np.int64)) == PIXELS).all()
    assert (read(PIXELS / 255) == PIXELS).all()
    assert (read(PIXELS[:, :, :1]) == PIXELS[:, :, 0]).all()
    with_alpha = np.dstack([PIXELS, PIXELS[:, :, 0]])
    assert (read(with_alpha) == with_alpha).all()
    assert (read(PIXELS[:, :, 0] > 100) == np.where(PIXELS[:, :, 0] > 100, 255, 0)).all()
    assert (read(PIL.Image.fromarray(PIXELS)) == PIXELS).all()


def test_a_file_is_kept_as_it_is(tmp_path: Path) -> None:
    """Byte for byte, by its content's type and not its name's."""
    made = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(made, "JPEG")
    path = tmp_path / "picture.dat"
    path.write_bytes(made.getvalue())
    for given in (path, str(path), made.getvalue(), bytearray(made.getvalue())):
        assert image_content(given) == (made.getvalue(), "image/jpeg")
    before = (b"", b"\xef\xbb\xbf", b"\n", b"<?xml version='1.0'?>\n", b"<!-- <html> -->\n<!-- a -->")
    doctype = b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd' [ <!ENTITY a 'b'> ]>\n"
    for beginning in (
        *before,
        doctype,
        b"\xef\xbb\xbf<?xml version='1.0'?>" + b"<!--" + b"-" * 2000 + b"-->" + doctype,
    ):
        assert image_content(beginning + b"<svg/>")[1] == "image/svg+xml"
    with pytest.raises(ValueError, match="nor SVG"):
        image_content(b"<!-- <svg> -->" * 2000 + b"<html><svg/></html>")
    assert image_content(b"RIFF\x00\x00\x00\x00WEBPVP8 ")[1] == "image/webp"


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "number": (3, TypeError, "a int is no image"),
    "text bytes": (b"hello", ValueError, "5 bytes: neither PNG"),
    "channels first": (np.zeros((3, 5, 5)), ValueError, "numpy.moveaxis"),
    "empty": (np.zeros((0, 5)), ValueError, "shape (0, 5)"),
    "out of range": (np.array([[0, 256]]), ValueError, "from 0 to 256"),
    "float out of range": (np.array([[0.0, 1.5]]), ValueError, "floats from 0 to 1"),
    "nan": (np.array([[0.0, math.nan]]), ValueError, "floats from 0 to 1"),
    "text array": (np.array([["a"]]), TypeError, "array of <U1"),
    "mode": (PIL.Image.new("CMYK", (1, 1)), ValueError, "convert it"),
    "figure": (Figure(), TypeError, "log_figure"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_image(name: str) -> None:
    """Is refused, never clipped."""
    given, error, text = WRONG[name]
    with pytest.raises(error) as raised:
        image_content(given)
    assert text in str(raised.value)


def test_figures_of_matplotlib() -> None:
    """As PNG or SVG, from the figure or its axes; the same figure is the same content."""
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2])
    content, media_type = figure_content(figure, "png")
    assert media_type == "image/png"
    assert image_content(content) == (content, "image/png")
    assert figure_content(axes, "png")[0] == content
    drawing, media_type = figure_content(figure, "svg")
    assert media_type == "image/svg+xml"
    assert figure_content(figure, "svg")[0] == drawing
    for wrong in (3, Figure, "figure"):
        with pytest.raises(TypeError, match="is no figure"):
            figure_content(wrong, "png")
    with pytest.raises(ValueError, match="format='pdf'"):
        figure_content(figure, "pdf")  # type: ignore[arg-type]


def test_a_figure_of_plotly_stays_one() -> None:
    """Its JSON is what notebooks show, and it is a figure again."""
    given = plotly.graph_objects.Figure(plotly.graph_objects.Scatter(x=[1, 2], y=[3.5, 4]))
    content, media_type = figure_content(given, "png")
    assert media_type == PLOTLY
    found = _made("f", "figure", media_type, content)
    assert isinstance(found, PlotlyFigure)
    assert found.figure().data[0].y == (3.5, 4)
    assert found._repr_mimebundle_()[PLOTLY] == found.json


def histogram(values: object = None, bins: Any = 64, counts: object = None, edges: object = None) -> Histogram:
    content, _ = histogram_document("h", values, bins, counts, edges)
    found = from_document("h", content)
    assert isinstance(found, Histogram)
    return found


def test_a_histogram_counts_everything() -> None:
    """What has no bin is counted beside them."""
    found = histogram([0.0, 1.0, 1.0, 4.0, math.nan, math.inf, -math.inf, -math.inf], bins=4)
    assert found.counts.tolist() == [1, 2, 0, 1]
    assert found.edges.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (found.nan, found.below, found.above) == (1, 2, 1)
    assert (found.min, found.max) == (-math.inf, math.inf)
    found = histogram([0.0, 1.0, 5.0], bins=[1.0, 2.0, 3.0])
    assert (found.counts.tolist(), found.below, found.above) == ([1, 0], 1, 1)
    assert len(histogram(np.arange(1000)).counts) == 64
    found = histogram([math.nan, math.inf])
    assert (found.counts.tolist(), found.nan, found.above) == ([], 1, 1)
    assert len(found.to_frame()) == 0
    assert axes_of(found.plot())[0].get_xlabel() == "1 NaN, 1 above"


def test_counts_made_elsewhere() -> None:
    """Whole numbers or weights; the picture has their heights."""
    found = histogram(counts=[1, 3], edges=[0, 1, 4])
    assert found.counts.tolist() == [1, 3]
    (stairs,) = axes_of(found.plot())[0].patches
    assert stairs.get_data().values.tolist() == [1, 3]
    assert histogram(counts=[0.5, 1.5], edges=[0, 1, 4]).counts.tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "values=, or of counts= with edges="),
        ({"values": [1], "counts": [1], "edges": [0, 1]}, "values=, or of counts="),
        ({"counts": [1]}, "values=, or of counts="),
        ({"counts": [1, 2], "edges": [0, 1]}, "edges of shape (3,)"),
        ({"counts": [1, 2], "edges": [0, 2, 1]}, "rise"),
        ({"counts": [], "edges": [1]}, "two or more"),
        ({"values": [0.5, math.inf, 3.0], "bins": [0, 1, math.inf]}, "finite"),
        ({"values": [5.0], "bins": [5.0]}, "two or more"),
        ({"values": [1.0], "bins": [0, 2, 1]}, "rise"),
        ({"values": [1.0], "bins": [[0, 2], [3, 4]]}, "two or more"),
        ({"values": []}, "no values"),
        ({"values": [1], "bins": 0}, "bins=0"),
        ({"values": [1], "bins": 2.5}, "bins=2.5"),
        ({"values": ["a"]}, "could not convert"),
    ],
)
def test_what_is_no_histogram(arguments: dict[str, Any], text: str) -> None:
    """Is refused with its value."""
    with pytest.raises((TypeError, ValueError)) as raised:
        histogram(**arguments)
    assert text in str(raised.value)


def test_texts_and_images_show_themselves() -> None:
    """Markdown as such; an image inside its HTML, with its name escaped."""
    assert Text("# a", "text/markdown")._repr_markdown_() == "# a"
    assert Text("# a")._repr_markdown_() is None
    content, media_type = image_content(PIXELS)
    html = Image('"><script>', media_type, content)._repr_html_()
    assert "<script>" not in html
    assert "data:image/png;base64,iVBOR" in html
