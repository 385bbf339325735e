"""Where a store is: EPOCHAL_STORE as a value."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from epochal_storage.errors import LocationError

_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
_FORMS = "a directory, clickhouse://user:password@host:8123/database, or clickhouses:// for TLS"


@dataclass(frozen=True)
class Embedded:
    """A store in a directory of this machine."""

    directory: Path

    def __post_init__(self) -> None:
        """Raise LocationError for a path that the engine can't open: it takes what follows a '?' for options."""
        text = str(self.directory)
        if "?" in text or "\0" in text or not _is_unicode(text):
            raise LocationError(f"a store can't be at {text!r}: its path must be UTF-8 and hold no '?'; choose another")

    def __str__(self) -> str:
        return str(self.directory)


@dataclass(frozen=True)
class Server:
    """A store on a ClickHouse server. Its text never holds the password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    tls: bool

    def __str__(self) -> str:
        return f"clickhouse{'s' if self.tls else ''}://{self.user}@{self.host}:{self.port}/{self.database}"


Location = Embedded | Server


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parsed(text: str | os.PathLike[str]) -> Location:
    """Understand the location of a store; a directory becomes absolute, and need not exist.

    Raises: LocationError saying what is accepted, without any password.
    """
    text = os.fspath(text)
    if not text.strip():
        raise LocationError(f"the location of the store is empty; it is {_FORMS}")
    if "://" not in text:
        return Embedded(Path(text).expanduser().absolute())
    scheme = text.split("://", 1)[0].lower()
    if scheme == "file":
        return Embedded(Path(unquote(text.split("://", 1)[1])).absolute())
    if scheme not in _PORTS:
        raise LocationError(f"a store can't be at {scheme}://…; it is {_FORMS}")
    try:
        return _server(scheme, urlsplit(text))
    except ValueError as error:
        # the error of urlsplit may quote the whole text, and with it the password
        raise LocationError(f"the {scheme}:// location of the store can't be read; it is {_FORMS}") from (
            error if isinstance(error, LocationError) else None
        )


def _server(scheme: str, url: SplitResult) -> Server:
    if not url.hostname:
        raise LocationError(f"the {scheme}:// location of the store names no host; it is {_FORMS}")
    if url.query or url.fragment:
        raise LocationError(f"the {scheme}:// location of the store takes nothing behind the database; it is {_FORMS}")
    database = unquote(url.path.strip("/"))
    if "/" in database:
        raise LocationError(f"database {database!r} can't hold a '/'; the location is {_FORMS}")
    return Server(
        host=url.hostname,
        port=url.port or _PORTS[scheme],
        user=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        database=database or "epochal",
        tls=scheme == "clickhouses",
    )
