"""deploy/Dockerfile, read by BuildKit's own parser."""

from __future__ import annotations

import fnmatch
import re
import tomllib

import dockerfile
from deploy.test_compose import check_command
from docs.generated import ROOT

COMMANDS = dockerfile.parse_file(str(ROOT / "deploy/Dockerfile"))
STAGES = [place for place, command in enumerate(COMMANDS) if command.cmd.upper() == "FROM"]
LAST = COMMANDS[STAGES[-1] :]


def values(name: str, among: tuple[dockerfile.Command, ...] = LAST) -> list[tuple[str, ...]]:
    """The arguments of an instruction, as often as it is there."""
    return [command.value for command in among if command.cmd.upper() == name]


def test_it_has_two_stages_and_the_last_one_only_copies_what_the_first_one_made() -> None:
    """No compiler, no package index, no source in the image that runs."""
    assert len(STAGES) == 2
    copies = [(command.flags, command.value) for command in LAST if command.cmd.upper() in ("COPY", "ADD")]
    assert copies == [(("--from=build",), ("/opt/epochal", "/opt/epochal"))]
    assert not any("pip" in " ".join(run) or "apt" in " ".join(run) for run in values("RUN"))
    first, last = (COMMANDS[place].value[0] for place in STAGES)
    assert first == last


def test_it_runs_as_somebody_who_is_not_root() -> None:
    """By number, so that a cluster that forbids root can tell."""
    ((user,),) = values("USER")
    assert int(user) > 0
    assert f"useradd --uid {user}" in " ".join(values("RUN")[0])


def test_it_answers_with_epochal() -> None:
    """One entry point for every command."""
    assert values("ENTRYPOINT") == [("epochal",)]
    assert values("CMD") == [("--help",)]


def test_what_it_says_can_be_typed_can_be() -> None:
    """The commands that its first lines name, and the extras that can be chosen."""
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    said = re.search(r"docker run epochal:local (.+) \| …", text)
    assert said
    for command in said[1].split(" | "):
        needed = {"dead-letters": ["ls"], "report": ["x"], "sql": ["SELECT 1"]}
        check_command([command, *needed.get(command, [])])
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    chosen = re.findall(r"EXTRAS=([\w,]+)", text)
    assert chosen == ["kafka", "workers,query"]
    assert {extra for choice in chosen for extra in choice.split(",")} <= extras.keys()


def test_all_it_copies_is_there_and_nothing_else_is_sent() -> None:
    """Every source of a COPY exists and is let through by .dockerignore; the wheel's packages are among them."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    through = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    build = COMMANDS[: STAGES[-1]]
    copied = [source for *sources, _ in values("COPY", build) for source in sources]
    assert sorted(copied) == sorted(through)
    assert all((ROOT / source).exists() for source in copied)
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    for package in targets["wheel"]["packages"]:
        assert any(fnmatch.fnmatch(package, f"{source}/*") for source in copied), package


def test_pins_reach_both_the_build_and_the_installation() -> None:
    """Nothing is installed in a version that constraints.txt doesn't say, and nothing is compiled."""
    runs = [" ".join(run) for run in values("RUN", COMMANDS[: STAGES[-1]])]
    wheel, install = (next(run for run in runs if word in run) for word in ("pip wheel", " install "))
    assert "PIP_BUILD_CONSTRAINT=constraints.txt" in wheel
    assert "--constraint constraints.txt" in install
    assert "--only-binary=:all:" in install
