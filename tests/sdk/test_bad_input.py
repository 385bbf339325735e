"""What bad input gets, row by row of docs/bad-input.md: a warning said once and a count; in strict mode an error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from sdk.children import Written, run

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"


@dataclass(frozen=True)
class Case:
    """A call, what the warning must name, and under which reason it is counted."""

    call: str
    says: tuple[str, ...]
    reason: str
    count: int = 1


CASES = {
    "value-text": Case("run.log({'loss': '0.3'})", ("'loss'", "'0.3'", "floats"), "value"),
    "value-none": Case("run.log({'loss': None})", ("None", "is not a number"), "value"),
    "value-complex": Case("run.log({'loss': 1j})", ("1j", "real number"), "value"),
    "value-array": Case("run.log({'loss': numpy.zeros(3)})", ("shape (3,)", "mean()"), "value"),
    "value-list": Case("run.log({'loss': [1.0]})", ("[1.0]",), "value"),
    "value-huge": Case("run.log({'loss': 10**400})", ("float",), "value"),
    "metrics-no-mapping": Case("run.log(0.3)", ("mapping", "0.3"), "log"),
    "metrics-cycle": Case("m = {}; m['m'] = m; run.log(m)", ("itself",), "log"),
    "name-empty": Case("run.log({'': 1.0})", ("''", "text", "empty"), "name"),
    "name-number": Case("run.log({3: 1.0})", ("3", "text"), "name"),
    "name-nested-number": Case("run.log({'a': {3: 1.0}})", ("3", "text"), "name"),
    "name-twice": Case("run.log({'a/b': 1.0, 'a': {'b': 2.0}})", ("a/b", "two values"), "name"),
    "step-nan": Case("run.log({'a': 1, 'b': 2}, step=float('nan'))", ("step=nan", "finite"), "step", 2),
    "step-inf": Case("run.log({'a': 1}, step=float('inf'))", ("step=inf",), "step"),
    "step-text": Case("run.log({'a': 1}, step='7')", ("step='7'",), "step"),
    "step-huge": Case("run.log({'a': 1}, step=2**53 + 1)", ("2^53",), "step"),
    "time-text": Case("run.log({'a': 1}, time='now')", ("'now'", "datetime"), "time"),
    "time-milliseconds": Case("run.log({'a': 1}, time=1.7e12)", ("/ 1000",), "time"),
    "params-no-mapping": Case("run.log_params([1, 2])", ("mapping", "list"), "log_params"),
    "unset-number": Case("run.unset(3)", ("3",), "unset"),
    "tag-number": Case("run.tag(3)", ("tag", "3"), "tag"),
    "note-number": Case("run.note(3)", ("note", "3"), "note"),
    "alert-level": Case("run.alert('x', level='loud')", ("'loud'", "warning"), "alert"),
    "define-goal": Case("run.define('loss', goal='up')", ("'up'", "min"), "define"),
    "define-step": Case("run.define('loss', step=3)", ("step=3", "text"), "define"),
    "define-summary": Case("run.define('loss', summary='median')", ("'median'", "last"), "define"),
    "artifact-nothing": Case("run.log_output('model')", ("'model'", "path="), "log_output"),
    "artifact-missing": Case("run.log_output('model', path='nowhere.bin')", ("nowhere.bin",), "log_output"),
    "artifact-digest": Case("run.log_input('model', digest='abc')", ("'abc'", "sha256:"), "log_input"),
    "artifact-media-type": Case("run.log_input('a', uri='s3://b', media_type=5)", ("media_type=5",), "log_input"),
    "flush-text": Case("run.flush('x')", ("timeout='x'", "seconds"), "flush"),
    "rewind-nan": Case("run.rewind(float('nan'))", ("nan",), "rewind"),
    "rewind-unreached": Case("run.rewind(7)", ("rewind(7)", "the greatest step that it has is 0"), "misuse"),
    "after-finish": Case("run.finish(); run.log({'a': 1, 'b': 2})", ("was finished", "epochal.init"), "misuse", 0),
    "after-finish-artifact": Case("run.finish(); run.log_output('a', uri='s3://b')", ("was finished",), "misuse", 0),
    "after-finish-content": Case("run.finish(); run.log_input('a', path='x')", ("was finished",), "misuse", 0),
    "after-finish-params": Case("run.finish(); run.log_params({'a': 1})", ("was finished",), "misuse", 0),
}


@dataclass(frozen=True)
class Outcome:
    """What the calls of all cases said, and what they left."""

    said: dict[str, list[str]]
    written: dict[str, Written]
    err: str


UNRECORDED = "not all of it is recorded"
SCRIPT = """
import json, logging, numpy
from epochal._session import session
said = {}
class Ear(logging.Handler):
    def emit(self, record):
        said[case].append(record.getMessage())
