"""Texts of settings to values. Each raises ValueError for what is not accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, cast

__all__ = [
    "CAPTURES",
    "Secret",
    "address",
    "capture",
    "choice",
    "flag",
    "is_name",
    "prefix",
    "project_name",
    "seconds",
    "servers",
    "size",
    "store",
    "variables",
]

CAPTURES: Final = frozenset({"code", "packages", "env", "host", "console", "system"})
"""What can be captured without a word from the user."""


_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class Secret(str):
    """A text that shows itself to those who use it, and to nobody who prints what holds it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def is_name(value: object) -> bool:
    """Whether this can be the name of a project: non-empty text that UTF-8 can carry."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False


def project_name(text: str) -> str:
    """A project's name."""
    if not is_name(text):
        raise ValueError
    return text


def choice(*choices: str) -> Callable[[str], object]:
    """One of these words, in any case; they are what comes out."""

    def parse(text: str) -> object:
        for word in choices:
            if text.lower() == word.lower():
                return word
        raise ValueError

    return parse


def flag(text: str) -> bool:
    """On or off, in its many spellings."""
    flags = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in flags:
        raise ValueError
    return flags[text.lower()]


def seconds(text: str) -> float:
    """More than nothing and at most a day."""
    number = float(text)
    if not 0 < number <= 86400:
        raise ValueError
    return number


def size(text: str) -> int:
    """Bytes, from a number with a decimal unit."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *([KMGT]?B?)", text.upper())
    if found is None or found[2] not in _UNITS:
        raise ValueError
    number = int(float(found[1]) * _UNITS[found[2]])
    if number < 10**6:
        raise ValueError
    return number


def capture(text: str) -> frozenset[str]:
    """All, none, or some of what can be captured."""
    words = {word.strip().lower() for word in text.split(",") if word.strip()}
    if words in ({"all"}, {"none"}):
        return CAPTURES if words == {"all"} else frozenset()
    if not words or not words <= CAPTURES:
        raise ValueError
    return frozenset(words)


def servers(text: str) -> str:
    """Hosts with their ports."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    for server in found:
        host, _, port = server.rpartition(":")
        if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError
    return ",".join(found)


def prefix(text: str) -> str:
    """The beginning of topics' names."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", text):
        raise ValueError
    return text


def address(text: str) -> tuple[str, int]:
    """An address to listen at: a port of this machine's loopback, or address:port."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError
    return host.strip("[]") or "127.0.0.1", int(port)


def variables(text: str) -> dict[str, object]:
    """The variables of a trial."""
    found = json.loads(text)  # what isn't JSON is a JSONDecodeError, which is a ValueError
    if not isinstance(found, dict):
        raise ValueError
    return cast("dict[str, object]", found)


def store(text: str) -> object:
    """A directory, or the address of a ClickHouse server."""
    scheme, found, _ = text.partition("://")
    if found and scheme.lower() not in ("file", "clickhouse", "clickhouses"):
        raise ValueError
    if scheme.lower().startswith("clickhouse") and found:
        from urllib.parse import urlsplit  # for servers only: it costs an import of 2 ms

        url = urlsplit(text)
        if not url.hostname or url.port == 0 or "/" in url.path.strip("/") or url.query or url.fragment:
            raise ValueError
    elif not found or scheme.lower() == "file":
        text.encode()  # bytes that are no UTF-8 are a UnicodeEncodeError, which is a ValueError
        if "?" in text or (found and "%3f" in text.lower()):
            raise ValueError
    return text
