"""What is needed to run components again, as far as it is known: gathered for many at once. Nothing is written here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pyarrow as pa

from epochal_query.columns import decoded, id_texts
from epochal_query.param_paths import nested, split
from epochal_query.reading import Reading, at, together

DIFF: Final = "sys/code.diff"
"""The name of the artifact that is the patch from the commit to the code that ran."""
_TELLING: Final = (
    "CUDA_",
    "JAX_",
    "MKL_",
    "NCCL_",
    "OMP_",
    "PYTHONHASHSEED",
    "PYTORCH_",
    "TF_",
    "TORCH_",
    "XLA_",
    "CUBLAS_",
)
"""Beginnings of the environment variables that change what a job computes."""


@dataclass(frozen=True)
class Recipe:
    """How one component came about. What isn't known is empty, and ``unknown`` says so in a sentence each."""

    id: str
    name: str
    kind: str
    parent: str | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    seeds: dict[str, Any] = field(default_factory=dict[str, Any])
    """The params whose name has "seed" in it, by path."""
    command: tuple[str, ...] = ()
    directory: str | None = None
    """Where it ran, relative to the code's root; None where it isn't known or lies elsewhere."""
    python: str = ""
    code: dict[str, Any] = field(default_factory=dict[str, Any])
    """script, root, commit, remote, dirty, …; see docs/architecture.md."""
    packages: dict[str, str] = field(default_factory=dict[str, str])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    inputs: tuple[dict[str, Any], ...] = ()
    """name, digest, uri, media_type, size, stored of each; so are the outputs."""
    outputs: tuple[dict[str, Any], ...] = ()
    diff: str | None = None
    """Digest of the patch from the commit to the code that ran."""

    @property
    def telling(self) -> dict[str, str]:
        """The environment variables that change what a job computes."""
        return {n: value for n, value in self.environment.items() if n.startswith(_TELLING) and n.isidentifier()}

    @property
    def unknown(self) -> list[str]:
        """What isn't known, in a sentence each."""
        dirty, here = self.code.get("dirty"), self.code.get("commit")
        said = [
            (not self.command, "the command line: it ran with no writer of its own, or before it was recorded"),
            (not here, "the commit of the code: it ran outside a git repository, or EPOCHAL_CAPTURE leaves code out"),
            (bool(dirty and not self.diff), "the patch of code that differs from its commit: it was not kept"),
            (bool(self.code.get("error")), f"all of the code: {self.code.get('error')}"),
            (bool(here) and self.directory is None, "the directory it ran in: the code's root is assumed"),
            (not self.packages, "the packages: EPOCHAL_CAPTURE leaves packages out"),
            (not self.environment, "the environment variables: EPOCHAL_CAPTURE leaves env out"),
            (not self.seeds, "a seed: no parameter has that word in its name"),
        ]
        loose = [one["name"] for one in self.inputs if not one["digest"]]
        said += [(True, f"the content of the input {name!r}: it was recorded by its place only") for name in loose]
        return [sentence for holds, sentence in said if holds]


def recipes(reading: Reading, components: Sequence[str]) -> dict[str, Recipe]:
    """The recipe of each component that existed within the bounds of the read, by id."""
    views = ("params", "artifacts", "environments", "writers", "components")
    asked = [partial(_rows, reading, view, list(components)) for view in views]
    params, artifacts, environments, writers, described = together(*asked)
    found: dict[str, Recipe] = {}
    for row in described:
        mine = [[one for one in rows if one["component"] == row["component"]] for rows in (params, artifacts)]
        ran = [one for one in writers if one["component"] == row["component"] and one["role"] == "main"]
        seen = {
            one["section"]: decoded(one["values"])
            for one in sorted(environments, key=lambda one: -int(one["rank"]))
            if one["component"] == row["component"]
        }
        found[row["component"]] = _recipe(row, mine[0], mine[1], ran, seen)
    return found


