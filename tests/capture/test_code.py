"""The code that ran can be told: commit, and every difference of the working tree from it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from epochal._capture.code import capture_code
from epochal._capture.packages import capture_packages, packages_digest

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Git in a new repository with one commit: train.py, data.bin and a remote with credentials."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)

    def run(*arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "trunk")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "train.py").write_text("lr = 0.1\n")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)))
    run("add", ".")
    run("commit", "-q", "-m", "one")
    run("remote", "add", "upstream", "https://other/x.git")
    run("remote", "add", "origin", "https://me:hunter2@example.com/team/x.git")
    return run


def test_a_clean_repository(tmp_path: Path, git: Git) -> None:
    code = capture_code(tmp_path, tmp_path / "sub" / "train.py")
    assert code.values() == {
        "script": "sub/train.py",
        "script_digest": code.script_digest,
        "root": str(tmp_path),
        "commit": git("rev-parse", "HEAD"),
        "branch": "trunk",
        "remote": "https://example.com/team/x.git",
        "dirty": False,
        "untracked": 0,
    }
    assert code.script_digest is not None
    assert code.diff is None


def test_the_diff_brings_the_commit_to_the_working_tree(tmp_path: Path, git: Git) -> None:
    """Staged, unstaged, binary, and the script even when git does not know it; other new files by name."""
    (tmp_path / "sub" / "train.py").write_text("lr = 0.2\n")
    (tmp_path / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    (tmp_path / "staged.py").write_text("staged = True\n")
    git("add", "staged.py")
    (tmp_path / "new script ünicode.py").write_text("print('new')\n")
    (tmp_path / "notes.txt").write_text("not included\n")
    code = capture_code(tmp_path, tmp_path / "new script ünicode.py")
    assert code.dirty
    assert code.untracked == 2
    assert code.diff is not None
    assert b"#   notes.txt\n" in code.diff
    assert b"not included\n" not in code.diff.replace(b"contents not included", b"")
    (tmp_path.parent / "diff.patch").write_bytes(code.diff)
    elsewhere = tmp_path.parent / "elsewhere"
    git("clone", "-q", str(tmp_path), str(elsewhere))
    subprocess.run(["git", "apply", str(tmp_path.parent / "diff.patch")], cwd=elsewhere, check=True)
    for name in ("sub/train.py", "data.bin", "staged.py", "new script ünicode.py"):
        assert (elsewhere / name).read_bytes() == (tmp_path / name).read_bytes()


def test_secrets_do_not_leave_with_the_diff(tmp_path: Path, git: Git) -> None:
    (tmp_path / "sub" / "train.py").write_text('lr = 0.1\napi_key = "hunter2"\n')
    code = capture_code(tmp_path, None)
    assert code.diff is not None
    assert b"hunter2" not in code.diff
    assert b'+api_key = "[redacted]"' in code.diff


def test_the_same_difference_has_the_same_digest(tmp_path: Path, git: Git) -> None:
    (tmp_path / "sub" / "train.py").write_text("lr = 0.2\n")
    first = capture_code(tmp_path, None).diff_digest
    assert first == capture_code(tmp_path / "sub", None).diff_digest
    (tmp_path / "sub" / "train.py").write_text("lr = 0.3\n")
    assert first != capture_code(tmp_path, None).diff_digest


def test_capturing_changes_nothing_in_the_repository(tmp_path: Path, git: Git) -> None:
    (tmp_path / "sub" / "train.py").write_text("lr = 0.2\n")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capture_code(tmp_path, tmp_path / "sub" / "train.py")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_repository_s_configuration_starts_no_programs(tmp_path: Path, git: Git) -> None:
    """Neither its differs nor its watcher: logging a metric must not run what somebody put into a .git/config."""
    trap = tmp_path.parent / "trap"
    git("config", "diff.external", f"touch {trap};")
    git("config", "core.fsmonitor", f"touch {trap};")
    git("config", "diff.x.textconv", f"touch {trap};")
    (tmp_path / ".gitattributes").write_text("*.py diff=x\n")
    (tmp_path / "sub" / "train.py").write_text("lr = 0.2\n")
    assert capture_code(tmp_path, None).diff is not None
    assert not trap.exists()


def test_before_the_first_commit(tmp_path: Path, git: Git) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "trunk"], cwd=empty, check=True)
    (empty / "a.py").write_text("x = 1\n")
    subprocess.run(["git", "add", "a.py"], cwd=empty, check=True)
    code = capture_code(empty, empty / "a.py")
    assert (code.commit, code.branch, code.dirty, code.error) == (None, "trunk", True, None)
    assert code.diff is not None
    assert b"+x = 1" in code.diff


def test_a_detached_head_has_no_branch(tmp_path: Path, git: Git) -> None:
    git("checkout", "-q", "--detach")
    assert capture_code(tmp_path, None).branch is None


def test_outside_a_repository_there_is_the_script(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("x = 1\n")
    values = capture_code(tmp_path, Path("train.py")).values()
    assert values == {"script": str(tmp_path / "train.py"), "script_digest": values["script_digest"]}
    assert capture_code(tmp_path, None).values() == {}
    assert capture_code(tmp_path / "gone", Path("missing.py")).values() == {
        "script": str(tmp_path / "gone" / "missing.py")
    }


@pytest.mark.parametrize("packed", [False, True])
def test_without_git_the_commit_is_read_from_the_repository(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """As in a slim container."""
    commit = git("rev-parse", "HEAD")
    if packed:
        git("pack-refs", "--all")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    code = capture_code(tmp_path, None)
    assert (code.commit, code.branch, code.dirty) == (commit, "trunk", None)
    assert code.error is not None
    assert "git is not installed" in code.error


def test_without_git_a_worktree_is_read_too(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git("worktree", "add", "-q", "-b", "side", str(tmp_path.parent / "side"))
    commit = git("rev-parse", "side")
    monkeypatch.setenv("PATH", "")
    code = capture_code(tmp_path.parent / "side", None)
    assert (code.commit, code.branch) == (commit, "side")


def test_git_that_takes_too_long_is_left(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found by other ways stays."""
    slow = tmp_path.parent / "slow"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 600\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    commit = (tmp_path / ".git" / "refs" / "heads" / "trunk").read_text().strip()
    code = capture_code(tmp_path, None, timeout_s=0.2)
    assert code.commit == commit
    assert code.error == "'git status' took too long"