logging.getLogger("epochal").addHandler(Ear())
for case, call in json.loads(CALLS).items():
    said[case] = []
    session().warn._things.clear()
    run = epochal.init(case)
    run.log({"before": 1.0}, step=0.0)
    for _ in range(TIMES):
        try:
            exec(call)
        except epochal.EpochalError as error:
            said[case].append(f"raised {type(error).__name__}: {error}")
    if run.status == "running":
        run.log({"after": 1.0}, step=0.0)
    run.finish()
print(json.dumps(said))
"""


def outcome_of(home: Path, times: int, **settings: str) -> Outcome:
    """All calls in one training, each in a run of its own."""
    calls = json.dumps({name: case.call for name, case in CASES.items()})
    child = run(SCRIPT.replace("CALLS", repr(calls)).replace("TIMES", str(times)), home, settings)
    written = child.written
    names = {data["experiment"]: data["name"] for data in written.data("experiment.created")}
    trials = {data["trial"]: names[data["experiment"]] for data in written.data("trial.created")}
    owners = {data["component"]: trials[data["trial"]] for data in written.data("component.attached")}
    writers = {event.writer: owners[event.data["component"]] for event in written.of("component.created")}
    parts = {
        name: Written(
            [event for event in written.events if writers.get(event.writer) == name],
            [point for point in written.points if writers[point.writer] == name],
        )
        for name in CASES
    }
    return Outcome(json.loads(child.out), parts, child.err)


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Each call twice, as in training."""
    return outcome_of(tmp_path_factory.mktemp("lenient"), 2)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Each call once, in strict mode."""
    return outcome_of(tmp_path_factory.mktemp("strict"), 1, EPOCHAL_STRICT="1")


@pytest.mark.parametrize("name", CASES)
def test_training_goes_on(name: str, lenient: Outcome) -> None:
    """One warning that names the value and what is accepted; every refusal counted; what is good is kept."""
    case, written = CASES[name], lenient.written[name]
    said = [line for line in lenient.said[name] if UNRECORDED not in line]
    assert len(said) == 1, said
    assert all(word in said[0] for word in case.says), said
    assert "Traceback" not in lenient.err
    assert written.values("before") == [1.0]
    if case.count:
        assert written.values("after") == [1.0]
        assert written.data("writer.closed")[0]["lost"] == {case.reason: 2 * case.count}
        ended = [line for line in lenient.said[name] if UNRECORDED in line]
        assert all(f"{2 * case.count} for reason {case.reason!r}" in line for line in ended)
        assert len(ended) == (0 if name.startswith("after-finish") else 1)
    assert [data["status"] for data in written.data("run.finished")] == ["completed"]


@pytest.mark.parametrize("name", CASES)
def test_strict_raises(name: str, strict: Outcome) -> None:
    """The same call in strict mode is an EpochalError with the same text, and nothing of it is recorded."""
    said = [text for text in strict.said[name] if text.startswith("raised ")]
    assert len(said) == 1, strict.said[name]
    assert all(word in said[0] for word in CASES[name].says), said
    assert {point.name for point in strict.written[name].points} <= {"before", "after"}


FRONT = {
    "foreign-config": ("epochal.init('x', config={})", "TypeError", ("config", "params")),
    "foreign-id": ("epochal.init('x', id='1')", "TypeError", ("'id'", "component=", "resume=")),
    "foreign-entity": ("epochal.init('x', entity='me')", "TypeError", ("entity", "project")),
    "foreign-run-name": ("epochal.init('x', run_name='me')", "TypeError", ("run_name", "name=")),
    "misspelt": ("epochal.init('x', parms={})", "TypeError", ("parms", "params=")),
    "misspelt-experiment": ("epochal.experiment('x', hypotesis='y')", "TypeError", ("did you mean hypothesis=?",)),
    "misspelt-component": ("epochal.component('x', knd='y')", "TypeError", ("did you mean kind=?",)),
    "params-of-experiment": ("epochal.experiment('x', params={})", "TypeError", ("run.log_params",)),
    "config-of-experiment": ("epochal.experiment('x', config={})", "TypeError", ("run.log_params",)),
    "unlike-experiment": ("epochal.experiment('x', zzz=1)", "TypeError", ("it takes name, hypothesis, objective",)),
    "name-of-experiment": ("epochal.experiment('x', run_name='y')", "TypeError", ("use name=TEXT",)),
    "experiment-number": ("epochal.init(3)", "TypeError", ("experiment=3", "text")),
    "experiment-empty": ("epochal.experiment('')", "TypeError", ("''",)),
    "kind-empty": ("epochal.init('x', name='n', kind='')", "TypeError", ("kind=''",)),
    "kind-number": ("epochal.init('x', kind=5)", "TypeError", ("kind=5", "text")),
    "project-number": ("epochal.init('x', project=5)", "TypeError", ("project=5", "EPOCHAL_PROJECT")),
    "project-empty": ("epochal.experiment('x', project='')", "TypeError", ("project=''", "non-empty")),
    "project-half": ("epochal.component('x', project='a\\ud800')", "TypeError", ("project='a\\ud800'",)),
    "resources-number": (
        "epochal.experiment('x').trial({}).run('t', resources=5)",
        "TypeError",
        ("resources=5", "mapping"),
    ),
    "use-number": ("epochal.init('x').use(5)", "TypeError", ("use(5)", "store.artifact")),
    "mode": ("epochal.init('x', mode='online')", "ValueError", ("'online'", "offline")),
    "fork-alone": ("epochal.init('x', fork='id')", "TypeError", ("fork='id'", "(ID, STEP)")),
    "fork-alone-run": ("epochal.experiment('x').trial().run(fork='id')", "TypeError", ("fork='id'", "(ID, STEP)")),
    "fork-alone-component": ("epochal.component('x', fork='id')", "TypeError", ("fork='id'", "(ID, STEP)")),
    "fork-nan": ("epochal.init('x', fork=('id', float('nan')))", "ValueError", ("nan", "any finite number")),
    "fork-and-resume": ("epochal.init('x', fork=('a', 1), resume='b')", "MisuseError", ("fork=", "resume=")),
    "join-and-resume": ("epochal.init('x', component='a', resume='b')", "MisuseError", ("component=", "resume=")),
    "rank": ("epochal.init('x', rank=-1)", "MisuseError", ("rank=-1",)),
    "variables-list": ("epochal.init('x', variables=[1])", "TypeError", ("[1]", "mapping")),
    "levels-text": ("epochal.experiment('x', variables={'a': 'b'})", "TypeError", ("'a'", "['b']")),
    "levels-none": ("epochal.experiment('x', variables={'a': []})", "RefusedError", ("'a'", "no levels")),
    "grid-undeclared": ("epochal.experiment('x').grid()", "MisuseError", ("variables=",)),
    "attach-to-experiment": (
        "epochal.experiment('x').attach(epochal.component('c'))",
        "MisuseError",
        ("belongs to trials", "exp.trial"),
    ),
    "attach-experiment": ("epochal.experiment('x').trial({}).attach(epochal.experiment('y'))", "MisuseError", ("'y'",)),
    "verdict": ("epochal.experiment('x').conclude('yes')", "ValueError", ("'yes'", "accepted")),
}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The error of each call, all in one process."""
    calls = json.dumps({name: call for name, (call, _, _) in FRONT.items()})
    code = f"""
import json
raised = {{}}
for name, call in json.loads({calls!r}).items():
    try:
        exec(call)
    except Exception as error:
        raised[name] = [type(error).__name__, str(error)]
print(json.dumps(raised))
"""
    raised: dict[str, list[str]] = json.loads(run(code, tmp_path_factory.mktemp("front")).out)
    return raised


