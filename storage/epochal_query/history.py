"""History: every value that the fields of one entity ever had, who said it, where and when, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from epochal._ids import normal_text
from epochal_query.columns import decoded, texts, values
from epochal_query.errors import FilterError
from epochal_query.history_fates import IN_EFFECT
from epochal_query.history_fields import (
    HEARTBEAT,
    LOST,
    METRICS,
    is_cell,
    is_of,
    known_to,
    metric_name,
    names_of,
    reason_of,
    value_of,
)
from epochal_query.history_points import metrics_of, points_at, series_of
from epochal_query.history_rows import Row, frame_of
from epochal_query.history_statements import Cells, Statement, cells_of, statements_of, with_related
from epochal_query.history_writers import writers_of
from epochal_query.names import unknown
from epochal_query.reading import Reading, at, block, together
from epochal_query.resolve import Entity, Kind, id_of
from epochal_query.resolve_ever import resolve_ever


@dataclass(frozen=True)
class Asked:
    """Which part of a history: a field with all that lies below it, everything (None); of a metric one step."""

    field: str | None = None
    step: float | None = None


def asked(field: object, step: object) -> Asked:
    """What a caller asks for. Raises FilterError: the field is no text, or the step no number."""
    if field is not None and not isinstance(field, str):
        raise FilterError(f"field={field!r} names no field: give its name, such as 'params.lr', or None for all")
    if step is None:
        return Asked(None if field is None else normal_text(field))
    if isinstance(step, bool) or not isinstance(step, (int, float)) or math.isnan(step):
        raise FilterError(f"step={step!r} is no step: give a number, or None for all")
    return Asked(normal_text(field or ""), step + 0.0)


def history_of_any(reading: Reading, given: object, what: Asked) -> tuple[pd.DataFrame, list[str]]:
    """The history of what is meant, which may be gone by now, as :func:`history_of`.

    Raises what :func:`resolve_ever` raises, and that.
    """
    meant = id_of(given)
    if meant is None:
        return history_of(reading, resolve_ever(reading, given), what)
    known = cells_of(reading, meant)
    # what a trial is called, and so whether there is one, is for its view to say
    there: list[Kind] = [kind for kind, cells in known.items() if kind != "trial" and _is_there(cells)]
    # its name is only to be known where something is wrong
    entity = Entity(there[0], meant, "") if len(there) == 1 else resolve_ever(reading, given)
    return history_of(reading, entity, what, known)


def _is_there(cells: Cells) -> bool:
    """Whether something was declared and never deleted or erased."""
    return ("opened", "") in cells and not {field for field, _ in cells} & {"deleted", "erased"}


def history_of(
    reading: Reading, entity: Entity, what: Asked, known: Mapping[Kind, Cells] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """One row a value, by field, then in the order that decides who wins; and remarks on what is left out.

    ``known``: :func:`cells_of` the entity's id, where that was asked already.
    Raises:
        UnknownNameError: nothing was ever said of such a field; the message has near ones.
        FilterError: a step was asked for, and not of one metric.
    """
    cells, metrics = _chosen(reading, entity, what, known)
    (rows, remarks), commits = _rows(reading, entity, what, cells, metrics)
    written = {row.writer for row in rows if row.writer}
    who, why = writers_of(reading, written, commits, reasons=any(is_cell(row.field) for row in rows))
    rows = [replace(row, reason=why.get(row.event or "", row.reason)) for row in rows]
    return frame_of(sorted(rows, key=lambda row: row.field), who), remarks


def _chosen(
    reading: Reading, entity: Entity, what: Asked, said: Mapping[Kind, Cells] | None
) -> tuple[Cells | None, list[str]]:
    """The cells whose statements decide what is asked for, None for all; and the metrics."""
    if what.field is None:
        return None, metrics_of(reading, entity)
    known = (cells_of(reading, entity.id) if said is None else said).get(entity.kind, frozenset())
    measured = metrics_of(reading, entity) if _names(what, METRICS) else []
    wanted = {cell for cell in known if any(is_of(name, what.field) for name in names_of(entity.kind, *cell))}
    metrics = [metric for metric in measured if is_of(metric_name(metric), what.field)]
    if not (wanted or metrics or what.field in known_to(entity.kind)):
        measured = metrics_of(reading, entity)
        names = {name for cell in known for name in names_of(entity.kind, *cell)} | set(map(metric_name, measured))
        where = f" in the history of {entity.kind} {entity.name or resolve_ever(reading, entity.id).name!r}"
        raise unknown("field", what.field, names | known_to(entity.kind), where)
    if what.step is None:
        shown = {cell for cell in wanted if cell[0] != "heartbeat" or _names(what, HEARTBEAT)}
        return with_related(shown | (_of_points(known, "corrected") if metrics else set()), known), metrics
    if metrics != [what.field.removeprefix("metrics.")]:
        raise FilterError(f"step={what.step:g} is of one metric: give its name as the field, such as 'metrics.loss'")
    return _of_points(known, "rewound", "corrected"), metrics


def _of_points(known: Cells, *fields: str) -> Cells:
    """The cells of fields that act on points."""
    return frozenset(cell for cell in known if cell[0] in fields)


def _rows(
    reading: Reading, entity: Entity, what: Asked, cells: Cells | None, metrics: list[str]
) -> tuple[tuple[list[Row], list[str]], Mapping[str, str]]:
    """The rows, remarks on what is left out, and the commits of writers."""
    besides = ("heartbeat",) if cells is None else ()
    if what.step is not None:
        said, commits = statements_of(reading, entity, cells)
        return (points_at(reading, entity, metrics[0], what.step, said), []), commits
    (said, commits), series, lost, left_out = together(
        partial(statements_of, reading, entity, cells, besides),
        partial(series_of, reading, entity, metrics),
        partial(_lost, reading, entity, what),
        partial(_left_out, reading, entity, what),
    )
    return ([*_told(entity, what, said), *series, *lost], left_out), commits


def _told(entity: Entity, what: Asked, said: Sequence[Statement]) -> Iterator[Row]:
    """The statements under the names that are asked for; one that undoes an event also under those of what it said."""
    named = [(one, decoded(one.value)) for one in said]
    of_event: dict[str, dict[str, None]] = {}
    for one, value in named:
        of_event.setdefault(one.event, {}).update(dict.fromkeys(names_of(entity.kind, one.field, one.key, value)))
    for one, value in named:
        undoes = one.field == "undone"
        own = names_of(entity.kind, one.field, one.key, value)
        for name in (*of_event.get(one.key, ()), *own) if undoes else own:
            if not is_of(name, what.field):
                continue
            yield Row(
                name,
                _undoing(one) if undoes else None if one.removed else value_of(name, one.field, one.key, value),
                one.fate,
                one.removed and not undoes,
                one.occurred_at,
                one.logged_at,
                one.recorded_at,
                one.rank,
                reason_of(one.field, one.key, value),
                one.event,
                one.writer,
            )


def _undoing(one: Statement) -> dict[str, str]:
    return {"redone" if one.removed else "undone": one.key}


def _lost(reading: Reading, entity: Entity, what: Asked) -> list[Row]:
    """The attempts that count as lost: nobody said it, it is concluded from what was not said."""
    if entity.kind != "component" or not (what.field in (None, "status") or _names(what, LOST)):
        return []
    table = reading.rows(
        f"""SELECT rank, attempt FROM {at("attempts")}
            WHERE project = {{project:String}} AND component = {{component:UUID}} AND status = 'lost'
            ORDER BY rank, number""",
        component=str(entity.id),
    )
    reason = "no sign of life for longer than three heartbeats and a minute, or its process is gone"
    rows = [
        Row(f"{LOST}.{rank}/{attempt}", "lost", IN_EFFECT, rank=rank, reason=reason)
        for rank, attempt in zip(values(table, "rank"), texts(table, "attempt"), strict=True)
    ]
    return [row for row in rows if is_of(row.field, what.field)]


def _left_out(reading: Reading, entity: Entity, what: Asked) -> list[str]:
    """What is said of heartbeats where they are not told one by one."""
    if entity.kind != "component" or what.field not in (None, "writers"):
        return []
    table = reading.rows(
        f"""SELECT count() AS n FROM facts AS s FINAL
            WHERE project = {{project:String}} AND kind = 'component' AND field = 'heartbeat'
              AND entity = {{entity:UUID}} AND {block("within", "s | _at | ")}""",
        entity=str(entity.id),
    )
    count = int(values(table, "n")[0])
    beats = f"{count:,} heartbeat{'' if count == 1 else 's'}"
    return [f"left out: {beats}, to be had by the field {HEARTBEAT!r}"] if count else []


def _names(what: Asked, group: str) -> bool:
    """Whether a group is asked for by its name, or something in it."""
    return what.field is not None and (what.field == group or what.field.startswith(f"{group}."))
