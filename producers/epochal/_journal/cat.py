"""A journal directory in words or as JSON lines, for people who want to see what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from .reader import Damage, EventsReader, MetricsReader, Points, Record

_AT_ONCE: Final = 10_000


def cat(directory: Path, *, as_json: bool = False) -> Iterator[str]:
    """The lines of a journal: its events, its points, then what is damaged and how it ends.

    ``directory`` is that of one writer; a live journal is shown as far as it goes. As JSON, each line is an
    object with the key ``event``, ``point``, ``damage`` or ``end``; floats that JSON lacks are text.

    Raises:
        NotADirectoryError: there is no such directory.
        NewerFormatError: the journal needs a newer version.
    """
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is no directory of a journal: one is named after its writer (a UUID)")
    show = _json_line if as_json else _text_line
    events = EventsReader(directory)
    while records := events.read(_AT_ONCE, final=True):
        yield from (show("event", _event(record)) for record in records)
    metrics = MetricsReader(directory)
    while found := metrics.read(_AT_ONCE, final=True):
        for points in found:
            yield from (show("point", point) for point in _points(points))
    yield from (show("damage", _damage(damage)) for damage in (*events.damage, *metrics.damage))
    yield show("end", {"events": events.next_seq, "points": metrics.next_seq, "ending": metrics.ending()})


def _event(record: Record) -> dict[str, Any]:
    try:
        return {"seq": record.seq, "envelope": json.loads(record.payload)}
    except ValueError:
        return {"seq": record.seq, "bytes": record.payload.hex()}


def _points(points: Points) -> Iterator[dict[str, Any]]:
    for seq, name, step, value, logged_ms, occurred_ms in points.rows.tolist():
        point = {"seq": seq, "metric": points.names[name], "step": _number(step), "value": _number(value)}
        point["logged_at"] = _instant(logged_ms)
        if occurred_ms != logged_ms:
            point["occurred_at"] = _instant(occurred_ms)
        yield point


def _damage(damage: Damage) -> dict[str, Any]:
    return {
        "channel": damage.channel,
        "place": damage.place,
        "first_seq": damage.first_seq,
        "count": damage.count,
        "detail": damage.detail,
    }


def _number(number: float) -> float | str:
    return number if number - number == 0 else str(number)


def _instant(ms: int) -> str:
    try:
        at = datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json_line(kind: str, content: dict[str, Any]) -> str:
    return json.dumps({kind: content}, ensure_ascii=False)


def _text_line(kind: str, content: dict[str, Any]) -> str:
    if kind == "event" and "envelope" in content:
        envelope = content["envelope"]
        data = json.dumps(envelope.get("data"), ensure_ascii=False) if isinstance(envelope, dict) else envelope
        what = envelope.get("type") if isinstance(envelope, dict) else ""
        return f"event {content['seq']}  {what}  {data}"
    if kind == "point":
        times = "  ".join(f"{key} {content[key]}" for key in ("logged_at", "occurred_at") if key in content)
        return f"point {content['seq']}  {content['metric']} = {content['value']}  step {content['step']}  {times}"
    return f"{kind}  " + "  ".join(f"{key} {value}" for key, value in content.items())
