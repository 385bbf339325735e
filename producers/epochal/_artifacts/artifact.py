"""The handle that users get from ``log_input``, ``log_output`` and ``store.artifact``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from epochal._artifacts.errors import ArtifactError, NotStored
from epochal._artifacts.store import ArtifactStore
from epochal._artifacts.uploader import Pending, Result


class Artifact:
    """A named thing that went into a component or came out of it.

    ``digest``, ``size`` and ``stored`` wait for the background step when the content is still being read.
    """

    __slots__ = ("_digest", "_pending", "_size", "_store", "_stored", "direction", "media_type", "name", "path", "uri")

    def __init__(
        self,
        name: str,
        direction: Literal["in", "out"],
        *,
        uri: str | None = None,
        path: Path | None = None,
        media_type: str | None = None,
        digest: str | None = None,
        size: int | None = None,
        stored: bool = False,
        pending: Pending | None = None,
        store: ArtifactStore | None = None,
    ) -> None:
        self.name = name
        self.direction: Literal["in", "out"] = direction
        self.uri = uri
        self.path = path
        self.media_type = media_type
        self._digest = digest
        self._size = size
        self._stored = stored
        self._pending = pending
        self._store = store

    def wait(self, timeout: float | None = None) -> Result | None:
        """Wait for the background step, at most ``timeout`` seconds; None when there is nothing to wait for.

        Raises:
            TimeoutError: it is not done yet.
        """
        return None if self._pending is None else self._pending.result(timeout)

    @property
    def digest(self) -> str | None:
        """``sha256:<hex>`` of the content (of a directory: of its manifest); None for a mere reference.

        Raises:
            ArtifactError: the content could not be read, for example because it changed meanwhile.
        """
        result = self.wait()
        if result is None:
            return self._digest
        if result.digest is None:
            raise ArtifactError(f"artifact {self.name!r} has no digest: {result.error}")
        return result.digest

    @property
    def size(self) -> int | None:
        """Bytes of all files together, where known."""
        result = self.wait()
        return self._size if result is None else result.size

    @property
    def stored(self) -> bool:
        """Whether the content lies in the artifact store."""
        result = self.wait()
        return self._stored if result is None else result.stored

    @property
    def error(self) -> str | None:
        """Why the content could not be read or stored; None when all went well."""
        result = self.wait()
        return None if result is None else result.error

    @property
    def contents(self) -> ArtifactStore | None:
        """Where its content lies, if it is stored."""
        return self._store

    def plain(self) -> Artifact:
        """The same without the background step, which is waited for: what another process can be given."""
        result = self.wait()
        failed = result is not None and result.digest is None
        return Artifact(
            self.name,
            self.direction,
            uri=self.uri,
            path=self.path,
            media_type=self.media_type,
            digest=None if failed else self.digest,
            size=self.size,
            stored=self.stored,
            store=self._store,
        )

    def __reduce__(self) -> tuple[object, ...]:
        plain = self.plain()
        url = None if plain._store is None else plain._store.url
        said = (plain._digest, plain._size, plain._stored, url)
        return _again, (self.name, self.direction, self.uri, self.path, self.media_type, *said)

    def fetch(self, target: str | os.PathLike[str]) -> Path:
        """Bring the content to ``target``, verified; a target that holds this very content already is left as it is.

        Raises:
            NotStored: the content is not in the artifact store (it was recorded by reference or digest only).
            DigestMismatch: the store's content was altered or damaged.
            TargetExists: something else lies at the target.
        """
        store, digest = self._held()
        return store.fetch(digest, target)

    def content(self) -> bytes:
        """The bytes of a file, verified.

        Raises:
            NotStored, DigestMismatch: as :meth:`fetch`.
        """
        store, digest = self._held()
        return b"".join(store.chunks(digest))

    def _held(self) -> tuple[ArtifactStore, str]:
        digest = self.digest
        if self._store is None or digest is None:
            place = self.uri or (str(self.path) if self.path else "no place given")
            raise NotStored(
                f"the content of artifact {self.name!r} is not in an artifact store, only recorded by reference "
                f"({place}); set EPOCHAL_ARTIFACTS and log it with path= to keep contents"
            )
        return self._store, digest

    @property
    def ready(self) -> bool:
        """Whether what is known of its content is known without waiting."""
        return self._pending is None or self._pending.done

    def __repr__(self) -> str:
        if not self.ready:
            content = "being read"
        else:
            result = self.wait()
            digest = self._digest if result is None else result.digest
            error = None if result is None else result.error
            content = f"failed: {error}" if error else (f"{digest[:19]}…" if digest else "by reference")
        where = self.uri or self.path
        return f"<Artifact {self.name!r} ({self.direction}) {content}{f', {where}' if where else ''}>"

    def _repr_html_(self) -> str:
        from epochal._html import card

        fields = {"direction": self.direction, "media type": self.media_type, "uri": self.uri, "path": self.path}
        if not self.ready:
            return card(f"artifact {self.name}", {**fields, "content": "being read"})
        if self.error:
            return card(f"artifact {self.name}", {**fields, "failed": self.error})
        read = {"digest": self.digest, "bytes": self.size, "stored": self.stored}
        return card(f"artifact {self.name}", {**fields, **read})


def _again(
    name: str,
    direction: Literal["in", "out"],
    uri: str | None,
    path: Path | None,
    media_type: str | None,
    digest: str | None,
    size: int | None,
    stored: bool,
    url: str | None,
) -> Artifact:
    """The handle in another process."""
    store = None if url is None else ArtifactStore(url)
    return Artifact(
        name, direction, uri=uri, path=path, media_type=media_type, digest=digest, size=size, stored=stored, store=store
    )
