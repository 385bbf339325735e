"""Finding one artifact: by digest, URI, alias or name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from epochal._artifacts.artifact import Artifact
from epochal._associating import ALIAS
from epochal._ids import entity_id, normal_text
from epochal_query.artifact_handle import ArtifactHandle
from epochal_query.artifacts import aliased
from epochal_query.columns import texts
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.lineage_starts import several_artifacts
from epochal_query.mentions import MENTIONS
from epochal_query.names import near
from epochal_query.reading import Reading, at
from epochal_query.resolve_gone import gone_artifact

if TYPE_CHECKING:
    from epochal_query.store import Store


def find_artifact(
    reading: Reading,
    wanted: str,
    component: UUID | None,
    direction: Literal["in", "out"] | None,
    store: Store,
    contents: Callable[[], Any],
) -> ArtifactHandle:
    """The artifact with this digest, or the only one whose digest begins so, or with this URI, alias or name.

    Where several mentions have the same content, the one by this name, where it was stored, by who made it, the last.

    Raises:
        FilterError: ``wanted`` is no text.
        UnknownNameError: there is none, or what was given stands for different contents; the message says which.
    """
    if not isinstance(wanted, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise FilterError(f"{wanted!r} names no artifact: give its digest, URI, alias or name")
    stood_for = aliased(reading, wanted) if component is None and direction is None and wanted else None
    condition = " AND ".join(
        ["project = {project:String}"]
        + (["component = {component:UUID}"] if component else [])
        + (["direction = {direction:String}"] if direction else [])
    )
    among = _Among(reading, condition, {"component": str(component), "direction": direction})
    found = among.artifacts(wanted, normal_text(wanted))
    if stood_for is not None:
        meant = among.artifacts(stood_for, "")
        if not meant:
            why = f"stands for {stood_for}, which no component that is there logged"
            raise UnknownNameError(f"the alias {wanted!r} {why}")
        found |= meant
    if not found:
        raise _no_artifact(reading, wanted, condition, component, direction)
    if len(found) > 1:
        alias = f" ({wanted!r} is an alias of {stood_for}, too)" if stood_for else ""
        advice = f"give the digest or URI of one, or the component (component=...){alias}"
        raise AmbiguousNameError(several_artifacts(wanted, sorted(found), advice))
    (key,) = found
    row = among.mention(key, normal_text(wanted))
    plain = Artifact(
        row["name"],
        row["direction"],
        uri=row["uri"],
        media_type=row["media_type"],
        digest=row["digest"],
        size=row["size"],
        stored=row["stored"],
        store=contents() if row["stored"] else None,
    )
    return ArtifactHandle(store, key, plain)


@dataclass(frozen=True)
class _Among:
    """The mentions to look in: those that meet a condition."""

    reading: Reading
    condition: str
    bound: Mapping[str, object]

    def artifacts(self, key: str, name: str) -> set[str]:
        """Those with this digest, or the beginning of one; and of each component what had the URI or the name last."""
        table = self.reading.rows(
            f"""SELECT DISTINCT artifact FROM (
                    SELECT artifact FROM ({MENTIONS}) WHERE {self.condition}
                        AND (artifact = {{key:String}}
                             OR length({{key:String}}) >= 10 AND startsWith(ifNull(digest, ''), {{key:String}}))
                    UNION ALL
                    SELECT argMax(artifact, place) AS artifact FROM ({MENTIONS})
                    WHERE {self.condition} AND uri = {{key:String}} GROUP BY component, direction, name
                    UNION ALL
                    SELECT argMax(artifact, place) AS artifact FROM ({MENTIONS})
                    WHERE {self.condition} AND name = {{name:String}} GROUP BY component, direction)""",
            **self.bound,
            key=key,
            name=name,
        )
        return set(texts(table, "artifact"))

    def mention(self, artifact: str, name: str) -> dict[str, Any]:
        """What was said of an artifact: by the name that is asked for, where it was stored, by who made it, last."""
        order = "(name = {name:String}, stored, direction = 'out', logged_at)"
        table = self.reading.rows(
            f"""SELECT argMaxIf((name, direction, uri, media_type, digest), {order}, {self.condition}) AS said,
                       max(size) AS bytes, max(stored) AS kept
                FROM ({MENTIONS}) WHERE project = {{project:String}} AND artifact = {{artifact:String}}""",
            **self.bound,
            artifact=artifact,
            name=name,
        )
        row: dict[str, Any] = table.to_pylist()[0]
        said = zip(("name", "direction", "uri", "media_type", "digest"), row["said"].values(), strict=True)
        return {**dict(said), "size": row["bytes"], "stored": row["kept"]}


def _no_artifact(
    reading: Reading, wanted: str, condition: str, component: UUID | None, direction: str | None
) -> UnknownNameError:
    if component is None and (told := gone_artifact(reading.present, wanted)):
        return UnknownNameError(told)
    table = reading.rows(
        f"SELECT DISTINCT name FROM {at('artifacts')} WHERE {condition} ORDER BY name",
        component=str(component),
        direction=direction,
    )
    names: list[str] = table.column("name").to_pylist()
    what = {"in": "input", "out": "output", None: "artifact"}[direction]
    where = f"component {component}" if component else f"project {reading.project!r}"
    close = near(wanted, names) or names[:8]
    hint = f"there are {', '.join(map(repr, close))}" if close else "there is none at all"
    told = "" if component or direction or not wanted else _other_context(reading, wanted)
    return UnknownNameError(f"no {what} of {where} has the name, digest or URI {wanted!r}{told}; {hint}")


def _other_context(reading: Reading, wanted: str) -> str:
    """That a context of this name is no alias, or no more: whoever gave it another type took it away."""
    table = reading.rows(
        f"SELECT type FROM {at('contexts')} WHERE project = {{project:String}} AND context = {{context:UUID}}",
        context=str(entity_id(reading.project, "context", wanted)),
    )
    types = [one for one in table.column("type").to_pylist() if one != ALIAS]
    return f" (the context of this name is of type {types[0]!r}, and no alias)" if types else ""