@pytest.mark.parametrize("name", FRONT)
def test_the_start_of_a_training_may_raise(name: str, front: dict[str, list[str]]) -> None:
    """What makes no sense before training begins is an error at once, naming the value and what is accepted."""
    _, error, says = FRONT[name]
    kind, text = front[name]
    assert kind == error
    assert all(word in text for word in says), text


def test_a_setting_nobody_can_use(tmp_path: Path) -> None:
    """Names the variable, the value and what is accepted, before training begins."""
    child = run("epochal.init('x')", tmp_path, expect=1, EPOCHAL_MODE="off")
    assert "SettingsError: EPOCHAL_MODE='off': accepted are on, offline, disabled" in child.err
    for place in ("http://x", "what?", "file:///what%3F", "s3://bucket/x"):
        child = run("epochal.init('x')", tmp_path, expect=1, EPOCHAL_STORE=place)
        assert f"SettingsError: EPOCHAL_STORE={place!r}: accepted are a directory" in child.err


def test_a_kind_that_differs(tmp_path: Path) -> None:
    """One name used for two kinds: both kinds are named, both components recorded."""
    child = run("epochal.component('prep', kind='dataset')\nepochal.component('prep', kind='metadata')", tmp_path)
    assert "'dataset'" in child.err
    assert "'metadata'" in child.err
    assert len(child.written.of("component.created")) == 2


