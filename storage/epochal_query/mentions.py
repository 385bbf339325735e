"""Everything that components ever said of artifacts, where the newest that they said under a name isn't enough.

A name that a run logs again, such as a checkpoint of each epoch, has several contents in it, and each of them counts.
"""

from __future__ import annotations

from typing import Final

from epochal_query.reading import block

_COLUMNS: Final = f"project, component, {block('of_mention')} logged_at, occurred_at, place"

# a correction is of the same instant as what it corrects, and stands in its place
MENTIONS: Final = f"""
    SELECT {_COLUMNS}
    FROM (
        SELECT s.project AS project, s.entity AS component, s.key AS key, s.occurred_at AS occurred_at,
               argMax(s.value, s.place) AS json, argMax(s.logged_at, s.place) AS logged_at, max(s.place) AS place
        {block("of_components", "s.field = 'artifact'")}
        GROUP BY s.project, s.entity, s.key, s.occurred_at
    )"""
"""For `Reading.rows`: what components that are there said of artifacts, with the columns of the view of artifacts."""

MENTIONS_EVER: Final = f"""
    SELECT {_COLUMNS}
    FROM (
        SELECT s.project AS project, s.entity AS component, s.key AS key, s.occurred_at AS occurred_at,
               s.value AS json, s.logged_at AS logged_at, s.place AS place
        FROM facts AS s FINAL
        WHERE s.project = {{project:String}} AND s.kind = 'component' AND s.field = 'artifact' AND {block("said", "s")}
    )"""
"""The same also of what was corrected, and of components that are deleted."""
