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
        raise TimeError(f"{what}={when!r} is not a time: give {_ACCEPTED}")
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


def parse_watermark(given: Mapping[object, object] | str) -> Watermark:
    """A watermark given as a mapping or as its JSON text.

    Raises:
        TimeError: it is not a mapping of log names to offsets.
    """
    shape = 'a watermark is {"<log>": offset, ...}, as store.last_watermark shows it'
    try:
        loaded: object = json.loads(given) if isinstance(given, str) else dict(given)
    except ValueError as error:
        raise TimeError(f"known_at={given!r} is not a watermark ({error}): {shape}") from None
    entries: list[tuple[object, object]] = list(loaded.items()) if isinstance(loaded, dict) else []
    watermark = {
        log: offset
        for log, offset in entries
        if isinstance(log, str) and isinstance(offset, int) and not isinstance(offset, bool)
    }
    if not isinstance(loaded, dict) or len(watermark) != len(entries):
        raise TimeError(f"known_at={given!r} is not a watermark: {shape}")
    return watermark


def watermark_text(watermark: Mapping[str, int]) -> str:
    """The watermark as the views take it."""
    return json.dumps(dict(sorted(watermark.items())), separators=(",", ":"))


def pin(as_of: object, known_at: object, watermark: Watermark, now: datetime) -> tuple[Bounds, tuple[str, ...]]:
    """The bounds of one read whose log reaches ``watermark`` at ``now``, and remarks for the caller.

    Without a ``known_at`` the read is pinned to the watermark, so that all its queries see one state.

    Raises:
        TimeError: a time or a watermark that can't be understood.
    """
    remarks: list[str] = []
    instant = "" if as_of is None else as_text(parse_instant(as_of, now, "as_of"))
    known = watermark_text(watermark)
    if isinstance(known_at, Mapping) or (isinstance(known_at, str) and known_at.lstrip().startswith("{")):
        asked = parse_watermark(known_at)
        capped = {log: min(offset, watermark.get(log, -1)) for log, offset in asked.items()}
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
