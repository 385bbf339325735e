"""What users type is what lies in the journal."""

from __future__ import annotations

import math
import os
import struct
import sys
from pathlib import Path

import pytest
from sdk.children import read, run

from epochal._elsewhere import read_pointer


def test_three_lines(tmp_path: Path) -> None:
    """The shortest use: experiment, default trial, component, attempt, params, points, end; in that order."""
    child = run(
        """
        run = epochal.init(experiment="cifar10", params={"lr": 1e-3, "model": "custom"})
        run.log({"loss": 0.31, "val/accuracy": 0.88}, step=100)
        position = run.finish()
        assert position.points == 2 and position.lost == 0, position
        """,
        tmp_path,
    )
    written = child.written
    main = next(data for data in written.data("writer.opened") if data["role"] == "main")
    mine = [event.type for event in written.events if event.data.get("component") == main["component"]]
    assert mine == [
        "epochal.writer.opened",
        "epochal.component.created",
        "epochal.component.attached",
        "epochal.run.started",
        "epochal.params.logged",
        "epochal.run.finished",
        "epochal.writer.closed",
    ]
    assert written.data("trial.created")[0]["variables"] == {}
    assert written.params() == {"lr": 1e-3, "model": "custom"}
    assert [(point.name, point.step, point.value) for point in written.points] == [
        ("loss", 100.0, 0.31),
        ("val/accuracy", 100.0, 0.88),
    ]


def test_the_whole_model(tmp_path: Path) -> None:
    """Hypothesis, declared space, shared component, eighteen trials with artifacts, verdict."""
    (tmp_path / "preprocess.py").write_text("print('x')")
    child = run(
        """
        exp = epochal.experiment(
            "cifar10-custom-vs-resnet",
            hypothesis="A custom architecture beats ResNet50 on CIFAR10",
            objective="validation accuracy",
            variables={"model": ["resnet", "custom"], "optimizer": ["adam", "sgd", "rmsprop"], "epochs": [30, 60, 120]},
            tags={"team": "vision"},
        )
        common = epochal.component("experiment-metadata", kind="metadata")
        common.log_params({"batch-size": 128, "learning-rate": 1e-3, "weight-decay": 1e-6, "momentum": 0.9})
        common.log_input("cifar10-dataset", "s3://bucket/cifar10", media_type="s3/uri")
        common.log_input("preprocess", path="preprocess.py")
        sets = list(exp.grid())
        assert len(sets) == 18 and sets[0] == {"model": "resnet", "optimizer": "adam", "epochs": 30}
        assert sets[1]["epochs"] == 60 and sets[9]["model"] == "custom"
        for variables in sets:
            trial = exp.trial(variables)
            assert trial.id == exp.trial(dict(reversed(list(variables.items())))).id
            trial.attach(common)
            with trial.run("training", kind="training", resources={"instance": "8xH200"}) as run:
                run.log_params(variables)
                for epoch in range(3):
                    run.log({"loss": 1 / (epoch + 1), "test_acc": epoch}, step=epoch)
                open("model.keras", "w").write(str(variables))
                model = run.log_output("model", path="model.keras")
                assert model.digest.startswith("sha256:")
        exp.conclude("accepted", note="custom wins at 30, 60 and 120 epochs")
        """,
        tmp_path,
    )
    assert child.err == ""
    written = child.written
    assert len(written.of("experiment.created")) == 1
    assert len(written.of("trial.created")) == 18
    assert len({data["trial"] for data in written.data("component.attached")}) == 18
    assert len(written.of("component.attached")) == 36
    assert [data["status"] for data in written.data("run.finished")] == ["completed"] * 18
    outputs = [data for data in written.data("artifact.logged") if data["direction"] == "out"]
    assert len({data["digest"] for data in outputs}) == 18
    assert {(data["name"], data["stored"], data["files"]) for data in outputs} == {("model", True, 1)}
    assert written.data("experiment.concluded")[0]["verdict"] == "accepted"
    inputs = {data["name"]: data for data in written.data("artifact.logged") if data["direction"] == "in"}
    assert inputs["cifar10-dataset"]["uri"] == "s3://bucket/cifar10"
    assert inputs["preprocess"]["stored"]
    assert [data["resources"] for data in written.data("component.created")][1:] == [{"instance": "8xH200"}] * 18


def test_information_does_not_run(tmp_path: Path) -> None:
    """Metadata has no status that a trial would wait for; a preprocessing has, also when it belongs to no trial."""
    child = run(
        """
        meta = epochal.component("meta")
        with epochal.component("prep", kind="preprocessing") as prep:
            prep.log({"rows": 3})
        print(prep.id)
        """,
        tmp_path,
    )
    written = child.written
    assert [data["component"] for data in written.data("run.started")] == [child.out.strip()]
    assert [(data["component"], data["status"]) for data in written.data("run.finished")] == [
        (child.out.strip(), "completed")
    ]
    assert len(written.of("writer.closed")) == 2


