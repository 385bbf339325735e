"""Artifacts by content: snapshots taken at once, hashed and stored in the background, recorded when that is done."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

from ._entity_events import artifact_failed, artifact_logged
from ._events import Event
from ._ids import normal_text
from ._warnings import Warner

if TYPE_CHECKING:
    from ._artifacts.artifact import Artifact
    from ._artifacts.store import ArtifactStore
    from ._artifacts.uploader import Result, Uploader

__all__ = ["Contents", "Record"]

Direction = Literal["in", "out"]


@dataclass(frozen=True)
class Record:
    """An artifact of one run: what of it is known before its content was read."""

    component: str
    rank: int
    name: str
    direction: Direction
    say: Callable[[Event], None]
    uri: str | None = None
    media_type: str | None = None

    def logged(
        self, *, digest: str | None = None, size: int | None = None, files: int | None = None, stored: bool = False
    ) -> Event:
        """It went in or came out."""
        return artifact_logged(
            component=self.component,
            rank=self.rank,
            name=self.name,
            direction=self.direction,
            uri=self.uri,
            digest=digest,
            media_type=self.media_type,
            size=size,
            files=files,
            stored=stored,
        )

    def failed(self, reason: str) -> Event:
        """Its content could not be read or stored."""
        return artifact_failed(
            component=self.component, rank=self.rank, name=self.name, direction=self.direction, reason=reason
        )


class Contents:
    """The artifact store and the uploader of one process; neither exists before the first content."""

    def __init__(self, url: str | None, journals: Path, process: Callable[[], UUID], warn: Warner) -> None:
        self.url = url
        self._journals = journals
        self._process = process
        self._warn = warn
        self._lock = threading.Lock()
        self._made: tuple[ArtifactStore | None, Uploader] | None = None

    def refer(self, record: Record, digest: str | None, path: Path | None = None) -> Artifact:
        """Records an artifact by reference."""
        from ._artifacts.artifact import Artifact

        record.say(record.logged(digest=digest))
        return Artifact(
            record.name,
            record.direction,
            uri=record.uri,
            path=path,
            media_type=record.media_type,
            digest=digest,
            store=self._parts()[0],
        )

    def take(self, record: Record, path: Path, *, copy: bool) -> Artifact:
        """Freezes a file or directory as it is now; the rest happens in the background.

        Raises:
            ArtifactError: it can't be read, or is being written to right now.
        """
        from dataclasses import replace

        from ._artifacts.artifact import Artifact
        from ._artifacts.snapshot import snapshot

        store, uploader = self._parts()
        if copy:
            self.warn_unkept(record.name)
        frozen = snapshot(path, self._staging() if copy else None)
        known = replace(
            record,
            uri=record.uri or path.absolute().as_uri(),
            media_type=record.media_type or frozen.media_type,
        )
        if frozen.leading_out:
            self._warn.report(
                "artifact links",
                f"artifact {record.name!r}: {len(frozen.leading_out):,} of its symbolic links lead out of the "
                f"directory ({frozen.leading_out[0]!r}, …): recorded as links, without what they lead to. "
                "Log the target itself, or a copy of the directory with the links resolved (cp -rL)",
                record.name,
            )
        pending = uploader.submit(frozen, known, store=copy)
        return Artifact(
            known.name,
            known.direction,
            uri=known.uri,
            path=path,
            media_type=known.media_type,
            pending=pending,
            store=store,
        )

    def warn_unkept(self, name: str) -> None:
        """Says that contents are not kept, where they are not."""
        if self._parts()[0] is None:
            self._warn.report(
                "artifacts",
                f"the content of {name!r} is not kept, only its digest and place: the store is a server and "
                "EPOCHAL_ARTIFACTS is not set. Set it to any fsspec URL, such as s3://bucket/artifacts",
            )

    def keep(self, record: Record, content: bytes) -> Artifact:
        """Records bytes of ours as an artifact's content.

        Raises:
            OSError: there is no room to stage them.
            ArtifactError: they can't be read back.
        """
        from ._artifacts.artifact import Artifact
        from ._artifacts.snapshot import snapshot

        staging = self._staging()
        staging.mkdir(parents=True, exist_ok=True)
        path = staging / f"{record.component}-{record.rank}-{uuid4().hex}"  # threads may be at this at once
        path.write_bytes(content)
        frozen = snapshot(path, staging)
        path.unlink()
        store, uploader = self._parts()
        pending = uploader.submit(frozen, record, store=store is not None)
        return Artifact(record.name, record.direction, media_type=record.media_type, pending=pending, store=store)

    def fetch(self, digest: str, target: Path) -> Path:
        """Brings content from the store, verified.

        Raises:
            ArtifactError: it is not there, or not what its digest says.
        """
        from ._artifacts.errors import NotStored

        store = self._parts()[0]
        if store is None:
            raise NotStored(f"{digest} can't be fetched: no artifact store is set; set EPOCHAL_ARTIFACTS")
        return store.fetch(digest, target)

    def flush(self, timeout: float | None) -> bool:
        """Waits until all contents taken so far are recorded; False when ``timeout`` seconds were not enough."""
        return self._made is None or self._made[1].flush(timeout)

    def close(self) -> None:
        """Removes the staging directory; what is still being read is left to be cleaned up by a later process."""
        if self._made is not None and not self._made[1].close(0):
            import shutil  # not above: an import at exit can cost Ctrl-C its exit code (CPython forgets it in exec)

            shutil.rmtree(self._staging(), ignore_errors=True)

    def after_fork_in_child(self) -> None:
        """The parent is at work on its contents; this process begins with none."""
        self._lock = threading.Lock()
        self._made = None

    def clean_up(self) -> None:
        """Removes what processes that died were staging; what can't be removed here is the host's to report."""
        if (self._journals / "staging").is_dir():
            from ._artifacts.staging import sweep

            sweep(self._journals, lambda folder, error: None)

    def _staging(self) -> Path:
        from ._artifacts.staging import staging

        return staging(self._journals, self._process())

    def _parts(self) -> tuple[ArtifactStore | None, Uploader]:
        with self._lock:
            if self._made is None:
                from ._artifacts.store import ArtifactStore
                from ._artifacts.uploader import Uploader

                store = None if self.url is None else ArtifactStore(self.url)
                self._made = store, Uploader(store, self._done)
            return self._made

    def _done(self, result: Result) -> None:
        record: Record = result.context
        if result.digest is not None:
            record.say(record.logged(digest=result.digest, size=result.size, files=result.files, stored=result.stored))
        if result.error is not None:
            record.say(record.failed(result.error))
            self._warn.report("artifact", f"artifact {record.name!r}: {result.error}", record.name)


def checked(name: object, uri: object, path: object, digest: object, media_type: object) -> tuple[str, Path | None]:
    """The name and the path of an artifact as the caller gave them.

    Raises:
        TypeError: the name is not text, or there is nothing to record.
        ValueError: both a digest and a path are given, or the digest is no SHA-256.
    """
    text = named(name)
    if uri is None and path is None and digest is None:
        raise TypeError(f"artifact {name!r} needs uri=, path= or digest= to say what it is")
    if uri is not None and not isinstance(uri, str):
        raise TypeError(f"uri={uri!r} is not text; for a local file give path=")
    if media_type is not None and not isinstance(media_type, str):
        raise TypeError(f"media_type={media_type!r} is not text, such as 'text/csv'")
    if path is not None and digest is not None:
        raise ValueError(f"artifact {name!r}: give path= (the digest is worked out) or digest=, not both")
    if digest is not None:
        hexadecimal = str(digest).removeprefix("sha256:")
        if len(hexadecimal) != 64 or set(hexadecimal) - set("0123456789abcdef"):
            raise ValueError(f"digest={digest!r} is not of the form sha256:<64 lower-case hexadecimal digits>")
    where = None if path is None else Path(os.fspath(path))  # type: ignore[call-overload]
    return text, where


def named(name: object) -> str:
    """The name of an artifact in its one normal form.

    Raises:
        TypeError: it is no text, or empty.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"an artifact's name is a non-empty text; got {name!r}")
    return normal_text(name)
