"""The results of experiments as a frame, as ``sagemaker.analytics`` has them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import epochal
from epochal.compat.smexperiments._reading import descends, is_job, keys_of
from epochal.compat.smexperiments._where import order_text, where_text
from epochal.compat.smexperiments.search_expression import SearchExpression, as_expression

if TYPE_CHECKING:
    import pandas as pd

    from epochal_query import Store

__all__ = ["ExperimentAnalytics"]

_HEAD = ("TrialComponentName", "DisplayName", "SourceArn")
_OURS = ("ComponentId", "Name", "DisplayName", "Kind", "Status", "Start", "End")
"""Columns of a report before the params, which the old frame has in another form, or not."""


class ExperimentAnalytics:
    """One row a trial component: of an experiment, of what satisfies an expression, or of both.

    Columns: TrialComponentName, DisplayName, SourceArn (of jobs); one a parameter, by name; "<metric> - Min", " - Max",
    " - Avg", " - StdDev" (the sample one), " - Last", " - Count"; "<artifact> - MediaType", " - Value", inputs, then
    outputs; Trials, Experiments. Values keep their types, nothing is cut off, and names that collide are told apart:
    an artifact that went in here and came out there has " (in)" and " (out)" in its columns, a parameter that is called
    like another column the prefix "params.".
    """

    def __init__(
        self,
        experiment_name: str | None = None,
        search_expression: SearchExpression | Mapping[str, Any] | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        metric_names: Sequence[str] | None = None,
        parameter_names: Sequence[str] | None = None,
        sagemaker_session: object = None,
        input_artifact_names: Sequence[str] | None = None,
        output_artifact_names: Sequence[str] | None = None,
    ) -> None:
        if not experiment_name and not search_expression:
            raise ValueError("ExperimentAnalytics takes experiment_name= or search_expression=, or both")
        expression = as_expression(search_expression)
        self._experiment = experiment_name
        self._where = None if expression is None else where_text(expression, "component")
        self._order = order_text(sort_by, descending=descends(sort_order), resource="component")
        self._metrics = metric_names
        self._params = parameter_names
        self._artifacts: dict[str, Sequence[str] | None] = {"in": input_artifact_names, "out": output_artifact_names}
        self._frame: pd.DataFrame | None = None

    @property
    def name(self) -> str | None:
        """The experiment's name."""
        return self._experiment

    def dataframe(self, force_refresh: bool = False) -> pd.DataFrame:
        """The frame; asked for once, unless ``force_refresh``.

        Raises:
            UnknownNameError: no such experiment, or a metric or a parameter that nobody ever logged.
            FilterError: a comparison that makes no sense for a value's type.
        """
        if self._frame is None or force_refresh:
            with epochal.open() as store:
                self._frame = self._read(store)
        return self._frame

    def export_csv(self, filename: str | os.PathLike[str]) -> None:
        """Writes the frame to a file."""
        self.dataframe().to_csv(filename)

    def clear_cache(self) -> None:
        """The next frame is asked for again."""
        self._frame = None

    def _read(self, store: Store) -> pd.DataFrame:
        frame = store.report(
            self._experiment, metrics=self._metrics, params=self._params, where=self._where, order_by=self._order
        )
        ids = [str(one) for one in frame["ComponentId"]]
        keys = keys_of(store)
        jobs = zip(ids, frame["Kind"], frame["Status"], strict=True)
        head: dict[str, list[str | None]] = {
            "TrialComponentName": [keys.get(one, one) for one in ids],
            "DisplayName": [shown or name for shown, name in zip(frame["DisplayName"], frame["Name"], strict=True)],
            "SourceArn": [one if is_job(kind, status) else None for one, kind, status in jobs],
        }
        later = list(frame.columns)[list(frame.columns).index("Experiments") + 1 :]  # of which the old frame has none
        frame = frame.drop(columns=[*_OURS, *later, *self._unwanted(store, ids)])
        frame = frame.rename(columns={name: f"params.{name}" for name in _HEAD if name in frame})
        for place, (name, cells) in enumerate(head.items()):
            frame.insert(place, name, cells)
        return frame

    def _unwanted(self, store: Store, components: Collection[str]) -> list[str]:
        """The columns of artifacts that were not asked for."""
        if self._artifacts == {"in": None, "out": None}:
            return []
        table = store.sql(
            """SELECT DISTINCT name, toString(direction) AS direction FROM artifacts WHERE project = {project:String}
               AND component IN {components:Array(UUID)} AND NOT startsWith(name, 'sys/')""",
            {"project": store.project, "components": list(components)},
        )
        ways: dict[str, set[str]] = {}
        for name, way in zip(table["name"], table["direction"], strict=True):
            ways.setdefault(str(name), set()).add(str(way))
        return [
            f"{name} ({way}) - {word}" if len(both) > 1 else f"{name} - {word}"
            for name, both in ways.items()
            for way in both
            if (wanted := self._artifacts[way]) is not None and name not in wanted
            for word in ("MediaType", "Value")
        ]