def test_a_trial_outside_the_space(tmp_path: Path) -> None:
    """Recorded all the same, with a warning that names what is outside; an error in strict mode."""
    code = """
    exp = epochal.experiment("space", variables={"lr": [0.1, 0.01], "model": ["a"]})
    exp.trial({"lr": 0.1, "model": "a"})
    exp.trial({"lr": 0.5, "modle": "a"})
    """
    child = run(code, tmp_path)
    assert all(word in child.err for word in ("'modle' is not declared", "'model' is missing", "lr=0.5"))
    assert len(child.written.of("trial.created")) == 2
    assert (
        run(code, tmp_path, expect=1, EPOCHAL_STRICT="1")
        .err.rstrip()
        .splitlines()[-1]
        .startswith("epochal._errors.RefusedError")
    )


def test_ten_megabytes_of_params(tmp_path: Path) -> None:
    """Whole, to the last character."""
    child = run("epochal.init('big', params={'text': 'x' * 10_000_000, 'list': list(range(100_000))})", tmp_path)
    assert child.err == ""
    params = child.written.params()
    assert params["text"] == "x" * 10_000_000
    assert params["list"] == list(range(100_000))


@pytest.mark.long
def test_a_hundred_thousand_metric_names(tmp_path: Path) -> None:
    """Each is kept."""
    child = run(
        """
        run = epochal.init("names")
        for number in range(100_000):
            run.log({f"metric/{number}": number}, step=number)
        """,
        tmp_path,
    )
    assert [(point.name, point.value) for point in child.written.points] == [(f"metric/{n}", n) for n in range(100_000)]


def test_lone_surrogates_are_replaced_aloud(tmp_path: Path) -> None:
    """A file name that is not UTF-8 is no reason to lose the parameters."""
    child = run(r"""epochal.init("text", params={"file": "a\ud800b"})""", tmp_path)
    assert child.written.params() == {"file": "a\ufffdb"}
    assert "U+FFFD" in child.err


def test_an_unknown_setting_is_said(tmp_path: Path) -> None:
    """A misspelt setting would otherwise be ignored in silence."""
    child = run("epochal.init('x')", tmp_path, EPOCHAL_STRIKT="1")
    assert "EPOCHAL_STRIKT" in child.err
    assert "EPOCHAL_STRICT" in child.err


def test_logging_outside_a_run(tmp_path: Path) -> None:
    """Said once, never raised; an error in strict mode."""
    child = run("epochal.log({'a': 1})\nepochal.log({'a': 2})\nassert epochal.finish() is None", tmp_path)
    assert child.err.count("epochal.init") == 1
    assert run("epochal.log({'a': 1})", tmp_path, expect=1, EPOCHAL_STRICT="1").err.count("MisuseError") == 1


def test_every_case_is_documented() -> None:
    """docs/bad-input.md names every case of this file, and every row names one that is there."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and "(../tests/sdk/test_bad_input.py)" in line]
    documented = {row.rpartition("[`")[2].partition("`]")[0] for row in rows}
    alone = {"test_every_case_is_documented", "test_training_goes_on", "test_strict_raises"}
    alone |= {"test_the_start_of_a_training_may_raise"}
    tests = {name for name in globals() if name.startswith("test_")} - alone
    assert documented == {*CASES, *FRONT, *tests}


def test_different_mistakes_are_all_said(tmp_path: Path) -> None:
    """Once for each metric, artifact, setting or misuse; a loop over many ends after five, and the end counts all."""
    child = run(
        """
        run = epochal.init("x")
        for step in range(100):
            run.log({"a": "text", "b": [1, 2], "c": 1.0})
        for i in range(50):
            run.log_output(f"file-{i}", path="missing")
        for i in range(10):
            epochal.init("x", mode="disabled").log({"z": "text"})
        run.finish()
        run.log({"c": 1.0})
        run.tag("late")
        epochal.finish()
        epochal.log({"c": 1.0})
        """,
        tmp_path,
        EPOCHAL_STOR="/x",
        EPOCHAL_PROJEKT="y",
    )
    said = child.err.splitlines()
    for words in ("EPOCHAL_STOR ", "EPOCHAL_PROJEKT ", "metric 'a'", "metric 'b'", "outside any run"):
        assert sum(words in line for line in said) == 1, child.err
    assert sum("cannot read" in line for line in said) == 5
    assert sum("was finished" in line for line in said) == 2, child.err
    (end,) = [line for line in said if UNRECORDED in line]
    assert "200 for reason 'value'" in end
    assert "50 for reason 'log_output'" in end
