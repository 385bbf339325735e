"""Opening a store: the composition root of reading. The only place here that knows settings and processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epochal._places import default_store, home
from epochal._saying import sayer
from epochal._sent import SENT
from epochal._settings import Settings, from_env, is_name
from epochal_query.connection import Connection, Opened
from epochal_query.errors import ReadError
from epochal_query.store import Store
from epochal_storage.client import StoreClient
from epochal_storage.endpoint import Endpoint
from epochal_storage.location import Embedded, Location, parsed
from epochal_storage.remote import RemoteStore, open_remote

if TYPE_CHECKING:
    from epochal._kafka.kept import Topics


def open_store(location: str | os.PathLike[str] | None = None, *, project: str | None = None) -> Store:
    """Open a store for reading.

    ``location`` is a directory or a ``clickhouse://`` URL; without one it is EPOCHAL_STORE, or the per-user store.
    A directory's host is started when there is none. ``project`` is EPOCHAL_PROJECT unless given.

    Raises:
        SettingsError, LocationError: a setting or the location can't be understood.
        HostUnavailableError, HostSilentError: the store's host can't be reached.
    """
    if project is not None and not is_name(project):
        raise ReadError(f"project={project!r} is no name: give non-empty text, or leave it out for EPOCHAL_PROJECT")
    store = open_with(_settings(location), project, _elsewhere_too(location))
    store.last_watermark = store.watermark()
    return store


def open_again(location: str | None, project: str) -> Store:
    """What another process had open; it is asked nothing yet."""
    return open_with(_settings(location), project, location)


def _elsewhere_too(location: str | os.PathLike[str] | None) -> str | None:
    """The location as a process in another working directory can use it."""
    if location is None or "://" in os.fspath(location):
        return None if location is None else os.fspath(location)
    return os.path.abspath(os.path.expanduser(os.fspath(location)))


def open_with(settings: Settings, project: str | None = None, location: str | None = "") -> Store:
    """Open a store as the settings say, without asking it anything yet."""
    where = store_location(settings)
    connection = _connection(where, settings)

    def contents() -> Any:
        from epochal._artifacts.store import contents_of

        return contents_of(settings)

    directory = where.directory if isinstance(where, Embedded) else None

    def with_rights() -> RemoteStore:
        from epochal._host import spawn

        needs_host(settings, "rebuilding")
        return open_remote(where, spawn if settings.host != "none" else lambda _: None)

    opened = Opened(
        connection,
        contents,
        sent=SENT.positions,
        directory=directory,
        location=location,
        with_rights=with_rights,
        say=sayer(settings),
        topics=_topics(settings),
    )
    return Store(opened, project or settings.project)


def _topics(settings: Settings) -> Topics | None:
    if settings.kafka is None or settings.mode != "on":
        return None
    from epochal._kafka.kept import Topics

    return Topics(settings)


def store_location(settings: Settings, environ: Mapping[str, str] = os.environ) -> Location:
    """Where the store of these settings is."""
    return Embedded(default_store(environ)) if settings.store is None else parsed(settings.store)


def embedded_directory(location: str | os.PathLike[str] | None = None) -> Path:
    """The directory of an embedded store.

    Raises:
        ReadError: the store is a server.
        LocationError: the location can't be understood.
    """
    where = store_location(_settings(location))
    if isinstance(where, Embedded):
        return where.directory
    raise ReadError(
        f"{where} is a server: only a store in a directory is exported or imported here; use its own backups"
    )


def _settings(location: str | os.PathLike[str] | None) -> Settings:
    settings = from_env()
    if location is None:
        return settings
    if not isinstance(location, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ReadError(f"a store is opened by its directory or clickhouse:// URL, not by {location!r}")
    return replace(settings, store=os.fspath(location))


def _connection(where: Location, settings: Settings) -> Connection:
    if not isinstance(where, Embedded):
        from epochal_query.server import ServerConnection, taking

        return ServerConnection(where, lambda: taking(home(settings), where, settings.store or "", settings.host))
    if settings.host == "inline":
        # here and not at the top: it loads the engine into this process
        from epochal_query.inline import InlineConnection

        return InlineConnection(where.directory)
    return StoreClient(lambda: _host_of(where.directory, may_start=settings.host != "none"))


def _host_of(directory: Path, *, may_start: bool) -> Endpoint:
    from epochal._host import spawn
    from epochal_storage.locate import find_or_start

    return find_or_start(directory, "reader", spawn if may_start else lambda _: None)


def reader_endpoint(location: str | os.PathLike[str] | None = None) -> Endpoint:
    """Where and as whom to read with any other client; starts the host of a directory when there is none.

    Raises:
        ReadError: EPOCHAL_HOST=inline, where there is no host.
    """
    settings = _settings(location)
    where = store_location(settings)
    if not isinstance(where, Embedded):
        return Endpoint.of_server(where)
    needs_host(settings, "an address for other clients")
    return _host_of(where.directory, may_start=settings.host != "none")


def needs_host(settings: Settings, what: str) -> None:
    """Refuse what can't be had without a process of its own.

    Raises:
        ReadError: the settings forbid that.
    """
    if settings.host == "inline":
        raise ReadError(
            f"{what} needs a host, a process of its own, and EPOCHAL_HOST=inline forbids that: "
            "unset it for this command, where processes and loopback are allowed"
        )
