"""Finding, starting, losing and replacing a store's host."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sdk.children import wait_for
from storage_hosts import Hosts, Running
from storage_rows import some_rows

from epochal_storage.doctor import host_report
from epochal_storage.endpoint import Pulse, ping
from epochal_storage.errors import HostSilentError, HostUnavailableError, LocationError
from epochal_storage.hostfile import (
    HostFile,
    HostLock,
    lock_holder,
    read_host_file,
    remove_host_file,
    write_host_file,
)
from epochal_storage.locate import Patience, find_host, find_or_start, store_id


class Coming:
    """A host that never comes, and doesn't end either."""

    def ended(self) -> bool:
        return False


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.01)


SAMPLE = HostFile(1, "2024-01-01T00:00:00+00:00", "127.0.0.1", 1, "reading-secret", "writing-secret", "1.2.3")


def test_host_file_is_for_one_user_only_and_tells_no_tokens(tmp_path: Path) -> None:
    """`host.json` is mode 0600 whatever was there, comes back as it was, and its text holds no token."""
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "host.json").chmod(0o644)
    write_host_file(tmp_path, SAMPLE)
    assert (tmp_path / "host.json").stat().st_mode & 0o777 == 0o600
    assert read_host_file(tmp_path) == SAMPLE
    assert "secret" not in repr(SAMPLE)
    assert [path.name for path in tmp_path.iterdir()] == ["host.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": "x"}'])
def test_host_file_of_another_shape_is_none(tmp_path: Path, content: str) -> None:
    """A broken host file is no host, not an error."""
    (tmp_path / "host.json").write_text(content)
    assert read_host_file(tmp_path) is None
    assert find_host(tmp_path) is None


def test_a_host_takes_back_only_its_own_file(tmp_path: Path) -> None:
    """An old host that ends late doesn't hide the new one."""
    write_host_file(tmp_path, SAMPLE)
    remove_host_file(tmp_path, pid=2)
    assert read_host_file(tmp_path) == SAMPLE
    remove_host_file(tmp_path, pid=1)
    assert read_host_file(tmp_path) is None


def test_the_lock_is_held_by_one_and_ends_with_its_process(tmp_path: Path) -> None:
    """One process holds the lock, says who it is, and loses it with its life."""
    code = (
        "import sys, time; from pathlib import Path; from epochal_storage.hostfile import HostLock\n"
        "lock = HostLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); time.sleep(600)"
    )
    lock = HostLock(tmp_path)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        assert not lock.acquire()
        assert lock_holder(tmp_path) == other.pid
        other.kill()
        other.wait()
    assert lock_holder(tmp_path) is None
    assert lock.acquire()
    lock.release()
    lock.release()


@pytest.mark.long
def test_twenty_at_once_find_one_host(hosts: Hosts, tmp_path: Path) -> None:
    """However many readers open a store at the same moment, one host serves them all and every one gets its answer."""
    answers: list[int] = []

    def read() -> None:
        client = hosts.client(tmp_path)
        answers.extend(client.query_arrow("SELECT 1 AS one")["one"].to_pylist())
        client.close()

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 20
    info = find_host(tmp_path)
    assert info is not None
    assert lock_holder(tmp_path) == info.pid
    assert len(hosts.started) == 1


@pytest.mark.long
def test_processes_at_once_find_one_host(hosts: Hosts, tmp_path: Path) -> None:
    """The same with processes, each of which starts a host of its own when it finds none."""
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); from storage_hosts import Hosts\n"
        "client = Hosts().client(Path(sys.argv[1]))\n"
        "print(client.query_arrow('SELECT 1 AS x')['x'].to_pylist()); client.close()"
    )
    place = str(Path(__file__).parents[1])
    found = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, str(tmp_path), place], stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    try:
        assert [process.communicate(timeout=120)[0] for process in found] == [b"[1]\n"] * 8
    finally:
        holder = lock_holder(tmp_path)
        if holder:
            os.kill(holder, signal.SIGKILL)


