"""Every setting there is: one table, from which the documentation is generated, and the frozen value built from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from ._errors import SettingsError

__all__ = ["CAPTURES", "VARIABLES", "Mode", "Settings", "Variable", "from_env", "unknown_variables"]

Mode = Literal["on", "offline", "disabled"]
CAPTURES: Final = frozenset({"code", "packages", "env", "host", "console", "system"})
"""What can be captured without a word from the user."""


@dataclass(frozen=True)
class Variable:
    """One environment variable: what it means, what it is when unset, what is accepted."""

    name: str
    meaning: str
    default: str
    accepted: str
    field: str
    parse: Callable[[str], object]


@dataclass(frozen=True)
class Settings:
    """The settings of one process, read once. ``None`` means: not set, a default is worked out where it is needed."""

    project: str = "default"
    store: str | None = None
    artifacts: str | None = None
    journal: str | None = None
    mode: Mode = "on"
    capture: frozenset[str] = CAPTURES
    strict: bool = False
    component: str | None = None
    host: Literal["auto", "inline", "none"] = "auto"
    host_idle_s: float = 60.0
    heartbeat_s: float = 10.0
    sync_s: float = 1.0
    system_s: float = 15.0


def _choice(*choices: str) -> Callable[[str], object]:
    def parse(text: str) -> object:
        if text.lower() not in choices:
            raise ValueError
        return text.lower()

    return parse


def _store(text: str) -> object:
    scheme, found, _ = text.partition("://")
    if found and scheme.lower() not in ("file", "clickhouse", "clickhouses"):
        raise ValueError
    if not found or scheme.lower() == "file":
        text.encode()  # bytes that are no UTF-8 are a UnicodeEncodeError, which is a ValueError
        if "?" in text or (found and "%3f" in text.lower()):
            raise ValueError
    return text


def _flag(text: str) -> bool:
    flags = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in flags:
        raise ValueError
    return flags[text.lower()]


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86400:
        raise ValueError
    return seconds


def _capture(text: str) -> frozenset[str]:
    words = {word.strip().lower() for word in text.split(",") if word.strip()}
    if words in ({"all"}, {"none"}):
        return CAPTURES if words == {"all"} else frozenset()
    if not words or not words <= CAPTURES:
        raise ValueError
    return frozenset(words)


VARIABLES: Final = (
    Variable(
        "EPOCHAL_STORE",
        "where everything is kept",
        "per-user data directory",
        "a directory (whose path is UTF-8 and holds no ?), or clickhouse://user:password@host:8123/database "
        "(clickhouses:// for TLS)",
        "store",
        _store,
    ),
    Variable("EPOCHAL_PROJECT", "project, the outermost name space", "default", "any text", "project", str),
    Variable(
        "EPOCHAL_ARTIFACTS",
        "where contents of artifacts are kept; with a server it must be set, or files are recorded by digest and "
        "place only, with a warning",
        "in the embedded store",
        "any fsspec URL",
        "artifacts",
        str,
    ),
    Variable(
        "EPOCHAL_JOURNAL",
        "directory of the journals; `epochal doctor` says where and why",
        "inside an embedded store on a local disk, else per-user local scratch",
        "a directory",
        "journal",
        str,
    ),
    Variable(
        "EPOCHAL_MODE",
        "on; offline: journal only, nothing is started; disabled: does nothing, costs nothing",
        "on",
        "on, offline, disabled",
        "mode",
        _choice("on", "offline", "disabled"),
    ),
    Variable(
        "EPOCHAL_CAPTURE",
        "what is captured by itself, secrets redacted",
        "all",
        f"all, none, or a list with commas of {', '.join(sorted(CAPTURES))}",
        "capture",
        _capture,
    ),
    Variable("EPOCHAL_STRICT", "raise instead of warn", "off", "on or off (1/0, true/false, yes/no)", "strict", _flag),
    Variable(
        "EPOCHAL_COMPONENT",
        "the run that this process is part of: set by Epochal for child processes, read by `epochal.current()`",
        "none",
        "what Epochal set, or the id of a component",
        "component",
        str,
    ),
    Variable(
        "EPOCHAL_HOST",
        "the host process of an embedded store: auto starts it on demand, inline keeps the engine in the process "
        "that reads (one process at a time; no child process, no socket), none never starts one",
        "auto",
        "auto, inline, none",
        "host",
        _choice("auto", "inline", "none"),
    ),
    Variable(
        "EPOCHAL_HOST_IDLE",
        "seconds with no request, no live writer and nothing to take in after which a host ends by itself",
        "60",
        "0 < s ≤ 86400",
        "host_idle_s",
        _seconds,
    ),
    Variable("EPOCHAL_HEARTBEAT", "seconds between signs of life", "10", "0 < s ≤ 86400", "heartbeat_s", _seconds),
    Variable(
        "EPOCHAL_SYNC",
        "seconds between forced writes of the journal to the disk (for power loss; a killed process loses nothing)",
        "1",
        "0 < s ≤ 86400",
        "sync_s",
        _seconds,
    ),
    Variable("EPOCHAL_SYSTEM", "seconds between system metrics", "15", "0 < s ≤ 86400", "system_s", _seconds),
)
"""The one table of settings."""


def from_env(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; an empty variable counts as unset.

    Raises:
        SettingsError: a variable has a value that is not accepted; names the variable, the value and what is.
    """
    values: dict[str, object] = {}
    for variable in VARIABLES:
        text = environ.get(variable.name, "").strip()
        if text:
            try:
                values[variable.field] = variable.parse(text)
            except ValueError:
                raise SettingsError(f"{variable.name}={text!r}: accepted are {variable.accepted}") from None
    return Settings(**cast("dict[str, str]", values))  # type: ignore[arg-type]  # the parsers give each field its type


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """One sentence for each EPOCHAL_ variable that this version does not know: misspelt, or of a later version."""
    known = [variable.name for variable in VARIABLES]
    sentences: list[str] = []
    for name in sorted(environ):
        if name.startswith("EPOCHAL_") and name not in known and not name.startswith("EPOCHAL_TEST_"):
            import difflib  # for this rare case only

            near = difflib.get_close_matches(name, known, 1)
            meant = f"; did you mean {near[0]}?" if near else ""
            sentences.append(f"{name} is set, but this version knows no such setting{meant}")
    return sentences
