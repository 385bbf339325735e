"""Rich results in a store: listed, read as data at any place in both times, drawn."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from host_ending import end_host
from promises.jobs import environment
from results.axes import axes_of

import epochal
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.result_curves import RocCurves
from epochal_query.result_kinds import ConfusionMatrix, Histogram, Image, Text
from epochal_query.store import Store


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store that the job wrote."""
    made = tmp_path_factory.mktemp("rich")
    job = Path(__file__).with_name("job.py")
    done = subprocess.run(
        [sys.executable, str(job)], env=environment(made / "store"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    yield made
    end_host(made / "store")


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[Store]:
    with contextlib.closing(epochal.open(home / "store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def first(store: Store) -> str:
    """The training that logged every kind."""
    return str(store.report("rich", where="params.lr = 0.1")["ComponentId"].item())


def test_the_list(store: Store, first: str) -> None:
    """One row a result, newest content of each name; other artifacts are not in it."""
    found = store.results(component=first)
    assert list(found.columns) == ["component", "name", "result", "kind", "direction", "media_type", "size", "time"]
    assert dict(zip(found["result"], found["kind"], strict=True)) == {
        "roc-curve": "roc-curve",
        "of a": "confusion-matrix",
        "rows": "table",
        "picture": "image",
        "notes": "text",
        "values": "histogram",
    }
    assert found.set_index("result")["direction"]["values"] == "in"
    assert set(found["component"]) == {first}
    assert set(found["name"]) == {"training"}
    assert (found["size"] > 0).all()
    assert found.attrs["epochal"]["watermark"] == store.last_watermark
    assert len(store.results()) == len(store.results(experiment="rich")) == 9
    assert len(store.experiment("rich").results()) == 9
    assert len(store.component(first).results(as_of="2000-01-01")) == 0


def test_each_is_data(store: Store, first: str) -> None:
    """A frame, a text, or an object, with the watermark of the read."""
    handle = store.component(first)
    rows = handle.result("rows")
    assert isinstance(rows, pd.DataFrame)
    assert rows["n"].tolist() == [41]
    assert np.signbit(rows["x"][0])
    curve = handle.result("roc-curve")
    assert isinstance(curve, RocCurves)
    assert 0.5 < curve.auc <= 1
    matrix = handle.result("of a")
    assert isinstance(matrix, ConfusionMatrix)
    assert matrix.counts.sum() == 50
    image = handle.result("picture")
    assert isinstance(image, Image)
    assert image.array().tolist() == (np.eye(3) * 255).tolist()
    notes = handle.result("notes")
    assert isinstance(notes, Text)
    assert notes == "*hello*"
    assert isinstance(handle.result("values", direction="in"), Histogram)
    for one in (rows, curve, matrix, image, notes):
        told = one.attrs["epochal"]
        assert isinstance(told, dict)
        assert told["watermark"] == store.last_watermark


def test_what_was_logged_before_is_there_in_the_past(store: Store, first: str) -> None:
    """A later table of the same name superseded the first one, which as_of still shows."""
    history = store.history(first, "artifacts.out/rows")
    assert list(history["fate"]) == ["superseded", "in effect"]
    then = history["occurred_at"].iloc[0]
    before = store.result("rows", component=first, as_of=then)
    assert isinstance(before, pd.DataFrame)
    assert before["n"].tolist() == [0]
    known = store.result("rows", component=first, known_at=store.last_watermark)
    assert isinstance(known, pd.DataFrame)
    assert known["n"].tolist() == [41]


def test_names_that_mean_no_result(store: Store, first: str) -> None:
    """Each error says what to do."""
    with pytest.raises(AmbiguousNameError, match="component="):
        store.result("roc-curve")
    with pytest.raises(UnknownNameError, match="'roc-curve'"):
        store.component(first).result("roc-curv")
    with pytest.raises(FilterError, match=r"text/x-python, which is no rich result: store.artifact\('model'\).fetch"):
        store.component(first).result("model")


def test_a_report_names_them(store: Store) -> None:
    """As any artifact."""
    report = store.report("rich", artifacts=["roc-curve"])
    assert set(report["roc-curve - MediaType"]) == {"application/vnd.epochal.roc-curve+json"}


@pytest.mark.long
def test_charts_of_several_components_are_drawn_together(store: Store, first: str) -> None:
    """ROC curves on one pair of axes, each with whose it is; matrices beside one another."""
    figure = store.plot("roc-curve", "result", experiment="rich")
    (axes,) = axes_of(figure)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    curve = store.result("roc-curve", component=first)
    assert isinstance(curve, RocCurves)
    assert names[0] == f"model=a: 1 (AUC {curve.auc:.4g})"
    assert names[1].startswith("model=b: 1 (AUC ")
    assert axes.get_title() == "roc-curve"
    assert axes.lines[0].get_ydata().tolist() == curve.tpr.tolist()
    turned = axes_of(store.plot("roc-curve", "result", experiment="rich", order_by="params.lr"))[0].get_legend()
    assert [text.get_text() for text in turned.get_texts()] == [names[1], names[0]]
    figure = store.component(first).plot("of a", "result")
    assert [axes.get_title() for axes in axes_of(figure)] == ["of a"]
    with pytest.raises(UnknownNameError, match="near: 'roc-curve'"):
        store.plot("roc-curves", "result")
    with pytest.raises(FilterError, match="is no chart"):
        store.plot("rows", "result")


def test_a_handle_in_a_notebook(store: Store, first: str) -> None:
    """What is known of it now, its name escaped."""
    html = store.component(first)._repr_html_()
    assert "component training" in html
    assert "completed" in html
    assert "loss = " in html
    assert "roc-curve" in html
    assert repr(store.component(first)) == f"<ComponentHandle 'training' {first}>"
    assert "model=a, model=b" in store.experiment("rich")._repr_html_()
    trial = store.trials("rich")["id"][0]
    assert "model = &#x27;a&#x27;" in store.trial(trial)._repr_html_()
    assert "<b>context &lt;b&gt;served&lt;/b&gt;</b>" in store.context("<b>served</b>")._repr_html_()
    assert store.component(first).certificate()._repr_html_().startswith("<pre>closed: component training")
    lineage = store.component(first).lineage(direction="both")
    assert lineage._repr_html_().startswith("<pre>")
    assert repr(lineage) == f"<Lineage: both, {len(lineage.nodes)} nodes, {len(lineage.edges)} edges>"
