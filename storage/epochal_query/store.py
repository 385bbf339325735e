"""The store, for reading."""

from __future__ import annotations

from typing import Any, Literal, cast

import pandas as pd

from epochal_query import best as best_of
from epochal_query import listings
from epochal_query.artifact_handle import ArtifactHandle
from epochal_query.branches import Branch, branch_frame, check_branch
from epochal_query.choosing import Choice
from epochal_query.diff import Both, Difference, compare
from epochal_query.filter_tree import Condition
from epochal_query.filters import as_condition, as_order
from epochal_query.finding import find_artifact
from epochal_query.handles import ComponentHandle, ExperimentHandle, TrialHandle
from epochal_query.history import asked, history_of_any
from epochal_query.names import Selection
from epochal_query.rank_values import Ranks, check_ranks
from epochal_query.report import build_report
from epochal_query.report_cells import Wanted
from epochal_query.resolve import resolve_any, resolve_one
from epochal_query.scope import scope_of
from epochal_query.series import Series, metric_frame
from epochal_query.state import State, state_of
from epochal_query.store_access import told
from epochal_query.store_changes import Changeable
from epochal_query.store_lineage import Traceable
from epochal_query.store_model import Modelled
from epochal_query.store_repairs import Repairable
from epochal_query.store_results import Showable
from epochal_query.store_search import Searchable
from epochal_query.times import KnownAt, When
from epochal_query.variables import same_hypothesis