VALUES = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53, 1e-300]


def test_floats_are_kept_bit_for_bit(tmp_path: Path) -> None:
    """NaN, infinities, signed zero, huge and tiny values; also in params."""
    child = run(
        f"""
        from math import inf, nan
        run = epochal.init("bits")
        for number, value in enumerate([{", ".join(map(repr, VALUES))}]):
            run.log({{"value": value}}, step=number)
            run.log_params({{f"p{{number}}": value}})
        """,
        tmp_path,
    )
    assert [struct.pack("<d", value) for value in child.written.values("value")] == [
        struct.pack("<d", value) for value in VALUES
    ]
    names = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
    params = child.written.params()
    for number, value in enumerate(VALUES):
        kept = params[f"p{number}"]
        kept = names[kept["$float"]] if isinstance(kept, dict) else kept
        assert struct.pack("<d", kept) == struct.pack("<d", value)


def test_steps_and_times(tmp_path: Path) -> None:
    """Any order, fractions, negatives; without a step one more than the greatest; time= is kept apart from now."""
    child = run(
        """
        from datetime import datetime, timezone, timedelta
        import numpy
        run = epochal.init("steps")
        run.log({"a": 0})
        run.log({"a": 1})
        run.log({"a": 2}, step=10)
        run.log({"a": 3}, step=-2.5)
        run.log({"a": 4})
        run.log({"a": 5}, step=numpy.int32(20))
        run.log({"a": 6, "b": {"c": {"d": True}, "e": numpy.float32(0.5)}})
        run.log({"t": 1}, time=datetime(2024, 3, 3))
        run.log({"t": 2}, time=datetime(2024, 3, 3, 2, tzinfo=timezone(timedelta(hours=2))))
        run.log({"t": 3}, time=1709424000)
        """,
        tmp_path,
    )
    written = child.written
    assert [point.step for point in written.points if point.name == "a"] == [0, 1, 10, -2.5, 11, 20, 21]
    assert [(point.name, point.value) for point in written.points if point.name.startswith("b")] == [
        ("b/c/d", 1.0),
        ("b/e", 0.5),
    ]
    times = [point for point in written.points if point.name == "t"]
    assert {point.occurred_ms for point in times} == {1709424000000}
    assert all(point.logged_ms > point.occurred_ms for point in times)


def test_statements(tmp_path: Path) -> None:
    """Tags, notes, alerts, definitions, unset, rewind: as their events say."""
    child = run(
        """
        run = epochal.init("said", tags=["baseline"], notes="first")
        run.tag("good", team="a", seed=3)
        run.untag("baseline", "team")
        run.note("second")
        run.alert("diverged", "loss is nan", "error")
        run.define("val/loss", step="epoch", goal="min")
        run.unset("optimizer.lr")
        run.unset(["a.b", "c"])
        for step in range(5):
            run.log({"loss": step})
        run.rewind(2)
        run.log({"loss": 9})
        run.rewind(3)
        """,
        tmp_path,
    )
    written = child.written
    assert [(data["words"], data["values"]) for data in written.data("tags.set")] == [
        (["baseline"], {}),
        (["good"], {"team": "a", "seed": 3}),
    ]
    assert written.data("tags.removed")[0]["keys"] == ["baseline", "team"]
    assert [data["text"] for data in written.data("note.written")] == ["first", "second"]
    assert written.data("alert.raised")[0]["level"] == "error"
    assert written.data("metric.defined")[0]["goal"] == "min"
    assert [data["paths"] for data in written.data("params.unset")] == [
        [["optimizer", "lr"], ["optimizer.lr"]],
        [["a.b", "c"]],
    ]
    rewound = written.data("run.rewound")[0]
    writer = written.of("run.rewound")[0].writer
    assert (rewound["to_step"], rewound["abandoned"]) == (2.0, [[writer, 5]])
    assert [point.step for point in written.points][-1] == 3.0
    assert written.data("run.rewound")[1]["to_step"] == 3.0, "the step reached last can be rewound to"


def test_component_joins(tmp_path: Path) -> None:
    """component=TEXT: the first process that names it decides the status, a second joins as a helper."""
    child = run(
        """
        import subprocess, sys
        run = epochal.init("join", component="shared")
        run.log({"n": 1})
        inner = "import epochal; r = epochal.init('join', component='shared'); r.log({'n': 2}); r.finish('failed')"
        subprocess.run([sys.executable, "-c", inner], check=True)
        """,
        tmp_path,
    )
    written = child.written
    assert len({data["component"] for data in written.data("writer.opened") if data["component"]}) == 1
    assert sorted(written.values("n")) == [1.0, 2.0]
    assert [data["status"] for data in written.data("run.finished")] == ["completed"]
    again = run("epochal.init('join', component='shared').finish()", tmp_path)
    assert len(again.written.of("run.started")) == 2, "when nobody runs it any more, it is a new attempt"


