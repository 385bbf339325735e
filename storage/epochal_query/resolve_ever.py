"""Who is meant where also what was deleted may be: what became of it is history."""

from __future__ import annotations

import json
from typing import cast

from epochal._ids import normal_text
from epochal_query.columns import decoded, ids, texts
from epochal_query.errors import AmbiguousNameError, UnknownNameError
from epochal_query.reading import Reading
from epochal_query.resolve import Entity, Kind, id_of, resolve_any, shortened, trial_label


def resolve_ever(reading: Reading, given: object) -> Entity:
    """As :func:`resolve_any`; where nothing is meant that exists, the one deleted thing that had the id or name.

    Raises:
        UnknownNameError: nothing is or was meant, or more than one thing.
        FilterError: ``given`` is not something that can name an entity.
    """
    try:
        return resolve_any(reading, given)
    except AmbiguousNameError:
        raise
    except UnknownNameError:
        found = _once(reading, given)
        if not found:
            raise
    if len(found) > 1:
        listed = shortened(sorted(f"  {one.kind} {one.id}" for one in found))
        raise AmbiguousNameError(f"{len(found):,} deleted things were named {given!r}; give the id of one:\n{listed}")
    return found[0]


def _once(reading: Reading, given: object) -> list[Entity]:
    """What was ever declared with an id, or as a component or experiment with a name."""
    meant = id_of(given)
    if meant is None and not isinstance(given, str):
        return []
    which = "field = 'opened' AND JSONExtractString(value, 'name') = {name:String}"
    if meant is not None:  # of what was erased nothing but its id is left
        which = "field IN ('opened', 'erased') AND entity = {id:UUID}"
    table = reading.rows(
        f"""SELECT kind, entity AS id, argMaxIf(value, place, field = 'opened') AS opening FROM facts
            WHERE project = {{project:String}}
              AND kind IN ('component', 'trial', 'experiment', 'action', 'context') AND {which}
            GROUP BY kind, entity""",
        id=str(meant),
        name=normal_text(given) if isinstance(given, str) else "",
    )
    rows = zip(texts(table, "kind"), ids(table, "id"), texts(table, "opening"), strict=True)
    return [Entity(cast("Kind", kind), id_, _called(decoded(opening))) for kind, id_, opening in rows]


def _called(opening: dict[str, object] | None) -> str:
    if opening is None:
        return ""
    return str(opening["name"]) if "name" in opening else trial_label("", json.dumps(opening["variables"]))
