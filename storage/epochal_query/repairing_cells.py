"""Repairs of what was said otherwise than as points: a param, a tag, the note, an artifact, by the name in histories.

A correction is true from the time of what it corrects; to retract is to undo the event that said it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from epochal._contents import checked
from epochal._entity_events import artifact_logged, note_written, tags_set
from epochal._events import Event, params_corrected
from epochal._saying import Say
from epochal._values import plain, split_cells, to_json
from epochal_query import param_paths
from epochal_query.columns import id_texts, texts, values
from epochal_query.errors import RepairError
from epochal_query.names import unknown
from epochal_query.reading import Reading, at, block
from epochal_query.repairing import checked_reason, last_said, undo
from epochal_query.resolve import Entity, resolve_any, resolve_one

_VIEWS = {"params": ("params", "path"), "tags": ("tags", "tag"), "note": ("notes", "''")}
_WORDS = {"params": "a param", "tags": "a tag", "note": "a note", "artifacts": "an artifact"}
_ARTIFACTS = ("artifacts", "concat(direction, '/', name)")


@dataclass(frozen=True)
class _Cell:
    """A value that is in effect: under which key, since when (microseconds), and by which event.

    ``kept``: the digest of an artifact whose content is stored.
    """

    group: str
    key: str
    since: int
    event: str
    kept: str | None


def correct_cell(
    reading: Reading, say: Say, given: object, name: str, value: object, reason: object, *, alone: bool
) -> str | None:
    """Correct what is in effect under a name of histories, from its own time on; the id of the event.

    None where the component has a metric of that name. ``alone``: a value was given, and nothing else.

    Raises:
        UnknownNameError: nothing is meant, or several things are, or it has nothing of that name; with near ones.
        RepairError: what it should have been can't be, or something else was given, too.
    """
    found = _found(reading, given, name)
    if found is None:
        return None
    meant, cell = found
    if not alone:
        raise RepairError(
            f"{name!r} of {meant.kind} {meant.name!r} is {_WORDS[cell.group]}: value= alone says what it has been; "
            "steps=, scale= and shift= are for points"
        )
    correction = {"of": cell.event, "reason": checked_reason(reason)}
    if cell.group == "params":
        event = _param(meant, cell, value, correction["reason"])
    elif cell.group == "tags":
        event = tags_set(
            kind=meant.kind, entity=str(meant.id), words=[], values={cell.key: to_json(value)}, correction=correction
        )
    elif cell.group == "note":
        if not isinstance(value, str):
            raise RepairError(f"value={value!r}: a note is a text")
        event = note_written(kind=meant.kind, entity=str(meant.id), text=value, correction=correction)
    else:
        event = _artifact(meant, cell, value, correction)
    return say(reading.project, [event], last_said(reading, meant.kind, meant.id), cell.since)[0]


def retract_cell(reading: Reading, say: Say, given: object, name: str, reason: str) -> str | None:
    """Take back what is in effect under a name of histories, as if it had never been said; the id of the event.

    None where the component has a metric of that name.

    Raises:
        UnknownNameError: nothing is meant, or several things are, or it has nothing of that name; with near ones.
        RepairError: the event said other things as well, which would be taken back with it.
    """
    found = _found(reading, given, name)
    if found is None:
        return None
    meant, cell = found
    writer, _, seq = cell.event.partition(":")
    table = reading.rows(
        f"""SELECT DISTINCT key FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = {{kind:String}} AND entity = {{entity:UUID}}
              AND writer = {{writer:UUID}} AND seq = {{seq:UInt64}} AND {block("known", "s | _at | ")} ORDER BY key""",
        kind=meant.kind,
        entity=str(meant.id),
        writer=writer,
        seq=int(seq),
    )
    others = [f"{cell.group}.{key}" for key in texts(table, "key") if key != cell.key]
    if others:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5:,} more" if len(others) > 5 else "")
        raise RepairError(
            f"event {cell.event}, which said {name}, also said {shown}: undo it to take all of that back, or correct "
            f"{name}"
        )
    return undo(reading, say, cell.event, reason, meant)


def _found(reading: Reading, given: object, name: str) -> tuple[Entity, _Cell] | None:
    """What is meant, and the value in effect; None where the name is that of a metric of it."""
    group, _, wanted = name.partition(".")
    of_components = group in ("params", "artifacts")
    meant = resolve_one(reading, "component", given) if of_components else resolve_any(reading, given)
    mine = "project = {project:String} AND component = {entity:UUID}"
    if meant.kind == "component":
        metrics = reading.rows(
            f"SELECT 1 FROM partials WHERE {mine} AND metric = {{metric:String}} LIMIT 1",
            entity=str(meant.id),
            metric=name,
        )
        if metrics.num_rows:
            return None
    if not of_components:
        mine = "project = {project:String} AND kind = {kind:String} AND entity = {entity:UUID}"
    view, key = _VIEWS.get(group, _ARTIFACTS)
    kept = "if(stored, digest, NULL)" if group == "artifacts" else "NULL"
    table = reading.rows(
        f"""SELECT {key} AS key, toInt64(toUnixTimestamp64Micro(occurred_at)) AS since, writer, seq, {kept} AS kept
            FROM {at(view)} WHERE {mine}""",
        kind=meant.kind,
        entity=str(meant.id),
    )
    columns = zip(texts(table, "key"), values(table, "since"), id_texts(table, "writer"), strict=True)
    rows = zip(columns, values(table, "seq"), values(table, "kept"), strict=True)
    cells = {key: _Cell(group, key, since, f"{writer}:{seq}", kept) for (key, since, writer), seq, kept in rows}
    if group == "params":
        # a param is also meant by its name without the escapes of its key
        keys = sorted(param_paths.meant(wanted, cells), key=lambda path: path != wanted)
    else:
        keys = [wanted] if wanted in cells else []
    if not keys:
        names = [group if group == "note" else f"{group}.{key}" for key in cells]
        raise unknown(group.removesuffix("s"), name, names, f" in {meant.kind} {meant.name!r}")
    return meant, cells[keys[0]]


def _param(meant: Entity, cell: _Cell, value: object, reason: str) -> Event:
    """A mapping is taken apart as log_params does."""
    path = param_paths.split(cell.key)
    cells = [([*path, *inner[1:]], said) for inner, said in split_cells(plain({"value": value}))]
    return params_corrected(component=str(meant.id), rank=0, cells=cells, reason=reason)


def _artifact(meant: Entity, cell: _Cell, value: object, correction: Mapping[str, str]) -> Event:
    """What it is, in place of all that was said of it: a URI or a digest, or a mapping of its parts."""
    said: object = {"digest" if value.startswith("sha256:") else "uri": value} if isinstance(value, str) else value
    parts = dict(cast("Mapping[str, Any]", said)) if isinstance(said, Mapping) else {}
    if not parts or not parts.keys() <= {"uri", "digest", "media_type"}:
        raise RepairError(
            f"value={value!r}: an artifact is corrected by its URI, its digest, or a mapping with some of uri, digest "
            "and media_type"
        )
    uri, digest, media_type = (parts.get(part) for part in ("uri", "digest", "media_type"))
    try:
        checked(cell.key, uri, None, digest, media_type)
    except (TypeError, ValueError) as error:
        raise RepairError(str(error)) from None
    direction, _, name = cell.key.partition("/")
    return artifact_logged(
        component=str(meant.id),
        rank=0,
        name=name,
        direction=direction,
        uri=uri,
        digest=digest,
        media_type=media_type,
        size=None,
        files=None,
        stored=digest is not None and digest == cell.kept,
        correction=correction,
    )