def test_disabled_does_nothing(tmp_path: Path) -> None:
    """Every call works, nothing is written, started or installed."""
    child = run(
        """
        import signal, threading
        exp = epochal.experiment("off", variables={"a": [1]}, tags=["x"])
        exp.tag("x"); exp.note("x"); exp.conclude("accepted")
        trial = exp.trial({"a": 2}); trial.tag("x"); trial.note("y")
        common = epochal.component("c"); trial.attach(common); trial.detach(common)
        with trial.run("training") as run:
            run.log({"a": 1}); run.log({"a": object()}); run.log("x"); run.log_params(3); run.unset("a"); run.tag("x")
            run.untag("x"); run.note("x"); run.alert("x"); run.define("x"); run.rewind(3); run.flush()
            assert run.log_output("m", path="nowhere").digest is None
            epochal.log({"a": 1})
        run = epochal.init("off", params={"a": 1})
        run.log({"a": 1})
        assert epochal.current() is None
        run.finish()
        assert threading.active_count() == 1 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        """,
        tmp_path,
        EPOCHAL_MODE="disabled",
    )
    assert (child.out, child.err) == ("", "")
    assert not (tmp_path / "store").exists()


def test_one_disabled_run_among_others(tmp_path: Path) -> None:
    """init(mode="disabled") concerns that run alone."""
    child = run(
        """
        epochal.init("off", mode="disabled").log({"a": 1})
        epochal.init("on").log({"a": 2})
        """,
        tmp_path,
    )
    assert child.written.values("a") == [2.0]
    assert [data["name"] for data in child.written.data("experiment.created")] == ["on"]


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self").exists(), reason="needs a place that can't be written")
def test_training_goes_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A store that can't be made: one loud warning, losses counted, the normal exit."""
    child = run(
        """
        run = epochal.init("lost", params={"a": 1})
        for step in range(10):
            run.log({"loss": step})
        position = run.finish()
        print(position.points, position.lost > 0)
        """,
        tmp_path,
        EPOCHAL_STORE="/proc/self/store",
    )
    assert child.code == 0
    assert child.out.split()[1] == "True"
    assert 1 <= child.err.count("epochal: ") <= 3
    assert "/proc/self/store" in child.err


def test_projects_are_apart(tmp_path: Path) -> None:
    """The same names in two projects are two experiments; EPOCHAL_PROJECT is the default."""
    child = run(
        """
        one = epochal.init("same")
        two = epochal.init("same", project="other")
        """,
        tmp_path,
        EPOCHAL_PROJECT="vision",
    )
    created = child.written.of("experiment.created")
    assert [event.project for event in created] == ["vision", "other"]
    assert len({event.data["experiment"] for event in created}) == 2


def test_journals_elsewhere_leave_a_pointer(tmp_path: Path) -> None:
    """With EPOCHAL_JOURNAL the store knows where each process keeps its journals."""
    place = tmp_path / "fast disk"
    run("epochal.init('x').log({'a': 1})", tmp_path, EPOCHAL_JOURNAL=str(place))
    written = read(place)
    assert written.values("a") == [1.0]
    (note,) = (tmp_path / "store" / "journals" / "elsewhere").iterdir()
    assert read_pointer(note).journals == place
    assert {data["process"] for data in written.data("writer.opened")} == {str(read_pointer(note).process)}


def test_a_store_that_cannot_be_told_of_journals_elsewhere(tmp_path: Path) -> None:
    """Training goes on; one warning says where everything is and what to do with it."""
    (tmp_path / "store").write_text("a file where the store should be")
    place = tmp_path / "fast disk"
    child = run("epochal.init('x').log({'a': 1}); epochal.init('y')", tmp_path, EPOCHAL_JOURNAL=str(place))
    assert read(place).values("a") == [1.0]
    warnings = [line for line in child.err.splitlines() if str(place) in line]
    assert len(warnings) == 1
    assert str(tmp_path / "store" / "journals") in warnings[0]


def test_times_never_run_backwards(tmp_path: Path) -> None:
    """A clock that is set back: the writer's times stand still rather than run backwards."""
    child = run(
        """
        import time
        real = time.time_ns
        run = epochal.init("clock")
        run.note("one")
        run.log({"a": 1})
        time.time_ns = lambda: real() - 3600 * 10**9
        run.note("two")
        run.log({"a": 2})
        time.time_ns = real
        run.note("three")
        """,
        tmp_path,
    )
    written = child.written
    writer = written.of("note.written")[0].writer
    ats = [event.at for event in written.events if event.writer == writer]
    assert ats == sorted(ats)
    logged = [point.logged_ms for point in written.points]
    assert logged == sorted(logged)


def test_python_version_is_said(tmp_path: Path) -> None:
    """The opening event describes the process."""
    opened = run("epochal.init('x')", tmp_path).written.data("writer.opened")[0]
    assert opened["python"] == ".".join(map(str, sys.version_info[:3]))
    assert opened["command"][-1].endswith(".py")
    assert opened["pid"] > 0
