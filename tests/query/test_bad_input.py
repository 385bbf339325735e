"""What bad input gets from reading, row by row of docs/bad-input.md: one error of ours that names it, no internals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from query.conftest import Bare

import epochal
from epochal_query.store import Store

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"
INTERNALS = ("Traceback", "DB::Exception", "ArrowStream", "clickhouse_connect", "HTTPConnectionPool", ".py", "0x")

# name: the call, its error, and what the error says
CALLS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "open-number": ("epochal.open(5)", "ReadError", ("5", "directory", "clickhouse://")),
    "open-empty": ("epochal.open('')", "LocationError", ("empty", "directory")),
    "open-scheme": ("epochal.open('s3://bucket')", "LocationError", ("s3://", "clickhouse://")),
    "open-file": ("epochal.open(file)", "HostUnavailableError", ("a file is where a directory should be",)),
    "open-impossible": ("epochal.open('/proc/none/store')", "HostUnavailableError", ("/proc/none/store", "No such")),
    "open-foreign": ("epochal.open(home)", "LocationError", ("there is no store in", "file", "a new or empty one")),
    "open-half": ("epochal.open('/tmp/a\\udcff')", "LocationError", ("'/tmp/a\\udcff'", "UTF-8")),
    "open-server-away": (
        "epochal.open('clickhouse://me:secret@127.0.0.1:1/x')",
        "HostUnavailableError",
        ("127.0.0.1:1", "Connection refused", "check the address"),
    ),
    "open-project": ("epochal.open(directory, project=5)", "ReadError", ("project=5", "EPOCHAL_PROJECT")),
    "unknown-experiment": ("store.report('digitz')", "UnknownNameError", ("'digitz'", "near: 'digits'")),
    "unknown-id": ("store.state('00000000-0000-0000-0000-000000000000')", "UnknownNameError", ("00000000-0000",)),
    "unknown-metric": ("store.report('digits', metrics=['los'])", "UnknownNameError", ("'los'", "'loss'")),
    "unknown-trial": ("store.components(trial={'m': 'z'})", "UnknownNameError", ("'m=z'", "near: 'm=b'")),
    "unknown-artifact": ("store.artifact('modle')", "UnknownNameError", ("'modle'", "'model'")),
    "several-meant": (
        "store.state('training')",
        "AmbiguousNameError",
        ("2 components", "give the id of one", "  m=a of digits\n", "  m=b of digits"),
    ),
    "several-artifacts": (
        "store.artifact('model')",
        "AmbiguousNameError",
        ("2 artifacts", "digest or URI", "\n  sha256:0\n  sha256:1"),
    ),
    "several-made": ("store.lineage('model')", "AmbiguousNameError", ("2 artifacts", "\n  sha256:0\n  sha256:1")),
    "several-digests": (
        "store.lineage('sha256:abcdef')",
        "AmbiguousNameError",
        ("2 artifacts", "\n  sha256:abcdef01\n  sha256:abcdef02"),
    ),
    "several-digests-artifact": (
        "store.artifact('sha256:abcdef')",
        "AmbiguousNameError",
        ("2 artifacts", "\n  sha256:abcdef01\n  sha256:abcdef02"),
    ),
    "unknown-digest": ("store.lineage('sha256:abcdef11')", "UnknownNameError", ("near: artifact 'sha256:abcdef01'",)),
    "deleted": ("store.lineage('gone')", "UnknownNameError", ("'gone'", "was deleted 20", "as_of=", "restore")),
    "deleted-read": ("store.state('gone')", "UnknownNameError", ("'gone'", "was deleted 20", "as_of=", "restore")),
    "deleted-artifact": (
        "store.lineage('lost')",
        "UnknownNameError",
        ("artifact 'lost' went with what knew of it: component 'gone'", "was deleted 20", "as_of=", "restore"),
    ),
    "deleted-twice": ("store.delete('gone', confirm='gone')", "UnknownNameError", ("'gone'", "was deleted 20")),
    "unknown-anything": ("store.state('digit')", "UnknownNameError", ("nothing in project", "experiment 'digits'")),
    "unlike-anything": ("store.state('zzz')", "UnknownNameError", ("component 'training'", "trial 'm=a'")),
    "unknown-made": ("store.lineage('modle')", "UnknownNameError", ("artifact 'model'",)),
    "empty-project": (
        "epochal.open(directory, project='nobody').report('digits')",
        "UnknownNameError",
        ("'nobody', which is empty", "'bad'"),
    ),
    "no-entity": ("store.component(5)", "FilterError", ("5", "a name, an id, a handle")),
    "no-entity-at-all": ("store.component([])", "FilterError", ("[]", "one name")),
    "artifact-number": ("store.artifact(5)", "FilterError", ("5", "digest, URI, alias or name")),
    "selection": ("store.report('digits', metrics=5)", "FilterError", ("metrics=5", "re.compile")),
    "selection-bytes": ("store.metrics(metric=re.compile(b'l'))", "FilterError", ("re.compile(b'l')", "pattern")),
    "filter-number": ("store.report('digits', where=5)", "FilterError", ("where=5", "params.lr < 0.1")),
    "filter-broken": ("store.report('digits', where='params.m =')", "FilterError", ("character 11",)),
    "filter-half": ("store.report('digits', where='name = \"\\udcff\"')", "FilterError", ("'\\udcff'", "U+FFFD")),
    "order-number": ("store.report('digits', order_by=5)", "FilterError", ("order_by=5", "desc")),
    "limit": ("store.report('digits', limit=-1)", "FilterError", ("limit=-1", "from 0 on")),
    "ranks": ("store.report('digits', ranks='most')", "FilterError", ("'most'", "'each'")),
    "best-mode": ("store.best('digits', 'loss', mode='up')", "FilterError", ("'up'", "mode='min'")),
    "best-by": ("store.best('digits', 'loss', mode='min', by=3)", "FilterError", ("by=3", "argmax")),
    "best-metric": ("store.best('digits', 5, mode='min')", "FilterError", ("metric=5", "one name")),
    "max-points": ("store.metrics(max_points=1)", "FilterError", ("max_points=1", "from 5 on")),
    "direction": ("store.lineage('digits', 'up')", "FilterError", ("'up'", "ascendants")),
    "depth": ("store.lineage('digits', depth=-1)", "FilterError", ("depth=-1", "from 0 on")),
    "history-field": ("store.history('digits', 'verdikt')", "UnknownNameError", ("'verdikt'", "near: 'verdict'")),
    "history-field-number": ("store.history('digits', 5)", "FilterError", ("field=5", "'params.lr'")),
    "history-entity": ("store.history('digitz')", "UnknownNameError", ("'digitz'", "experiment 'digits'")),
    "history-step": ("store.history('digits', 'note', step='x')", "FilterError", ("step='x'", "a number")),
    "history-step-of": ("store.history('digits', 'note', step=1)", "FilterError", ("step=1", "'metrics.loss'")),
    "diff-kinds": ("store.diff('digits', 'm=a')", "FilterError", ("'m=a' a trial", "two trials")),
    "diff-one": ("store.diff('digits')", "FilterError", ("two instants", "as_of=(")),
    "diff-pair": ("store.diff('digits', as_of=('now',))", "FilterError", ("as_of=('now',)", "one for each side")),
    "diff-time": ("store.diff('digits', known_at=('now', 'x'))", "TimeError", ("known_at='x'", "'2 hours ago'")),
    "as-of": ("store.report('digits', as_of='someday')", "TimeError", ("as_of='someday'", "'2 hours ago'")),
    "known-at": ("store.report('digits', known_at='{')", "TimeError", ("known_at='{'", "a watermark is")),
    "known-at-elsewhere": ("store.report('digits', known_at={'x': 1})", "TimeError", ("'x'", "its logs")),
    "wait-text": ("store.wait({}, 'x')", "FilterError", ("timeout='x'", "seconds")),
    "sql-number": ("store.sql(5)", "QueryError", ("5", "SELECT count()")),
    "sql-empty": ("store.sql(' ')", "QueryError", ("' '", "SELECT")),
    "sql-unfinished": ("store.sql('SELECT')", "QueryError", ("SYNTAX_ERROR",)),
    "sql-misspelt": ("store.sql('SELEC 1')", "QueryError", ("SELEC", "SELECT")),
    "sql-table": ("store.sql('SELECT * FROM component')", "QueryError", ("components", "SHOW TABLES")),
    "sql-column": ("store.sql('SELECT nam FROM trials')", "QueryError", ("'name'", "DESCRIBE")),
    "sql-parameter": ("store.sql('SELECT {x:Int8}')", "QueryError", ("`x`", "parameters=", "-P")),
    "sql-parameter-kind": ("store.sql('SELECT {x:String}', {'x': object})", "QueryError", ("'x'", "type", "str")),
    "sql-parameter-name": ("store.sql('SELECT 1', {5: 1})", "QueryError", ("5", "{epochs:UInt32}")),
    "sql-parameters": ("store.sql('SELECT 1', [1])", "QueryError", ("parameters=[1]", "mapping")),
    "sql-half": ("store.sql(\"SELECT '\\udcff'\")", "QueryError", ("'\\udcff'", "U+FFFD")),
    "sql-format": ("store.sql('SELECT 1 FORMAT JSON')", "QueryError", ("FORMAT", "leave it out")),
    "sql-view-time": ("store.sql(\"SELECT * FROM trials_at(as_of='x', known_at='')\")", "QueryError", ("as_of", "''")),
    "sql-several": ("store.sql('SELECT 1; SELECT 2')", "QueryError", ("one statement",)),
    "sql-insert": ("store.sql('INSERT INTO events VALUES (1)')", "QueryError", ("only reads", "INSERT")),
    "sql-insert-behind-with": ("store.sql('WITH 1 AS x INSERT INTO events SELECT x')", "QueryError", ("only reads",)),
    "sql-drop": ("store.sql('DROP TABLE events')", "QueryError", ("only reads", "DROP")),
    "sql-alter": ("store.sql('ALTER TABLE events DELETE WHERE 1')", "QueryError", ("only reads", "ALTER")),
    "sql-create": ("store.sql('CREATE TABLE x (a Int8) ENGINE = Memory')", "QueryError", ("only reads", "CREATE")),
    "sql-set": ("store.sql('SET readonly = 0')", "QueryError", ("only reads", "SET")),
    "sql-settings": ("store.sql('SELECT 1 SETTINGS readonly = 0')", "QueryError", ("only reads", "readonly")),
    "sql-system": ("store.sql('SYSTEM SHUTDOWN')", "QueryError", ("only reads", "SYSTEM")),
    "sql-kill": ("store.sql('KILL QUERY WHERE 1')", "QueryError", ("only reads", "KILL")),
    "sql-file": ("store.sql(\"SELECT file('/etc/passwd')\")", "QueryError", ("only reads", "file")),
    "sql-file-table": ("store.sql(\"SELECT * FROM file('/etc/passwd', LineAsString)\")", "QueryError", ("file",)),
    "sql-outfile": ("store.sql(f\"SELECT 1 INTO OUTFILE '{outfile}'\")", "QueryError", ("INTO OUTFILE",)),
    "sql-url": ("store.sql(\"SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')\")", "QueryError", ("URL",)),
    "sql-executable": ("store.sql(\"SELECT * FROM executable('id', TSV, 'a String')\")", "QueryError", ("executable",)),
    "sql-remote": ("store.sql(\"SELECT * FROM remote('127.0.0.1', system.one)\")", "QueryError", ("only read",)),
}


@pytest.fixture(scope="module")
def names(bare: Bare, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the calls may use: a store with two components of one name, an artifact, and places."""
    log = bare.log("bad")
    experiment = log.experiment("digits")
    for n in range(2):
        run = log.run([log.trial(experiment, {"m": "ab"[n]})], params={"m": "ab"[n]}, metrics={"loss": [(0.0, 1.0)]})
        for name, digest in (("model", f"sha256:{n}"), (f"table-{n}", f"sha256:abcdef0{n + 1}")):
            log.say("artifact.logged", uuid.uuid4(), component=run, name=name, direction="out", digest=digest)
    gone = log.run([], "gone")
    log.say("artifact.logged", uuid.uuid4(), component=gone, name="lost", direction="out", digest="sha256:9")
    log.say("entity.deleted", uuid.uuid4(), kind="component", entity=gone, abandoned=[])
    log.flush()
    home = tmp_path_factory.mktemp("bad")
    (home / "file").write_text("")
    places = {"directory": bare.directory, "home": home, "file": home / "file", "outfile": home / "outfile"}
    return {"epochal": epochal, "re": re, "store": bare.open("bad"), **places}


