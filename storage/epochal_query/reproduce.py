"""Reproduce: what is needed to run something again, written down with a script that does it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from epochal_query.errors import AmbiguousNameError, ReadError, UnknownNameError
from epochal_query.lineage import lineage_of
from epochal_query.lineage_choice import Choice
from epochal_query.reading import Reading
from epochal_query.recipe import Recipe, place_in_code, recipes
from epochal_query.shown import InWords

SCRIPT = "run.sh"


class Fetching(Protocol):
    """Where contents come from."""

    def fetch(self, digest: str, target: str | Path) -> Path:
        """Brings content to a place, verified."""
        ...


@dataclass(frozen=True, repr=False)
class Reproduction(InWords):
    """How to run a component again; ``directory`` is where it was written down, if it was."""

    recipe: Recipe
    ancestors: dict[str, str]
    """The components that what went in was made by, by id."""
    script: str | None
    """A shell script that runs it again; None where its command line isn't known."""
    unknown: list[str]
    directory: Path | None = None
    attrs: dict[str, object] = field(default_factory=dict[str, object])
    """Under ``epochal``: of when it is, with the watermark."""

    def to_dict(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {**asdict(self.recipe), "ancestors": self.ancestors, "unknown": self.unknown}

    def to_text(self) -> str:
        """What is known and what isn't, for people."""
        recipe = self.recipe
        lines = [f"component {recipe.name}  [{recipe.kind}] {recipe.id}", *described(recipe)]
        lines += [f"  made from    component {name} {id_}" for id_, name in self.ancestors.items()]
        lines += [f"  not known    {sentence}" for sentence in self.unknown]
        if self.directory is not None:
            how = f"run {self.directory / SCRIPT}" if self.script else "there is no script, as more has to be known"
            lines.append(f"written to {self.directory}: {how}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """As text."""
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Reproduction of {self.recipe.name!r} {self.recipe.id}: {len(self.unknown):,} things not known>"


def described(recipe: Recipe) -> list[str]:
    """What is known of how a component came about, a line each."""
    code = recipe.code
    commit = f"{code.get('remote') or code.get('root')} at {code['commit']}" if code.get("commit") else ""
    changed = f"patch {recipe.diff}" if recipe.diff else ""
    inputs = [f"{one['name']}  {one['digest'] or one['uri'] or 'by name only'}" for one in recipe.inputs]
    said = [
        ("script", code.get("script") or ""),
        ("code", commit),
        ("changed", changed),
        ("command", shlex.join(recipe.command)),
        ("python", recipe.python),
        ("packages", f"{len(recipe.packages):,}" if recipe.packages else ""),
        ("params", json.dumps(recipe.params, ensure_ascii=False, default=str) if recipe.params else ""),
        *(("input", one) for one in inputs),
    ]
    return [f"  {word:<12} {text}" for word, text in said if text]


def reproduce(
    reading: Reading, given: object, directory: Path | None, contents: Callable[[], Fetching]
) -> Reproduction:
    """What is needed to run a component again, or the one that made an artifact; written into an empty directory.

    Raises:
        UnknownNameError: nothing is meant, or nothing is known to have made it; AmbiguousNameError: several did.
        ReadError: the directory isn't empty. ArtifactError: the content of an input can't be had as it was.
    """
    component = _maker(reading, given)
    found = recipes(reading, [component])
    if component not in found:
        raise UnknownNameError(f"component {component} did not exist then")
    recipe = found[component]
    above = lineage_of(reading, component, Choice()).nodes
    of_runs = above[(above["kind"] == "component") & (above["id"] != component)]
    ancestors = dict(zip(of_runs["id"], of_runs["name"], strict=True))
    unknown = recipe.unknown
    told: dict[str, object] = {"epochal": reading.attrs}
    made = Reproduction(recipe, ancestors, script_of(recipe), unknown, directory, told)
    if directory is not None:
        made.unknown.extend(_write(made, directory, contents))
    return made


def _maker(reading: Reading, given: object) -> str:
    """The component that is meant, or the one that made what is meant."""
    found = lineage_of(reading, given, Choice(depth=1, relations=("Produced",)))
    kinds = dict(zip(found.nodes["id"], found.nodes["kind"], strict=True))
    meant = [id_ for id_ in found.starts if kinds[id_] == "component"]
    makers = meant or list(found.edges["source"][found.edges["relation"] == "Produced"].drop_duplicates())
    if len(makers) > 1:
        listed = "\n".join(f"  {one}" for one in makers)
        raise AmbiguousNameError(f"{given!r} was made by {len(makers):,} components; give the id of one:\n{listed}")
    if not makers:
        raise UnknownNameError(f"{given!r}: no component is known to have made it, so there is nothing to run again")
    return makers[0]


def _write(made: Reproduction, directory: Path, contents: Callable[[], Fetching]) -> list[str]:
    """Write everything down and fetch what can be had; what could not be, in a sentence each."""
    recipe = made.recipe
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ReadError(f"{directory} is not an empty directory: give one that is, or the name of a new one")
    directory.mkdir(parents=True, exist_ok=True)
    missing: list[str] = []
    for one in recipe.inputs:
        target = directory / "inputs" / (place_in_code(recipe.code, one["uri"]) or Path(one["name"]).name)
        if one["stored"]:
            target.parent.mkdir(parents=True, exist_ok=True)
            contents().fetch(one["digest"], target)
        elif one["digest"] or one["uri"]:
            missing.append(f"a copy of the input {one['name']!r}: bring {one['digest'] or one['uri']} to {target}")
    if recipe.diff:
        contents().fetch(recipe.diff, directory / "code.diff")
    pinned = "".join(f"{name}=={version}\n" for name, version in recipe.packages.items())
    (directory / "requirements.txt").write_text(pinned, encoding="utf-8")
    if made.script is not None:
        script = directory / SCRIPT
        script.write_text(made.script, encoding="utf-8")
        script.chmod(0o755)
    shown = {**made.to_dict(), "unknown": [*made.unknown, *missing]}
    text = json.dumps(shown, ensure_ascii=False, indent=1, default=str)
    (directory / "recipe.json").write_text(f"{text}\n", encoding="utf-8")
    return missing


def script_of(recipe: Recipe) -> str | None:
    """A shell script that runs a component again; None where its command line isn't known.

    Where nobody knows where its code is to be had, the script asks for it.
    """
    if not recipe.command:
        return None
    words = [shlex.quote(word) for word in recipe.command]
    if Path(recipe.command[0]).name.startswith("python"):
        words[0] = '"$PYTHON"'
    lines = [
        "#!/bin/sh",
        f"# Runs component {recipe.id} again, in the directory of this script, in an environment of its own.",
        "# PYTHON=/path/to/python takes another one as it is. EPOCHAL_MODE=disabled records nothing.",
        "set -eu",
        'cd "$(dirname "$0")"',
        "test -d code || {",
        *(f"  {line}" for line in _getting_code(recipe)),
        "}",
        "if test -d inputs; then cp -R inputs/. code/; fi",
        'if test -z "${PYTHON:-}"; then',
        f"  test -d .venv || {{ {shlex.quote('python' + '.'.join(recipe.python.split('.')[:2]))} -m venv .venv",
        "    .venv/bin/python -m pip install --quiet -r requirements.txt; }",
        '  PYTHON="$PWD/.venv/bin/python"',
        "fi",
        *(f"export {name}={shlex.quote(value)}" for name, value in recipe.telling.items()),
        f"cd {shlex.quote('code/' + (recipe.directory or '.'))}",
        f"exec {' '.join(words)}",
    ]
    return "\n".join(lines) + "\n"


def _getting_code(recipe: Recipe) -> list[str]:
    commit = recipe.code.get("commit")
    sources = [one for one in (recipe.code.get("remote"), recipe.code.get("root")) if one]
    if not commit or not sources:
        what = "which commit its code was at" if sources else "where its code is to be had"
        return [f'echo "Nobody recorded {what}: put the code into $PWD/code, and run this again." >&2', "exit 1"]
    return [
        " || ".join(f"git clone --quiet --no-checkout -- {shlex.quote(one)} code" for one in sources),
        f"git -C code checkout --quiet --detach {shlex.quote(str(commit))}",
        *(["git -C code apply ../code.diff"] if recipe.diff else []),
    ]
