"""Asking git, within a time limit; and the little that can be read of a repository where git is not installed."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Set inside git's own hooks; they would point at another repository than the script's."""


class GitFailed(Exception):  # noqa: N818 - says what happened
    """Git said no, or took too long; the text says which."""


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one directory, until a moment of ``time.monotonic``."""

    cwd: Path
    deadline: float

    def ask(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> bytes:
        """What ``git ARGUMENTS`` prints.

        Raises:
            FileNotFoundError: git is not installed.
            GitFailed: it failed, or time is up.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise GitFailed(f"time was up before 'git {arguments[0]}'")
        environment = {key: value for key, value in os.environ.items() if key not in _LOCAL} | _QUIET
        # a repository's own configuration must not start programs because somebody logs a metric
        command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=left,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GitFailed(f"'git {arguments[0]}' took too long") from None
        if done.returncode not in accept:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GitFailed(said[0] if said else f"'git {arguments[0]}' ended with {done.returncode}")
        return done.stdout


def find_root(start: Path) -> Path | None:
    """The nearest directory upwards that has a ``.git``."""
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)


def read_head(root: Path) -> tuple[str | None, str | None]:
    """Commit and branch, from the files of a repository; None for what can't be found there."""
    folder = root / ".git"
    try:
        if folder.is_file():
            folder = (root / folder.read_text().removeprefix("gitdir:").strip()).resolve()
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head, None
        reference = head.removeprefix("ref: ")
        return _resolve(folder, reference), reference.removeprefix("refs/heads/")
    except (OSError, UnicodeDecodeError):
        return None, None


def _resolve(folder: Path, reference: str) -> str | None:
    common = folder / "commondir"
    shared = (folder / common.read_text().strip()).resolve() if common.exists() else folder
    for place in (folder, shared):
        if (place / reference).exists():
            return (place / reference).read_text().strip()
    packed = shared / "packed-refs"
    if packed.exists():
        for line in packed.read_text().splitlines():
            commit, _, name = line.partition(" ")
            if name == reference:
                return commit
    return None
