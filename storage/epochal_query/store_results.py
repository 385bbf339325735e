"""What a store has besides numbers: rich results as data, and pictures of what it holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, cast
from uuid import UUID

import pandas as pd

from epochal_query.branches import Branch, check_branch
from epochal_query.choosing import Choice
from epochal_query.filter_tree import Condition
from epochal_query.filters import as_condition, as_order
from epochal_query.names import Selection
from epochal_query.rank_values import Ranks, check_ranks
from epochal_query.reading import Reading
from epochal_query.resolve import resolve_one
from epochal_query.scope import scope_of
from epochal_query.store_access import Access, told
from epochal_query.times import KnownAt, When

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from epochal_query.artifact_handle import ArtifactHandle
    from epochal_query.plotting import Columns, Kind
    from epochal_query.results import Result
    from epochal_query.store import Store


class Showable(Access):
    """A store whose rich results can be read, and that draws."""

    def results(
        self,
        *,
        experiment: object = None,
        trial: object = None,
        component: object = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """One row a rich result: component, name, result, kind, direction, media_type, size (bytes), time.

        Kinds: table, image, figure, histogram, text, confusion-matrix, roc-curve, precision-recall. Images and texts
        are also files that were logged as such.

        Raises UnknownNameError: something given is not in the project.
        """
        from epochal_query.results import results_frame

        reading = self.begin(as_of, known_at)
        return told(results_frame(reading, scope_of(reading, experiment, trial, component)), reading)

    def result(
        self,
        name: str,
        *,
        component: object = None,
        direction: Literal["in", "out"] | None = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> Result:
        """A rich result as data: a table is a frame, a text is text, all others are objects with their numbers, a
        ``plot()``, and a picture in notebooks (docs/rich-results.md). ``name`` is also a digest.

        Raises:
            UnknownNameError: there is none, or the name stands for different contents: give the component.
            FilterError: the artifact is no rich result.
            ArtifactError: its content is not stored, or was altered.
        """
        # not at the top: whoever only reads numbers needn't wait for it
        from epochal_query.results import read_result

        reading = self.begin(as_of, known_at)
        owner = None if component is None else resolve_one(reading, "component", component).id
        return read_result(self._find(reading, name, owner, direction), reading.attrs)

    def plot(
        self,
        what: Selection,
        kind: Kind = "line",
        *,
        x: str | None = None,
        experiment: object = None,
        trial: object = None,
        component: object = None,
        where: str | Condition | None = None,
        order_by: str | None = None,
        limit: int | None = None,
        label: Columns | None = None,
        log: bool = False,
        log_x: bool = False,
        title: str | None = None,
        path: str | os.PathLike[str] | None = None,
        ranks: Ranks = None,
        branch: Branch = None,
        max_points: int | None = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> Figure:
        """A picture, as a figure of Matplotlib; with ``path`` it is saved as well. No screen is needed.

        "line": ``what`` are metrics, drawn over the step, or the time (``x="time"``). "bar": ``what`` is a column of
        the report, such as "test_acc - Last", a bar a component. "scatter": the same over another column, ``x``.
        "parallel": ``what`` are several columns. "result": ``what`` is the name of a chart that was logged.

        ``where``, ``order_by`` and ``limit`` choose components as in a report; ``label`` are the columns of the report
        that name them (else: what tells them apart), and the colours of a scatter. ``log`` and ``log_x`` make axes
        logarithmic. Every point is drawn, but with ``max_points`` (as in ``metrics``); what isn't drawn is said below
        the picture, and in its ``attrs``.

        Raises:
            UnknownNameError: a name that nobody ever logged, or a column that the report hasn't.
            FilterError: an argument can't be understood, or doesn't fit the kind.
            NotAvailableError: Matplotlib is not installed.
        """
        from epochal_query.figures import save
        from epochal_query.plots import Scales
        from epochal_query.plotting import Picture, draw
        from epochal_query.series import Series

        choice = Choice(as_condition(where), as_order(order_by), limit, check_ranks(ranks))
        series = Series(what, choice.ranks, max_points, check_branch(branch))
        asked = Picture(what, kind, x, label, Scales(log, log_x), title, choice, series, self._find)
        reading = self.begin(as_of, known_at)
        figure = draw(reading, scope_of(reading, experiment, trial, component), asked)
        if path is not None:
            save(figure, path)
        return figure

    def _find(
        self, reading: Reading, name: str, component: UUID | None, direction: Literal["in", "out"] | None
    ) -> ArtifactHandle:
        from epochal_query.finding import find_artifact

        return find_artifact(reading, name, component, direction, cast("Store", self), self._opened.contents)
