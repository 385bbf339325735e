"""Provenance: what made something, as it was and as it was known at some time, and what came of it until now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from epochal_query.errors import UnknownNameError
from epochal_query.lineage import Lineage, lineage_of
from epochal_query.lineage_choice import Choice
from epochal_query.reading import Reading
from epochal_query.recipe import Recipe, recipes
from epochal_query.reproduce import described
from epochal_query.shown import InWords


@dataclass(frozen=True, repr=False)
class Provenance(InWords):
    """The answer to "what made this, and what came of it?"."""

    made_from: Lineage
    """Ascendants, at the place in both times that was asked for."""
    recipes: dict[str, Recipe]
    """How each component among them came about, by id."""
    became: Lineage
    """What descends from it now."""

    def to_text(self) -> str:
        """Both trees, and what made each component, for people."""
        lines = ["made from:", *(f"  {line}" for line in self.made_from.to_text().splitlines())]
        for recipe in self.recipes.values():
            lines += ["", f"component {recipe.name}  [{recipe.kind}] {recipe.id}", *described(recipe)]
        lines += ["", "what descends from it now:", *(f"  {line}" for line in self.became.to_text().splitlines())]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for machines."""
        sides = {"made_from": self.made_from, "became": self.became}
        shown: dict[str, Any] = {
            side: {"nodes": one.nodes.to_dict("records"), "edges": one.edges.to_dict("records")}
            for side, one in sides.items()
        }
        return {**shown, "components": {id_: asdict(recipe) for id_, recipe in self.recipes.items()}}

    def __str__(self) -> str:
        """As text."""
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Provenance: made from {self.made_from!r}, became {self.became!r}>"


def provenance_of(reading: Reading, given: object) -> Provenance:
    """What made something within the bounds of the reading, and what descends from it now.

    Of a context or an action, what descends is that of the artifacts that were associated with it.

    Raises UnknownNameError: nothing is meant, or several things are.
    """
    above = lineage_of(reading, given, Choice())
    kinds = dict(zip(above.nodes["id"], above.nodes["kind"], strict=True))
    found = recipes(reading, [id_ for id_, kind in kinds.items() if kind == "component"])
    meant = [start for start in above.starts if kinds[start] not in ("action", "context")]
    for start in set(above.starts) - set(meant):
        near = above.edges["source"][above.edges["target"] == start]
        meant += [id_ for id_ in near if kinds[id_] == "artifact"]
    present, choice = reading.present, Choice(direction="descendants")
    try:
        below = lineage_of(present, meant or given, choice)
    except UnknownNameError:  # all that had to do with it was deleted since: nothing of it is left
        below = Lineage(above.nodes[:0], above.edges[:0], (), choice.direction, present.attrs)
    return Provenance(above, found, below)
