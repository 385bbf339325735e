"""What the views say of the components of a report: params, statistics, artifacts, environment, memberships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from epochal_query.columns import column, compute, distinct, texts
from epochal_query.memberships import Members
from epochal_query.names import Selection, as_parts, choose
from epochal_query.param_paths import shown, touching, with_those_above
from epochal_query.rank_values import Ranks, over_ranks
from epochal_query.reading import KNOWN, Reading, at, block, together
from epochal_query.report_columns import STATISTICS, Artifact
from epochal_query.scope import Scope, metric_names, param_keys
from epochal_query.tidiness import extent, of_series

SYSTEM_PREFIX = "sys/"


@dataclass(frozen=True)
class Wanted:
    """What a report is to show; None is everything that is not system or environment."""

    metrics: Selection | None = None
    params: Selection | None = None
    artifacts: Selection | None = None
    ranks: Ranks = None
    system: bool = False


@dataclass(frozen=True)
class Cells:
    """Lines about components, and the chosen names in the order of their columns (None: those of the lines)."""

    params: pa.Table
    keys: list[str] | None
    metrics: pa.Table
    measured: list[str] | None
    artifacts: pa.Table
    named: list[str] | None
    environment: pa.Table | None
    members: Members
    tags: pa.Table


def ask_cells(reading: Reading, scope: Scope, wanted: Wanted, named_in: Scope | None = None) -> Cells:
    """Ask the views, at the same time, about the components in scope; names are looked up in ``named_in``.

    Raises:
        UnknownNameError: a chosen name that nobody ever logged; the message has near ones.
    """
    named_in, scope = named_in or scope, scope.widened()
    (params, keys, tags), metrics, artifacts, environment, members = together(
        partial(_params_and_tags, reading, scope, named_in, wanted.params),
        partial(_metrics, reading, scope, named_in, wanted),
        partial(_artifacts, reading, scope, wanted.artifacts, wanted.system),
        partial(_environment, reading, scope, wanted.system),
        lambda: scope.members_in(reading),
    )
    return Cells(params, keys, metrics[0], metrics[1], artifacts[0], artifacts[1], environment, members, tags)


def _params_and_tags(
    reading: Reading, scope: Scope, named_in: Scope, selection: Selection | None
) -> tuple[pa.Table, list[str] | None, pa.Table]:
    """Params, their chosen keys, and tags: of all params from one question, as that is what takes the time."""
    if selection is not None:
        return *_params(reading, scope, named_in, selection), _standing(_said(reading, scope, "tag"))
    both = _said(reading, scope, "param", "tag")
    is_tag = compute.equal(column(both, "field"), "tag")
    params, tags = both.filter(compute.invert(is_tag)), both.filter(is_tag)
    # only paths of several parts, also those that were taken away, can hide one another
    dotted = compute.any(compute.match_substring(column(params, "path"), ".")).as_py()
    shown = _params(reading, scope, named_in, None)[0] if dotted else _standing(params)
    return shown, None, _standing(tags)


def _said(reading: Reading, scope: Scope, *fields: str) -> pa.Table:
    """The newest of what was said of each key of some fields of components, also what takes it away."""
    named = ", ".join(f"'{field}'" for field in fields)
    return reading.rows(
        f"""SELECT s.entity AS component, toString(s.field) AS field, s.key AS path,
                   argMax(s.value, s.place) AS value, toString(argMax(s.type, s.place)) AS type,
                   argMax(ifNull(s.number, 0), s.place) AS number, argMax(s.text, s.place) AS text,
                   argMax(s.removed, s.place) AS removed
            {block("of_components", f"s.field IN ({named})")}
              AND s.project = {{project:String}} AND {scope.on("s.entity")}
            GROUP BY s.entity, s.field, s.key""",
        KNOWN,
        **scope.parameters,
    )


def _standing(said: pa.Table) -> pa.Table:
    return said.filter(compute.equal(column(said, "removed"), False))


def _params(
    reading: Reading, scope: Scope, named_in: Scope, selection: Selection | None
) -> tuple[pa.Table, list[str] | None]:
    near = "" if selection is None else touching("{near:Array(String)}")
    sql = f"""SELECT component, path, value, toString(type) AS type, number, text FROM {at("params", near)}
              WHERE project = {{project:String}} AND {scope.sql}"""
    if selection is None:
        return reading.rows(sql, KNOWN, **scope.parameters), None
    keys: list[str] = []
    if as_parts(selection, "params"):
        alike: dict[str, list[str]] = {}
        for key in param_keys(*named_in.naming(reading)):
            alike.setdefault(shown(key), []).append(key)
        picked = choose(selection, list(alike), "param", f" in {scope.words}")
        keys = [key for name in picked for key in alike[name]]
    bound = {"keys": keys, "near": with_those_above(keys), **scope.parameters}
    return reading.rows(f"{sql} AND path IN {{keys:Array(String)}}", KNOWN, **bound), keys


def _metrics(reading: Reading, scope: Scope, named_in: Scope, wanted: Wanted) -> tuple[pa.Table, list[str] | None]:
    """Lines with the columns component, metric and the statistics of a report."""
    name = "concat(metric, ' (rank ', toString(rank), ')')" if wanted.ranks == "each" else "metric"
    stats = ", ".join(f"{over_ranks(stat, wanted.ranks)} AS {stat}_" for stat in STATISTICS)
    chosen: list[str] | None = None
    which = "1" if wanted.system else f"NOT startsWith(metric, '{SYSTEM_PREFIX}')"
    if wanted.metrics is not None:
        known = metric_names(*named_in.naming(reading)) if as_parts(wanted.metrics, "metrics") else []
        chosen = choose(wanted.metrics, known, "metric", f" in {scope.words}")
        which = "metric IN {metrics:Array(String)}"
    found = extent(reading, scope, which, metrics=chosen or [])
    sql = f"""SELECT component, {name} AS shown, {stats} FROM ({block("summaries", of_series(scope, which))})
              GROUP BY component, shown"""
    table = reading.rows(sql, found.facts, metrics=chosen or [], **found.bound, **scope.parameters)
    table = table.rename_columns(["component", "metric", *STATISTICS])
    return table, by_rank(distinct(table, "metric")[1], chosen) if wanted.ranks == "each" else chosen


def by_rank(found: Sequence[str], chosen: Sequence[str] | None) -> list[str]:
    """The names ``<metric> (rank <n>)`` in the order of the chosen metrics, those of one metric by number."""

    def key(name: str) -> tuple[int, str, int]:
        metric, _, rank = name.rpartition(" (rank ")
        place = chosen.index(metric) if chosen is not None and metric in chosen else 0
        return place, metric, int(rank[:-1])

    return sorted(found, key=key)


def _artifacts(
    reading: Reading, scope: Scope, selection: Selection | None, system: bool
) -> tuple[pa.Table, list[str] | None]:
    which = "1" if system or selection is not None else f"NOT startsWith(name, '{SYSTEM_PREFIX}')"
    sql = f"""SELECT component, name, direction, ifNull(media_type, '') AS media_type,
                     coalesce(uri, digest, '') AS place
              FROM {at("artifacts")} WHERE project = {{project:String}} AND {scope.sql} AND {which}"""
    table = reading.rows(sql, KNOWN, **scope.parameters)
    if selection is None:
        return table, None
    sql = f"SELECT DISTINCT name FROM {at('artifacts')} WHERE project = {{project:String}} ORDER BY name"
    known = texts(reading.present.rows(sql), "name") if as_parts(selection, "artifacts") else []
    return table, choose(selection, known, "artifact", f" in project {reading.project!r}")


def artifact_order(lines: Sequence[Artifact], chosen: Sequence[str] | None) -> list[Artifact]:
    """The artifacts of the columns: inputs, then outputs, by name or as chosen."""
    known = {one for one in lines if chosen is None or one[0] in chosen}
    place = {name: i for i, name in enumerate(chosen or ())}
    return sorted(known, key=lambda one: (one[1], place.get(one[0], 0), one[0]))


def _environment(reading: Reading, scope: Scope, asked: bool) -> pa.Table | None:
    """What surrounded the lowest rank of each component, by section."""
    if not asked:
        return None
    sql = f"""SELECT component, section, argMin(values, rank) AS captured FROM {at("environments")}
              WHERE project = {{project:String}} AND {scope.sql} GROUP BY component, section"""
    return reading.rows(sql, **scope.parameters)
