"""A snapshot is what was there when it was taken, or an error: never something else."""

from __future__ import annotations

import mmap
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from artifacts.shapes import LARGE, many_shapes, patterned, sha256

from epochal._artifacts import digest
from epochal._artifacts.digest import digest_snapshot
from epochal._artifacts.errors import ChangedWhileReading
from epochal._artifacts.member import Member
from epochal._artifacts.snapshot import Snapshot, snapshot

OLD, NEW = patterned(LARGE, 1), patterned(LARGE, 2)
SMALL_OLD, SMALL_NEW = OLD[:5000], NEW[:5000]


def digest_of(taken: Snapshot) -> str:
    try:
        return digest_snapshot(taken).digest
    finally:
        taken.discard()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def rename_over(path: Path, data: bytes) -> None:
    written(path.with_name("next"), data).rename(path)


def remove(path: Path, data: bytes) -> None:
    path.unlink()


def rename_away(path: Path, data: bytes) -> None:
    path.rename(path.with_name("away"))


def link_again(path: Path, data: bytes) -> None:
    os.link(path, path.with_name("second name"))


def forbid(path: Path, data: bytes) -> None:
    path.chmod(0o400)


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def write_one_byte(path: Path, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(len(data) // 2)
        file.write(bytes([data[0] ^ 1]))


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def cut(path: Path, data: bytes) -> None:
    os.truncate(path, 10)


def write_and_put_the_time_back(path: Path, data: bytes) -> None:
    before = path.stat()
    write_one_byte(path, data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def write_through_a_map(path: Path, data: bytes) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[100] ^= 1


HARMLESS = [rename_over, remove, rename_away, link_again, forbid]
HARMFUL = [overwrite, write_one_byte, append, cut, write_and_put_the_time_back, write_through_a_map]


@pytest.mark.parametrize("change", HARMLESS + HARMFUL)
def test_a_small_file_is_frozen(tmp_path: Path, staging: Path, change: Callable[[Path, bytes], None]) -> None:
    """Whatever happens to the file afterwards, the digest is that of the moment of the snapshot."""
    path = written(tmp_path / "file", SMALL_OLD)
    taken = snapshot(path, staging)
    change(path, SMALL_NEW)
    assert digest_of(taken) == sha256(SMALL_OLD)


@pytest.mark.parametrize("into_staging", [True, False])
@pytest.mark.parametrize("change", HARMLESS)
def test_a_large_file_may_be_renamed_replaced_and_removed(
    tmp_path: Path, staging: Path, change: Callable[[Path, bytes], None], into_staging: bool
) -> None:
    """As a rotation of checkpoints does."""
    path = written(tmp_path / "file", OLD)
    taken = snapshot(path, staging if into_staging else None)
    change(path, NEW)
    assert digest_of(taken) == sha256(OLD)


@pytest.mark.parametrize("change", HARMFUL)
def test_a_large_file_that_was_modified_gets_no_digest(
    tmp_path: Path, staging: Path, change: Callable[[Path, bytes], None]
) -> None:
    """However it was done, and immediately after the snapshot."""
    path = written(tmp_path / "file", OLD)
    taken = snapshot(path, staging)
    change(path, OLD)
    if taken.members[0].kept == "cloned":
        assert digest_of(taken) == sha256(OLD)
        return
    with pytest.raises(ChangedWhileReading, match=r"file.* changed while it was being recorded"):
        digest_of(taken)


def test_a_modification_by_another_process_between_two_reads_is_noticed(tmp_path: Path) -> None:
    """The reader stands in the middle of the file while somebody else writes to its beginning."""
    path = written(tmp_path / "file", OLD)
    taken = snapshot(path, None)
    pieces = taken.members[0].chunks()
    next(pieces)
    subprocess.run([sys.executable, "-c", f"open({str(path)!r}, 'r+b').write(b'new')"], check=True)
    with pytest.raises(ChangedWhileReading, match="modified"):
        for _ in pieces:
            pass
    taken.discard()


@pytest.mark.parametrize("already_read", [False, True])
def test_a_directory_is_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, already_read: bool) -> None:
    """A file that was read already counts too: all of it is as it was at one moment."""
    folder = tmp_path / "folder"
    folder.mkdir()
    written(folder / "a", b"first")
    written(folder / "z", b"last")
    taken = snapshot(folder, None)
    one_after_the_other = digest._digest_member

    def then_change(member: Member) -> str:
        found = one_after_the_other(member)
        if member.path == "a":
            written(folder / "a", b"FIRST")
        return found

    if already_read:
        monkeypatch.setattr(digest, "_digest_member", then_change)
    else:
        written(folder / "a", b"FIRST")
    with pytest.raises(ChangedWhileReading, match="/a'"):
        digest_of(taken)


def test_a_file_that_is_mapped_for_writing_is_copied(tmp_path: Path, staging: Path) -> None:
    """Pages written to before change the content later with no sign of it in the file's times."""
    path = written(tmp_path / "file", OLD)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[100] = 7
        expected = sha256(bytes(mapped))
        taken = snapshot(path, staging)
        mapped[101] ^= 1
        assert digest_of(taken) == expected


def test_when_descriptors_run_short_files_are_watched_by_path(tmp_path: Path, staging: Path) -> None:
    """The training's own descriptors are not used up; a replaced file is then noticed."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(12):
        with open(folder / f"{number:02}", "wb") as file:
            file.truncate(LARGE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (80, hard))
    try:
        taken = snapshot(folder, staging)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if {member.kept for member in taken.members} == {"cloned"}:
        pytest.skip("this file system clones")
    kept = {member.path: member.kept for member in taken.members}
    assert "placed" in kept.values()
    (folder / "11").unlink()
    assert kept["11"] == "placed"
    with pytest.raises(ChangedWhileReading, match="can no longer be read"):
        digest_of(taken)


def test_a_directory_larger_than_the_copies_is_kept_all_the_same(
    tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit of copies files stay where they are, and changes are noticed."""
    monkeypatch.setattr("epochal._artifacts.keeping.COPY_TOTAL_BYTES", 600_000)
    folder = many_shapes(tmp_path / "folder")
    for number in range(4):
        written(folder / f"more-{number}", patterned(250_000, number))
    taken = snapshot(folder, staging)
    kept = {member.path: member.kept for member in taken.members}
    assert {"copied", "held"} <= set(kept.values()) or {"copied", "cloned"} == set(kept.values())
    held = next((path for path, how in kept.items() if how == "held"), None)
    if held is not None:
        written(folder / held, b"changed")
        with pytest.raises(ChangedWhileReading):
            digest_of(taken)
    taken.discard()


def test_a_full_staging_disk_leaves_the_file_where_it_is(tmp_path: Path, small_disk: Path) -> None:
    path = written(tmp_path / "file", OLD[: 4 * 1024 * 1024])
    taken = snapshot(path, small_disk / "staging")
    assert taken.members[0].kept == "held"
    assert digest_of(taken) == sha256(OLD[: 4 * 1024 * 1024])


def test_links_inside_are_links_and_those_that_lead_out_are_named(tmp_path: Path, staging: Path) -> None:
    """What is not part of the content is told, so that the caller can say it."""
    outside = written(tmp_path / "outside", b"x")
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    written(folder / "inside", b"y")
    os.symlink(outside, folder / "out")
    os.symlink("../inside", folder / "sub" / "in")
    os.symlink(tmp_path, folder / "up")
    taken = snapshot(folder, staging)
    assert sorted(taken.leading_out) == ["out", "up"]
    assert dict(taken.links)["sub/in"] == "../inside"
    assert [member.path for member in taken.members] == ["inside"]
    taken.discard()


def test_a_path_that_is_a_link_stands_for_its_target(tmp_path: Path, staging: Path) -> None:
    written(tmp_path / "file", b"content")
    os.symlink("file", tmp_path / "link")
    assert digest_of(snapshot(tmp_path / "link", staging)) == sha256(b"content")


def test_nothing_is_left_behind(tmp_path: Path, staging: Path) -> None:
    """Neither descriptors nor staged copies, after success and after failure."""
    folder = many_shapes(tmp_path / "folder")
    written(folder / "large", OLD)
    before = os.listdir("/proc/self/fd")
    snapshot(folder, staging).discard()
    os.mkfifo(folder / "pipe")
    with pytest.raises(Exception, match="a pipe"):
        snapshot(folder, staging)
    assert os.listdir("/proc/self/fd") == before
    assert list(staging.iterdir()) == []


def test_what_the_writer_does_to_the_source_after_the_snapshot_costs_it_nothing(tmp_path: Path, staging: Path) -> None:
    """No lease or lock stays on the file: opening it for writing does not wait."""
    path = written(tmp_path / "file", OLD)
    taken = snapshot(path, staging)
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # a lease would refuse this with EAGAIN
    os.close(descriptor)
    assert digest_of(taken) == sha256(OLD)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_file_that_is_made_as_it_is_read_gets_no_digest() -> None:
    """Its size is 0, and its content isn't that of an empty file."""
    with pytest.raises(ChangedWhileReading, match="copy it with cat"):
        snapshot("/proc/self/status", None)
