"""What to say of something that isn't there any more: it was deleted, or erased, and how to see it all the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from epochal._ids import normal_text
from epochal_query.columns import ids, instants, texts
from epochal_query.deletions import Deletion, deletions_in
from epochal_query.reading import Reading
from epochal_query.resolve import Entity, Kind, id_of, shortened


def gone(reading: Reading, given: object, kinds: Sequence[Kind]) -> str:
    """What became of what had this name or id; the empty text where nothing of these kinds had it."""
    meant = id_of(given)
    if meant is not None and (erased := _erased(reading, meant, kinds)):
        return erased
    return _told(_deleted(reading, given, kinds))


def not_yet(reading: Reading, given: object, kinds: Sequence[Kind]) -> list[Entity]:
    """What is deleted now and had this name or id, but at the place in time that is read neither was nor had been."""
    if reading.is_present:
        return []
    gone_then = {one.event for one in _deleted(reading, given, kinds)}
    return list({one.entity: None for one in _deleted(reading.present, given, kinds) if one.event not in gone_then})


def _deleted(reading: Reading, given: object, kinds: Sequence[Kind]) -> list[Deletion]:
    meant, name = id_of(given), normal_text(given) if isinstance(given, str) else None
    return [
        one
        for one in deletions_in(reading)
        if one.entity.kind in kinds and (one.entity.id == meant if meant else one.entity.name == name)
    ]


def gone_artifact(reading: Reading, name: str) -> str:
    """The same of an artifact, by digest, URI or name: of the components that are all that knew of it."""
    table = reading.rows(
        """SELECT DISTINCT entity FROM facts
           WHERE project = {project:String} AND kind = 'component' AND field = 'artifact'
             AND (key IN (concat('in/', {text:String}), concat('out/', {text:String}))
                  OR JSONExtractString(value, 'digest') = {name:String}
                  OR JSONExtractString(value, 'uri') = {name:String})""",
        name=name,
        text=normal_text(name),
    )
    knew = set(ids(table, "entity"))
    told = _told([one for one in deletions_in(reading) if one.entity.id in knew])
    return f"artifact {name!r} went with what knew of it: {told}" if told else ""


def _told(found: Sequence[Deletion]) -> str:
    newest = list({one.entity: one for one in found}.values())
    if not newest:
        return ""
    lines = [f"{one.entity.kind} {one.entity.name!r} ({one.entity.id}) was deleted {_shown(one.at)}" for one in newest]
    listed = lines[0] if len(lines) == 1 else f"{len(lines):,} things:\n{shortened([f'  {line}' for line in lines])}\n"
    known = newest[-1].entity
    return (
        f"{listed}: as_of= (--as-of) an instant before that shows it, "
        f"store.restore('{known.id}') (epochal restore {known.id}) brings it back"
    )


def _erased(reading: Reading, meant: UUID, kinds: Sequence[Kind]) -> str:
    table = reading.rows(
        """SELECT kind, max(occurred_at) AS at FROM facts
           WHERE project = {project:String} AND entity = {id:UUID} AND kind IN {kinds:Array(String)}
             AND field = 'erased'
           GROUP BY kind""",
        id=str(meant),
        kinds=list(kinds),
    )
    rows = zip(texts(table, "kind"), instants(table, "at"), strict=True)
    shown = [
        f"{kind} {meant} was erased {_shown(at)}, for good: store.erased() (epochal erase) says why"
        for kind, at in rows
    ]
    return shown[0] if shown else ""


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