@pytest.mark.long
def test_a_read_goes_on_when_the_host_is_killed(hosts: Hosts, tmp_path: Path) -> None:
    """Readers in a loop see no error while the host is killed again and again, and counts never shrink."""
    writer = hosts.client(tmp_path, "writer")
    writer.insert("ledger", some_rows("ledger", 100, seed=1))
    counts: list[int] = []
    failures: list[Exception] = []
    ended = threading.Event()

    def read() -> None:
        client = hosts.client(tmp_path)
        try:
            while not ended.is_set():
                counts.extend(client.query_arrow("SELECT count() AS n FROM ledger")["n"].to_pylist())
        except Exception as error:  # noqa: BLE001 - any error at all is what this test is about
            failures.append(error)
        finally:
            client.close()

    thread = threading.Thread(target=read)
    thread.start()
    for kill in range(3):
        seen = len(counts)
        until(lambda seen=seen: len(counts) > seen + 3 or bool(failures))  # type: ignore[misc]
        info = hosts.info(tmp_path)
        os.kill(info.pid, signal.SIGKILL)
        writer.insert("ledger", some_rows("ledger", 100 * (kill + 2), seed=1))
    ended.set()
    thread.join()
    writer.close()
    assert not failures
    assert counts == sorted(counts)
    assert counts[-1] >= 100


@pytest.mark.long
def test_a_host_whose_engine_crashed_makes_way(hosts: Hosts, tmp_path: Path) -> None:
    """An engine that caught a fatal signal answers nothing, and lives on for minutes: its host ends at the first
    question, and the next one answers it. Until it has caught it, it answers.
    """
    client = hosts.client(tmp_path)
    client.query_arrow("SELECT 1")
    os.kill(hosts.info(tmp_path).pid, signal.SIGSEGV)

    def makes_way() -> bool:
        assert client.query_arrow("SELECT 1 AS x")["x"].to_pylist() == [1]
        return len(hosts.started) == 2

    wait_for(makes_way, "the next host")
    assert hosts.started[0].wait(60) < 0
    client.close()


