"""The code that runs: its commit, and how the working tree differs from it."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from epochal._capture.git import Git, GitFailed, find_root, read_head
from epochal._capture.redact import redact_bytes, redact_url

DIFF_LIMIT_BYTES = 32 * 1024 * 1024
"""A larger diff is not kept; ``error`` says so."""
_UNTRACKED_SHOWN = 1000
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, slots=True)
class Code:
    """Which code ran. What could not be found is None; ``error`` says why, where that is not plain."""

    script: str | None = None
    """Relative to the repository's root, else absolute; None in a notebook or an interactive session."""
    script_digest: str | None = None
    """``sha256:<hex>`` of the script's bytes."""
    root: str | None = None
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    untracked: int | None = None
    """How many files git doesn't know (ignored ones not counted)."""
    diff: bytes | None = None
    """A patch from the commit to the working tree, secrets redacted; the untracked files are named at its beginning,
    and the script is in it even when it is untracked."""
    diff_digest: str | None = None
    error: str | None = None

    def values(self) -> dict[str, Any]:
        """What is known, as JSON values, without the diff itself."""
        shown = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "diff"}
        return {name: value for name, value in shown.items() if value is not None}


def capture_code(cwd: Path, script: Path | None, timeout_s: float = 5.0) -> Code:
    """Look at the repository of the script (else of ``cwd``); never raises.

    Git is given ``timeout_s`` seconds in all.
    """
    try:
        return _capture(cwd, script, time.monotonic() + timeout_s)
    except Exception as error:  # noqa: BLE001 - capture's border: whatever a repository looks like, training goes on
        return Code(error=f"{type(error).__name__}: {error}")


def _capture(cwd: Path, script: Path | None, deadline: float) -> Code:
    place = None if script is None else Path(os.path.abspath(cwd / script))
    code = Code(script=None if place is None else str(place), script_digest=_digest_of(place))
    root = None if place is None else find_root(place.parent)
    root = root or find_root(Path(os.path.abspath(cwd)))
    if root is None:
        return code
    if place is not None and place.is_relative_to(root):
        code = replace(code, script=place.relative_to(root).as_posix())
    code = replace(code, root=str(root))
    try:
        return _ask_git(Git(root, deadline), code)
    except FileNotFoundError:
        commit, branch = read_head(root)
        return replace(
            code, commit=commit, branch=branch, error="git is not installed: whether files differ is not known"
        )
    except GitFailed as error:
        commit, branch = read_head(root)
        return replace(code, commit=commit, branch=branch, error=str(error))


def _ask_git(git: Git, code: Code) -> Code:
    status = git.ask(
        "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=dirty"
    )
    found = _Status.parse(status.decode("utf-8", "surrogateescape"))
    code = replace(
        code,
        commit=found.commit,
        branch=found.branch,
        remote=_remote(git),
        dirty=bool(found.changed or found.untracked),
        untracked=len(found.untracked),
    )
    if not code.dirty:
        return code
    try:
        diff = _diff(git, code, found)
    except GitFailed as error:
        return replace(code, error=f"no diff: {error}")
    if len(diff) > DIFF_LIMIT_BYTES:
        limit = DIFF_LIMIT_BYTES // 1024**2
        return replace(code, error=f"no diff: it has {len(diff):,} bytes, more than {limit} MiB")
    diff = redact_bytes(diff)
    return replace(code, diff=diff, diff_digest="sha256:" + hashlib.sha256(diff).hexdigest())


@dataclass(frozen=True, slots=True)
class _Status:
    commit: str | None
    branch: str | None
    changed: bool
    untracked: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> _Status:
        commit = branch = None
        changed = False
        untracked: list[str] = []
        for record in text.split("\0"):
            if record.startswith("# branch.oid "):
                commit = record.removeprefix("# branch.oid ")
            elif record.startswith("# branch.head "):
                branch = record.removeprefix("# branch.head ")
            elif record.startswith("? "):
                untracked.append(record[2:])
            elif record[:2] in ("1 ", "2 ", "u "):
                changed = True
        return cls(
            None if commit == "(initial)" else commit,
            None if branch == "(detached)" else branch,
            changed,
            tuple(untracked),
        )


def _remote(git: Git) -> str | None:
    lines = (
        git.ask("config", "--get-regexp", r"^remote\..*\.url$", accept=(0, 1)).decode("utf-8", "replace").splitlines()
    )
    remotes = dict(line.split(" ", 1) for line in lines if " " in line)
    url = remotes.get("remote.origin.url") or next(iter(remotes.values()), None)
    return None if url is None else redact_url(url)


def _diff(git: Git, code: Code, status: _Status) -> bytes:
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--full-index")
    parts = [_untracked_header(status.untracked)]
    if status.changed:
        parts.append(git.ask("diff", *plain, code.commit or _EMPTY_TREE, "--"))
    if code.script is not None and not os.path.isabs(code.script) and not git.ask("ls-files", "--", code.script):
        parts.append(git.ask("diff", *plain, "--no-index", "--", os.devnull, code.script, accept=(0, 1)))
    return b"".join(parts)


def _untracked_header(names: tuple[str, ...]) -> bytes:
    """Lines that a patch tool skips."""
    if not names:
        return b""
    lines = [
        f"# {len(names):,} untracked, contents not included:",
        *(f"#   {name}" for name in names[:_UNTRACKED_SHOWN]),
    ]
    if len(names) > _UNTRACKED_SHOWN:
        lines.append(f"#   … and {len(names) - _UNTRACKED_SHOWN:,} more")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _digest_of(script: Path | None) -> str | None:
    if script is None:
        return None
    try:
        return "sha256:" + hashlib.sha256(script.read_bytes()).hexdigest()
    except OSError:
        return None
