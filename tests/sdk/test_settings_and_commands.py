"""Settings, places, and the commands that work with the SDK alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sdk.children import environment, run

from epochal._errors import SettingsError
from epochal._host import read_address
from epochal._places import default_store, file_system, home, is_local, journal_place, store_directory
from epochal._settings import CAPTURES, VARIABLES, Settings, from_env, unknown_variables
from epochal_storage.location import Embedded, parsed


def test_every_setting_has_one_row() -> None:
    """The table and the settings agree, field by field."""
    assert {variable.field for variable in VARIABLES} == {field.name for field in fields(Settings)}
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)


def test_nothing_set_is_the_default() -> None:
    """No variable, and empty variables, are the defaults."""
    assert from_env({}) == Settings()
    assert from_env({variable.name: " " for variable in VARIABLES}) == Settings()


GIVEN = [
    ("EPOCHAL_MODE", "Offline", "mode", "offline"),
    ("EPOCHAL_STRICT", "yes", "strict", True),
    ("EPOCHAL_CAPTURE", "none", "capture", frozenset()),
    ("EPOCHAL_CAPTURE", "all", "capture", CAPTURES),
    ("EPOCHAL_CAPTURE", "code, host", "capture", frozenset({"code", "host"})),
    ("EPOCHAL_HEARTBEAT", "2.5", "heartbeat_s", 2.5),
    ("EPOCHAL_KAFKA", "a:9092, [::1]:9093", "kafka", "a:9092,[::1]:9093"),
    ("EPOCHAL_KAFKA_SECURITY_PROTOCOL", "ssl", "kafka_security_protocol", "SSL"),
    ("EPOCHAL_SPOOL_LIMIT", "1.5 gb", "spool_limit_bytes", 1_500_000_000),
    ("EPOCHAL_SPOOL_LIMIT", "2000000", "spool_limit_bytes", 2_000_000),
    ("EPOCHAL_SHIPPER", "Thread", "shipper", "thread"),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), GIVEN)
def test_accepted(name: str, text: str, field: str, value: object) -> None:
    """Texts that are accepted."""
    assert getattr(from_env({name: text}), field) == value


REFUSED = [
    "EPOCHAL_MODE=off",
    "EPOCHAL_STRICT=maybe",
    "EPOCHAL_CAPTURE=codes",
    "EPOCHAL_HEARTBEAT=0",
    "EPOCHAL_SYNC=x",
    "EPOCHAL_KAFKA=broker",
    "EPOCHAL_KAFKA=kafka://broker:9092",
    "EPOCHAL_KAFKA=broker:0",
    "EPOCHAL_SPOOL_LIMIT=12",
    "EPOCHAL_SPOOL_LIMIT=5 GiB",
    "EPOCHAL_SHIPPER=both",
]


@pytest.mark.parametrize("given", REFUSED)
def test_refused(given: str) -> None:
    """Texts that are not name the variable, the text and what is accepted."""
    name, _, text = given.partition("=")
    with pytest.raises(SettingsError) as error:
        from_env({name: text})
    assert all(word in str(error.value) for word in (name, text, "accepted"))


def test_unknown_settings() -> None:
    """A misspelt setting is found, with the nearest that there is."""
    assert unknown_variables({"EPOCHAL_PROJEKT": "x", "PATH": ""}) == [
        "EPOCHAL_PROJEKT is set, but this version knows no such setting; did you mean EPOCHAL_PROJECT?"
    ]


def test_default_stores() -> None:
    """Per user, where the system expects data."""
    assert default_store({"XDG_DATA_HOME": "/d"}, "linux") == Path("/d/epochal")
    assert default_store({}, "linux").as_posix().endswith("/.local/share/epochal")
    assert default_store({}, "darwin").as_posix().endswith("Library/Application Support/epochal")
    assert default_store({"LOCALAPPDATA": "/l"}, "win32") == Path("/l/epochal")


def test_network_file_systems(tmp_path: Path) -> None:
    """The innermost mount decides; network and FUSE are not local; names with spaces are found."""
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/a / ext4 rw 0 0\nserver:/x /home nfs4 rw 0 0\n/dev/b /home/my\\040disk xfs rw 0 0\n")
    assert file_system(Path("/home/me"), mounts) == "nfs4"
    assert file_system(Path("/home/my disk/x"), mounts) == "xfs"
    assert file_system(Path("/homely"), mounts) == "ext4"
    assert file_system(Path("/x"), tmp_path / "nowhere") == "unknown"
    assert is_local(tmp_path)


def test_journal_places(tmp_path: Path) -> None:
    """In the store on a local disk; where the setting says; in scratch for a server. Always with the reason."""
    inside = journal_place(Settings(store=str(tmp_path)), {})
    assert (inside.directory, inside.in_store) == (tmp_path / "journals", True)
    given = journal_place(Settings(store=str(tmp_path), journal="/j"), {})
    assert (given.directory, given.in_store, given.why) == (Path("/j"), False, "EPOCHAL_JOURNAL is set")
    server = journal_place(Settings(store="clickhouse://h/d"), {"XDG_STATE_HOME": str(tmp_path)})
    assert server.directory.is_relative_to(tmp_path)
    assert "server" in server.why


def command(home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs ``epochal`` as users do."""
    return subprocess.run(
        [sys.executable, "-m", "epochal.cli", *words],
        env=environment(home, **settings),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_version(tmp_path: Path) -> None:
    """For people and for machines."""
    import epochal

    assert epochal.__version__ in command(tmp_path, "version").stdout
    assert json.loads(command(tmp_path, "version", "--json").stdout)["epochal"] == epochal.__version__


def test_doctor(tmp_path: Path) -> None:
    """Says where journals lie and why, how many wait, and what was lost, without starting or writing anything."""
    before = json.loads(command(tmp_path, "doctor", "--json").stdout)
    assert before["journals"]["waiting"] == 0
    assert not (tmp_path / "store").exists()
    run("run = epochal.init('x')\nrun.log({'a': 'text', 'b': 1})", tmp_path)
    after = json.loads(command(tmp_path, "doctor", "--json").stdout)
    assert after["journals"]["directory"] == str(tmp_path / "store" / "journals")
    assert after["journals"]["why"]
    assert after["journals"]["waiting"] == 2
    assert after["journals"]["lost"] == {"value": 1}
    assert after["store"]["place"] == str(tmp_path / "store")
    assert "pid" in after["host"]
    assert "directory" in command(tmp_path, "doctor").stdout


def test_doctor_shows_journals_elsewhere(tmp_path: Path) -> None:
    """Whoever asks sees every directory that the store's processes keep journals in, and how many wait."""
    for number in range(2):
        run(f"epochal.init('x').log({{'n': {number}}})", tmp_path, EPOCHAL_JOURNAL=str(tmp_path / "fast"))
    said = json.loads(command(tmp_path, "doctor", "--json").stdout)["journals"]
    assert said["waiting"] == 4
    place = {"directory": str(tmp_path / "fast"), "host": os.uname().nodename, "state": "here"}
    assert said["elsewhere"] == [{**place, "processes": 2, "waiting": 4}]
    (tmp_path / "fast").rename(tmp_path / "away")
    said = json.loads(command(tmp_path, "doctor", "--json").stdout)["journals"]
    assert said["elsewhere"] == [{**place, "state": "gone", "processes": 2, "waiting": None}]
    assert "gone" in command(tmp_path, "doctor").stdout


def test_doctor_hides_passwords(tmp_path: Path) -> None:
    """A store's URL is shown without its user and password."""
    shown = command(tmp_path, "doctor", EPOCHAL_STORE="clickhouse://user:secret@db:8123/x").stdout
    assert "secret" not in shown
    assert "db:8123" in shown


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_doctor_hides_what_proves_to_kafka_who_we_are(tmp_path: Path, mechanism: str) -> None:
    """Password and token; who we say we are is shown, and how."""
    who = (
        {"EPOCHAL_KAFKA_SASL_TOKEN": "secret"}
        if mechanism == "OAUTHBEARER"
        else {"EPOCHAL_KAFKA_SASL_USER": "ann", "EPOCHAL_KAFKA_SASL_PASSWORD": "secret"}
    )
    settings = {"EPOCHAL_KAFKA": "127.0.0.1:9", "EPOCHAL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", **who}
    settings["EPOCHAL_KAFKA_SASL_MECHANISM"] = mechanism
    for more in ((), ("--json",)):
        shown = command(tmp_path, "doctor", *more, **settings).stdout
        assert "secret" not in shown
        assert mechanism in shown


def test_journal_cat(tmp_path: Path) -> None:
    """Every event and point, one a line."""
    run("run = epochal.init('x', params={'a': 1})\nrun.log({'loss': float('nan')})", tmp_path)
    lines = [json.loads(line) for line in command(tmp_path, "journal", "cat", "--json").stdout.splitlines()]
    assert any(line.get("point", {}).get("metric") == "loss" for line in lines)
    assert any(line.get("event", {}).get("envelope", {}).get("type") == "epochal.params.logged" for line in lines)
    (directory, _) = sorted(path.parent for path in (tmp_path / "store" / "journals").glob("*/events.bin"))
    assert "epochal.writer.opened" in command(tmp_path, "journal", "cat", str(directory)).stdout


def test_errors_are_one_message(tmp_path: Path) -> None:
    """Exit code 1 and one line on stderr for an error; 2 for a command that is not there."""
    nothing = command(tmp_path, "journal", "cat")
    assert nothing.returncode == 1
    assert nothing.stderr.startswith("Error: ")
    assert "Traceback" not in nothing.stderr
    assert command(tmp_path, "nonsense").returncode == 2
    refused = command(tmp_path, "doctor", EPOCHAL_MODE="off")
    assert refused.returncode == 1
    assert "EPOCHAL_MODE='off'" in refused.stderr


def test_journals_on_their_way_to_kafka_lie_where_no_host_reads() -> None:
    """A spool for each Kafka and each way of being known there, outside of every store; inside one is refused."""
    environ = {"XDG_STATE_HOME": "/s", "XDG_DATA_HOME": "/d"}

    def where(**settings: Any) -> Path:
        place = journal_place(Settings(**{"kafka": "k:9092", **settings}), environ)
        assert not place.in_store
        return place.directory

    assert where() == where(store="/other") == where(store="clickhouse://db")
    others = [{"kafka": "o:9092"}, {"kafka_topic_prefix": "p."}, {"kafka_sasl_user": "ann"}]
    assert len({where(), *(where(**other) for other in others)}) == 4
    assert where(journal="/j") == Path("/j")
    for inside in ("/store/journals", "/store/deep/er"):
        with pytest.raises(SettingsError, match="lies inside /store"):
            where(store="/store", journal=inside)


def test_a_job_without_the_kafka_client_says_what_to_install(tmp_path: Path) -> None:
    """Once, and it goes on; what it logs stays in the spool."""
    child = run(
        """
        import sys
        sys.modules["crc32c"] = None
        with epochal.init("x") as run:
            run.log({"a": 1.0})
        """,
        tmp_path,
        EPOCHAL_KAFKA="127.0.0.1:1",
        EPOCHAL_KAFKA_WAIT="0.5",
    )
    assert child.err.count("pip install 'epochal[kafka]'") == 1
    assert len(list(tmp_path.rglob("points-000000.seg"))) == 1


@pytest.mark.parametrize("text", ["some dir", "~/store", "file:///a%20b", "/a%20b"])
def test_writers_and_readers_mean_the_same_place(text: str) -> None:
    """What is written under a location is read under it."""
    there = parsed(text)
    assert isinstance(there, Embedded)
    assert store_directory(text) == there.directory


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("postgres://me:secret@db/x", "postgres://…@db/x"),
        ("clickhouse://me:secret@:8123/x", "clickhouse://…@:8123/x"),
        ("clickhouse://me:secret@db:http/x", "clickhouse://…@db:http/x"),
        ("clickhouse://me:se/cret@db/x", "clickhouse://…@db/x"),
        ("clickhouse://db/x/y", "clickhouse://db/x/y"),
        ("s3://bucket/store", "s3://bucket/store"),
    ],
)
def test_a_store_that_cannot_be(store: str, shown: str) -> None:
    """It is refused where it is read, instead of becoming a directory of that name; without its password."""
    with pytest.raises(SettingsError, match=r"a directory.*, or clickhouse://user:password@host") as refused:
        from_env({"EPOCHAL_STORE": store})
    assert f"EPOCHAL_STORE={shown!r}" in str(refused.value)
    assert "cret" not in str(refused.value)


def test_whoever_asks_a_server_has_one_outpost() -> None:
    """The directory where journals wait is that of server and database: user, password and spelling don't count."""
    environ = {"XDG_STATE_HOME": "/s"}

    def where(store: str) -> Path:
        return home(Settings(store=store), environ)

    assert where("clickhouse://a:b@DB/x") == where("clickhouse://c@db:8123/x/")
    assert where("clickhouse://db") == where("clickhouse://db/epochal")
    others = ("clickhouse://db/x", "clickhouse://db/y", "clickhouse://o/x", "clickhouse://db:9/x", "clickhouses://db/x")
    assert len({where(store) for store in others}) == 5


def test_a_host_that_is_a_zombie_is_gone(tmp_path: Path) -> None:
    """In a container where nobody takes note of the dead, their numbers stay: that is no host."""
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    (tmp_path / "host.json").write_text(json.dumps({"pid": child.pid, "host": "127.0.0.1", "port": 1}))
    assert read_address(tmp_path) is None
    child.wait()
    assert read_address(tmp_path) is None
    (tmp_path / "host.json").write_text(json.dumps({"pid": os.getpid(), "host": "127.0.0.1", "port": 1}))
    assert read_address(tmp_path) is not None