def test_git_that_refuses_is_quoted(tmp_path: Path, git: Git) -> None:
    (tmp_path / ".git" / "HEAD").write_text("nonsense")
    code = capture_code(tmp_path, None)
    assert code.error is not None
    assert "not a git repository" in code.error


def test_a_hook_s_environment_does_not_lead_to_another_repository(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert capture_code(tmp_path, None).error is None


def test_an_oversized_diff_is_left_out_and_said_to_be(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("epochal._capture.code.DIFF_LIMIT_BYTES", 10)
    (tmp_path / "sub" / "train.py").write_text("lr = 0.2\n")
    code = capture_code(tmp_path, None)
    assert code.dirty
    assert code.diff is None
    assert code.error is not None
    assert "bytes, more than" in code.error


def test_many_untracked_files_are_counted(tmp_path: Path, git: Git) -> None:
    for number in range(1005):
        (tmp_path / f"new-{number}").touch()
    code = capture_code(tmp_path, None)
    assert code.untracked == 1005
    assert code.diff is not None
    assert "… and 5 more".encode() in code.diff


def test_packages_are_the_installed_ones() -> None:
    captured = capture_packages()
    assert captured["packages"]["pytest"] == pytest.__version__
    assert captured["digest"] == packages_digest(captured["packages"])
    assert list(captured["packages"]) == sorted(captured["packages"], key=str.lower)


def test_of_a_package_that_is_there_twice_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does when Python imports; broken ones are counted, not dropped in silence."""
    for place, version in (("first", "1.0"), ("second", "2.0")):
        info = tmp_path / place / f"somepackage-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: somepackage\nVersion: {version}\n\nVersion: 9\n")
    (tmp_path / "second" / "broken-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "second")
    before = capture_packages().get("unreadable", 0)
    monkeypatch.syspath_prepend(tmp_path / "first")
    captured = capture_packages()
    assert captured["packages"]["somepackage"] == "1.0"
    assert captured.get("unreadable", 0) == before == 1


def test_the_packages_digest_never_changes() -> None:
    assert packages_digest({"b": "2", "a": "1"}) == packages_digest({"a": "1", "b": "2"})
    assert packages_digest({"a": "1"}) == "sha256:" + __import__("hashlib").sha256(b"a==1\n").hexdigest()
