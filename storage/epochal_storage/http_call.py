"""A request in ClickHouse's HTTP protocol as plain values: what is asked, with which settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from epochal_storage.errors import EngineError
from epochal_storage.http_auth import Headers

DEFAULT_FORMAT = "TabSeparated"

# of the transport or of a server's other parts; a single embedded engine has no use for them
_TRANSPORT = frozenset(
    {
        "query", "user", "password", "database", "default_format", "query_id", "quota_key", "session_id",
        "session_timeout", "session_check", "session_timezone", "buffer_size", "wait_end_of_query", "compress",
        "decompress", "role", "client_protocol_version", "send_progress_in_http_headers",
        "http_headers_progress_interval_ms", "enable_http_compression", "http_zlib_compression_level",
        "cancel_http_readonly_queries_on_client_close", "log_comment",
    }
)  # fmt: skip

# what may be lowered and not raised; 0 means without a bound
_BOUNDED = frozenset({"max_execution_time", "max_memory_usage"})

# what would open again what a reader's connection closes, or let it take more than its share
_REFUSED = re.compile(
    r"readonly|allow_ddl|allow_introspection_functions|implicit_select|allow_experimental_eval_table_function"
    r"|max_untracked_memory|max_memory_usage_for_user|max_execution_time_leaf|memory_.*|profile|workload"
)


_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_FIELD = re.compile(rb'content-disposition:[^\r]*\bname="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """One request, understood. `query` is SQL; `parameters` are texts as the engine takes them."""

    query: str
    database: str | None = None
    default_format: str = DEFAULT_FORMAT
    query_id: str = ""
    accepts_compressed: bool = False
    catch_up: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def understood(arguments: Mapping[str, str], headers: Headers) -> Call:
    """Read the URL's (or form's) arguments, and the headers that say the same.

    Raises: EngineError for ClickHouse's own block compression, which isn't spoken here.
    """
    for name in ("compress", "decompress"):
        if arguments.get(name, "0") not in ("", "0", "false"):
            raise EngineError(
                f"{name}=1 asks for ClickHouse's block compression, which this host doesn't speak; "
                "use Content-Encoding and Accept-Encoding with enable_http_compression=1",
                48,
                "NOT_IMPLEMENTED",
            )
    return Call(
        query=arguments.get("query", ""),
        database=arguments.get("database") or headers.get("X-ClickHouse-Database"),
        default_format=arguments.get("default_format") or headers.get("X-ClickHouse-Format") or DEFAULT_FORMAT,
        query_id=arguments.get("query_id", ""),
        accepts_compressed=arguments.get("enable_http_compression", "0") == "1",
        catch_up=headers.get("X-Epochal-Catch-Up") != "0",
        parameters={name[6:]: value for name, value in arguments.items() if name.startswith("param_")},
        settings={
            name: value
            for name, value in arguments.items()
            if name not in _TRANSPORT and not name.startswith("param_") and value != ""
        },
    )


def reader_settings(settings: Mapping[str, str], bounds: Mapping[str, int]) -> dict[str, str]:
    """The settings of a reader's request that are passed on: bounds are lowered to ours, never raised.

    Raises: EngineError naming a setting that a reader may not have.
    """
    kept: dict[str, str] = {}
    for name, value in settings.items():
        if _REFUSED.fullmatch(name):
            raise EngineError(f"setting {name} can't be changed on a connection that may only read", 164, "READONLY")
        kept[name] = _lowered(name, value, bounds[name]) if name in _BOUNDED and name in bounds else value
    return kept


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form.

    Raises: EngineError for a form that isn't one, or that has files (external tables).
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise EngineError("the form names no boundary", 36, "BAD_ARGUMENTS")
    # a delimiter is at the beginning of a line, and the end of the line before belongs to it
    parts = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    found: dict[str, str] = {}
    for part in parts[1:]:
        if part.startswith(b"--"):
            return found
        head, gap, value = part.partition(b"\r\n\r\n")
        name = _FIELD.search(head)
        if not gap or name is None or b"filename=" in head.lower():
            raise EngineError("external tables aren't spoken here; pass an Array parameter", 48, "NOT_IMPLEMENTED")
        found[name[1].decode()] = value.decode()
    raise EngineError("the form has no end", 36, "BAD_ARGUMENTS")


def _lowered(name: str, value: str, bound: int) -> str:
    try:
        asked = float(value)
    except ValueError:
        raise EngineError(f"setting {name} is {value!r}; a number is expected", 36, "BAD_ARGUMENTS") from None
    return value if 0 < asked <= bound else str(bound)
