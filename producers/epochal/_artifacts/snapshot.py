"""Snapshots: what a file or directory holds at this moment, so that the slow work can be done later.

Each regular file is *kept* in one of four ways; the first that is possible is taken:

``copied``  up to 16 MiB each and 256 MiB in all: its bytes lie in the staging directory
``cloned``  a copy-on-write clone lies in the staging directory (XFS, Btrfs, APFS, …)
``held``    an open descriptor: the file may be renamed, replaced or removed; a modification is noticed
``placed``  only its path and signs, when descriptors run short: any change is noticed

Held and placed files are not frozen, but a digest is only given when no sign of the file changed until its last byte was
read (``ChangedWhileReading`` otherwise). A large file which some process has open for writing is copied, because
a mapped file can change with no sign of it. Hard links are not used: they change the inode's time, by which
modifications are noticed, in every process that has the file in a snapshot too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from epochal._artifacts import freeze
from epochal._artifacts.errors import ChangedWhileReading, NotAFile
from epochal._artifacts.media_types import DIRECTORY, guess

COPY_FILE_BYTES = 16 * 1024 * 1024
"""Files up to this size are copied at once."""
COPY_TOTAL_BYTES = 256 * 1024 * 1024
"""Copies of one snapshot end at this size, so that a directory of a million files does not stop the training."""
_SETTLE_TRIES = 5
_CHUNK = 1024 * 1024

Kept = Literal["copied", "cloned", "held", "placed"]


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file of a snapshot: where it was, and where its bytes can be read now."""

    path: str
    """Relative to the directory, ``/`` between names; empty for a snapshot of a single file."""
    source: Path
    kept: Kept
    signs: freeze.Signs
    staged: Path | None = None
    """The file in the staging directory that holds the bytes (copied and cloned)."""
    offset: int = 0
    """Where in ``staged`` they begin."""
    descriptor: int | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.signs.size

    @property
    def executable(self) -> bool:
        """Whether the owner may execute it."""
        return bool(self.signs.mode & stat.S_IXUSR)

    def check(self) -> None:
        """See that the content is still that of the moment of the snapshot.

        Raises:
            ChangedWhileReading: it is not, or that can no longer be known.
        """
        if self.staged is not None:
            return
        try:
            now = freeze.signs_of(os.stat(self.source) if self.descriptor is None else os.fstat(self.descriptor))
        except OSError as error:
            raise ChangedWhileReading(_changed(self.source, f"it can no longer be read ({error.strerror})")) from error
        reason = freeze.content_changed(self.signs, now, moved=self._moved())
        if reason is not None:
            raise ChangedWhileReading(_changed(self.source, reason))

    def _moved(self) -> bool:
        try:
            status = os.stat(self.source)
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != (self.signs.device, self.signs.inode)

    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        """A descriptor from which the content can be read with ``os.pread`` at ``offset``.

        Raises:
            ChangedWhileReading: the file is gone.
        """
        if self.descriptor is not None:
            yield self.descriptor
            return
        try:
            descriptor = freeze.open_regular(self.staged or self.source)
        except OSError as error:
            raise ChangedWhileReading(_changed(self.source, f"it can no longer be read ({error.strerror})")) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def chunks(self) -> Iterator[memoryview]:
        """The content, piece by piece; a piece is valid until the next one is asked for.

        Raises:
            ChangedWhileReading: fewer bytes than expected, or the file changed (known at the end at the latest).
        """
        buffer = memoryview(bytearray(min(_CHUNK, max(1, self.size))))
        done = 0
        with self.reading() as descriptor:
            while done < self.size:
                got = os.preadv(descriptor, [buffer[: self.size - done]], self.offset + done)
                if not got:
                    raise ChangedWhileReading(_changed(self.source, f"it ended after {done:,} of {self.size:,} bytes"))
                done += got
                yield buffer[:got]
        self.check()


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
        """Give back descriptors and staged copies (those of this process only); never fails."""
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
        NotAFile: there is nothing, or a device, pipe, or socket, or it may not be read.
        ChangedWhileReading: it is being written to right now.
    """
    given = Path(os.path.abspath(path))
    keeper = _Keeper(into)
    try:
        return _take(given, keeper)
    except BaseException:
        keeper.abandon()
        raise


def _take(given: Path, keeper: _Keeper) -> Snapshot:
    try:
        status = os.stat(given)
        if stat.S_ISDIR(status.st_mode):
            found = _walk(given)
            members = [keeper.keep(given / name, name) for name in found.files]
            taken = keeper.settled(members)
            return Snapshot(
                given, True, taken, tuple(found.links), tuple(found.empty), tuple(found.leading_out), keeper.staging
            )
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile(_refused(given, status.st_mode))
        return Snapshot(given, False, keeper.settled([keeper.keep(given, "")]), staging=keeper.staging)
    except OSError as error:
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(given)
        raise NotAFile(f"cannot read {where!r}: {error.strerror}; give a readable file or directory") from error


@dataclass(slots=True)
class _Found:
    files: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    leading_out: list[str] = field(default_factory=list)


def _walk(root: Path) -> _Found:
    """Everything below a directory, links not followed, sorted."""
    found = _Found()
    pending = [""]
    real_root = os.path.realpath(root)
    while pending:
        below = pending.pop()
        with os.scandir(root / below) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        if not listed and below:
            found.empty.append(below)
        for entry in listed:
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.is_symlink():
                target = os.readlink(entry.path)
                found.links.append((name, target))
                if not _inside(real_root, os.path.realpath(entry.path)):
                    found.leading_out.append(name)
            elif entry.is_dir(follow_symlinks=False):
                pending.append(name)
            elif entry.is_file(follow_symlinks=False):
                found.files.append(name)
            else:
                raise NotAFile(_refused(Path(entry.path), entry.stat(follow_symlinks=False).st_mode))
    found.files.sort()
    return found


def _inside(root: str, path: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


class _Keeper:
    """Decides for each file how it is kept, and does it."""

    def __init__(self, into: Path | None) -> None:
        self._into = into
        self.staging: Path | None = None
        self._pack: int | None = None
        self._packed = 0
        self._clones = 0
        self._descriptors: list[int] = []

    def keep(self, source: Path, name: str) -> Member:
        descriptor = freeze.open_regular(source)
        self._descriptors.append(descriptor)
        signs = freeze.signs_of(os.fstat(descriptor))
        member = self._staged(descriptor, source, name, signs)
        if member is None:
            return self._in_place(descriptor, source, name, signs)
        self._release(descriptor)
        return member

    def settled(self, members: list[Member]) -> tuple[Member, ...]:
        """The members, once any further write to those that aren't frozen must show."""
        if self._pack is not None:
            os.close(self._pack)
            self._pack = None
        loose = [member for member in members if member.staged is None]
        for _ in range(_SETTLE_TRIES):
            wait = max((freeze.settling_ns(member.signs, time.time_ns()) for member in loose), default=0)
            if not wait:
                break
            time.sleep(wait / 1e9)
        for member in loose:
            member.check()
        return tuple(members)

    def abandon(self) -> None:
        for descriptor in [*self._descriptors, *([] if self._pack is None else [self._pack])]:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if self.staging is not None:
            shutil.rmtree(self.staging, ignore_errors=True)

    def _staged(self, descriptor: int, source: Path, name: str, signs: freeze.Signs) -> Member | None:
        """The member, copied or cloned; None when it must stay where it is."""
        if self._into is None or not self._prepared(self._into):
            return None
        if signs.size <= COPY_FILE_BYTES and self._packed + signs.size <= COPY_TOTAL_BYTES:
            return self._copied(descriptor, source, name, signs)
        target = self._clone_path()
        if freeze.clone(descriptor, source, target):
            self._clones += 1
            status = os.stat(target)
            if status.st_size == signs.size:
                return Member(name, source, "cloned", signs, staged=target)
            raise ChangedWhileReading(_changed(source, "it was being written while it was cloned"))
        if freeze.open_for_writing_elsewhere(descriptor):
            return self._copied(descriptor, source, name, signs)
        return None

    def _copied(self, descriptor: int, source: Path, name: str, signs: freeze.Signs) -> Member | None:
        assert self._pack is not None and self.staging is not None
        offset = self._packed
        try:
            copied = _copy(descriptor, self._pack, offset, signs.size)
        except OSError:
            # The staging disk is full (or worse): the file is good where it is, and changes are noticed.
            return None
        after = freeze.signs_of(os.fstat(descriptor))
        reason = freeze.content_changed(signs, after, moved=True)
        if reason is None and copied != signs.size:
            reason = f"it ended after {copied:,} of {signs.size:,} bytes"
        if reason is None and freeze.settling_ns(signs, time.time_ns()) and not self._same(descriptor, offset, copied):
            reason = "it was modified"
        if reason is not None:
            raise ChangedWhileReading(_changed(source, reason))
        self._packed += copied
        return Member(name, source, "copied", signs, staged=self.staging / "pack", offset=offset)

    def _same(self, descriptor: int, offset: int, size: int) -> bool:
        """Whether the copy still equals the file: a write within a tick of the clock shows in nothing else."""
        assert self._pack is not None
        for done in range(0, size, _CHUNK):
            length = min(_CHUNK, size - done)
            if os.pread(descriptor, length, done) != os.pread(self._pack, length, offset + done):
                return False
        return True

    def _in_place(self, descriptor: int, source: Path, name: str, signs: freeze.Signs) -> Member:
        # Descriptors are numbered from the lowest free one: a high number says that many are open.
        if descriptor < _descriptor_limit() // 4:
            return Member(name, source, "held", signs, descriptor=descriptor)
        self._release(descriptor)
        return Member(name, source, "placed", signs)

    def _release(self, descriptor: int) -> None:
        self._descriptors.remove(descriptor)
        os.close(descriptor)

    def _prepared(self, into: Path) -> bool:
        """Whether there is a staging directory of our own."""
        if self.staging is not None:
            return True
        try:
            into.mkdir(parents=True, exist_ok=True)
            self.staging = Path(tempfile.mkdtemp(prefix="snapshot-", dir=into))
            self._pack = os.open(self.staging / "pack", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            self._into = None
            return False
        return True

    def _clone_path(self) -> Path:
        assert self.staging is not None
        return self.staging / f"clone-{self._clones}"


def _copy(source: int, target: int, offset: int, size: int) -> int:
    """Bytes copied from the beginning of one descriptor to a place in another."""
    done = 0
    while done < size:
        piece = os.pread(source, min(_CHUNK, size - done), done)
        if not piece:
            break
        written = 0
        while written < len(piece):
            written += os.pwrite(target, piece[written:], offset + done + written)
        done += len(piece)
    return done


def _descriptor_limit() -> int:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 4096 if limit == resource.RLIM_INFINITY else limit


def _changed(path: Path, reason: str) -> str:
    return (
        f"{str(path)!r} changed while it was being recorded: {reason}. No digest was taken. "
        "Log a file when it is complete, and write the next version under another name (or to a temporary one, then rename)."
    )


_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def _refused(path: Path, mode: int) -> str:
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    return f"{str(path)!r} is {kind}: an artifact's content is a regular file or a directory of regular files"
