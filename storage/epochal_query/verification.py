"""What a verification found, as a value and in words."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from epochal_processors.findings import Finding, Totals
from epochal_query.columns import id_texts, texts
from epochal_query.reading import Source
from epochal_query.shown import InWords

SHOWN_MAX = 50
UNCHECKED = (
    "facts and partials, the rows that views are made of: they follow from the log, and aren't compared with it",
    "contents of artifacts: they are compared with their digests when they are fetched",
)
_ROWS = "rows agree with what their writers sent, against anyone who can't rewrite the ledger"
_INTAKE = "the ledger agrees with the intake"
_CHECKPOINT = "and against those too, for all that lies before the checkpoint"


class Verification(InWords, dict[str, Any]):
    """A verification: a dict (``sound``, ``about``, ``findings``, ``checked``, ``unchecked``, ``proven``,
    ``checkpoint``, ``watermark``) with a text.

    A finding has ``project``, ``component``, ``name``, ``writer``, ``channel``, ``first_seq``, ``last_seq`` (inclusive)
    and ``what``; one about a log has ``log`` instead of a writer, and its numbers are offsets.
    """

    def to_text(self) -> str:
        """The verification in words."""
        findings: list[dict[str, Any]] = self["findings"]
        found = f"{len(findings):,} finding{'s' if len(findings) > 1 else ''}"
        lines = [f"{'not sound' if findings else 'sound'}: {self['about']}{f', {found}' if findings else ''}"]
        lines += [f"  {_line(one)}" for one in findings[:SHOWN_MAX]]
        if len(findings) > SHOWN_MAX:
            lines.append(f"  and {len(findings) - SHOWN_MAX:,} more; all of them: --json")
        lines += [f"  {line}" for line in _counted(self["checked"])]
        lines += [f"  not checked: {one}" for one in self["unchecked"]]
        if self["checkpoint"]:
            lines.append(f"  checkpoint: {self['checkpoint']}")
        lines.append(f"  proven: {'; '.join(self['proven']) or 'nothing, before what was found is explained'}")
        lines.append(f"  as of watermark {json.dumps(self['watermark'])}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """The verification in words."""
        return self.to_text()


def verification(
    about: str,
    findings: Iterable[Finding],
    totals: Totals,
    names: Mapping[UUID, str],
    watermark: Mapping[str, int],
    vouched: Collection[str],
    checkpoint: str = "",
) -> Verification:
    """What was found, in words where it needs them.

    Args:
        about: what was verified.
        findings: what is wrong.
        totals: what was looked at.
        names: those of components.
        watermark: up to where.
        vouched: the logs whose ledger was compared with their intake.
        checkpoint: what it was compared with, besides.
    """
    shown = [_shown(one, names) for one in findings]
    alone = sorted(watermark.keys() - set(vouched))
    proven = [_ROWS, *([_CHECKPOINT] if checkpoint else []), *([] if alone else [_INTAKE])]
    return Verification(
        sound=not shown,
        about=about,
        findings=shown,
        checked=asdict(totals),
        unchecked=[*([_only_ledger(alone)] if alone and not checkpoint else []), *UNCHECKED],
        proven=[] if shown else proven,
        checkpoint=checkpoint,
        watermark=dict(watermark),
    )


def _only_ledger(logs: Sequence[str]) -> str:
    shown = ", ".join(logs[:2]) + (f" and {len(logs) - 2:,} more" if len(logs) > 2 else "")
    return f"whether the ledger of {shown} was rewritten together with the rows: only a checkpoint kept elsewhere tells"


def names_of(source: Source, findings: Iterable[Finding]) -> dict[UUID, str]:
    """The names of the components that findings are about."""
    wanted = sorted({str(one.component) for one in findings if one.component})
    table = source.query_arrow(
        """SELECT entity, any(JSONExtractString(value, 'name')) AS name FROM facts
           WHERE kind = 'component' AND field = 'opened' AND entity IN {components:Array(UUID)} GROUP BY entity""",
        {"components": wanted},
        fresh=False,
    )
    return {UUID(one): name for one, name in zip(id_texts(table, "entity"), texts(table, "name"), strict=True)}


def _shown(one: Finding, names: Mapping[UUID, str]) -> dict[str, Any]:
    place = {"first_seq": one.first_seq, "last_seq": one.last_seq, "what": one.what}
    if one.writer is None:
        return {"log": one.log, **place}
    return {
        "project": one.project,
        "component": None if one.component is None else str(one.component),
        "name": names.get(one.component, "") if one.component else "",
        "writer": str(one.writer),
        "channel": one.channel,
        **place,
    }


def _line(one: Mapping[str, Any]) -> str:
    first, last = one["first_seq"], one["last_seq"]
    span = f"{first:,}" if first == last else f"{first:,} to {last:,}"
    if "log" in one:
        return f"log {one['log']}, offsets {span}: {one['what']}"
    owner = f"component {one['name']} ({one['component']})" if one["component"] else "no component"
    return f"{one['project']}, {owner}, writer {one['writer']}, {one['channel']} {span}: {one['what']}"


def _counted(checked: Mapping[str, int]) -> list[str]:
    lines = [
        f"checked: {checked['writers']:,} writers, {checked['sealed']:,} sealed blocks, {checked['events']:,} events, "
        f"{checked['points']:,} points" + (f", {checked['ranges']:,} ranges of the ledger" if checked["ranges"] else "")
    ]
    said = {
        "open": "blocks that have no digest yet; that their rows are there, and where, is what the ledger vouches for",
        "unsealed": "writers that ended and have such blocks: who takes them in seals them soon, or a row is gone",
        "replayed": "points that came out of dead letters; those that came after their block was sealed have no digest",
        "erased": "events and points that were destroyed, as tombstones say; the digests of events are there",
        "later": "rows that came while this ran, which the next verification compares with the ledger",
    }
    return lines + [f"{name}: {checked[name]:,} {words}" for name, words in said.items() if checked[name]]
