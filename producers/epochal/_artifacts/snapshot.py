"""Snapshots: what a file or directory holds at this moment, so that the slow work can be done later.

Each regular file is *kept* in one of four ways; the first that is possible is taken:

``copied``  up to 16 MiB each and 256 MiB in all: its bytes lie in the staging directory
``cloned``  a copy-on-write clone lies in the staging directory (XFS, Btrfs, APFS, …)
``held``    an open descriptor: the file may be renamed, replaced or removed; a modification is noticed
``placed``  only its path and signs, when descriptors run short: any change is noticed

Held and placed files are not frozen, but a digest is only given when no sign of the file changed until its last byte
was read (``ChangedWhileReading`` otherwise). A large file which some process has open for writing is copied, because
a mapped file can change with no sign of it. Hard links are not used: making and removing them changes the inode's
time, by which modifications are noticed, for every process that has the same file in a snapshot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from epochal._artifacts.errors import NotAFile
from epochal._artifacts.keeping import Keeper
from epochal._artifacts.media_types import DIRECTORY, guess
from epochal._artifacts.member import Member


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file or directory as it was when ``snapshot`` was called; give it to the store, then ``discard`` it."""

    path: Path
    """As the caller gave it, made absolute."""
    directory: bool
    members: tuple[Member, ...]
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links inside the directory: relative path and target."""
    empty: tuple[str, ...] = ()
    """Relative paths of directories with nothing in them."""
    leading_out: tuple[str, ...] = ()
    """Those of the links that lead out of the directory: what they lead to is not part of the content."""
    staging: Path | None = None
    process: int = field(default_factory=os.getpid)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(member.size for member in self.members)

    @property
    def media_type(self) -> str:
        """Guessed from the name; ``inode/directory`` for a directory."""
        return DIRECTORY if self.directory else guess(self.path.name)

    def discard(self) -> None:
        """Give back descriptors and staged copies (those of this process only); call it once; never fails."""
        if self.process != os.getpid():
            return
        for member in self.members:
            if member.descriptor is not None:
                with contextlib.suppress(OSError):
                    os.close(member.descriptor)
        if self.staging is not None:
            shutil.rmtree(self.staging, ignore_errors=True)


def snapshot(path: str | os.PathLike[str], into: Path | None) -> Snapshot:
    """Keep what a file or directory holds now; quick, whatever its size (see the module for how).

    A ``path`` that is a symbolic link stands for what it leads to; links inside a directory are recorded as links.
    ``into`` is the staging directory (made when missing); None means that nothing is copied or cloned.

    Guarantees: what is later read from the snapshot is what was there when this returned, or an error.

    Raises:
        NotAFile: there is nothing, or a device, pipe or socket, or it may not be read.
        ChangedWhileReading: it is being written to right now.
    """
    given = Path(os.path.abspath(path))
    keeper = Keeper(into)
    try:
        return _take(given, keeper)
    except OSError as error:
        keeper.abandon()
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(given)
        raise NotAFile(f"cannot read {where!r}: {error.strerror}; give a readable file or directory") from error
    except BaseException:
        keeper.abandon()
        raise


def _take(given: Path, keeper: Keeper) -> Snapshot:
    mode = os.stat(given).st_mode
    if not stat.S_ISDIR(mode):
        if not stat.S_ISREG(mode):
            raise _refused(given, mode)
        return Snapshot(given, False, keeper.settled([keeper.keep(given, "")]), staging=keeper.staging)
    found = _walk(given)
    members = keeper.settled([keeper.keep(given / name, name) for name in found.files])
    return Snapshot(
        given,
        True,
        members,
        links=tuple(found.links),
        empty=tuple(found.empty),
        leading_out=tuple(found.leading_out),
        staging=keeper.staging,
    )


@dataclass(slots=True)
class _Found:
    files: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    leading_out: list[str] = field(default_factory=list)


def _walk(root: Path) -> _Found:
    """Everything below a directory; links are not followed."""
    found = _Found()
    pending = [""]
    while pending:
        below = pending.pop()
        with os.scandir(root / below) as entries:
            listed = list(entries)
        if not listed and below:
            found.empty.append(below)
        for entry in listed:
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.is_symlink():
                found.links.append((name, os.readlink(entry.path)))
                if not Path(os.path.realpath(entry.path)).is_relative_to(os.path.realpath(root)):
                    found.leading_out.append(name)
            elif entry.is_dir(follow_symlinks=False):
                pending.append(name)
            elif entry.is_file(follow_symlinks=False):
                found.files.append(name)
            else:
                raise _refused(Path(entry.path), entry.stat(follow_symlinks=False).st_mode)
    found.files.sort()
    return found


_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def _refused(path: Path, mode: int) -> NotAFile:
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    return NotAFile(f"{str(path)!r} is {kind}: an artifact's content is a regular file or a directory of regular files")
