"""Where things lie: the store, the journals, and whether a directory is on a disk of this machine."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ._errors import SettingsError
from ._settings import Settings

__all__ = [
    "JournalPlace",
    "artifact_url",
    "default_store",
    "file_system",
    "home",
    "is_local",
    "journal_place",
    "store_directory",
]

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs"}
) | frozenset({"panfs", "pvfs2", "orangefs", "wekafs", "vboxsf", "virtiofs"})
"""Types of file systems that lie on other machines; every FUSE one counts as such too."""


@dataclass(frozen=True)
class JournalPlace:
    """The directory of the journals, and in words why it is that one."""

    directory: Path
    why: str
    in_store: bool
    """Whether the store's host finds it by itself."""


def default_store(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The per-user store: used when EPOCHAL_STORE is not set."""
    home = Path(os.path.expanduser("~"))
    if platform == "darwin":
        return home / "Library" / "Application Support" / "epochal"
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "epochal"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "epochal"


def store_directory(store: str | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The directory of an embedded store; None when the setting names a server."""
    if store is None:
        return default_store(environ)
    if store.startswith(("clickhouse://", "clickhouses://")):
        return None
    if store.startswith("file://"):
        from urllib.parse import unquote  # for this rare case only

        return Path(os.path.abspath(unquote(store.removeprefix("file://"))))
    return Path(os.path.abspath(os.path.expanduser(store)))


def artifact_url(settings: Settings) -> str | None:
    """Where contents are kept; None when a server is set and EPOCHAL_ARTIFACTS is not."""
    if settings.artifacts is not None:
        return settings.artifacts
    directory = store_directory(settings.store)
    return None if directory is None else str(directory / "artifacts")


def home(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """The directory whose host takes this process's journals in: the embedded store, or the local outpost of a server.

    The outpost is the same whoever asks the server: user and password don't count.
    """
    store = store_directory(settings.store, environ)
    return _scratch(environ) / _short(_server(settings.store or "")) if store is None else store


def journal_place(settings: Settings, environ: Mapping[str, str] = os.environ) -> JournalPlace:
    """The directory of this process's journals.

    Raises:
        SettingsError: EPOCHAL_JOURNAL names a place where they would be taken in twice.
    """
    store, at_home = store_directory(settings.store, environ), home(settings, environ) / "journals"
    if settings.kafka is not None:
        return _spool_place(settings, environ)
    if settings.journal is not None:
        directory = Path(os.path.abspath(os.path.expanduser(settings.journal)))
        return JournalPlace(directory, "EPOCHAL_JOURNAL is set", directory == at_home)
    if store is None:
        return JournalPlace(at_home, "per-user local scratch, because the store is a server", True)
    if is_local(store):
        return JournalPlace(at_home, "inside the embedded store, on a local disk", True)
    why = f"per-user local scratch, because the store is on a network file system ({file_system(store)})"
    return JournalPlace(_scratch(environ) / _short(str(store)) / "journals", why, False)


def _spool_place(settings: Settings, environ: Mapping[str, str]) -> JournalPlace:
    """With Kafka: a directory that no store's host reads, one for each Kafka and each way of being known there."""
    if settings.journal is not None:
        directory = Path(os.path.abspath(os.path.expanduser(settings.journal)))
        at_home = home(settings, environ)
        if directory.is_relative_to(at_home):
            raise SettingsError(
                f"EPOCHAL_JOURNAL={settings.journal!r} lies inside {at_home}, whose host would take in what goes to "
                "Kafka: name a directory outside it"
            )
        return JournalPlace(directory, "EPOCHAL_JOURNAL is set", in_store=False)
    whose = (
        settings.kafka,
        settings.kafka_topic_prefix,
        settings.kafka_security_protocol,
        settings.kafka_sasl_mechanism,
        settings.kafka_sasl_user,
    )
    directory = _scratch(environ) / f"spool-{_short(repr(whose))}" / "journals"
    return JournalPlace(directory, "the spool of EPOCHAL_KAFKA, in per-user local scratch", in_store=False)


def is_local(path: Path) -> bool:
    """Whether the path (or the nearest directory above it) is on a disk of this machine, for all we know."""
    kind = file_system(path)
    return kind not in _NETWORK and not kind.startswith("fuse")


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the path's file system, such as ``ext4``; ``unknown`` where the system does not say."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return "unknown"
    real = os.path.realpath(path)
    best, found = "", "unknown"
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 2:
            point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
            if len(point) >= len(best) and (real == point or real.startswith(point.rstrip("/") + "/")):
                best, found = point, fields[2]
    return found


def _scratch(environ: Mapping[str, str]) -> Path:
    """A directory of this user's on a local disk that outlives a reboot where there is one."""
    home = Path(environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")) / "epochal"
    if is_local(home):
        return home
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path("/var/tmp" if os.path.isdir("/var/tmp") else environ.get("TMPDIR") or "/tmp") / f"epochal-{user}"  # noqa: S108


def _server(store: str) -> str:
    """A server and database, without who asks."""
    from urllib.parse import urlsplit  # for servers only: it costs an import of 2 ms

    url = urlsplit(store)
    tls = url.scheme == "clickhouses"
    return f"{url.hostname}:{url.port or (8443 if tls else 8123)}/{url.path.strip('/') or 'epochal'}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
