"""Digests name contents: the same bytes, the same name, on every machine and in every order."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest
from artifacts.shapes import LARGE, as_nobody, many_shapes, patterned, sha256
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal._artifacts import manifest
from epochal._artifacts.digest import check_digest, digest_directory, digest_file
from epochal._artifacts.errors import ArtifactError, ChangedWhileReading, NotAFile
from epochal._artifacts.manifest import DirectoryEntry, Entry, FileEntry, LinkEntry


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1, LARGE])
def test_a_file_is_named_by_the_sha256_of_its_bytes(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(patterned(size))
    assert digest_file(tmp_path / "file") == (sha256(patterned(size)), size)


def test_a_directory_is_named_by_its_documented_manifest(tmp_path: Path) -> None:
    """The format that is written down is the format that is used: these bytes never change."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "é.txt").write_bytes(b"x")
    (tmp_path / "b").mkdir()
    os.symlink("a/é.txt", tmp_path / "l")
    (tmp_path / "run").write_bytes(b"")
    (tmp_path / "run").chmod(0o755)
    expected = (
        '{"entries":['
        f'{{"digest":"{sha256(b"x")}","executable":false,"path":"a/\\u00e9.txt","size":1,"type":"file"}},'
        '{"path":"b","type":"directory"},'
        '{"path":"l","target":"a/\\u00e9.txt","type":"link"},'
        f'{{"digest":"{sha256(b"")}","executable":true,"path":"run","size":0,"type":"file"}}'
        '],"format":"epochal.directory","version":1}'
    )
    assert digest_directory(tmp_path) == (sha256(expected.encode()), 1)


def test_the_digest_of_a_directory_depends_on_content_only(tmp_path: Path) -> None:
    """Times, owners, order of creation and place say nothing; a byte, a name, a link or the executable bit does."""
    one, two = many_shapes(tmp_path / "one"), many_shapes(tmp_path / "two")
    os.utime(two / "run.sh", (0, 0))
    digest = digest_directory(one)[0]
    assert digest_directory(two)[0] == digest
    (two / "run.sh").chmod(0o644)
    without_execute = digest_directory(two)[0]
    (two / "run.sh").chmod(0o755)
    (two / "empty.txt").rename(two / "renamed.txt")
    renamed = digest_directory(two)[0]
    (two / "renamed.txt").rename(two / "empty.txt")
    (two / "dangling").unlink()
    os.symlink("elsewhere", two / "dangling")
    assert len({digest, without_execute, renamed, digest_directory(two)[0]}) == 4


def test_an_empty_directory_has_a_digest(tmp_path: Path) -> None:
    assert digest_directory(tmp_path)[1] == 0


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "missing", "inside"])
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    """A pipe would block for ever, a device might never end: each is an error that names the path."""
    path = tmp_path / "thing"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.close()
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "inside":
        path.mkdir()
        os.mkfifo(path / "pipe")
    with pytest.raises(NotAFile, match=str(path)):
        (digest_directory if kind == "inside" else digest_file)(path)


def test_a_file_that_may_not_be_read_is_refused(unprivileged_place: Path) -> None:
    """In a directory too: nothing is skipped in silence."""
    (unprivileged_place / "secret").write_bytes(b"x")
    (unprivileged_place / "secret").chmod(0)
    with as_nobody():
        with pytest.raises(NotAFile, match="Permission denied"):
            digest_file(unprivileged_place / "secret")
        with pytest.raises(NotAFile, match=r"secret.*Permission denied"):
            digest_directory(unprivileged_place)


def test_a_file_that_is_always_being_written_never_gets_a_wrong_digest(tmp_path: Path) -> None:
    """Every digest that is given out is that of a state the file really was in.

    The writer replaces byte by byte from the front, so that a real state never has a newer byte behind an older one.
    """
    path = tmp_path / "file"
    size, versions = 64 * 1024, 250
    path.write_bytes(bytes(size))
    stop = threading.Event()
    torn: list[int] = []
    outcomes = {"digests": 0, "errors": 0}

    def write() -> None:
        version = 0
        with open(path, "r+b", buffering=0) as file:
            while not stop.is_set():
                version = version % versions + 1
                for start in range(0, size, 4096):
                    os.pwrite(file.fileno(), bytes([version]) * 4096, start)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            try:
                digest = digest_file_copying(path, tmp_path / "staging", torn)
            except ChangedWhileReading:
                outcomes["errors"] += 1
            else:
                outcomes["digests"] += digest
    finally:
        stop.set()
        writer.join()
    assert not torn
    assert outcomes["errors"] > 0


entries = st.lists(
    st.builds(
        FileEntry,
        path=st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda name: name not in (".", "..")),
        digest=st.just(sha256(b"")),
        size=st.integers(0, 2**60),
        executable=st.booleans(),
    ),
    unique_by=lambda entry: entry.path,
)


@settings(deadline=None)
@given(entries, st.randoms())
def test_a_manifest_says_the_same_in_any_order_and_comes_back(found: list[FileEntry], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    encoded = manifest.encode(shuffled)
    assert encoded == manifest.encode(found)
    assert sorted(manifest.decode(encoded), key=lambda entry: entry.path) == sorted(found, key=lambda entry: entry.path)


@pytest.mark.parametrize(
    "dangerous",
    [
        [FileEntry("../up", sha256(b""), 0, False)],
        [FileEntry("/etc/passwd", sha256(b""), 0, False)],
        [FileEntry("a/../../b", sha256(b""), 0, False)],
        [LinkEntry("a", "/etc"), FileEntry("a/passwd", sha256(b""), 0, False)],
        [DirectoryEntry("a"), DirectoryEntry("a")],
        [DirectoryEntry("")],
        [FileEntry("nul\0", sha256(b""), 0, False)],
    ],
)
def test_a_manifest_can_not_write_outside_its_directory(dangerous: list[Entry]) -> None:
    with pytest.raises(ArtifactError, match="manifest"):
        manifest.decode(manifest.encode(dangerous))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b'{"format":"epochal.directory"}', b'{"entries":[],"format":"x","version":1}']
)
def test_what_is_no_manifest_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ArtifactError, match="not a directory's manifest"):
        manifest.decode(data)


def test_a_newer_manifest_asks_for_a_newer_release() -> None:
    with pytest.raises(ArtifactError, match=r"version 2.*upgrade"):
        manifest.decode(b'{"entries":[],"format":"epochal.directory","version":2}')


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:" + "a" * 63, "sha256:" + "A" * 64, "md5:" + "a" * 64, "../x"]
)
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ArtifactError, match="not a digest"):
        check_digest(digest)


def digest_file_copying(path: Path, staging: Path, torn: list[int]) -> int:
    """1 when a snapshot's copy was a state the file was in; adds to ``torn`` otherwise."""
    from epochal._artifacts.snapshot import snapshot

    taken = snapshot(path, staging)
    try:
        content = b"".join(bytes(piece) for piece in taken.members[0].chunks())
    finally:
        taken.discard()
    # older in front of newer was never so (a new round starts at version 1 after the last)
    if any(before < after for before, after in zip(content[::4096], content[4096::4096], strict=False)) and not (
        {1, 250} <= set(content)
    ):
        torn.append(1)
    return 1
