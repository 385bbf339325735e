"""Every setting there is: one table, from which the documentation is generated, and the frozen value built from it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from ._errors import SettingsError
from ._settings_kafka import KAFKA_VARIABLES
from ._settings_parsers import (
    CAPTURES,
    Secret,
    address,
    capture,
    choice,
    flag,
    is_name,
    project_name,
    seconds,
    store,
    variables,
)
from ._settings_variable import Variable

__all__ = ["CAPTURES", "VARIABLES", "Mode", "Settings", "Variable", "from_env", "is_name", "unknown_variables"]

Mode = Literal["on", "offline", "disabled"]
_PASSWORD: Final = re.compile(r"//.*@")


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
    experiment: str | None = None
    trial: Mapping[str, object] | None = None
    run_name: str | None = None
    host: Literal["auto", "inline", "none"] = "auto"
    host_idle_s: float = 60.0
    heartbeat_s: float = 10.0
    sync_s: float = 1.0
    system_s: float = 15.0
    kafka: str | None = None
    kafka_topic_prefix: str = "epochal."
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_user: str | None = None
    kafka_sasl_password: Secret | None = None
    kafka_sasl_token: Secret | None = None
    kafka_ca: str | None = None
    kafka_cert: str | None = None
    kafka_key: str | None = None
    kafka_wait_s: float = 30.0
    shipper: Literal["process", "thread", "none"] = "process"
    spool_limit_bytes: int = 50 * 10**9
    worker_http: tuple[str, int] | None = None
    worker_age_s: float = 0.5
    worker_session_s: float = 30.0
    worker_stall_s: float = 300.0


VARIABLES: Final = (
    Variable(
        "EPOCHAL_STORE",
        "where everything is kept",
        "per-user data directory",
        "a directory (whose path is UTF-8 and holds no ?), or clickhouse://user:password@host:8123/database "
        "(clickhouses:// for TLS)",
        "store",
        store,
    ),
    Variable("EPOCHAL_PROJECT", "project, the outermost name space", "default", "any text", "project", project_name),
    Variable(
        "EPOCHAL_ARTIFACTS",
        "where contents of artifacts are kept; with a server it must be set, or files are recorded by digest and "
        "place only, with a warning",
        "in the embedded store",
        "any fsspec URL; s3:// and gs:// need epochal[s3] and epochal[gs]",
        "artifacts",
        str,
    ),
    Variable(
        "EPOCHAL_JOURNAL",
        "directory of the journals; `epochal doctor` says where and why",
        "inside an embedded store on a local disk, else per-user local scratch; there, too, with EPOCHAL_KAFKA",
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
        choice("on", "offline", "disabled"),
    ),
    Variable(
        "EPOCHAL_CAPTURE",
        "what is captured by itself, secrets redacted",
        "all",
        f"all, none, or a list with commas of {', '.join(sorted(CAPTURES))}",
        "capture",
        capture,
    ),
    Variable("EPOCHAL_STRICT", "raise instead of warn", "off", "on or off (1/0, true/false, yes/no)", "strict", flag),
    Variable(
        "EPOCHAL_COMPONENT",
        "the run that this process is part of: set by Epochal for child processes, read by `epochal.current()`",
        "none",
        "what Epochal set, or the id of a component",
        "component",
        str,
    ),
    Variable(
        "EPOCHAL_EXPERIMENT",
        "the experiment of a run that is opened without one, in no other run",
        "none",
        "any text",
        "experiment",
        project_name,
    ),
    Variable(
        "EPOCHAL_TRIAL",
        "the variables of its trial, where none are given",
        "none: the default trial",
        'a JSON object, such as {"lr": 0.1}',
        "trial",
        variables,
    ),
    Variable("EPOCHAL_RUN_NAME", "its name, where none is given", "its kind", "any text", "run_name", project_name),
    Variable(
        "EPOCHAL_HOST",
        "the host process of an embedded store: auto starts it on demand, inline keeps the engine in the process "
        "that reads (one process at a time; no child process, no socket), none never starts one",
        "auto",
        "auto, inline, none",
        "host",
        choice("auto", "inline", "none"),
    ),
    Variable(
        "EPOCHAL_HOST_IDLE",
        "seconds with no request, no live writer and nothing to take in after which a host ends by itself",
        "60",
        "0 < s ≤ 86400",
        "host_idle_s",
        seconds,
    ),
    Variable("EPOCHAL_HEARTBEAT", "seconds between signs of life", "10", "0 < s ≤ 86400", "heartbeat_s", seconds),
    Variable(
        "EPOCHAL_SYNC",
        "seconds between forced writes of the journal to the disk (for power loss; a killed process loses nothing)",
        "1",
        "0 < s ≤ 86400",
        "sync_s",
        seconds,
    ),
    Variable("EPOCHAL_SYSTEM", "seconds between system metrics", "15", "0 < s ≤ 86400", "system_s", seconds),
    *KAFKA_VARIABLES,
    Variable(
        "EPOCHAL_WORKER_HTTP",
        "where a worker (`epochal process`) answers /metrics, /healthz and /readyz",
        "nowhere",
        "a port of 127.0.0.1, or address:port; 0 is a port of the system's choice",
        "worker_http",
        address,
    ),
    Variable(
        "EPOCHAL_WORKER_AGE",
        "seconds that a worker lets messages wait for others to be stored with",
        "0.5",
        "0 < s ≤ 86400",
        "worker_age_s",
        seconds,
    ),
    Variable(
        "EPOCHAL_WORKER_SESSION",
        "seconds of silence after which a worker's partitions are given to others",
        "30",
        "0 < s ≤ 86400, within the broker's group.min and group.max.session.timeout.ms",
        "worker_session_s",
        seconds,
    ),
    Variable(
        "EPOCHAL_WORKER_STALL",
        "seconds without progress, though messages wait and the store is there, after which a worker ends with status "
        "75 to be started again",
        "300",
        "0 < s ≤ 86400",
        "worker_stall_s",
        seconds,
    ),
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
                given = "***" if variable.secret else repr(_PASSWORD.sub("//…@", text))
                raise SettingsError(f"{variable.name}={given}: accepted are {variable.accepted}") from None
    settings = Settings(**cast("dict[str, str]", values))  # type: ignore[arg-type]  # the parsers give each its type
    _check_identity(settings)
    return settings


def _check_identity(settings: Settings) -> None:
    """What is said of SASL must be enough, and not be said in vain: who gives a mechanism doesn't want plain text."""
    mechanism, protocol = settings.kafka_sasl_mechanism, settings.kafka_security_protocol
    if protocol.startswith("SASL") != (mechanism is not None):
        raise SettingsError(
            f"EPOCHAL_KAFKA_SECURITY_PROTOCOL is {protocol} and EPOCHAL_KAFKA_SASL_MECHANISM is {mechanism}: "
            "SASL_PLAINTEXT and SASL_SSL need a mechanism, and a mechanism needs one of them"
        )
    needed = {None: (), "OAUTHBEARER": ("token",)}.get(mechanism, ("user", "password"))
    for what in needed:
        if getattr(settings, f"kafka_sasl_{what}") is None:
            raise SettingsError(f"EPOCHAL_KAFKA_SASL_{what.upper()} is not set, and {mechanism} needs it")


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
