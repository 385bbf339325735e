"""Finding one artifact: by digest, URI, alias or name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from epochal._artifacts.artifact import Artifact
from epochal._associating import ALIAS
from epochal._ids import entity_id
from epochal_query.artifact_handle import ArtifactHandle
from epochal_query.artifacts import aliased
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.lineage_starts import several_artifacts
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

    Where several mentions have the same content, the one logged last.

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
    columns = "name, direction, uri, digest, media_type, size, stored, artifact, logged_at"
    found: list[dict[str, Any]] = reading.rows(
        f"""SELECT {columns} FROM {at("artifacts")}
            WHERE {condition} AND (name = {{wanted:String}} OR digest = {{wanted:String}} OR uri = {{wanted:String}}
                OR artifact = {{alias:String}}
                OR length({{wanted:String}}) >= 10 AND startsWith(ifNull(digest, ''), {{wanted:String}}))
            ORDER BY logged_at""",
        component=str(component),
        direction=direction,
        wanted=wanted,
        alias=stood_for or wanted,
    ).to_pylist()
    if stood_for is not None and stood_for not in {row["artifact"] for row in found}:
        raise UnknownNameError(f"the alias {wanted!r} stands for {stood_for}, which no component that is there logged")
    if not found:
        raise _no_artifact(reading, wanted, condition, component, direction)
    contents_of = sorted({row["artifact"] for row in found})
    if len(contents_of) > 1:
        alias = f" ({wanted!r} is an alias of {stood_for}, too)" if stood_for else ""
        advice = f"give the digest or URI of one, or the component (component=...){alias}"
        raise AmbiguousNameError(several_artifacts(wanted, contents_of, advice))
    row = found[-1]
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
    return ArtifactHandle(store, row["artifact"], plain)


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
