"""Rich results on a run: recorded as artifacts, refused without harm to a training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sdk.children import Child, run

from epochal_query.result_tables import table_frame


def contents(child: Child) -> dict[str, bytes]:
    """The stored content of each artifact of a run, by its name."""
    store = child.journals.parent / "artifacts"
    found: dict[str, bytes] = {}
    for data in child.written.data("artifact.logged"):
        digest = data["digest"].removeprefix("sha256:")
        found[data["name"]] = (store / "sha256" / digest[:2] / digest).read_bytes()
    return found


def test_a_table_needs_nothing_but_the_sdk(tmp_path: Path) -> None:
    """Tables and texts are recorded where no other library is; they load none."""
    child = run(
        """
        import sys
        with epochal.init("light") as run:
            table = run.log_table("rows", [{"a": 1, "b": 0.5}, {"a": 2, "b": float("nan")}])
            text = run.log_text("words", "hello")
            assert table.digest != text.digest and table.stored
        print(sorted({"numpy", "pandas", "sklearn", "matplotlib", "PIL"} & set(sys.modules)))
        """,
        tmp_path,
    )
    assert (child.out, child.err) == ("[]\n", "")
    found = contents(child)
    assert table_frame(json.loads(found["rows"]))["a"].tolist() == [1, 2]
    assert found["words"] == b"hello"
    assert not list((child.journals / "staging").glob("*/*"))


@pytest.mark.long
def test_each_is_an_artifact_with_its_media_type(tmp_path: Path) -> None:
    """In the direction given; charts without a name have a sensible one."""
    child = run(
        """
        import numpy as np
        from matplotlib.figure import Figure
        with epochal.init("all") as run:
            y, score = [0, 1, 1, 0], [0.1, 0.8, 0.4, 0.5]
            run.log_table("table", {"a": [1]}, is_output=False)
            run.log_image("image", np.zeros((2, 2)))
            run.log_figure("figure", Figure(), format="svg")
            run.log_histogram("histogram", y)
            run.log_text("text", "# a", markdown=True)
            run.log_confusion_matrix(y, [0, 1, 1, 1])
            run.log_roc_curve(y, score)
            run.log_roc_curve(y, score, title="ROC of the test set")
            run.log_precision_recall(y, score, "pr", positive_label=0, title="PR")
        """,
        tmp_path,
    )
    assert child.err == ""
    said = {(data["name"], data["direction"]): data["media_type"] for data in child.written.data("artifact.logged")}
    assert said == {
        ("table", "in"): "application/vnd.epochal.table+json",
        ("image", "out"): "image/png",
        ("figure", "out"): "image/svg+xml",
        ("histogram", "out"): "application/vnd.epochal.histogram+json",
        ("text", "out"): "text/markdown",
        ("confusion-matrix", "out"): "application/vnd.epochal.confusion-matrix+json",
        ("roc-curve", "out"): "application/vnd.epochal.roc-curve+json",
        ("ROC of the test set", "out"): "application/vnd.epochal.roc-curve+json",
        ("pr", "out"): "application/vnd.epochal.precision-recall+json",
    }
    found = contents(child)
    assert json.loads(found["pr"])["title"] == "PR"
    assert json.loads(found["pr"])["curves"][0]["label"] == 0
    assert json.loads(found["roc-curve"])["title"] == "roc-curve"


CALLS = {
    "log_table": ("run.log_table('t', 5)", "a int is no table"),
    "log_image": ("run.log_image('i', 'nowhere.png')", "nowhere.png"),
    "log_figure": ("run.log_figure('f', 5)", "a int is no figure"),
    "log_histogram": ("run.log_histogram('h', [])", "no values"),
    "log_text": ("run.log_text('t', 5)", "text=5"),
    "log_confusion_matrix": ("run.log_confusion_matrix([1], [])", "y_pred is empty"),
    "log_roc_curve": ("run.log_roc_curve([1, 1], [1, 1])", "the label 1 alone"),
    "log_precision_recall": ("run.log_precision_recall([1, 0], [1])", "shape (1,)"),
}


@pytest.mark.long
def test_nothing_raises_in_training(tmp_path: Path) -> None:
    """One warning each, counted; the name is checked as that of any artifact."""
    lines = "\n".join(f"    {call}\n    {call}" for call, _ in CALLS.values())
    child = run(
        f"with epochal.init('wrong') as run:\n{lines}\n    run.log_text('', 'x')\n    run.log_text(3, 'x')", tmp_path
    )
    for _, text in CALLS.values():
        assert child.err.count(text) == 1, child.err
    assert "an artifact's name is a non-empty text; got ''" in child.err
    assert "an artifact's name is a non-empty text; got 3" in child.err
    assert "Traceback" not in child.err
    (closed,) = [data["lost"] for data in child.written.data("writer.closed") if data["lost"]]
    assert closed == {call: 4 if call == "log_text" else 2 for call in CALLS}
    assert [data["status"] for data in child.written.data("run.finished")] == ["completed"]


@pytest.mark.parametrize("call", CALLS)
def test_strict_raises(call: str, tmp_path: Path) -> None:
    """The same as an error."""
    child = run(f"run = epochal.init('wrong')\n{CALLS[call][0]}", tmp_path, expect=1, EPOCHAL_STRICT="1")
    assert f"epochal._errors.RefusedError: {call}(): " in child.err
    assert CALLS[call][1] in child.err


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """A warning in training, NotAvailableError in strict mode; both say what to install."""
    code = """
    import sys
    sys.modules.update({"sklearn.metrics": None, "numpy": None, "PIL.Image": None})
    run = epochal.init("bare")
    CALL
    """
    calls = {
        "run.log_confusion_matrix([0, 1], [0, 1])": "pip install 'epochal[metrics]'",
        "run.log_roc_curve([0, 1], [0, 1])": "pip install 'epochal[metrics]'",
        "run.log_histogram('h', [1])": "pip install 'epochal[metrics]'",
    }
    for call, advice in calls.items():
        child = run(code.replace("CALL", call), tmp_path)
        assert advice in child.err
        child = run(code.replace("CALL", call), tmp_path, expect=1, EPOCHAL_STRICT="1")
        assert "NotAvailableError" in child.err
        assert advice in child.err
    pixels = "import sys, numpy\nsys.modules['PIL.Image'] = None\nrun = epochal.init('bare')\n"
    child = run(pixels + "run.log_image('i', numpy.zeros((1, 1)))", tmp_path)
    assert "pip install 'epochal[plot]'" in child.err


def test_after_the_end_and_when_disabled(tmp_path: Path) -> None:
    """What comes after the end is refused; mode disabled does nothing, not even look."""
    child = run("run = epochal.init('x')\nrun.finish()\nrun.log_text('late', 'x')", tmp_path)
    assert "was finished" in child.err
    assert child.written.data("artifact.logged") == []
    child = run("run = epochal.init('x', mode='disabled')\nprint(run.log_table('t', 5))", tmp_path)
    assert "Artifact 't'" in child.out
    assert child.err == ""


def test_a_server_without_a_place_for_contents(tmp_path: Path) -> None:
    """The content of a table is not kept, and that is said."""
    child = run(
        "run = epochal.init('server')\nassert not run.log_table('t', {'a': [1]}).stored",
        tmp_path,
        EPOCHAL_STORE="clickhouse://user:secret@127.0.0.1:1/db",
        XDG_STATE_HOME=str(tmp_path / "state"),
    )
    assert "the content of 't' is not kept" in child.err
    assert "EPOCHAL_ARTIFACTS" in child.err


def test_many_threads_and_half_a_character(tmp_path: Path) -> None:
    """Each keeps its own content; text that UTF-8 can't carry is mended aloud."""
    child = run(
        r"""
        from concurrent.futures import ThreadPoolExecutor
        with epochal.init("threads") as run:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda n: run.log_text(f"t{n}", str(n) * 1000), range(64)))
            run.log_text("half", "a\ud800b")
        """,
        tmp_path,
    )
    found = contents(child)
    assert [found[f"t{n}"] for n in range(64)] == [str(n).encode() * 1000 for n in range(64)]
    assert found["half"].decode() == "a\ufffdb"
    assert child.err.count("U+FFFD") == 1


def test_a_run_that_is_finished_meanwhile(tmp_path: Path) -> None:
    """By another thread, while content can't be kept: that is said, and the training goes on."""
    child = run(
        """
        run = epochal.init("late")
        def keep(record, content):
            run.finish()
            raise OSError("the disk is full")
        run._contents.keep = keep
        run.log_text("words", "hello")
        print("on")
        """,
        tmp_path,
    )
    assert child.out == "on\n"
    assert "the disk is full" in child.err
