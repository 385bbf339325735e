"""The background step: failures are results, everything submitted is accounted for, forks are told apart."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from artifacts.shapes import LARGE, many_shapes, objects, patterned, sha256, tree

from epochal._artifacts.artifact import Artifact
from epochal._artifacts.errors import ArtifactError, NotStored
from epochal._artifacts.snapshot import snapshot
from epochal._artifacts.store import ArtifactStore
from epochal._artifacts.uploader import Pending, Result, Uploader


def file_of(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_what_is_submitted_is_stored_in_order_and_told(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    told: list[Result] = []
    uploader = Uploader(store, told.append)
    contents = [patterned(size, size) for size in (0, 10, 100_000, 1_500_000)]
    waiting = [
        uploader.submit(snapshot(file_of(tmp_path, content, f"{number}.npz"), staging), number)
        for number, content in enumerate(contents)
    ]
    assert uploader.flush(60)
    assert [result.context for result in told] == [0, 1, 2, 3]
    assert [pending.result(0) for pending in waiting] == told
    assert told[2] == Result(
        2, sha256(contents[2]), 100_000, 1, "application/x-npz", stored=True, uri=told[2].uri, error=None
    )
    assert set(objects(tmp_path / "store")) == {sha256(content) for content in contents}
    assert uploader.close(60) == 0
    assert list(staging.iterdir()) == []


def test_without_a_store_contents_are_hashed_only(tmp_path: Path, staging: Path) -> None:
    uploader = Uploader(None, lambda result: None)
    result = uploader.submit(snapshot(many_shapes(tmp_path / "folder"), None), "x").result(60)
    assert (result.stored, result.error, result.files) == (False, None, 7)
    assert result.digest is not None
    uploader.close(60)


def test_store_false_hashes_only(store: ArtifactStore, tmp_path: Path) -> None:
    uploader = Uploader(store, lambda result: None)
    result = uploader.submit(snapshot(file_of(tmp_path, b"x"), None), "x", store=False).result(60)
    assert (result.digest, result.stored) == (sha256(b"x"), False)
    assert not store.exists(sha256(b"x"))
    uploader.close(60)


def test_a_changed_file_is_a_result_with_an_error_and_no_digest(store: ArtifactStore, tmp_path: Path) -> None:
    path = file_of(tmp_path, patterned(LARGE))
    taken = snapshot(path, None)
    with open(path, "r+b") as file:
        file.write(b"new")
    uploader = Uploader(store, lambda result: None)
    result = uploader.submit(taken, "x").result(60)
    assert result.digest is None
    assert result.error is not None
    assert "changed while it was being recorded" in result.error
    uploader.close(60)
    artifact = Artifact("model", "out", path=path, pending=Pending("x", ""), store=store)
    assert repr(artifact).startswith("<Artifact 'model' (out) being read")


def test_a_store_that_can_not_be_written_is_an_error_with_the_digest(tmp_path: Path) -> None:
    """The content is known all the same, and the next one is tried."""
    (tmp_path / "occupied").write_bytes(b"a file, not a directory")
    uploader = Uploader(ArtifactStore(tmp_path / "occupied"), lambda result: None)
    for _ in range(2):
        result = uploader.submit(snapshot(file_of(tmp_path, b"x"), None), "x").result(60)
        assert (result.digest, result.stored) == (sha256(b"x"), False)
        assert result.error is not None
        assert "could not be stored" in result.error
    uploader.close(60)


def test_a_callback_that_fails_does_not_end_the_work(store: ArtifactStore, tmp_path: Path) -> None:
    def done(result: Result) -> None:
        raise RuntimeError("no journal")

    uploader = Uploader(store, done)
    results = [uploader.submit(snapshot(file_of(tmp_path, b"x"), None), "x").result(60) for _ in range(2)]
    assert [result.error for result in results] == ["recording it failed: RuntimeError: no journal"] * 2
    uploader.close(60)


class SlowStore(ArtifactStore):
    """Waits for a permission before each put."""

    def __init__(self, url: Path) -> None:
        super().__init__(url)
        self.go = threading.Event()

    def put(self, content: Any) -> Any:
        assert self.go.wait(60)
        return super().put(content)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    """Neither flush nor close nor result waits longer than it was told; what is left is counted, and done later."""
    store = SlowStore(tmp_path / "store")
    uploader = Uploader(store, lambda result: None)
    waiting = [uploader.submit(snapshot(file_of(tmp_path, b"x", str(number)), None), number) for number in range(3)]
    assert not uploader.flush(0.01)
    assert uploader.close(0.01) == 3
    with pytest.raises(TimeoutError, match=r"0\.01 s"):
        waiting[0].result(0.01)
    store.go.set()
    assert [pending.result(60).stored for pending in waiting] == [True] * 3
    assert uploader.close(60) == 0
    assert uploader.submit(snapshot(file_of(tmp_path, b"y"), None), "after close").result(60).stored
    uploader.close(60)


@pytest.mark.usefixtures("untraced")
def test_a_forked_child_has_a_thread_of_its_own(tmp_path: Path, staging: Path) -> None:
    """It neither waits for its parent's work nor takes it over nor removes it, and can store for itself."""
    store = SlowStore(tmp_path / "store")
    uploader = Uploader(store, lambda result: None)
    taken = snapshot(file_of(tmp_path, patterned(1000)), staging)
    parents = uploader.submit(taken, "parent")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            error = parents.result(60).error or ""
            assert f"process {os.getppid()}" in error
            assert uploader.flush(60)
            taken.discard()
            assert taken.staging is not None
            assert taken.staging.exists()
            store.go.set()
            own = uploader.submit(snapshot(file_of(tmp_path, b"child", "child"), staging), "child").result(60)
            assert own.stored
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.go.set()
    assert parents.result(60).stored
    assert uploader.close(60) == 0
    assert set(objects(tmp_path / "store")) == {sha256(b"child"), sha256(patterned(1000))}


def test_the_handle_waits_for_its_digest_and_fetches(store: ArtifactStore, tmp_path: Path, staging: Path) -> None:
    uploader = Uploader(store, lambda result: None)
    folder = many_shapes(tmp_path / "folder")
    pending = uploader.submit(snapshot(folder, staging), "x")
    artifact = Artifact("data", "in", path=folder, media_type="inode/directory", pending=pending, store=store)
    assert artifact.digest == pending.result(0).digest
    assert artifact.stored
    assert artifact.error is None
    assert artifact.size == pending.result(0).size
    assert tree(artifact.fetch(tmp_path / "back")) == tree(folder)
    assert artifact.digest is not None
    assert repr(artifact) == f"<Artifact 'data' (in) {artifact.digest[:19]}…, {folder}>"
    uploader.close(60)


def test_a_handle_without_content_says_what_to_do(tmp_path: Path) -> None:
    artifact = Artifact("data", "in", uri="s3://bucket/x")
    assert (artifact.digest, artifact.size, artifact.stored) == (None, None, False)
    with pytest.raises(NotStored, match=r"s3://bucket/x.*EPOCHAL_ARTIFACTS"):
        artifact.fetch(tmp_path / "x")


def test_the_handle_of_a_failure_raises_where_the_digest_is_asked_for(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"old")
    taken = snapshot(path, None)
    path.write_bytes(b"newer")
    uploader = Uploader(None, lambda result: None)
    artifact = Artifact("model", "out", pending=uploader.submit(taken, "x"))
    with pytest.raises(ArtifactError, match=r"'model' has no digest.*changed"):
        _ = artifact.digest
    assert "failed: " in repr(artifact)
    uploader.close(60)
