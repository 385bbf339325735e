"""An address that answers ClickHouse's HTTP protocol, and whether it still does."""

from __future__ import annotations

import base64
import http
import http.client
import json
from dataclasses import dataclass, field
from enum import Enum

from epochal_storage.errors import engine_error
from epochal_storage.location import Server


@dataclass(frozen=True)
class Endpoint:
    """Where to ask and as whom. `pid` is the host's process, None for a server. Its text never holds the secret."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    database: str
    tls: bool = False
    pid: int | None = None

    @classmethod
    def of_server(cls, server: Server) -> Endpoint:
        """The endpoint of a ClickHouse server."""
        return cls(server.host, server.port, server.user, server.password, server.database, server.tls)


class Pulse(Enum):
    """What an address answered to a ping."""

    ALIVE = "alive"
    FOREIGN = "foreign"
    """Something answers, and it isn't the host of this store."""
    GONE = "gone"
    """Nothing listens."""
    SILENT = "silent"
    """Something listens and didn't answer in time."""


def ping(host: str, port: int, store_id: str | None, seconds: float) -> Pulse:
    """Ask a host whether it lives and holds the store with this id (None: any)."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", "/ping")
        response = connection.getresponse()
        response.read()
        said = response.getheader("X-Epochal-Store")
    except TimeoutError:
        return Pulse.SILENT
    except (OSError, http.client.HTTPException):
        return Pulse.GONE
    finally:
        connection.close()
    return Pulse.FOREIGN if said is None or (store_id and said and said != store_id) else Pulse.ALIVE


def posted(endpoint: Endpoint, path: str, seconds: float = 3600.0, body: bytes = b"") -> dict[str, object]:
    """Ask one of the host's own addresses, which answer JSON.

    Raises: EngineError with the host's message; OSError where the host is gone.
    """
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=seconds)
    credentials = base64.b64encode(f"{endpoint.user}:{endpoint.secret}".encode()).decode()
    try:
        connection.request(
            "POST", path, body, {"Authorization": f"Basic {credentials}", "Content-Length": f"{len(body)}"}
        )
        response = connection.getresponse()
        content = response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{endpoint.host}:{endpoint.port} broke off: {error!r}") from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise engine_error(content.decode(errors="replace"))
    answer: dict[str, object] = json.loads(content)
    return answer
