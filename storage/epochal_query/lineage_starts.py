"""Where a lineage starts: what is meant by digests, URIs, names, ids and handles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from epochal._ids import normal_text
from epochal_query.columns import id_texts, texts, values
from epochal_query.errors import AmbiguousNameError, FilterError, UnknownNameError
from epochal_query.lineage_index import Index, Node
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, resolve_any, shortened
from epochal_query.resolve_gone import gone_artifact


@dataclass(frozen=True)
class Start:
    """A node to begin at."""

    node: Node
    there: bool
    """Whether it exists even if no edge joins it."""


def starts_of(reading: Reading, index: Index, given: object) -> list[Start]:
    """The nodes that are meant; of a trial or an experiment also its components. Names are looked up in the present.

    Raises:
        UnknownNameError: nothing is meant, or a name that several things have.
        FilterError: it is nothing that names anything.
    """
    if isinstance(given, (list, tuple, set, frozenset)):
        several = list(cast("Iterable[object]", given))
        if not several:
            raise FilterError(f"{given!r} names nothing to start from: give at least one artifact, component, trial, …")
        return [start for one in several for start in starts_of(reading, index, one)]
    name = given if isinstance(given, str) else getattr(given, "digest", None) or getattr(given, "uri", None)
    if isinstance(name, str):
        found = [name] if index.each([("artifact", name)])[0] >= 0 else artifacts_named(reading, name)
        if len(found) > 1:
            raise AmbiguousNameError(several_artifacts(name, found, "give the digest or URI of one"))
        if found:
            return [Start(("artifact", found[0]), there=False)]
    entity = given if isinstance(given, Entity) else _entity(reading, given, name)
    node = (entity.kind, str(entity.id))
    if entity.kind not in ("trial", "experiment"):
        return [Start(node, there=True)]
    members = [Start(("component", id_), there=True) for id_ in _members(reading, entity)]
    return [*members, Start(node, there=False)]


def several_artifacts(name: str, found: Sequence[str], advice: str) -> str:
    """What to say of artifacts that share a name where one is meant."""
    return f"{len(found):,} artifacts are named {name!r}; {advice}:\n{shortened([f'  {one}' for one in found])}"


def _entity(reading: Reading, given: object, name: object) -> Entity:
    try:
        return resolve_any(reading, given, {"artifact": _Names(reading, str(name))})
    except AmbiguousNameError:
        raise
    except UnknownNameError:
        if isinstance(name, str) and (told := gone_artifact(reading.present, name)):
            raise UnknownNameError(told) from None
        raise


def artifacts_named(reading: Reading, name: str) -> list[str]:
    """The artifacts with this key, else those whose digest begins so, or URI is so, else all with this name.

    They are looked up in the present; those that aren't there any more, at the instant that is read.
    """
    return _named(reading.present, name) or ([] if reading.is_present else _named(reading, name))


def _named(reading: Reading, name: str) -> list[str]:
    table = reading.rows(
        f"""SELECT artifact, max(uri = {{name:String}}) AS placed, max(name = {{text:String}}) AS named
            FROM (SELECT artifact, ifNull(uri, '') AS uri, name FROM {at("artifacts")}
                  WHERE project = {{project:String}}
                  UNION ALL
                  SELECT arrayJoin([(source_kind, source), (target_kind, target)]).2 AS artifact, '' AS uri, '' AS name
                  FROM {at("associations")} WHERE project = {{project:String}})
            WHERE name = {{text:String}} OR uri = {{name:String}} OR startsWith(artifact, {{name:String}})
            GROUP BY artifact ORDER BY artifact""",
        name=name,
        text=normal_text(name),
    )
    keys, placed, named = texts(table, "artifact"), values(table, "placed"), values(table, "named")
    short = [key for key in keys if len(name) >= 10 and key.startswith(name)]
    if name in keys or len(short) == 1:
        return [name] if name in keys else short
    return (
        [key for key, one in zip(keys, placed, strict=True) if one]
        or [key for key, one in zip(keys, named, strict=True) if one]
        or short
    )


@dataclass(frozen=True)
class _Names:
    """The names of all artifacts, and digests that begin alike, asked for when something wasn't found."""

    reading: Reading
    wanted: str

    def __iter__(self) -> Iterator[str]:
        table = self.reading.present.rows(
            f"""SELECT DISTINCT arrayJoin(if(startsWith(artifact, {{beginning:String}}), [name, artifact], [name]))
                    AS name FROM {at("artifacts")} WHERE project = {{project:String}} ORDER BY name""",
            beginning=self.wanted[:10] if self.wanted.startswith("sha256:") else "sha256:-",
        )
        return iter(texts(table, "name"))


def _members(reading: Reading, entity: Entity) -> list[str]:
    """The components that a trial or an experiment stands for."""
    trials = "trial = {id:UUID}"
    if entity.kind == "experiment":
        trials = (
            f"trial IN (SELECT trial FROM {at('trials')} "
            "WHERE project = {project:String} AND experiment = {id:UUID})"
        )
    table = reading.rows(
        f"""SELECT component FROM {at("components")} WHERE project = {{project:String}} AND component IN (
                SELECT component FROM {at("memberships")} WHERE project = {{project:String}} AND {trials})
            ORDER BY created_at, component""",
        id=str(entity.id),
    )
    return id_texts(table, "component")
