"""One consistent read: every query of it sees the log up to the same watermark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, cast

import pyarrow as pa

from epochal._warnings import say
from epochal_query.errors import FilterError, QueryError, no_text
from epochal_query.times import Bounds, Watermark, check_times, parse_watermark, pin
from epochal_query.waiting import awaited
from epochal_storage.errors import EngineError
from epochal_storage.views_sql import put_in

_TAKEN_OUT = """SELECT countIf(field = 'deleted') = 0 AS undeleted, countIf(field = 'forked') = 0 AS unforked,
                       countIf(field IN ('deleted', 'rewound', 'forked')) = 0 AS uncut,
                       countIf(field = 'corrected') = 0 AS original, countIf(field = 'undone') = 0 AS standing
                FROM facts
                WHERE project = {project:String}
                  AND kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association')
                  AND field IN ('deleted', 'rewound', 'forked', 'corrected', 'undone')"""


class Source(Protocol):
    """Where rows come from: a host or a server. Answers are whole and exact."""

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None, *, fresh: bool = True) -> pa.Table:
        """The answer to a query with bound parameters; ``fresh=False``: what was taken in already will do."""
        ...

    def watermark(self) -> Watermark:
        """How far the log is taken in, after taking in all that was written on this machine before the call."""
        ...


NAMED_MAX = 500
"""Fewer components than this are named wherever they are read from; of more that costs more than it saves."""

KNOWN = frozenset({"known"})
"""For `Reading.rows`: rows of components that don't exist don't matter, as the answer is put beside those that do."""


def at(view: str, statements: str = "") -> str:
    """A view in a query for :meth:`Reading.rows`, at the place in both times that the reading is about.

    ``statements``: a further condition on the statements ``s`` that it is made of, from AND on (``params`` only).
    """
    return f"{{{{{view}_at: {statements}}}}}" if statements else f"{{{{{view}_at}}}}"


def block(name: str, argument: str = "") -> str:
    """A block of `views.sql` in a query for :meth:`Reading.rows`."""
    return f"{{{{{name}: {argument}}}}}" if argument else f"{{{{{name}}}}}"


class _Project:
    """What holds of a project up to the watermark of a reading, and makes its queries simpler; asked at once."""

    def __init__(self, source: Source, project: str) -> None:
        with_one = ThreadPoolExecutor(1, "epochal-read")
        self._asked = with_one.submit(source.query_arrow, _TAKEN_OUT, {"project": project}, fresh=False)
        with_one.shutdown(wait=False)

    @property
    def facts(self) -> frozenset[str]:
        """``undeleted``: nothing in it was ever deleted; ``unforked``: no run continues another; ``uncut``: nor was any
        rewound; ``original``: no point was ever corrected or retracted; ``standing``: nothing was ever undone.
        """
        found = self._asked.result()
        return frozenset(name for name in found.column_names if found[name][0].as_py())


@dataclass(frozen=True)
class Reading:
    """One read of one project: its bounds in both times, and the present to look names up in.

    Guarantees: with the same source, all queries made through it see the same state.
    """

    source: Source
    project: str
    bounds: Bounds
    watermark: Watermark
    now: datetime
    remarks: tuple[str, ...] = ()
    of_project: _Project | None = field(default=None, repr=False, compare=False)

    @classmethod
    def begin(
        cls,
        source: Source,
        project: str,
        as_of: object,
        known_at: object,
        now: datetime,
        sent: Mapping[str, int] | None = None,
    ) -> Reading:
        """Take in what was written, wait for what was sent, and pin the read to the watermark reached.

        After ten seconds the read goes on without what isn't there yet; it says so, and a remark does.

        Raises:
            TimeError: ``as_of`` or ``known_at`` can't be understood.
        """
        check_times(as_of, known_at, now)
        watermark, missing = awaited(source.watermark, sent or {})
        bounds, remarks = pin(as_of, known_at, watermark, now)
        if missing:
            say(missing)
            remarks = (*remarks, missing)
        return cls(source, project, bounds, watermark, now, remarks, _Project(source, project))

    @property
    def present(self) -> Reading:
        """The same project now: names are looked up there."""
        bounds, _ = pin(None, None, self.watermark, self.now)
        return replace(self, bounds=bounds)

    def elsewhere(self, as_of: object, known_at: object) -> Reading:
        """The same project at another place in both times, of the log as far as this reading knows it.

        Raises:
            TimeError: ``as_of`` or ``known_at`` can't be understood.
        """
        bounds, remarks = pin(as_of, known_at, self.watermark, self.now)
        return replace(self, bounds=bounds, remarks=(*self.remarks, *remarks))

    def remarking(self, *remarks: str) -> Reading:
        """The same reading, whose answer says more."""
        return replace(self, remarks=(*self.remarks, *remarks))

    @property
    def is_present(self) -> bool:
        """Whether it reads what is true and known now."""
        return self.bounds == self.present.bounds

    @property
    def facts(self) -> frozenset[str]:
        """What holds in this reading, as the variants of blocks in `views.sql` name it."""
        held = self.of_project.facts if self.of_project else frozenset[str]()
        return held | self.bounds.facts

    def rows(self, sql: str, knowing: frozenset[str] = frozenset(), /, **parameters: object) -> pa.Table:
        """The answer to a query over tables and views (`at`); ``project`` and the bounds are bound, too.

        ``components`` binds the ids of the only components that the query may be about; ``knowing`` are further facts
        that hold (see `views.sql`).

        Raises:
            FilterError: the engine can't use a pattern.
            QueryError: the engine refused the query; for example it would take too long or too much memory.
        """
        bound = {"project": self.project, **self.bounds.parameters, **parameters}
        if "{{" in sql:
            components = parameters.get("components")
            named = isinstance(components, list) and len(cast("list[str]", components)) in range(1, NAMED_MAX)
            sql = put_in(sql, self.facts | knowing | ({"named"} if named else frozenset()))
        used = {name: value for name, value in bound.items() if f"{{{name}:" in sql}
        try:
            return self.source.query_arrow(sql, used, fresh=False)
        except EngineError as error:
            if error.name == "CANNOT_COMPILE_REGEXP":
                raise FilterError(f"a pattern after `matches` can't be used: {error.message}") from None
            raise QueryError(f"{error.message} ({error.name})") from error
        except UnicodeEncodeError as error:
            raise no_text(error) from None

    @property
    def attrs(self) -> dict[str, object]:
        """What an answer says about itself; ``known_at`` is what to ask with to get the same again."""
        known: object = self.bounds.known_at
        if self.bounds.known_at.startswith("{"):
            known = parse_watermark(self.bounds.known_at)
        told: dict[str, object] = {
            "project": self.project,
            "watermark": dict(self.watermark),
            "as_of": self.bounds.as_of or None,
            "known_at": known,
        }
        return {**told, "remarks": list(self.remarks)} if self.remarks else told


def together(*questions: Callable[[], Any]) -> list[Any]:
    """The answers to independent questions, asked at the same time; the first failure is raised."""
    with ThreadPoolExecutor(len(questions), "epochal-read") as pool:
        return [answer.result() for answer in [pool.submit(question) for question in questions]]
