"""How what a store holds shows itself: in a line, and in notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from epochal._html import card, preformatted
from epochal_query.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from epochal_query.store import Store

_LEFT_OUT = ("entity", "key", "name", "attempts", "environment", "forks", "system")
"""What ``state`` has and a glance needs not."""


class InWords:
    """The base of what has a text of several lines: a notebook shows it as it is laid out."""

    def _repr_html_(self) -> str:
        return preformatted(str(self))


class Handle:
    """The base of the handles: a name and an id in a line; a notebook shows what is known of it now."""

    store: Store
    id: UUID
    name: str

    def state(self, **at: Any) -> dict[str, Any]:
        """Everything known of it."""
        return self.store.state(self, **at)

    def history(self, field: str | None = None, **choice: Any) -> pd.DataFrame:
        """Every value that a field of it ever had."""
        return self.store.history(self, field, **choice)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.id}>"

    def _repr_html_(self) -> str:
        try:
            state = self.store.state(self)
        except UnknownNameError as error:  # it is deleted by now
            return card(self.name, {"id": self.id, "now": str(error)})
        fields = {name: _brief(name, value) for name, value in state.items() if name not in _LEFT_OUT}
        return card(f"{state.get('entity', '')} {self.name}".lstrip(), fields)


def _brief(name: str, value: Any) -> object:
    """Lists of things as their names, metrics as their last values; anything else as it is."""
    if name == "metrics":
        return {metric: stats.get("last", "of several ranks") for metric, stats in value.items()}
    if isinstance(value, list):
        listed: list[Any] = value
        return ", ".join(str(one["name"]) if isinstance(one, Mapping) and "name" in one else str(one) for one in listed)
    if isinstance(value, Mapping) and {"id", "name"} <= value.keys():
        return value["name"]
    return value or None
