"""The store keeps each content once, whole, and gives back what was stored or an error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from artifacts.shapes import LARGE, leftovers, many_shapes, objects, patterned, sha256, tree
from fsspec.implementations.memory import MemoryFileSystem

from epochal._artifacts.errors import ArtifactError, ChangedWhileReading, DigestMismatch, NotStored, TargetExists
from epochal._artifacts.media_types import guess
from epochal._artifacts.remote import RemoteObjects
from epochal._artifacts.snapshot import snapshot
from epochal._artifacts.store import ArtifactStore, Stored
from epochal._errors import NotAvailableError


class WholeUploads(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Behaves as object stores do: an upload is visible at its end, and a rename would be a second copy."""

    protocol = ("wholeuploads", "s3")

    renamed: ClassVar[list[str]] = []

    def mv(self, path1: str, path2: str, **options: object) -> None:
        self.renamed.append(self._strip_protocol(path2))
        super().mv(path1, path2, **options)


fsspec.register_implementation("wholeuploads", WholeUploads, clobber=True)


@pytest.fixture(params=["local", "file", "memory", "wholeuploads"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """The same promises on every kind of place."""
    place = f"{tmp_path}/store"
    urls = {
        "local": place,
        "file": f"file://{place}",
        "memory": f"memory:/{place}",
        "wholeuploads": f"wholeuploads:/{place}",
    }
    return ArtifactStore(urls[request.param])


def put(store: ArtifactStore, path: Path, staging: Path) -> Stored:
    taken = snapshot(path, staging)
    try:
        return store.put(taken)
    finally:
        taken.discard()


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024 + 1, LARGE])
def test_a_file_comes_back_as_it_was(any_store: ArtifactStore, tmp_path: Path, staging: Path, size: int) -> None:
    content = patterned(size)
    (tmp_path / "model.keras").write_bytes(content)
    stored = put(any_store, tmp_path / "model.keras", staging)
    assert (stored.digest, stored.size, stored.files) == (sha256(content), size, 1)
    assert stored.media_type == "application/x-keras"
    assert any_store.exists(stored.digest)
    any_store.verify(stored.digest)
    fetched = any_store.fetch(stored.digest, tmp_path / "new" / "folder" / "back")
    assert fetched.read_bytes() == content
    with any_store.open(stored.digest) as file:
        assert file.read() == content


def test_object_stores_upload_what_is_frozen_straight_to_its_place(tmp_path: Path, staging: Path) -> None:
    """A rename would copy it; what may still change goes the longer way, so that nothing wrong is ever visible."""
    store = ArtifactStore(f"wholeuploads:/{tmp_path}/store")
    stored = put(store, many_shapes(tmp_path / "folder"), staging)
    assert store.exists(stored.digest)
    assert not [place for place in WholeUploads.renamed if str(tmp_path) in place]


