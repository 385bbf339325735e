"""Erasing: a byte search over every file of the store finds nothing, nothing comes back, and verify goes on proving."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from query.conftest import Bare
from query.test_cli import Shell
from query.test_rebuild import KILLED
from query.test_sent import taken_in
from sdk.children import wait_for

from epochal._errors import NotAvailableError
from epochal._sent import kafka_log
from epochal_query.connection import Opened
from epochal_query.store import Store
from epochal_storage.client import StoreClient
from epochal_storage.endpoint import posted
from epochal_storage.hostfile import lock_holder
from epochal_storage.locate import find_or_start

SECRET = "Xq7vNoBodyMayReadThis"

WRITES = f"""
import sys, pathlib
import epochal

secret = "{SECRET}"
experiment = epochal.experiment("study", tags={{"team": "a"}})
trial = experiment.trial({{"patient": secret + "-trial"}}, name=secret + "-name")
other = experiment.trial({{"patient": "nobody"}})
shared = epochal.component("shared", kind="metadata")
shared.log_params({{"kept": "KeptParam"}})
for one in (trial, other):
    one.attach(shared)
file = pathlib.Path(sys.argv[1]) / "model.txt"
same = pathlib.Path(sys.argv[1]) / "same.txt"
same.write_text("KeptContent")
with trial.run("training") as run:
    run.log_params({{"who": secret + "-param", "seed": 1}})
    run.tag(t=secret + "-tag")
    print(secret + "-console", flush=True)
    run.note(secret + "-note")
    run.alert(secret + "-alert", "text")
    run.log({{secret + "-metric": 1.0, "loss": 0.5}}, step=0)
    file.write_text(secret + "-content")
    run.log_output(secret + "-artifact", path=file)
    run.log_output("same", path=same)
with other.run("training") as run:
    run.log_params({{"who": "KeptWho"}})
    run.log({{"loss": 0.25}}, step=0)
    run.log_output("same", path=same)
shared.finish()
"""


PATIENT = """
import pathlib, sys, time

ago_s, word = float(sys.argv[1]), sys.argv[2]
now_ns = time.time_ns
time.time_ns = lambda: now_ns() - int(ago_s * 1e9)
import epochal

for name in ("patient", "doctor"):
    component = epochal.component(name, kind="metadata", component=name)
    component.log_params({f"{name}-{word}": "param"})
    component.log({f"{name}-{word}-metric": 1.0}, step=0)
    file = pathlib.Path(sys.argv[3]) / name
    file.write_text(f"{name}-{word}-content")
    component.log_output("file", path=file)
    component.finish()
experiment = epochal.experiment("study")
experiment.tag(**{f"study-{word}": "tag"})
"""

LIVE_LATE = """
import sys, time

now_ns = time.time_ns
time.time_ns = lambda: now_ns() - 7200 * 10**9
import epochal

for name in ("study", "other"):
    epochal.experiment(name).tag(**{f"{name}-late": "tag"})
print("said", flush=True)
sys.stdin.read()
"""

LIVE = """
import sys
import epochal

metadata = epochal.component("job", kind="metadata")
metadata.log_params({"a": 1})
print(metadata.id, flush=True)
sys.stdin.read()
"""


def found_in(directory: Path, word: str = SECRET) -> list[Path]:
    """Files of a directory whose bytes, or whose names, have a word."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if word.encode() in path.read_bytes() or word in path.name]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A store with a secret in everything that can hold one, beside things that are to stay."""
    found = Shell(tmp_path / "store")
    write(found, tmp_path)
    yield found
    end(found)


