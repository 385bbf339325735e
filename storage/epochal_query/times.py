"""Times and watermarks as callers write them, made into the texts that the views take.

A view takes two texts: ``as_of`` (an instant) and ``known_at`` (an instant, or a watermark as JSON);
the empty text is no bound. Instants are UTC to the microsecond; a time without a zone is UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

from epochal_query.errors import TimeError

Watermark = dict[str, int]
"""Log to the greatest offset (inclusive) that is taken into account."""

When = datetime | date | str
"""An instant: a datetime, a date (its first moment), ISO text, or relative text."""

KnownAt = When | Mapping[str, int]
"""An instant, or a watermark (as a mapping or its JSON text)."""

_ACCEPTED = (
    "a datetime, ISO text such as '2025-03-03' or '2025-03-03T12:00:00+01:00', "
    "or relative text such as 'now', 'yesterday', '2 hours ago'"
)
_WATERMARK = (
    '{"<log>": offset, ...}, offsets being whole numbers from 0 on (-1: nothing yet), '
    "as store.last_watermark and every answer's attrs['epochal'] show it"
)
_LAST_OFFSET = 2**63 - 1
_FIRST_YEAR, _LAST_YEAR = 1900, 2299
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_SHORT = {
    "s": "second",
    "sec": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "d": "day",
    "w": "week",
}
_TERM = re.compile(r"(\d+(?:\.\d+)?|an?)\s*([a-z]+)\s*(?:,|and)?\s*")


@dataclass(frozen=True)
class Bounds:
    """One place in both times, as the views take it."""

    as_of: str = ""
    known_at: str = ""

    @property
    def parameters(self) -> dict[str, object]:
        """What the views bind; a watermark also as ``{logs:Array(String)}`` and ``{offsets:Array(Int64)}``."""
        bound: dict[str, object] = {"as_of": self.as_of, "known_at": self.known_at}
        if "watermark" in self.facts:
            reached = parse_watermark(self.known_at)
            bound |= {"logs": [*reached, ""], "offsets": [*reached.values(), -1]}
        return bound

    @property
    def facts(self) -> frozenset[str]:
        """Which variants of the views show the same at this place: ``watermark``, ``one_log``, ``present``."""
        if not self.known_at.startswith("{"):
            return frozenset()
        one_log = {"one_log"} if len(parse_watermark(self.known_at)) == 1 else set[str]()
        return frozenset({"watermark", *one_log, *(() if self.as_of else ("present",))})


def parse_instant(when: object, now: datetime, what: str = "as_of") -> datetime:
    """The instant meant by ``when``, in UTC.

    Raises:
        TimeError: it is nothing that names an instant; the message says what is accepted.
    """
    found: datetime | None = None
    if isinstance(when, datetime):
        found = _in_utc(when)
    elif isinstance(when, date):
        found = datetime(when.year, when.month, when.day, tzinfo=UTC)
    elif isinstance(when, str) or type(when).__name__ == "datetime64":
        found = _relative(str(when), now) or _iso(str(when))
    if found is None:
        also = f"; or a watermark, which is {_WATERMARK}" if what == "known_at" else ""
        raise TimeError(f"{what}={when!r} is not a time: give {_ACCEPTED}{also}")
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise TimeError(f"{what}={when!r} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR} that the store knows")
    return found


def _in_utc(when: datetime) -> datetime | None:
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (OverflowError, ValueError):  # NaT is a datetime, too
        return None


def _iso(text: str) -> datetime | None:
    try:
        return _in_utc(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def _relative(text: str, now: datetime) -> datetime | None:
    words = " ".join(text.casefold().split())
    if words == "now":
        return now
    if words in ("today", "yesterday"):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=words == "yesterday")
    if not words.endswith(" ago"):
        return None
    back = _duration(words.removesuffix("ago").rstrip())
    try:
        return None if back is None else now - back
    except OverflowError:
        return None


def _duration(words: str) -> timedelta | None:
    total, at = timedelta(), 0
    while at < len(words):
        term = _TERM.match(words, at)
        if term is None:
            return None
        amount, unit = term.groups()
        size = _UNITS.get(_SHORT.get(unit, unit)) or _UNITS.get(_SHORT.get(unit.rstrip("s"), unit.rstrip("s")))
        if size is None:
            return None
        try:
            total += size * (1.0 if amount.startswith("a") else float(amount))
        except OverflowError:
            return None
        at = term.end()
    return total if at else None


def as_text(instant: datetime) -> str:
    """The instant as the views and the engine read it: UTC, to the microsecond."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def parse_watermark(given: Mapping[object, object] | str, what: str = "known_at") -> Watermark:
    """A watermark given as a mapping or as its JSON text.

    Raises:
        TimeError: it is not a mapping of log names to offsets.
    """
    try:
        loaded: object = json.loads(given) if isinstance(given, str) else dict(given)
    except ValueError as error:
        raise TimeError(f"{what}={given!r} is not a watermark ({error}): a watermark is {_WATERMARK}") from None
    entries: list[tuple[object, object]] = list(loaded.items()) if isinstance(loaded, dict) else []
    watermark = {
        log: offset
        for log, offset in entries
        if isinstance(log, str)
        and isinstance(offset, int)
        and not isinstance(offset, bool)
        and -1 <= offset <= _LAST_OFFSET
    }
    if not isinstance(loaded, dict) or len(watermark) != len(entries):
        raise TimeError(f"{what}={given!r} is not a watermark: a watermark is {_WATERMARK}")
    return watermark


