"""What can go wrong in storage.

StoreError
├── EngineError            the engine refused a statement; has `.code` and `.name`
├── HostUnavailableError   no host answers and none can be started
├── HostSilentError        a host is there and doesn't answer; has `.pid`
├── HostEndingError        the host that was asked is ending; the next one answers
├── LocationError          EPOCHAL_STORE can't be understood
├── MigrationError         the tables of a store can't be brought to this version
├── SchemaError            rows don't fit the table they are meant for
└── ArchiveError           an export can't be written, or can't be trusted
"""

from __future__ import annotations

import re

from epochal._errors import EpochalError


class StoreError(EpochalError):
    """Anything the storage package raises on purpose."""


class EngineError(StoreError):
    """The engine refused a statement: its message, without its internals.

    Guarantees: `code` is ClickHouse's error number (0 where it gave none), `name` its name for it.
    """

    def __init__(self, message: str, code: int = 0, name: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.name = name


HOST_ENDING = 236
"""ClickHouse's own number for what was broken off because the server ends."""


class HostUnavailableError(StoreError):
    """No host answers for the store, and none could be started."""


class HostSilentError(StoreError):
    """A host holds the store and doesn't answer.

    Guarantees: `pid` is the process that holds it.
    """

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


class HostEndingError(EngineError):
    """The host that was asked is ending, or has no store any more. A client of ours goes on to the next one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, HOST_ENDING, "ABORTED")


class LocationError(StoreError):
    """A store's location can't be understood. The message never holds a password."""


class MigrationError(StoreError):
    """The tables of a store can't be brought to this version."""


class SchemaError(StoreError):
    """Rows don't fit the table they are meant for."""


class ArchiveError(StoreError):
    """An export can't be written, is damaged, or is newer than this version reads."""


# what a server says of itself or of its load, and not of the statement: the same statement may be accepted later
_PASSING = frozenset(
    {
        "ABORTED", "ALL_CONNECTION_TRIES_FAILED", "CANNOT_SCHEDULE_TASK", "DATABASE_REPLICATION_FAILED", "DNS_ERROR",
        "INCOMPLETE_BODY", "KEEPER_EXCEPTION", "MEMORY_LIMIT_EXCEEDED", "NETWORK_ERROR", "NOT_ENOUGH_SPACE",
        "NO_REPLICA_HAS_PART", "QUERY_WAS_CANCELLED", "QUORUM_NOT_SATISFIED", "QUOTA_EXCEEDED", "SERVER_OVERLOADED",
        "SOCKET_TIMEOUT", "TABLE_IS_READ_ONLY", "TIMEOUT_EXCEEDED", "TOO_FEW_LIVE_REPLICAS", "TOO_MANY_PARTS",
        "TOO_MANY_SIMULTANEOUS_QUERIES", "UNKNOWN_STATUS_OF_INSERT", "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    }
)  # fmt: skip


def may_heal(error: BaseException) -> bool:
    """Whether the same call may succeed later: the store is away, silent, full or overloaded.

    False for what no waiting mends: a refused statement, rows that don't fit, a wrong password.
    """
    if isinstance(error, EngineError):
        return error.name in _PASSING
    return isinstance(error, HostUnavailableError | HostSilentError)


_CODE = re.compile(r"Code:\s*(\d+)")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")
_PREFIX = re.compile(r"^.*?DB::Exception:\s*", re.DOTALL)
# what ClickHouse appends for its own developers: the rewritten query, its pipeline, its version, its stack
_INTERNALS = re.compile(
    r"(?::?\s*\(?[Ww]hile (?:executing|processing|reading|parsing).*"
    r"|:? ?In scope .*"
    r"|\s*\(version [^)]*\)*.*"
    r"|\s*\(for url [^)]*\)"
    r"|,? Stack trace.*)$",
    re.DOTALL,
)


def engine_error(raw: str) -> EngineError:
    """Read the engine's own text of an error and keep what a user can act on."""
    code = _CODE.search(raw)
    names = _NAME.findall(raw)
    text = raw
    while "DB::Exception:" in text:
        text = _PREFIX.sub("", text, count=1)
    for name in names:
        text = text.replace(f"({name})", "")
    text = _INTERNALS.sub("", text).strip().rstrip(".").strip()
    if "in readonly mode" in text and "setting" not in text:
        text = (
            "this connection may only read: nothing can be inserted, created, changed or dropped, no file or URL read"
        )
    return EngineError(text or "the engine gave no reason", int(code[1]) if code else 0, names[-1] if names else "")