def test_a_directory_comes_back_as_it_was(any_store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    """Names, contents, links, executables, empty files and empty directories."""
    folder = many_shapes(tmp_path / "folder")
    stored = put(any_store, folder, staging)
    assert stored.media_type == "inode/directory"
    assert stored.files == 7
    any_store.verify(stored.digest)
    assert tree(any_store.fetch(stored.digest, tmp_path / "back")) == tree(folder)


def test_a_file_that_is_held_is_stored_after_its_removal(
    any_store: ArtifactStore, tmp_path: Path, staging: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(patterned(LARGE))
    taken = snapshot(path, staging)
    path.unlink()
    stored = any_store.put(taken)
    taken.discard()
    any_store.verify(stored.digest)
    assert stored.digest == sha256(patterned(LARGE))


def test_the_same_content_is_stored_once(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    """Under other names, in directories, again and again."""
    folder = many_shapes(tmp_path / "folder")
    put(store, folder, staging)
    first = {path: path.stat().st_ino for path in (tmp_path / "store" / "sha256").glob("*/*")}
    assert len(first) == 6 + 1  # contents of 7 files, two of which are alike, and the manifest
    put(store, folder, staging)
    put(store, folder / "deep" / "copy of weights", staging)
    assert {path: path.stat().st_ino for path in (tmp_path / "store" / "sha256").glob("*/*")} == first
    assert leftovers(tmp_path / "store") == []


@pytest.mark.parametrize("size", [100, LARGE])
def test_what_is_stored_is_immune_to_what_happens_to_the_source(
    store: ArtifactStore, tmp_path: Path, staging: Path, size: int
) -> None:
    """It shares no inode with it, and is read-only."""
    path = tmp_path / "file"
    path.write_bytes(patterned(size))
    stored = put(store, path, staging)
    with open(path, "r+b") as file:
        file.write(b"changed in place")
    store.verify(stored.digest)
    place = Path(stored.uri)
    assert place.stat().st_nlink == 1
    assert place.stat().st_mode & 0o777 == 0o444


def test_a_source_that_changed_after_it_was_hashed_leaves_nothing_in_the_store(
    any_store: ArtifactStore, tmp_path: Path, staging: Path
) -> None:
    from epochal._artifacts.digest import digest_snapshot

    path = tmp_path / "file"
    path.write_bytes(patterned(LARGE))
    taken = snapshot(path, staging)
    if taken.members[0].kept == "cloned":
        pytest.skip("this file system clones")
    digested = digest_snapshot(taken)
    with open(path, "r+b") as file:
        file.write(b"changed in place")
    with pytest.raises(ChangedWhileReading):
        any_store.put(digested)
    assert not any_store.exists(digested.digest)
    taken.discard()


@pytest.mark.parametrize("place", [0, 700_000, -1])
def test_a_flipped_byte_is_found_on_read(any_store: ArtifactStore, tmp_path: Path, staging: Path, place: int) -> None:
    """In a file and in a file of a directory; both digests are named, nothing is deleted, none left at the target."""
    (tmp_path / "folder").mkdir()
    content = patterned(1_500_000)
    (tmp_path / "folder" / "file").write_bytes(content)
    stored = put(any_store, tmp_path / "folder" / "file", staging)
    folder = put(any_store, tmp_path / "folder", staging)
    flipped = bytearray(content)
    flipped[place] ^= 1
    damaged = bytes(flipped)
    overwrite(stored.uri, damaged)
    for digest in (stored.digest, folder.digest):
        with pytest.raises(DigestMismatch, match=sha256(damaged)) as caught:
            any_store.fetch(digest, tmp_path / "back")
        assert caught.value.expected == stored.digest
        assert caught.value.found == sha256(damaged)
        with pytest.raises(DigestMismatch):
            any_store.verify(digest)
    assert any_store.exists(stored.digest)
    assert [path.name for path in tmp_path.iterdir() if "back" in path.name or "part" in path.name] == []


def test_a_damaged_manifest_is_found(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    stored = put(store, many_shapes(tmp_path / "folder"), staging)
    manifest = bytearray(Path(stored.uri).read_bytes())
    manifest[-20] ^= 1
    overwrite(stored.uri, bytes(manifest))
    with pytest.raises(DigestMismatch):
        store.fetch(stored.digest, tmp_path / "back")


def test_a_torn_object_is_written_again(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    """What power loss left too short is not taken for the content."""
    (tmp_path / "file").write_bytes(patterned(100_000))
    stored = put(store, tmp_path / "file", staging)
    overwrite(stored.uri, patterned(100_000)[:500])
    put(store, tmp_path / "file", staging)
    store.verify(stored.digest)


def test_what_is_missing_is_said_to_be(any_store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    absent = sha256(b"never stored")
    assert not any_store.exists(absent)
    for ask in (any_store.verify, any_store.open, lambda digest: any_store.fetch(digest, tmp_path / "back")):
        with pytest.raises(NotStored, match=absent):
            ask(absent)
    with pytest.raises(ArtifactError, match="not a digest"):
        any_store.exists("latest")


def test_a_file_missing_from_a_directory_is_named(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    folder = put(store, many_shapes(tmp_path / "folder"), staging)
    Path(put(store, tmp_path / "folder" / "run.sh", staging).uri).unlink()
    with pytest.raises(NotStored, match=r"run\.sh"):
        store.verify(folder.digest)
    with pytest.raises(NotStored):
        store.fetch(folder.digest, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_fetching_overwrites_nothing_and_may_be_repeated(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    file = put(store, tmp_path / "file", staging).digest
    folder = put(store, many_shapes(tmp_path / "folder"), staging).digest
    for digest, target in ((file, tmp_path / "f"), (folder, tmp_path / "d")):
        assert store.fetch(digest, target) == store.fetch(digest, target) == target
    (tmp_path / "f").write_bytes(b"the user's own")
    (tmp_path / "d" / "more").write_bytes(b"the user's own")
    for digest, target in ((file, tmp_path / "f"), (folder, tmp_path / "d"), (file, tmp_path / "d")):
        with pytest.raises(TargetExists, match="nothing was overwritten"):
            store.fetch(digest, target)
    assert (tmp_path / "f").read_bytes() == b"the user's own"
    (tmp_path / "empty").mkdir()
    assert tree(store.fetch(folder, tmp_path / "empty")) == tree(tmp_path / "folder")


def test_a_file_whose_bytes_are_a_manifest_can_be_had_as_a_file(
    store: ArtifactStore, tmp_path: Path, staging: Path
) -> None:
    folder = put(store, many_shapes(tmp_path / "folder"), staging)
    shutil.copy(folder.uri, tmp_path / "manifest.json")
    file = put(store, tmp_path / "manifest.json", staging)
    assert store.fetch(file.digest, tmp_path / "back", directory=False).is_file()
    assert store.fetch(file.digest, tmp_path / "tree", directory=True).is_dir()


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, staging: Path, small_disk: Path) -> None:
    store = ArtifactStore(small_disk / "store")
    (tmp_path / "fits").write_bytes(b"fits")
    (tmp_path / "large").write_bytes(patterned(3_000_000))
    fits = put(store, tmp_path / "fits", staging)
    with pytest.raises(OSError, match="No space left"):
        put(store, tmp_path / "large", staging)
    assert list(objects(small_disk / "store")) == [fits.digest]
    assert leftovers(small_disk / "store") == []


def test_a_read_only_store_can_be_read(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    digest = put(store, tmp_path / "file", staging).digest
    before = sorted(path for path in tmp_path.rglob("*"))
    ArtifactStore(tmp_path / "store").verify(digest)
    assert not ArtifactStore(tmp_path / "elsewhere").exists(digest)
    assert sorted(path for path in tmp_path.rglob("*")) == before


CHILD = """
import sys, pathlib
from epochal._artifacts.snapshot import snapshot
from epochal._artifacts.store import ArtifactStore
folder, name, rounds = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = ArtifactStore(folder / "store")
print("ready", flush=True)
for number in range(rounds):
    source = folder / f"source-{name}"
    if name != "same":
        with open(source, "r+b") as file:
            file.write(f"{name} {number}".encode())
    taken = snapshot(source, folder / "staging")
    store.put(taken)
    taken.discard()
"""


def test_many_processes_store_the_same_content_at_once(tmp_path: Path) -> None:
    """One object, whole, and nothing else."""
    content = patterned(4 * 1024 * 1024)
    (tmp_path / "source-same").write_bytes(content)
    command = [sys.executable, "-c", CHILD, str(tmp_path), "same", "3"]
    children = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [child.wait(timeout=120) for child in children] == [0] * 4
    assert objects(tmp_path / "store") == {sha256(content): content}
    assert leftovers(tmp_path / "store") == []


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_writer_leaves_no_wrong_object(tmp_path: Path, seed: int) -> None:
    """SIGKILL before the first write, and as soon as one is seen: every visible object is what its name says."""
    source = tmp_path / "source-x"
    source.write_bytes(patterned((1 if seed % 2 else 17) * 1024 * 1024))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), "x", "100000"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 60
    for _ in range(seed):
        while not leftovers(tmp_path / "store"):
            assert time.monotonic() < deadline
    child.kill()
    child.wait()
    child.stdout.close()
    found = objects(tmp_path / "store")
    assert found == {sha256(content): content for content in found.values()}
    store = ArtifactStore(tmp_path / "store")
    store.verify(put(store, source, tmp_path / "staging").digest)


def test_leftovers_of_killed_writers_are_removed_after_a_day(tmp_path: Path, staging: Path) -> None:
    """Not before: somebody may be at work on them."""
    folder = tmp_path / "store" / "tmp"
    folder.mkdir(parents=True)
    (folder / "fresh").write_bytes(b"x")
    (folder / "old").write_bytes(b"x")
    day_ago = time.time() - 25 * 3600
    os.utime(folder / "old", (day_ago, day_ago))
    (tmp_path / "file").write_bytes(b"content")
    put(ArtifactStore(tmp_path / "store"), tmp_path / "file", staging)
    assert [path.name for path in leftovers(tmp_path / "store")] == ["fresh"]


def test_a_url_is_shown_without_its_password() -> None:
    assert "hunter2" not in repr(ArtifactStore("sftp://me:hunter2@host/artifacts"))
    with pytest.raises(ArtifactError, match="URL is empty"):
        ArtifactStore("")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.keras", "application/x-keras"),
        ("MODEL.PT", "application/x-pytorch"),
        ("w.safetensors", "application/x-safetensors"),
        ("t.parquet", "application/vnd.apache.parquet"),
        ("a.npz", "application/x-npz"),
        ("s3://bucket/data.csv?versionId=1", "text/csv"),
        ("archive.tar.gz", "application/gzip"),
        ("photo.png", "image/png"),
        ("no-suffix", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("trailing.", "application/octet-stream"),
    ],
)
def test_media_types_are_guessed_from_names(name: str, expected: str) -> None:
    assert guess(name) == expected


def overwrite(uri: str, data: bytes) -> None:
    """Change what lies in a store, as damage would."""
    if "://" in uri:
        with fsspec.open(uri, "wb") as file:
            file.write(data)
        return
    Path(uri).chmod(0o644)
    Path(uri).write_bytes(data)


def test_what_is_removed_takes_nothing_that_others_have(
    any_store: ArtifactStore, tmp_path: Path, staging: Path
) -> None:
    """Files of a directory go with it, unless another directory, or the file itself, is kept."""
    for name, files in {"gone": ("a", "b", "c"), "kept": ("b",)}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(file)
    gone, kept = (put(any_store, tmp_path / name, staging).digest for name in ("gone", "kept"))
    alone = put(any_store, tmp_path / "gone" / "c", staging).digest
    assert any_store.remove([gone, kept], [kept, alone]) == [gone]
    any_store.verify(kept)
    any_store.verify(alone)
    assert not any_store.exists(gone)
    assert not any_store.exists(sha256(b"a"))
    assert any_store.remove([gone], []) == [gone]


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket/a", "s3"), ("gs://bucket/a", "gs"), ("gcs://bucket/a", "gs")])
def test_what_is_to_be_installed_for_a_place_is_said(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By our own words, and not only by those of some library."""
    for library in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(NotAvailableError, match=rf"pip install 'epochal\[{extra}\]'"):
        RemoteObjects(url).size("k")
