"""An open store: where its reads begin, SQL of the caller's own, what can be waited for, and how it is let go."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self, cast

import pandas as pd

from epochal_query.connection import Opened
from epochal_query.reading import Reading
from epochal_query.resolve import resolve_one
from epochal_query.state import has_ended
from epochal_query.times import KnownAt, Watermark, When, parse_watermark
from epochal_query.user_sql import user_query
from epochal_query.waiting import reached, wait_until


class Access:
    """What a store has besides its named reads. ``last_watermark`` is that of the read that began last."""

    def __init__(self, opened: Opened, project: str) -> None:
        self._opened = opened
        self.project = project
        self.last_watermark: Watermark = {}

    def sql(
        self,
        query: str,
        parameters: Mapping[str, object] | None = None,
        *,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """The answer to a query over the documented views, in ClickHouse's SQL; values are bound as ``{name:Type}``.

        ``as_of`` and ``known_at`` are bound to ``{as_of:String}`` and ``{known_at:String}`` for views such as
        ``trials_at(as_of={as_of:String}, known_at={known_at:String})``. Times come with their zone. All projects
        are visible: filter by ``project``.

        Raises:
            QueryError: the engine refused it, or it would change something.
        """
        reading = self.begin(as_of, known_at)
        bounds = reading.bounds.parameters
        return told(user_query(self._opened.connection.query_df, query, parameters, bounds), reading)

    def wait(self, what: object, timeout: float | None = None) -> None:
        """Wait until a component has ended, or the log is taken in up to a watermark.

        Raises:
            WaitTimeoutError: neither happened within ``timeout`` seconds (None: no limit).
            UnknownNameError: no component is meant, or several are.
        """
        if isinstance(what, Mapping) or (isinstance(what, str) and what.lstrip().startswith("{")):
            wanted = parse_watermark(cast("Mapping[object, object] | str", what), "wait")
            wait_until(lambda: reached(self.watermark(), wanted), timeout, f"the watermark {wanted}")
            return
        found = resolve_one(self.begin(), "component", what)
        wait_until(lambda: has_ended(self.begin(), found.id), timeout, f"component {found.name!r} ({found.id}) to end")

    def close(self) -> None:
        """Let go of connections, as the end of a ``with`` does; the next read opens new ones."""
        self._opened.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def watermark(self) -> Watermark:
        """How far the log is taken in now, after everything written on this machine before the call."""
        return self._opened.connection.watermark()

    def begin(self, as_of: object = None, known_at: object = None) -> Reading:
        """Begin one consistent read, for queries of one's own. Raises TimeError: a time can't be understood."""
        opened = self._opened
        sent = opened.sent() if known_at is None else None
        reading = Reading.begin(opened.connection, self.project, as_of, known_at, opened.now(), sent)
        self.last_watermark = dict(reading.watermark)
        return reading

    def __reduce__(self) -> tuple[object, ...]:
        # here and not at the top: that module needs this one
        from epochal_query.opening import open_again

        if self._opened.location == "":
            raise TypeError(f"{self!r} can't be given to another process: only what epochal.open() returned can")
        return open_again, (self._opened.location, self.project)

    def __repr__(self) -> str:
        return f"<epochal.Store project={self.project!r}>"


def told(frame: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """The frame, saying where in both times it was read."""
    frame.attrs["epochal"] = reading.attrs
    return frame
