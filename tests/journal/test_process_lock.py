"""Whether a process lives is known to everybody who asks, the moment it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from epochal._journal.process import ProcessLock, forget, is_alive

HOLDER = """
import sys, time
from pathlib import Path
from epochal._journal.process import ProcessLock
print(ProcessLock.hold(Path(sys.argv[1])).id, flush=True)
time.sleep(600)
"""
ASKER = """
import sys
from pathlib import Path
from uuid import UUID
from epochal._journal.process import is_alive
sys.exit(0 if is_alive(Path(sys.argv[1]), UUID(sys.argv[2])) else 1)
"""


def is_alive_to_another(journals: Path, process: UUID) -> bool:
    return subprocess.run([sys.executable, "-c", ASKER, str(journals), str(process)]).returncode == 0


def test_a_killed_process_is_dead_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    process = UUID(holder.stdout.readline().strip())
    assert is_alive(tmp_path, process)
    assert is_alive_to_another(tmp_path, process)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert not is_alive(tmp_path, process)
    assert not is_alive_to_another(tmp_path, process)
    forget(tmp_path, process)
    assert list((tmp_path / "processes").iterdir()) == []


def test_asking_about_oneself_does_not_drop_the_lock(tmp_path: Path) -> None:
    """POSIX locks go when any descriptor of the file is closed in the holder."""
    lock = ProcessLock.hold(tmp_path)
    for _ in range(3):
        assert is_alive(tmp_path, lock.id)
        assert is_alive(tmp_path / ".." / tmp_path.name, lock.id)
        assert is_alive_to_another(tmp_path, lock.id)
    lock.release()
    assert not is_alive(tmp_path, lock.id)
    assert not is_alive_to_another(tmp_path, lock.id)
    lock.release()


@pytest.mark.usefixtures("untraced")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_neither_holds_nor_drops_the_lock(tmp_path: Path) -> None:
    lock = ProcessLock.hold(tmp_path)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            lock.release()
            code = 0 if is_alive(tmp_path, lock.id) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_alive_to_another(tmp_path, lock.id)
    lock.release()


def test_a_process_nobody_knows_is_dead(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, uuid4())


def test_two_locks_of_one_process_are_two(tmp_path: Path) -> None:
    first, second = ProcessLock.hold(tmp_path), ProcessLock.hold(tmp_path)
    first.release()
    assert not is_alive_to_another(tmp_path, first.id)
    assert is_alive_to_another(tmp_path, second.id)
    second.release()