class Store(Changeable, Modelled, Repairable, Searchable, Showable, Traceable):
    """A store of experiments, for reading; made by ``epochal.open()``.

    Guarantees: a read sees every call that had returned on this machine before it began. Each read is one state:
    its answer carries the watermark it was pinned to (``frame.attrs["epochal"]``, ``last_watermark``), and asked
    again with ``known_at=`` that watermark is the same for ever. Nothing is sampled or cut off.
    """

    def experiments(self, *, as_of: When | None = None, known_at: KnownAt | None = None) -> pd.DataFrame:
        """One row an experiment: id, name, hypothesis, objective, variables, verdict, note, trials (how many), ..."""
        reading = self.begin(as_of, known_at)
        found = listings.experiments(reading)
        return told(found, reading.remarking(*same_hypothesis(found)))

    def trials(
        self, experiment: object = None, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> pd.DataFrame:
        """One row a trial, of one or several experiments or of all: id, name, experiment, variables, status, …

        Raises UnknownNameError: an experiment that is not in the project.
        """
        reading = self.begin(as_of, known_at)
        return told(listings.trials(reading, experiment), reading)

    def components(
        self,
        *,
        trial: object = None,
        experiment: object = None,
        component: object = None,
        unassigned: bool = False,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """One row a component that belongs to all that is given; ``unassigned``: only those in no trial.

        Raises UnknownNameError: something given is not in the project.
        """
        reading = self.begin(as_of, known_at)
        scope = scope_of(reading, experiment, trial, component)
        return told(listings.components(reading, scope, unassigned=unassigned), reading)

    def report(
        self,
        experiment: object = None,
        *,
        trial: object = None,
        metrics: Selection | None = None,
        params: Selection | None = None,
        artifacts: Selection | None = None,
        where: str | Condition | None = None,
        order_by: str | None = None,
        limit: int | None = None,
        ranks: Ranks = None,
        system: bool = False,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """One row a component, in order of creation unless ``order_by`` says otherwise.

        Columns: ComponentId, Name, DisplayName, Kind, Status, Start, End; one a parameter; "<metric> - Min", " - Max",
        " - Avg", " - StdDev", " - Last", " - Count"; "<artifact> - MediaType", " - Value"; Trials, Experiments (lists);
        Created, Duration (seconds), CreatedBy, Tags (a dict).
        A metric is shown for the lowest rank that logged it, unless ``ranks`` is "each", "all", "mean" or "max".
        System metrics and artifacts (``sys/…``) come with ``system=True``, or by name; the environment (``env.…``)
        with ``system=True``.

        Raises:
            UnknownNameError: a name that nobody ever logged; the message has near ones.
            FilterError: a filter or an order that can't be understood, or can't match anything.
            TooManyColumnsError: more than 5,000 columns.
        """
        choice = Choice(as_condition(where), as_order(order_by), limit, check_ranks(ranks))
        reading = self.begin(as_of, known_at)
        scope = scope_of(reading, experiment, trial)
        wanted = Wanted(metrics, params, artifacts, choice.ranks, system)
        return told(build_report(reading, scope, wanted, choice), reading)

    def best(
        self,
        experiment: object,
        metric: str,
        *,
        mode: Literal["min", "max"] | None = None,
        by: str | None = None,
        where: str | Condition | None = None,
        limit: int = 1,
        ranks: Ranks = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """The best components by a statistic of a metric, as rows of a report; of equal ones the earliest to end.

        ``mode`` and ``by`` (min, max, mean, std, first, last, ...) are what ``define`` said of the metric, unless
        given; ``by`` is "last" where nothing was said. Components without the metric, and NaN, are never best.

        Raises:
            FilterError: no ``mode`` was given or defined, or it, ``by``, ``where`` or ``limit`` can't be understood.
            UnknownNameError: nobody ever logged the metric, or the experiment is not in the project.
        """
        condition = as_condition(where)
        reading = self.begin(as_of, known_at)
        wanted = best_of.Ranking(metric, mode, by, limit, check_ranks(ranks))
        return told(best_of.best(reading, scope_of(reading, experiment), wanted, condition), reading)

    def metrics(
        self,
        *,
        experiment: object = None,
        trial: object = None,
        component: object = None,
        metric: Selection | None = None,
        ranks: Ranks = None,
        branch: Branch = None,
        max_points: int | None = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """Metric points: component, name, trial, experiment, metric, rank, step, value, time; by series, then step.

        Every point of the main line, exactly; with ``max_points`` at most so many a series, among them the first,
        last, smallest, greatest and a NaN of every stretch (``attrs`` says so then). Of a metric that several ranks
        logged the lowest rank is shown, unless ``ranks`` is "each" or "all" (apart), "mean" or "max" (by step).

        ``branch`` (a number, the event of the rewind that began it, or "all") reads the lines of branches instead, in
        a column ``branch``: of an abandoned one its points as they were when it was left, with those before its
        beginning. ``branches`` lists them.

        Raises:
            UnknownNameError: a name that nobody ever logged; the message has near ones.
            FilterError: an argument that can't be understood, or a branch that nothing has.
        """
        wanted = Series(metric, check_ranks(ranks), max_points, check_branch(branch))
        reading = self.begin(as_of, known_at)
        scope = scope_of(reading, experiment, trial, component, unchecked=True)
        frame = told(metric_frame(reading, scope, wanted), reading)
        if max_points is not None:
            cast("dict[str, Any]", frame.attrs["epochal"])["max_points"] = max_points
        return frame

    def branches(
        self, component: object, *, as_of: When | None = None, known_at: KnownAt | None = None
    ) -> pd.DataFrame:
        """One row a branch of every rank of a component (or several): branch 0, and one more for each rewind.

        Columns: component, rank, branch, newest (its line is the main line), step (that was rewound to), time, attempt
        (the number of the one that rewound), event (the rewind, ``<writer>:<seq>``).

        Raises UnknownNameError: a component that is not in the project.
        """
        reading = self.begin(as_of, known_at)
        return told(branch_frame(reading, scope_of(reading, component=component)), reading)

    def state(self, entity: object, *, as_of: When | None = None, known_at: KnownAt | None = None) -> State:
        """Everything known of a component, trial or experiment, as a dict; empty where it did not exist then.

        Raises UnknownNameError: nothing is meant, or several things are.
        """
        reading = self.begin(as_of, known_at)
        return State(state_of(reading, resolve_any(reading, entity)), reading)

    def history(
        self,
        entity: object,
        field: str | None = None,
        *,
        step: float | None = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> pd.DataFrame:
        """Every value that a field ever had: who said it, when, from where and why, and what became of it.

        A field is "params.lr", "tags.team", "note", "status", "artifacts.out/model", …; with what lies below it:
        "params". None is everything. Of a metric ("metrics.loss") there is one row a writer, with ``step`` one a point
        logged at it. Columns: field, value, removed, fate, occurred_at, user, host, pid, rank, attempt, commit, reason,
        logged_at, recorded_at, event, ended_by (docs/history.md says what they mean). Deleted things have theirs, too.

        Raises:
            UnknownNameError: the entity never was, or nothing was ever said of such a field; the message has near ones.
            FilterError: the field or the step can't be understood.
        """
        what = asked(field, step)
        reading = self.begin(as_of, known_at)
        frame, remarks = history_of_any(reading, entity, what)
        return told(frame, reading.remarking(*remarks))

    def diff(
        self,
        a: object,
        b: object = None,
        *,
        equal: bool = False,
        system: bool = False,
        as_of: When | tuple[When | None, When | None] | None = None,
        known_at: KnownAt | tuple[KnownAt | None, KnownAt | None] | None = None,
    ) -> Difference:
        """In which fields two components, trials or experiments differ, or one thing at two instants.

        Of ``as_of`` and ``known_at`` a pair is one for each side: ``diff(run, as_of=("yesterday", "now"))``. Columns:
        field, change (added, removed, changed, or equal with ``equal=True``), a, b, difference (of numbers: b - a);
        ``to_text()`` has it in words. Components of trials are paired by name, artifacts compared by digest; system
        metrics and environment variables come with ``system=True``.

        Raises:
            UnknownNameError: nothing is meant, or several things are.
            FilterError: the two are of different kinds, or neither a second thing nor two instants are given.
        """
        return compare(self.begin(), a, b, Both(as_of, known_at, equal=equal, system=system))

    def experiment(self, given: object) -> ExperimentHandle:
        """A handle on an experiment, by name or id. Raises UnknownNameError: it is not in the project."""
        found = resolve_one(self.begin(), "experiment", given)
        return ExperimentHandle(self, found.id, found.name)

    def trial(self, given: object) -> TrialHandle:
        """A handle on a trial, by id, name or variables. Raises UnknownNameError: none is meant, or several are."""
        found = resolve_one(self.begin(), "trial", given)
        return TrialHandle(self, found.id, found.name)

    def component(self, given: object) -> ComponentHandle:
        """A handle on a component, by id or name. Raises UnknownNameError: none is meant, or several are."""
        found = resolve_one(self.begin(), "component", given)
        return ComponentHandle(self, found.id, found.name)

    def artifact(
        self,
        given: str,
        *,
        component: object = None,
        direction: Literal["in", "out"] | None = None,
        as_of: When | None = None,
        known_at: KnownAt | None = None,
    ) -> ArtifactHandle:
        """The artifact with this digest, URI, alias or name; ``fetch`` brings its content, verified.

        Raises UnknownNameError: there is none, or the name stands for different contents.
        """
        reading = self.begin(as_of, known_at)
        owner = None if component is None else resolve_one(reading, "component", component).id
        return find_artifact(reading, given, owner, direction, self, self._opened.contents)