def _check_logs(asked: Watermark, watermark: Watermark) -> None:
    """That a watermark is of this store. Raises TimeError: it names a log that the store doesn't have."""
    unknown = [log for log in asked if log not in watermark]
    if unknown:
        ours = ", ".join(map(repr, sorted(watermark))) or "none yet"
        raise TimeError(
            f"known_at names the log {unknown[0]!r}, which this store doesn't have (its logs: {ours}): a watermark "
            f"belongs to the store that gave it, and is {_WATERMARK}"
        )


def watermark_text(watermark: Mapping[str, int]) -> str:
    """The watermark as the views take it."""
    return json.dumps(dict(sorted(watermark.items())), separators=(",", ":"))


def check_times(as_of: object, known_at: object, now: datetime) -> None:
    """Look at the bounds of a read before anything is waited for.

    Raises:
        TimeError: a time or a watermark that can't be understood.
    """
    if as_of is not None:
        parse_instant(as_of, now, "as_of")
    if known_at is not None and _as_watermark(known_at) is None:
        parse_instant(known_at, now, "known_at")


def pin(as_of: object, known_at: object, watermark: Watermark, now: datetime) -> tuple[Bounds, tuple[str, ...]]:
    """The bounds of one read whose log reaches ``watermark`` at ``now``, and remarks for the caller.

    Without a ``known_at`` the read is pinned to the watermark, so that all its queries see one state.

    Raises:
        TimeError: a time or a watermark that can't be understood, or is another store's.
    """
    remarks: list[str] = []
    instant = ""
    if as_of is not None:
        as_of_instant = parse_instant(as_of, now, "as_of")
        instant = as_text(as_of_instant)
        if as_of_instant > now:
            remarks.append(f"as_of={as_of!s} is yet to come; answered with all that is known by now")
    known = watermark_text(watermark)
    asked = _as_watermark(known_at)
    if asked is not None:
        _check_logs(asked, watermark)
        capped = {log: min(offset, watermark[log]) for log, offset in asked.items()}
        if capped != asked:
            remarks.append(f"known_at lies beyond what the log holds; answered as of the watermark {capped}")
        known = watermark_text({log: offset for log, offset in capped.items() if offset >= 0})
    elif known_at is not None:
        known_instant = parse_instant(known_at, now, "known_at")
        if known_instant >= now:
            if known_instant > now:
                remarks.append(f"known_at={known_at!s} is yet to come; answered as of the watermark {watermark}")
        else:
            known = as_text(known_instant)
    return Bounds(instant, known), tuple(remarks)


def _as_watermark(given: object) -> Watermark | None:
    """The watermark, where it is one and no time."""
    if isinstance(given, Mapping) or (isinstance(given, str) and given.lstrip().startswith("{")):
        return parse_watermark(cast("Mapping[object, object] | str", given))
    return None