@pytest.mark.slow
def test_a_stopped_host_is_named(hosts: Hosts, tmp_path: Path) -> None:
    """A host that is stopped makes an error that names its process, in about ten seconds, at open and in a query."""
    client = hosts.client(tmp_path)
    client.query_arrow("SELECT 1")
    info = hosts.info(tmp_path)
    os.kill(info.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for ask in (lambda: client.query_arrow("SELECT 1"), lambda: find_host(tmp_path, Patience(answer=0.5))):
            with pytest.raises(HostSilentError, match=str(info.pid)) as caught:
                ask()
            assert caught.value.pid == info.pid
        # generous: it is there to tell ten seconds from a socket's timeout of an hour
        assert time.monotonic() - begun < 120
        assert host_report(tmp_path, patience=0.5)["state"] == "silent"
    finally:
        os.kill(info.pid, signal.SIGCONT)
    assert client.query_arrow("SELECT 1 AS x")["x"].to_pylist() == [1]
    client.close()


def test_a_host_that_never_speaks_is_named(tmp_path: Path) -> None:
    """A process that holds the lock and publishes nothing is named when patience ends."""
    lock = HostLock(tmp_path)
    assert lock.acquire()
    with pytest.raises(HostSilentError, match=f"process {os.getpid()} holds the store"):
        find_or_start(tmp_path, "reader", lambda _: Coming(), Patience(start=0.3, busy=1.0))
    lock.release()


@pytest.mark.long
def test_a_host_that_is_slow_to_begin_is_waited_for(hosts: Hosts, tmp_path: Path) -> None:
    """As on a machine with too much to do: it lives, though nobody knows of it yet. No other one is started, neither by
    who waits for it nor by others who come meanwhile.
    """

    def slowly(store: Path) -> Running:
        running = hosts.spawn(store)
        os.kill(hosts.started[-1].pid, signal.SIGSTOP)
        threading.Timer(2.0, os.kill, (hosts.started[-1].pid, signal.SIGCONT)).start()
        return running

    found: list[int | None] = []
    readers = [
        threading.Thread(
            target=lambda: found.append(find_or_start(tmp_path, "reader", slowly, Patience(start=0.2, busy=120.0)).pid)
        )
        for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == 3 * [hosts.started[0].pid]
    assert len(hosts.started) == 1


def test_a_host_that_does_not_come_up_tells_why(tmp_path: Path) -> None:
    """When no host comes up, the error has the end of the host's log; when none can be started it says what to do."""
    (tmp_path / "host.log").write_text("early\nno space left on device\n")
    with pytest.raises(HostUnavailableError, match="no space left on device"):
        find_or_start(tmp_path, "reader", lambda _: Coming(), Patience(start=0.3, busy=1.0))
    with pytest.raises(HostUnavailableError, match="EPOCHAL_HOST=inline"):
        find_or_start(tmp_path, "reader", lambda _: None)


@pytest.mark.long
def test_what_was_left_behind_is_no_host(hosts: Hosts, tmp_path: Path) -> None:
    """The file of a killed host, or of one whose port another program has now, doesn't lead astray."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        write_host_file(tmp_path, HostFile(os.getpid(), "", "127.0.0.1", port, "r", "w", ""))
        assert ping("127.0.0.1", port, None, 0.2) is Pulse.SILENT
    assert ping("127.0.0.1", port, None, 0.2) is Pulse.GONE
    other = hosts.info(tmp_path / "other")
    mine = hosts.info(tmp_path / "mine")
    assert ping(other.host, other.port, store_id(tmp_path / "mine"), 5) is Pulse.FOREIGN
    os.kill(mine.pid, signal.SIGKILL)
    until(lambda: lock_holder(tmp_path / "mine") is None)
    write_host_file(tmp_path / "mine", other)
    client = hosts.client(tmp_path / "mine")
    assert client.query_arrow("SELECT 1 AS x")["x"].to_pylist() == [1]
    client.close()
    assert hosts.info(tmp_path / "mine").pid not in (mine.pid, other.pid)


def test_the_report_of_a_host(hosts: Hosts, tmp_path: Path) -> None:
    """`epochal doctor` gets pid, address and lag of a host, starts none, and never sees a token."""
    assert host_report(tmp_path) == {"state": "none", "pid": None, "url": None, "lag": None}
    assert hosts.started == []
    info = hosts.info(tmp_path)
    report = host_report(tmp_path)
    assert (report["state"], report["pid"], report["url"]) == ("running", info.pid, info.url)
    assert info.reader_token not in str(report)
    os.kill(info.pid, signal.SIGTERM)
    until(lambda: host_report(tmp_path)["state"] == "none")


def test_a_watermark_comes_from_the_host(hosts: Hosts, tmp_path: Path) -> None:
    """The client's watermark is what the host reached when asked."""
    client = hosts.client(tmp_path)
    assert client.watermark() == {f"intake:{store_id(tmp_path)}": 7}
    client.close()


def test_a_store_of_another_user_is_refused_with_words(hosts: Hosts) -> None:
    """Whoever may not use a store's files is told what to do, by a read and by `epochal doctor`."""
    if os.geteuid() != 0:
        pytest.skip("to become another user takes root")
    code = (
        "import os, sys; from pathlib import Path\n"
        "from epochal_storage.doctor import host_report; from epochal_storage.locate import find_or_start\n"
        "os.setuid(65534)\n"
        "print(host_report(sys.argv[1]))\n"
        "find_or_start(Path(sys.argv[1]), 'reader', lambda _: None)\n"
    )
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        hosts.info(Path(place))
        done = subprocess.run([sys.executable, "-c", code, place], capture_output=True, text=True, check=False)
        hosts.end()
    assert "'state': 'unknown'" in done.stdout
    for said in (done.stdout, done.stderr.splitlines()[-1]):
        assert "read it as the user who owns it, or copy the directory" in said


def test_a_directory_of_other_things_is_left_alone(tmp_path: Path) -> None:
    """A mistyped path makes no store among somebody's files; an empty directory or a fresh disk is a place for one."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(LocationError, match=r"no store in .* \(thesis\.tex\): give"):
        find_or_start(tmp_path, "reader", lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    for names in ([], ["lost+found", ".hidden"], ["thesis.tex", "journals"]):
        place = tmp_path / f"with {len(names)} {names[-1:]}"
        place.mkdir()
        for name in names:
            (place / name).mkdir()
        with pytest.raises(HostUnavailableError, match="none can be started"):
            find_or_start(place, "reader", lambda _: None)
