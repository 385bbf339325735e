"""deploy/compose.yaml as those see it who own the format: compose-spec, and `docker compose` where there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compose_spec import PyOptions

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FILE = DEPLOY / "compose.yaml"
VALUES = {"WRITER_PASSWORD": "w", "ANALYST_PASSWORD": "a", "KAFKA_CLUSTER_ID": "5L6g3nShT-eMCtK--X86sw"}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<how>[-?])(?P<text>[^}]*)\}")


def variables() -> dict[str, str | None]:
    """What the file takes from its surroundings: name to default, None where it refuses to go on without."""
    return {m["name"]: m["text"] if m["how"] == "-" else None for m in _VARIABLE.finditer(FILE.read_text("utf-8"))}


def services(values: Mapping[str, str] = VALUES) -> dict[str, Any]:
    """The services, read by the specification's parser, which refuses what it doesn't know."""

    def value(match: re.Match[str]) -> str:
        return values.get(match["name"]) or (match["text"] if match["how"] == "-" else "")

    # a number that stands in a variable is text in YAML, as long as nobody has put it in
    text = re.sub(r'"(\d+)"(?=,? ?(?:resources|\}))', r"\1", _VARIABLE.sub(value, FILE.read_text("utf-8")))
    found = PyOptions(apply_merge=True).from_yaml(text)
    found.validate()
    return dict(found.to_dict()["services"])


def environment(service: str) -> dict[str, str]:
    """The environment of a service."""
    return {name: str(value) for name, value in services()[service]["environment"].items()}


def compose_command() -> list[str] | None:
    """How to call Docker's own compose here; None where there is none. Parsing needs no engine."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is not None:
            asked = subprocess.run([*command, "version"], capture_output=True, check=False)
            if asked.returncode == 0:
                return command
    return None


def as_docker_reads_it(command: list[str], values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What Docker's own compose makes of the file."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [*command, "--file", str(FILE), "--env-file", "/dev/null", "--profile", "tools", "config", "--format", "json"],
        env=kept | dict(values),
        capture_output=True,
        text=True,
        check=False,
    )