@pytest.mark.long
@pytest.mark.parametrize("case", CALLS)
def test_a_read_says_what_is_wrong(names: dict[str, Any], case: str) -> None:
    """The error is one of ours, has the value and what is accepted, and nothing of the engine's insides."""
    call, error, says = CALLS[case]
    with pytest.raises(epochal.EpochalError) as raised:
        eval(call, dict(names))
    text = str(raised.value)
    assert type(raised.value).__name__ == error, text
    assert all(word in text for word in says), text
    assert not [word for word in (*INTERNALS, "secret") if word in text], text
    assert not names["outfile"].exists()


def test_nothing_was_changed(names: dict[str, Any]) -> None:
    """After all attempts the store reads, and holds what it held."""
    store: Store = names["store"]
    assert len(store.report("digits")) == 2
    assert store.sql("SELECT getSetting('readonly') AS r")["r"][0] == 1


@pytest.mark.long
def test_an_instant_before_the_first_event_is_empty(names: dict[str, Any], environment: dict[str, str]) -> None:
    """No error: of every read, in both senses, and on the command line."""
    store: Store = names["store"]
    model = store.artifact("sha256:0").digest
    times: list[dict[str, Any]] = [{"as_of": "1999-12-31"}, {"known_at": "1999-12-31"}]
    for at in times:
        assert len(store.experiments(**at)) == len(store.report("digits", **at)) == 0
        assert len(store.metrics(metric="loss", **at)) == len(store.best("digits", "loss", mode="min", **at)) == 0
        assert store.state("digits", **at) == {}
        assert len(store.history("digits", **at)) == len(store.lineage(model, **at).nodes) == 0
    command = [sys.executable, "-m", "epochal.cli", "report", "digits", "--as-of", "1999-12-31", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["rows"] == []


def test_an_instant_to_come_is_answered_with_now(names: dict[str, Any]) -> None:
    """And the answer says so."""
    store: Store = names["store"]
    times: list[dict[str, Any]] = [{"as_of": "2290-01-01"}, {"known_at": "2290-01-01"}]
    for at in times:
        frame = store.report("digits", **at)
        assert len(frame) == len(store.report("digits"))
        (remark,) = frame.attrs["epochal"]["remarks"]
        assert "=2290-01-01 is yet to come; answered " in remark


def test_bytes_that_are_no_text_are_bytes(names: dict[str, Any]) -> None:
    """A column of anything, such as the frames of dead letters, is readable."""
    store: Store = names["store"]
    frame = store.sql("SELECT if(number = 0, unhex('ff00'), 'a') AS raw, 'ü' AS text FROM numbers(2)")
    assert frame["raw"].to_list() == [b"\xff\x00", b"a"]
    assert frame["text"].to_list() == ["ü", "ü"]
    assert store.sql("SELECT 'ü' AS text")["text"].to_list() == ["ü"]


def test_values_of_numpy_and_pandas_are_bound(names: dict[str, Any]) -> None:
    """As the numbers and times that they stand for."""
    store: Store = names["store"]
    found = store.sql(
        "SELECT {i:Int64} AS i, {f:Float64} AS f, {l:Array(UInt8)} AS l, {t:DateTime64(3, 'UTC')} AS t, "
        "{n:String} AS n",
        {
            "i": pd.Series([-7])[0],
            "f": pd.Series([0.5])[0],
            "l": pd.Series([1, 2]),
            "t": pd.Timestamp("2024-01-02T03:04:05Z"),
            "n": "x'\\",
        },
    )
    row = found.iloc[0]
    assert (row["i"], row["f"], list(row["l"]), row["n"]) == (-7, 0.5, [1, 2], "x'\\")
    assert row["t"] == pd.Timestamp("2024-01-02T03:04:05Z")


@pytest.mark.long
def test_a_hundred_thousand_metric_names_can_be_read(bare: Bare) -> None:
    """One of them, near ones of a misspelt one, and, for all at once, an error that says how to choose."""
    log = bare.log("many")
    trial = log.trial(log.experiment("wide"), {})
    log.run([trial], metrics={f"m/{n}": [(0.0, float(n))] for n in range(100_000)}, params={"text": "x" * 10_000_000})
    log.flush()
    store = bare.open("many")
    assert store.report("wide", metrics=["m/77777"], params=[])["m/77777 - Last"][0] == 77_777
    assert store.metrics(metric=re.compile("m/9999."))["value"].to_list() == [float(n) for n in range(99_990, 100_000)]
    assert store.report("wide", metrics=[])["text"][0] == "x" * 10_000_000
    with pytest.raises(epochal.EpochalError, match=r"600,000 of 100,000 metrics.*5,000 is the limit; choose: metrics="):
        store.report("wide")
    with pytest.raises(epochal.EpochalError, match=r"no metric is named 'n/5'.*near: 'm/5'"):
        store.report("wide", metrics=["n/5"])


COMMANDS: dict[str, tuple[list[str], int, tuple[str, ...]]] = {
    "cli-command": (["frobnicate"], 2, ("'frobnicate'",)),
    "cli-option": (["report", "digits", "--limit", "-1"], 2, ("-1", "x>=0")),
    "cli-pattern": (["report", "digits", "-m", "/(/"], 2, ("/(/", "regular expression")),
    "cli-unknown": (["report", "digitz"], 1, ("near: 'digits'",)),
    "cli-parameter": (["sql", "SELECT 1", "-P", "x"], 2, ("NAME=VALUE",)),
    "cli-half": (["sql", "SELECT '\udcff'"], 1, ("U+FFFD",)),
    "cli-store-file": (["ls", "--store", __file__], 1, ("a file is where a directory should be",)),
    "cli-store-server": (["ls", "--store", "clickhouse://u:secret@127.0.0.1:1/x"], 1, ("127.0.0.1:1", "refused")),
    "cli-journals": (["journal", "cat", "/proc/self"], 1, ("no journals in /proc/self",)),
    "cli-export": (["export", str(Path(__file__).parent)], 1, ("exists already",)),
    "cli-import": (["import", str(Path(__file__).parent)], 1, ("no complete export",)),
}


@pytest.fixture(scope="module")
def environment(bare: Bare, names: dict[str, Any]) -> dict[str, str]:
    """Of a user at a prompt."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    return kept | {"EPOCHAL_STORE": str(bare.directory), "EPOCHAL_PROJECT": "bad"}


@pytest.mark.long
@pytest.mark.parametrize("case", COMMANDS)
def test_a_command_says_what_is_wrong(environment: dict[str, str], case: str) -> None:
    """One message on standard error, exit code 1 for what went wrong and 2 for a line that makes no sense."""
    words, code, says = COMMANDS[case]
    command = [sys.executable, "-m", "epochal.cli", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("Error: ") == 1
    assert all(word in done.stderr for word in says), done.stderr
    assert not [word for word in ("Traceback", "secret", "HTTPConnectionPool") if word in done.stderr]


def test_a_fault_of_ours_is_a_sentence_and_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    """What nobody foresaw ends in one message too; where it came from is in a file that it names."""
    code = "import epochal_query.opening as o, epochal.cli as c\no.open_store = lambda *a, **k: 1 / 0\nc.main(['ls'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    (kept,) = tmp_path.glob("epochal-*.txt")
    assert done.stderr == f"Error: ZeroDivisionError: division by zero (this is a fault of epochal; see {kept})\n"
    assert "ZeroDivisionError" in kept.read_text()


@pytest.mark.long
def test_bytes_on_the_command_line(environment: dict[str, str]) -> None:
    """In hexadecimal, for people and for machines."""
    command = [sys.executable, "-m", "epochal.cli", "sql", "SELECT unhex('ff00') AS raw, 1 AS n"]
    for extra in ([], ["--json"]):
        done = subprocess.run([*command, *extra], env=environment, capture_output=True, text=True, timeout=60)
        assert "ff00" in done.stdout, done.stderr
    assert json.loads(done.stdout)["rows"] == [{"raw": "ff00", "n": 1}]


def test_every_case_is_documented() -> None:
    """docs/bad-input.md names every case of this file, and every row names one that is there."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and "(../tests/query/test_bad_input.py)" in line]
    documented = {row.rpartition("[`")[2].partition("`]")[0] for row in rows}
    alone = {"test_every_case_is_documented", "test_a_read_says_what_is_wrong", "test_a_command_says_what_is_wrong"}
    tests = {name for name in globals() if name.startswith("test_")} - alone
    assert documented == {*CALLS, *COMMANDS, *tests}