def write(shell: Shell, directory: Path, **settings: str) -> None:
    """Write the story, console and all."""
    program = directory / "writes.py"
    program.write_text(WRITES)
    subprocess.run(
        [sys.executable, str(program), str(directory)],
        env=shell.environment(EPOCHAL_CAPTURE="console", **settings),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def end(shell: Shell) -> None:
    """End the host, as if the machine had been switched off."""
    shell.end()
    wait_for(lambda: lock_holder(shell.store) is None, "the host to end")


def erased(shell: Shell, *more: str) -> list[dict[str, Any]]:
    """Erase the trial."""
    trial = next(row["id"] for row in shell.json("ls", "study")["rows"] if SECRET in row["name"])
    answer = shell.json("erase", trial, "--confirm", f"{SECRET}-name", "--reason", "consent withdrawn", *more)
    assert "remarks" not in answer["epochal"]
    return list(answer["rows"])


def rest(shell: Shell) -> tuple[Any, ...]:
    """What there is besides."""
    rows = shell.json("report", "study")["rows"]
    kept = [{name: row[name] for name in ("Name", "Status", "who", "kept", "loss - Last")} for row in rows]
    return kept, shell.json("ls", "study")["rows"]


@pytest.mark.long
def test_a_byte_search_finds_it_nowhere_and_nothing_brings_it_back(shell: Shell, tmp_path: Path) -> None:
    """Not in tables, journals or artifacts; not after a restart, and not when an old journal is put back."""
    journals = tmp_path / "copy"
    shutil.copytree(shell.store / "journals", journals)
    assert found_in(journals)
    assert len(shell.json("report", "study")["rows"]) == 3
    assert found_in(shell.store / "artifacts")
    assert found_in(shell.store / "engine")

    rows = erased(shell)
    assert [(row["kind"], row["change"], row["reason"]) for row in rows if row["kind"] != "artifact"] == [
        ("component", "erased", ""),
        ("trial", "erased", ""),
        ("component", "kept", "it is in trial 'patient=nobody' of 'study', too"),
    ]
    assert sorted(row["change"] for row in rows if row["kind"] == "artifact") == ["erased", "kept"]
    assert found_in(shell.store) == []
    after = rest(shell)
    assert [row["who"] for row in after[0]] == [None, "KeptWho"]
    verified = shell.json("verify")
    assert (verified["sound"], verified["checked"]["erased"] > 10) == (True, True)

    end(shell)
    assert rest(shell) == after
    assert found_in(shell.store) == []

    for folder in journals.iterdir():
        if (folder / "events.bin").exists():
            shutil.copytree(folder, shell.store / "journals" / folder.name, dirs_exist_ok=True)
    assert found_in(shell.store)
    assert rest(shell) == after
    assert found_in(shell.store) == []
    assert shell.json("verify")["sound"] is True


def living(shell: Shell, program: str) -> tuple[subprocess.Popen[str], str]:
    """A process that lives until its input ends, and the first line that it printed."""
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env=shell.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def say_of_patient(shell: Shell, ago_s: float, word: str, directory: Path, **settings: str) -> None:
    """A process whose clock is behind writes, where nobody takes it in, of what others write of, too."""
    environment = shell.environment(EPOCHAL_HOST="none", **settings)
    command = [sys.executable, "-c", PATIENT, str(ago_s), word, str(directory)]
    subprocess.run(command, env=environment, check=True)


@pytest.mark.long
def test_an_old_journal_that_nobody_knew_of_comes_to_nothing(tmp_path: Path) -> None:
    """From a machine that was offline when something was erased: what it said of that before is nowhere, what it said
    of other things is there, and so is what is said of the name later, or at the same time as far as clocks can tell.
    """
    shell, offline = Shell(tmp_path / "store"), Shell(tmp_path / "offline")
    artifacts = shell.store / "artifacts"
    say_of_patient(shell, 0, "first", tmp_path)
    for name in ("patient", "study"):
        shell.json("erase", name, "--confirm", name, "--reason", "consent withdrawn")
    for ago_s, word in ((7200, "old"), (30, "same"), (-30, "later")):
        say_of_patient(offline, ago_s, word, tmp_path, EPOCHAL_ARTIFACTS=str(artifacts))
    assert found_in(offline.store, "patient-old")
    assert found_in(artifacts, "patient-old-content")
    for folder in (offline.store / "journals").iterdir():
        if (folder / "events.bin").exists():
            shutil.copytree(folder, shell.store / "journals" / folder.name)

    def there(*words: str) -> list[list[str]]:
        params = shell.json("sql", "SELECT path FROM params ORDER BY path")["rows"]
        series = shell.json("sql", "SELECT DISTINCT metric FROM metrics ORDER BY metric")["rows"]
        tags = shell.json("sql", "SELECT tag FROM tags ORDER BY tag")["rows"]
        return [[row["path"] for row in params], [row["metric"] for row in series], [row["tag"] for row in tags]]

    expected = [
        f"{name}-{word}"
        for name, words in (("doctor", "first later old same"), ("patient", "later same"))
        for word in words.split()
    ]
    found = there()
    assert found == [expected, [f"{one}-metric" for one in expected], ["study-later", "study-same"]]
    assert found_in(shell.store, "patient-old") == found_in(shell.store, "study-old") == []
    assert found_in(artifacts, "doctor-old-content")
    assert found_in(artifacts, "patient-later-content")
    verified = shell.json("verify")
    assert (verified["sound"], verified["checked"]["erased"] > 10) == (True, True)
    listed = shell.json("erase")["rows"]
    told = sorted((row["kind"], row["reason"], row["state"]) for row in listed)
    assert told == [(kind, "consent withdrawn", "done") for kind in ("component", "experiment") for _ in range(2)]
    end(shell)
    assert there() == found
    assert shell.json("verify")["sound"] is True
    shell.end()


@pytest.mark.long
def test_who_said_something_late_and_is_killed_is_told_of(tmp_path: Path) -> None:
    """It is as dead as any other, so that what else it wrote of can be erased as well."""
    shell = Shell(tmp_path / "store")
    say_of_patient(shell, 0, "first", tmp_path)
    shell.json("erase", "study", "--confirm", "study", "--reason", "r")
    child, said = living(shell, LIVE_LATE)
    assert said == "said"
    wait_for(lambda: len(shell.json("erase")["rows"]) == 2, "a tombstone of what came late")
    child.kill()
    child.communicate()
    shell.json("erase", "other", "--confirm", "other", "--reason", "r")
    assert found_in(shell.store, "study-late") == found_in(shell.store, "other-late") == []
    assert shell.json("verify")["sound"] is True
    shell.end()


@pytest.mark.long
def test_neither_a_rebuild_nor_a_replay_brings_it_back(shell: Shell) -> None:
    """Nor does a rebuild keep it that was killed when it had all of it: what that left goes as well."""
    killed = [sys.executable, "-c", KILLED, str(shell.store), "compare"]
    assert subprocess.run(killed, env=shell.environment(), check=False).returncode == -signal.SIGKILL
    erased(shell)
    assert found_in(shell.store) == []
    after = rest(shell)
    shell.json("rebuild")
    assert rest(shell) == after
    assert found_in(shell.store) == []
    assert shell.json("verify")["sound"] is True
    told = shell.out("replay")
    assert "KeptWho" in told
    assert SECRET not in told


@pytest.mark.long
def test_a_tombstone_tells(shell: Shell) -> None:
    """Who, when and why; the id has a history, and no read knows the name."""
    rows = erased(shell)
    component = next(row for row in rows if row["kind"] == "component")
    listed = shell.json("erase")["rows"]
    assert [(row["kind"], row["id"], row["reason"]) for row in listed] == [
        (row["kind"], row["id"], "consent withdrawn") for row in rows if row["change"] == "erased" and row["event"]
    ]
    history = shell.json("history", component["id"])["rows"]
    told = [(row["field"], row["reason"], row["event"]) for row in history if row["field"] == "status.erased"]
    assert told == [("status.erased", "consent withdrawn", component["event"])]
    assert shell.run("show", component["id"]).returncode == 1
    certificate = shell.json("certificate", component["id"])
    assert (certificate["state"], certificate["name"]) == ("erased", "")
    counted = {one["channel"]: (one["received"], one["expected"], one["gaps"]) for one in certificate["writers"]}
    assert counted["metrics"] == (2, 2, [])
    assert counted["lifecycle"][0] == counted["lifecycle"][1] > 10
    assert {row["state"] for row in listed} == {"done"}


def alter(shell: Shell, *statements: str) -> None:
    """Change rows as somebody with all rights may, under the running host."""
    shell.json("ls")
    endpoint = find_or_start(shell.store, "writer", lambda _: None)
    client = StoreClient(lambda: endpoint)
    for statement in statements:
        client.command(f"{statement} SETTINGS mutations_sync = 2")
    client.close()


BACK = "ALTER TABLE events UPDATE payload = 'again' WHERE payload = ''"
OTHER = "ALTER TABLE metrics UPDATE value = 7 WHERE 1"


@pytest.mark.long
def test_verify_finds_what_came_back_and_what_was_altered_beside_it(shell: Shell) -> None:
    """What is erased is no alteration, and what is altered isn't erased."""
    erased(shell)
    alter(shell, BACK, OTHER)
    done = shell.run("verify", "--json")
    assert done.returncode == 3
    said = {(one["channel"], one["what"]) for one in json.loads(done.stdout)["findings"]}
    assert said == {
        ("lifecycle", "they were erased, and are there again"),
        ("metrics", "they aren't what their block was sealed with: its digest differs"),
    }
    end(shell)
    (left,) = shell.json("sql", "SELECT count() AS n FROM events WHERE payload = 'again'")["rows"]
    assert left["n"] == 0


@pytest.mark.long
def test_a_checkpoint_of_before_vouches_for_the_rest(shell: Shell, tmp_path: Path) -> None:
    """It fits the store from which something was erased, and no other change of it."""
    checkpoint = str(tmp_path / "checkpoint.json")
    shell.out("checkpoint", checkpoint)
    erased(shell)
    assert shell.json("verify", "--checkpoint", checkpoint)["sound"] is True
    alter(shell, OTHER)
    assert shell.run("verify", "--checkpoint", checkpoint).returncode == 3


@pytest.mark.long
def test_a_host_that_is_killed_at_it_goes_on(shell: Shell, dice: random.Random) -> None:
    """Wherever it was, the next one finds what is left."""
    shell.json("ls")
    killing = threading.Timer(dice.uniform(0.2, 1.5), shell.end)
    killing.start()
    erased(shell)
    killing.join()
    shell.json("ls")
    assert found_in(shell.store) == []
    assert shell.json("verify")["sound"] is True


@pytest.mark.long
def test_an_export_that_is_under_way_is_said(shell: Shell) -> None:
    """It has what was erased until it ends; then that is nowhere."""
    shell.json("ls")
    taken = posted(find_or_start(shell.store, "writer", lambda _: None), "/epochal/snapshot")
    trial = next(row["id"] for row in shell.json("ls", "study")["rows"] if SECRET in row["name"])
    answer = shell.json("erase", trial, "--confirm", f"{SECRET}-name", "--reason", "r")
    assert answer["epochal"]["remarks"] == [
        "an export that is under way has it, on the disk until it ends and in what it writes"
    ]
    assert found_in(shell.store)
    endpoint = find_or_start(shell.store, "writer", lambda _: None)
    client = StoreClient(lambda: endpoint)
    client.command(f"DROP DATABASE {taken['database']} SYNC")
    client.close()
    assert found_in(shell.store) == []


@pytest.mark.long
def test_what_is_erased_is_in_no_export(shell: Shell, tmp_path: Path) -> None:
    """And a store that is made of one knows that it was erased."""
    erased(shell)
    shell.out("export", str(tmp_path / "export"))
    other = Shell(tmp_path / "other")
    other.out("import", str(tmp_path / "export"))
    assert found_in(tmp_path / "export") == found_in(other.store) == []
    assert other.json("verify")["sound"] is True
    assert len(other.json("erase")["rows"]) == 2
    other.end()


def test_where_it_would_stay_it_is_refused(bare: Bare, tmp_path: Path) -> None:
    """On a server, and where Kafka's topics have it."""
    log = bare.log("refused")
    log.run([], "job")
    log.flush()
    with pytest.raises(NotAvailableError, match="from a server"):
        Store(Opened(bare.reader, lambda: None), "refused").erase("job", confirm="job", reason="r")
    taken_in(bare, kafka_log("c", "erasing", 0), 5)
    with pytest.raises(NotAvailableError, match="fed by Kafka"):
        Store(Opened(bare.reader, lambda: None, directory=tmp_path), "refused").erase("job", confirm="job", reason="r")


@pytest.mark.long
def test_what_was_deleted_is_erased(shell: Shell) -> None:
    """An experiment with all that the same call deleted; a component of that alone."""
    shell.json("delete", "study", "--cascade", "--confirm", "study")
    assert found_in(shell.store)
    (row,) = [row for row in shell.json("restore")["rows"] if row["name"] == f"{SECRET}-name"]
    refused = shell.run("erase", row["id"], "--confirm", row["name"], "--reason", "r")
    assert "was deleted with experiment 'study': erase that" in refused.stderr
    rows = shell.json("erase", "study", "--confirm", "study", "--reason", "r")["rows"]
    assert {row["kind"] for row in rows if row["change"] == "erased"} == {
        "artifact",
        "component",
        "trial",
        "experiment",
    }
    assert found_in(shell.store) == found_in(shell.store, "KeptContent") == []
    assert shell.json("ls")["rows"] == []


@pytest.mark.long
def test_a_name_that_was_erased_is_free(shell: Shell, tmp_path: Path) -> None:
    """What is written under it later is there, and is erased by itself."""
    erased(shell)
    write(shell, tmp_path)
    assert f"{SECRET}-name" in [row["name"] for row in shell.json("ls", "study")["rows"]]
    assert [row["who"] for row in shell.json("report", "study")["rows"]].count(f"{SECRET}-param") == 1
    erased(shell)
    assert found_in(shell.store) == []
    assert len(shell.json("erase")["rows"]) == 4


@pytest.mark.long
def test_what_is_being_written_is_refused(shell: Shell) -> None:
    """Who has it open is named, and nothing is erased."""
    child, run = living(shell, LIVE)
    refused = shell.run("erase", run, "--confirm", "job", "--reason", "r")
    assert refused.returncode == 1
    assert f"still has it open, and could write more:\n  process {child.pid} on " in refused.stderr
    child.communicate()
    missing = shell.run("erase", run, "--confirm", "job")
    assert "without a reason" in missing.stderr
    assert shell.json("erase", run, "--confirm", "job", "--reason", "r")["rows"][0]["change"] == "erased"
    assert len(shell.json("report", "study")["rows"]) == 3
