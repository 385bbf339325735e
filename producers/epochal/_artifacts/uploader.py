"""The background step: hashes snapshots and puts them into the store, one after another, off the training's thread."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from epochal._artifacts.digest import digest_snapshot
from epochal._artifacts.errors import ArtifactError
from epochal._artifacts.snapshot import Snapshot
from epochal._artifacts.store import ArtifactStore


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one snapshot. ``error`` is None when all went well.

    With a digest and an error, the content is known but does not lie in the store.
    """

    context: Any
    """What was given to ``submit``."""
    digest: str | None
    size: int | None
    files: int | None
    media_type: str
    stored: bool
    uri: str | None = None
    """Where it lies in the store."""
    error: str | None = None


class Pending:
    """A result that comes later."""

    def __init__(self, context: Any, media_type: str) -> None:
        self._context = context
        self._media_type = media_type
        self._process = os.getpid()
        self._ready = threading.Event()
        self._result: Result | None = None

    @property
    def done(self) -> bool:
        """Whether the result is there."""
        return self._result is not None

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the result, at most ``timeout`` seconds.

        In a forked child of the process that is at work on it, the answer is a result with an error, at once.

        Raises:
            TimeoutError: it is not there yet.
        """
        if self._result is not None:
            return self._result
        if self._process != os.getpid():
            reason = f"process {self._process} is at work on this artifact; only that process can wait for it"
            return Result(self._context, None, None, None, self._media_type, stored=False, error=reason)
        if not self._ready.wait(timeout) or self._result is None:
            raise TimeoutError(f"the artifact's content was not read and stored within {timeout} s; ask again later")
        return self._result

    def resolve(self, result: Result) -> None:
        """The result is there: wake who waits for it."""
        self._result = result
        self._ready.set()


@dataclass(frozen=True, slots=True)
class _Task:
    snapshot: Snapshot
    pending: Pending
    context: Any
    store: bool


class Uploader:
    """One background thread for all artifacts of a process; starts at the first ``submit``, in a forked child anew.

    ``done`` is called in that thread with each result, in the order of submission, before anybody who waits for it
    goes on.
    Without a store, contents are hashed only. Failures are results, never exceptions.
    """

    _process: int
    _changed: threading.Condition
    _tasks: deque[_Task]
    _thread: threading.Thread | None
    _unfinished: int
    _finished: int
    _closing: bool

    def __init__(self, store: ArtifactStore | None, done: Callable[[Result], None]) -> None:
        self._store = store
        self._done = done
        self._begin()

    def submit(self, snapshot: Snapshot, context: Any, *, store: bool = True) -> Pending:
        """Take over a snapshot: it will be read, stored (unless ``store`` is false), and discarded."""
        if self._process != os.getpid():
            self._begin()
        pending = Pending(context, snapshot.media_type)
        with self._changed:
            self._tasks.append(_Task(snapshot, pending, context, store))
            self._unfinished += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="epochal-artifacts", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return pending

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything submitted so far is done; False when ``timeout`` seconds were not enough."""
        if self._process != os.getpid():
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            target = self._finished + self._unfinished
            while self._finished < target:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def close(self, timeout: float | None = None) -> int:
        """Wait as ``flush`` does, then let the thread end; returns how many snapshots are still not done.

        A later ``submit`` starts it again.
        """
        if self._process != os.getpid():
            return 0
        self.flush(timeout)
        with self._changed:
            self._closing = not self._unfinished
            self._changed.notify_all()
            return self._unfinished

    def _begin(self) -> None:
        """A fresh state: at the beginning, and in a forked child, which has neither thread nor a lock to rely on."""
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._tasks = deque()
        self._thread = None
        self._unfinished = 0
        self._finished = 0
        self._closing = False

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._tasks:
                    if self._closing:
                        self._closing = False
                        self._thread = None
                        return
                    self._changed.wait()
                task = self._tasks.popleft()
            result = self._finish(task)
            task.snapshot.discard()
            try:
                self._done(result)
            except Exception as error:  # noqa: BLE001 - the thread's border: one bad callback must not end the others' work
                result = _failed(task, f"recording it failed: {type(error).__name__}: {error}", result)
            task.pending.resolve(result)
            with self._changed:
                self._unfinished -= 1
                self._finished += 1
                self._changed.notify_all()

    def _finish(self, task: _Task) -> Result:
        media_type = task.snapshot.media_type
        known: Result | None = None
        try:
            digested = digest_snapshot(task.snapshot)
            known = Result(task.context, digested.digest, digested.size, digested.files, media_type, stored=False)
            if self._store is None or not task.store:
                return known
            stored = self._store.put(digested)
        except ArtifactError as error:
            return _failed(task, str(error), None)
        except Exception as error:  # noqa: BLE001 - the thread's border: file systems behind fsspec raise what they like
            return _failed(task, f"could not be stored: {type(error).__name__}: {error}", known)
        return Result(task.context, stored.digest, stored.size, stored.files, media_type, stored=True, uri=stored.uri)


def _failed(task: _Task, reason: str, known: Result | None) -> Result:
    if known is None:
        known = Result(task.context, None, None, None, task.snapshot.media_type, stored=False)
    return replace(known, error=reason)
