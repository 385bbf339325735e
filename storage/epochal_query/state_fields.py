"""A state taken apart into fields, so that two can be compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from epochal_query.param_paths import cells
from epochal_query.report_cells import SYSTEM_PREFIX

Fields = dict[str, Any]

_PLAIN = {
    "experiment": ("name", "hypothesis", "objective", "verdict", "verdict_note", "note"),
    "trial": ("name", "note"),
    "component": ("name", "display_name", "kind", "status", "start", "end", "duration_s", "parent", "note", "lost"),
}
_NESTED = ("tags", "variables", "params", "resources")


def fields_of(state: Mapping[str, Any]) -> Fields:
    """What a state says, by names like those of a history; what was never said is absent. The id and what makes it
    (key, creation) are no fields: they tell which entity it is.
    """
    if not state:
        return {}
    kind: str = state["entity"]
    found: Fields = {name: state[name] for name in _PLAIN[kind] if state[name] is not None}
    for name in _NESTED:
        found.update(_below(name, state.get(name) or {}))
    if kind == "trial":
        found["experiment"] = state["experiment"]["name"]
    if kind == "component":
        found.update(_of_component(state))
    for one in state.get("trials", ()):
        found[f"trials.{one['id']}"] = one["name"]
    return found


def is_system(field: str) -> bool:
    """Whether a field is of what is measured and captured by itself and differs from run to run: system metrics and
    artifacts, and environment variables.
    """
    group, _, rest = field.partition(".")
    if group == "environment":
        return rest.split("/", 1)[-1].split(".", 1)[0] == "env"
    return rest.removeprefix("in/").removeprefix("out/").startswith(SYSTEM_PREFIX) and group in ("metrics", "artifacts")


def _of_component(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if state["error"]:
        yield "error", f"{state['error']['type']}: {state['error']['message']}"
    for metric, stats in {**state["metrics"], **state["system"]}.items():
        for name, one in _by_rank(metric, stats):
            yield from ((f"metrics.{name}.{stat}", value) for stat, value in one.items() if value is not None)
    for one in state["artifacts"]:
        yield f"artifacts.{one['direction']}/{one['name']}", one["digest"] or one["uri"] or "no digest, no place"
    for one in state["artifact_failures"]:
        yield f"artifact_failures.{one['direction']}/{one['name']}", one["reason"]
    if state["alerts"]:
        yield "alerts", [f"{one['level']}: {one['title']}" for one in state["alerts"]]
    for rank, sections in state["environment"].items():
        for section, values in sections.items():
            yield from _below(f"environment.{rank.removeprefix('rank ')}/{section}", values)
    for one in state["attempts"]:
        yield f"attempts.{one['rank']}/{one['number']}", one["status"]


def _by_rank(metric: str, stats: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The metric of the lowest rank under its name, of others with their rank: one rank compares with many."""
    if "count" in stats:
        yield metric, stats
        return
    for place, (rank, one) in enumerate(stats.items()):
        yield f"{metric} ({rank})" if place else metric, one


def _below(name: str, values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return ((f"{name}.{key}", value) for key, value in cells(values))


def numbered(names: Iterable[str]) -> list[str]:
    """The names, the second of one kind as ``name (2)`` and so on."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
