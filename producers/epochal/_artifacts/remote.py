"""Any fsspec file system (s3://, gs://, sftp://, memory://, …) as the place of objects."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import Any, BinaryIO, cast

from epochal._artifacts.keeping import COPY_FILE_BYTES
from epochal._artifacts.member import Member
from epochal._capture.redact import redact_text
from epochal._errors import NotAvailableError
from epochal._imports import import_in_background

_UPLOADS_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "r2", "hf"})
"""Protocols of object stores, where an upload becomes visible at its end and a rename is a second copy."""

_EXTRAS = {"s3": "s3", "gs": "gs", "gcs": "gs"}
"""What of Epochal brings the library for a protocol."""

TEMPORARY = "tmp"
"""Folder of what is being written."""


class RemoteObjects:
    """Objects below a prefix of an fsspec file system.

    Guarantees: an object is visible whole or not at all. Where the file system has only renames that replace, that is
    as atomic as its rename is.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connected: tuple[int, Any, str] | None = None

    def place(self, key: str) -> str:
        """Where the object lies, for messages (credentials in the URL left out)."""
        return redact_text(f"{self._url.rstrip('/')}/{key}")

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None when there is none."""
        files, root = self._files()
        try:
            found = files.info(f"{root}/{key}")
        except FileNotFoundError:
            return None
        return int(found["size"])

    def open(self, key: str) -> BinaryIO:
        """The object for reading.

        Raises:
            FileNotFoundError: there is none.
        """
        files, root = self._files()
        return cast("BinaryIO", files.open(f"{root}/{key}", "rb"))

    def remove(self, key: str) -> None:
        """Remove the object, if there is one. Raises OSError: the file system refuses."""
        files, root = self._files()
        with contextlib.suppress(FileNotFoundError):
            files.rm_file(f"{root}/{key}")

    def sync(self) -> None:
        """Nothing to do: what is uploaded is safe."""

    def put(self, key: str, content: Member | bytes, *, sync: bool = True) -> None:
        """Make the object visible, replacing one of the same key (``sync`` says nothing here).

        Raises:
            ChangedWhileReading: the source changed; nothing became visible.
            OSError: the file system refused; nothing became visible.
        """
        files, root = self._files()
        target = f"{root}/{key}"
        if _is_sure(content) and self._uploads_whole(files):
            _upload(files, target, content)
            return
        temporary = f"{root}/{TEMPORARY}/{uuid.uuid4()}"
        files.makedirs(f"{root}/{TEMPORARY}", exist_ok=True)
        try:
            _upload(files, temporary, content)
            if not isinstance(content, bytes):
                content.check()
            files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            files.mv(temporary, target)
        except BaseException:
            # Tidying up must not hide what went wrong, and each file system has errors of its own.
            with contextlib.suppress(Exception):
                files.rm_file(temporary)
            raise

    def _files(self) -> tuple[Any, str]:
        """The file system and the prefix; made anew in a forked child, whose parent's connections are not its own."""
        if self._connected is None or self._connected[0] != os.getpid():
            protocol = self._url.partition("://")[0]
            try:
                _import_file_system(protocol)
                from fsspec.core import url_to_fs

                files, root = url_to_fs(self._url)
            except ImportError as error:
                package = f"'epochal[{_EXTRAS[protocol]}]'" if protocol in _EXTRAS else "what fsspec asks for"
                raise NotAvailableError(
                    f"EPOCHAL_ARTIFACTS is at {protocol}://, but {error}: pip install {package}"
                ) from None
            self._connected = (os.getpid(), files, str(root).rstrip("/"))
        return self._connected[1], self._connected[2]

    @staticmethod
    def _uploads_whole(files: Any) -> bool:
        protocols = (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
        return any(protocol in _UPLOADS_WHOLE for protocol in protocols)


def _import_file_system(protocol: str) -> None:
    """Import what fsspec needs for a protocol, safe for a process that forks meanwhile: we are in the background."""
    import_in_background("fsspec.core", "fsspec.registry")
    from fsspec.registry import known_implementations

    implementation = known_implementations.get(protocol, {}).get("class", "")
    import_in_background(str(implementation).rpartition(".")[0] or "fsspec.core")


def _is_sure(content: Member | bytes) -> bool:
    """Whether the content can't turn out wrong half way: frozen, and handed over in one call."""
    if isinstance(content, bytes) or content.kept == "cloned":
        return True
    return content.kept == "copied" and content.size <= COPY_FILE_BYTES


def _upload(files: Any, target: str, content: Member | bytes) -> None:
    if isinstance(content, bytes):
        files.pipe_file(target, content)
    elif content.size <= COPY_FILE_BYTES:
        files.pipe_file(target, b"".join(bytes(piece) for piece in content.chunks()))
    elif content.kept == "copied":
        _stream(files, target, content)
    else:
        files.put_file(_readable_path(content), target)


def _stream(files: Any, target: str, content: Member) -> None:
    with files.open(target, "wb") as file:
        for piece in content.chunks():
            file.write(bytes(piece))


def _readable_path(content: Member) -> str:
    """A path that opens this very content, even when the file was renamed or removed."""
    if content.staged is not None:
        return str(content.staged)
    if content.descriptor is not None and os.path.exists("/proc/self/fd"):
        return f"/proc/self/fd/{content.descriptor}"
    return str(content.source)