def _recipe(
    row: dict[str, Any],
    params: list[dict[str, Any]],
    artifacts: list[dict[str, Any]],
    writers: list[dict[str, Any]],
    seen: dict[str, Any],
) -> Recipe:
    values = {one["path"]: decoded(one["value"]) for one in params}
    # the newest attempt of the lowest rank is the one whose results count
    lowest = [one for one in writers if one["rank"] == min(one["rank"] for one in writers)]
    last = max(lowest, key=lambda one: one["opened_at"], default=None)
    command = tuple(last["command"]) if last else ()
    code, environment = dict(seen.get("code", {})), dict(seen.get("env", {}))
    shown = ("name", "digest", "uri", "media_type", "size", "stored")
    sides = {
        side: tuple({key: one[key] for key in shown} for one in artifacts if one["direction"] == side)
        for side in ("in", "out")
    }
    return Recipe(
        id=row["component"],
        name=row["name"],
        kind=row["kind"],
        parent=row["parent"],
        params=nested(sorted(values.items())),
        seeds={path: value for path, value in values.items() if "seed" in split(path)[-1].casefold()},
        command=own_command(command),
        directory=_directory(code, environment, command),
        python=last["python"] if last else "",
        code=code,
        packages=dict(seen.get("packages", {}).get("packages", {})),
        environment=environment,
        inputs=tuple(one for one in sides["in"] if not one["name"].startswith("sys/")),
        outputs=tuple(one for one in sides["out"] if not one["name"].startswith("sys/")),
        diff=next((one["digest"] for one in sides["in"] if one["name"] == DIFF), None),
    )


def _rows(reading: Reading, view: str, components: list[str]) -> list[dict[str, Any]]:
    columns = {
        "params": "path, value",
        "artifacts": "direction, name, digest, uri, media_type, size, stored",
        "environments": "rank, section, values",
        "writers": "role, rank, command, python, opened_at",
        "components": "name, kind, parent",
    }[view]
    order = columns.split(",")[0]
    table: pa.Table = reading.rows(
        f"""SELECT component, {columns} FROM {at(view)}
            WHERE project = {{project:String}} AND component IN {{components:Array(UUID)}}
            ORDER BY component, {order}""",
        components=components,
    )
    owners = id_texts(table, "component")
    rows = table.drop_columns(["component"]).to_pylist()
    return [{**_plain(row), "component": owner} for owner, row in zip(owners, rows, strict=True)]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(UUID(bytes=value)) if isinstance(value, bytes) else str(value) if isinstance(value, UUID) else value
        for name, value in row.items()
    }


def own_command(command: Sequence[str]) -> tuple[str, ...]:
    """The job's own command line: of `epochal run -- COMMAND` the COMMAND."""
    words = list(command)
    if "run" in words and "--" in words[words.index("run") :] and any("epochal" in word for word in words[:4]):
        return tuple(words[words.index("--", words.index("run")) + 1 :])
    return tuple(words)


def _directory(code: dict[str, Any], environment: dict[str, str], command: Sequence[str]) -> str | None:
    """Where a job ran, relative to the root of its code: as its shell said, else as its script was called."""
    root, script, shell = code.get("root"), code.get("script"), environment.get("PWD")
    if root and script:
        for word in command:
            if word and not os.path.isabs(word) and (script == word or script.endswith(f"/{os.path.normpath(word)}")):
                return script[: len(script) - len(os.path.normpath(word))].rstrip("/") or "."
    if root and shell and Path(shell).is_relative_to(root):
        return Path(shell).relative_to(root).as_posix()
    return None


def place_in_code(code: dict[str, Any], uri: str | None) -> str | None:
    """Where in the code's tree a file lay that was logged from there; None where it lay elsewhere."""
    parts = urlsplit(uri or "")
    # without a `..` that would lead out of the tree
    path = Path(os.path.normpath(unquote(parts.path)))
    if parts.scheme != "file" or not code.get("root") or not path.is_relative_to(code["root"]):
        return None
    return path.relative_to(code["root"]).as_posix()
