"""A study: a journal, read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

from morphogen.analysis.hypervolume import Box, Floats, frontier_of, hypervolume_of_trials
from morphogen.goals import Constraint, Objectives
from morphogen.journal.journal import Event, Journal, JournalError
from morphogen.journal.memory import Memory
from morphogen.journal.opening import open_journal
from morphogen.records import Estimate, Goal, Metric, Trial
from morphogen.spaces.space import Space
from morphogen.study.events import check_opening, read_derived, read_goal, read_proposal
from morphogen.study.ledger import Ledger

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


@final
class Study:
    """What a journal tells: trials, the best of them, what the search cost.

    It holds nothing of its own: every question first reads the events that are new, so a study of a running
    search stays up to date, and asking often is cheap. Any question raises `JournalError` where the journal
    holds no search or cannot be read.
    """

    def __init__(self, journal: Journal, space: Space | None = None) -> None:
        self.journal = journal
        self._space = space
        self._events = 0
        self._header: Event = {}
        self._trials: list[Trial] = []
        self._ledger = Ledger()
        self._others: list[Event] = []

    @classmethod
    def open(cls, address: str | Path) -> Self:
        """Read the journal at `address`, which may be in use by a running search."""
        study = cls(open_journal(address, read_only=True))
        study._read()
        return study

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, or a study in a pickle, takes what is written so far with it, and leaves the file behind.
        return _remembered, (self.journal.read(), self._space)

    def __repr__(self) -> str:
        return f"<study in {self.journal}: {len(self.trials)} trials>"

    def _repr_html_(self) -> str:
        from morphogen.study.notebook import picture

        return picture(self)

    # --- whose story this is --------------------------------------------------------------------------------

    @cached_property
    def space(self) -> Space:
        """The space, from the grammar in the journal."""
        record = self._opening["space"]
        return self._space or Space.from_text(record["grammar"], record["name"])

    @property
    def strategy(self) -> str:
        """The strategy and its settings, as a text."""
        return str(self._opening["strategy"])

    @property
    def estimator(self) -> str:
        """The fingerprint of the estimator."""
        return str(self._opening["estimator"])

    @property
    def seed(self) -> int:
        """The seed of all randomness."""
        return int(self._opening["seed"])

    @property
    def notes(self) -> Mapping[str, Any]:
        """What was noted when the search began, such as how it was asked for."""
        notes: Mapping[str, Any] = self._opening.get("notes", {})
        return notes

    @property
    def versions(self) -> Mapping[str, str]:
        """With what the search was begun: Python and packages by name; empty in journals that do not say."""
        versions: Mapping[str, str] = self._opening.get("versions", {})
        return versions

    @property
    def regions(self) -> bool:
        """Whether its trials are regions."""
        return any(trial.proposal.region for trial in self.trials)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What every successful estimate reports."""
        return tuple(Metric(**record) for record in self._opening["metrics"])

    @property
    def metric(self) -> Metric:
        """What the search improves; of several objectives the first."""
        return self._metric(self._opening["metric"])

    @cached_property
    def goal(self) -> Goal:
        """What the search improves, with all its objectives, weights and constraints."""
        return read_goal(self._opening)

    @property
    def objectives(self) -> tuple[Metric, ...]:
        """The metrics that the search improves: one, or several."""
        return self.goal.metrics if isinstance(self.goal, Objectives) else (self.metric,)

    @property
    def weights(self) -> tuple[float, ...]:
        """What a unit of each objective is worth, where the search improves their weighted sum; else nothing."""
        return self.goal.weights if isinstance(self.goal, Objectives) else ()

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The bounds that a trial must keep."""
        return self.goal.constraints if isinstance(self.goal, Objectives) else ()

    # --- what happened --------------------------------------------------------------------------------------

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number, pending ones too."""
        self._read()
        return tuple(self._trials)

    @property
    def failures(self) -> tuple[Trial, ...]:
        """The trials that failed; their estimates say why."""
        return tuple(trial for trial in self.trials if trial.failed)

    @property
    def refused(self) -> tuple[Trial, ...]:
        """The trials that were not trained, since what is known before breaks a constraint."""
        return tuple(trial for trial in self.trials if trial.refused)

    @property
    def ledger(self) -> Ledger:
        """Where the seconds went, up to the last finished trial."""
        self._read()
        return self._ledger

    @property
    def others(self) -> tuple[Event, ...]:
        """The events that are not trials: why the search stopped, what was retrained."""
        self._read()
        return tuple(self._others)

    def best(self, metric: str | Metric | None = None) -> Trial:
        """Return the best trial within the constraints, the earliest of equals.

        By the weighted sum of the objectives where they have weights, else by the first of them.

        Raises:
            LookupError: no trial succeeded, or none of them keeps the constraints.
        """
        goal = self.goal if metric is None else self._metric(metric)
        succeeded = [trial for trial in self.trials if trial.succeeded]
        if not succeeded:
            raise LookupError(f"no trial of {self.journal} succeeded yet{self._nearest()}")
        allowed = [trial for trial in succeeded if not self.goal.violation(trial)]
        if not allowed:
            raise LookupError(f"no trial of {self.journal} keeps all constraints{self._nearest()}")
        return max(allowed, key=goal.score)

    def broken_by(self, trial: Trial) -> str:
        """Return in words which constraints a trial breaks, by what is known of it; nothing where it breaks none."""
        if trial.estimate is None or not isinstance(self.goal, Objectives):
            return ""
        return self.goal.broken_by(trial.estimate.values)

    def _nearest(self) -> str:
        """Say which trial is nearest to keeping the constraints, and what it breaks; nothing where none is told."""
        told = [trial for trial in self.trials if trial.refused or trial.succeeded]
        if not told or not self.constraints:
            return ""
        nearest = min(told, key=self.goal.violation)
        return f"; the nearest is trial {nearest.number}: {self.broken_by(nearest)}"

    def frontier(self, metrics: Sequence[str | Metric] | None = None) -> tuple[Trial, ...]:
        """Return the trials within the constraints that no other beats, best in the first metric first.

        A trial is beaten by one that is as good in every metric and better in one. The objectives of the search
        unless told otherwise; of a search of one metric, all that its estimator reports.
        """
        return frontier_of(self.trials, self._goal_of(metrics))

    def hypervolume(self, metrics: Sequence[str | Metric] | None = None, *, box: Box | None = None) -> Floats:
        """Return after each trial which share of the box the frontier of `metrics` covers, `[trials]`.

        box: from the worst value of each metric in any trial within the constraints, which is the reference
        point, to the best one, unless told.

        Raises:
            ImportError: moocore is not installed.
        """
        return hypervolume_of_trials(self.trials, self._goal_of(metrics), box)

    def _goal_of(self, metrics: Sequence[str | Metric] | None) -> Objectives:
        chosen = self.objectives if len(self.objectives) > 1 else self.metrics
        if metrics is not None:
            chosen = tuple(self._metric(metric) for metric in metrics)
        return Objectives(chosen, self.constraints)

    def to_json(self) -> dict[str, Any]:
        """Return the whole story as plain values."""
        trials = self.trials
        finished = any(trial.succeeded and not self.goal.violation(trial) for trial in trials)
        return {
            **{name: value for name, value in self._opening.items() if name not in ("kind", "at")},
            "trials": [_plain(trial) for trial in trials],
            "best": self.best().number if finished else None,
            "frontier": [trial.number for trial in self.frontier()],
            "ledger": self._ledger.to_json(),
        }

    # --- as tables and pictures; pandas and matplotlib are loaded by the first -------------------------------

    def frame(self) -> pandas.DataFrame:
        """Return one row a trial, by number: state, metrics, cost in seconds, architecture, what was asked.

        Raises:
            ImportError: pandas is not installed.
        """
        from morphogen.study.frames import frame

        return frame(self.trials, self.metrics)

    def curves(self) -> pandas.DataFrame:
        """Return one row an epoch of each trial that has a learning curve: trial, epoch, what it reports.

        Raises:
            ImportError: pandas is not installed.
        """
        from morphogen.study.frames import curves

        return curves(self.trials)

    def plot_history(self, metric: str | Metric | None = None, *, axes: Axes | None = None) -> Axes:
        """Draw each trial's value over its number, and the best so far; return the axes.

        axes: where to draw; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed. LookupError: an unknown metric.
        """
        from morphogen.study.plots import plot_history

        return plot_history(self.trials, self._metric(metric), axes)

    def plot_curves(
        self, metric: str | Metric | None = None, *, trials: int = 10, axes: Axes | None = None
    ) -> Axes:
        """Draw the learning curves of the best `trials` trials; return the axes.

        metric: what the curves show, such as `train_loss`; the metric of the search unless given.

        Raises:
            ImportError: matplotlib is not installed. LookupError: no curve holds this.
        """
        from morphogen.study.plots import plot_curves

        known = {each.name: each for each in self.metrics}
        wanted = self.metric if metric is None else metric
        named = known.get(wanted, wanted) if isinstance(wanted, str) else wanted
        curved = [t for t in self.trials if t.succeeded and t.estimate is not None and t.estimate.curve]
        curved.sort(key=lambda trial: -self.metric.score(trial))
        return plot_curves(curved[:trials], named, axes)

    def plot_frontier(
        self,
        cost: str | Metric | None = None,
        metric: str | Metric | None = None,
        *,
        axes: Axes | None = None,
    ) -> Axes:
        """Draw each trial by its cost and its value, and the frontier of the two; return the axes.

        cost: a metric; the second objective unless given, of one objective `parameters`, or the first metric to
        be minimized where there are none.

        Raises:
            ImportError: matplotlib is not installed. LookupError: an unknown metric, or no cost among them.
        """
        from morphogen.study.plots import plot_frontier

        better = self._metric(metric)
        if cost is None and len(self.objectives) > 1:
            cost = next(m for m in self.objectives if m != better)
        if cost is None:
            costs = {m.name: m for m in self.metrics if not m.maximize and m != better}
            if not costs:
                known = ", ".join(m.name for m in self.metrics)
                raise LookupError(
                    f"{self.journal} knows {known}, and no cost: an estimator may report several"
                )
            cost = costs.get("parameters", next(iter(costs.values())))
        chosen = self._metric(cost)
        return plot_frontier(self.trials, self.frontier([better, chosen]), better, chosen, axes)

    @property
    def _opening(self) -> Event:
        if not self._header:
            self._read()
        return self._header

    # --- reading --------------------------------------------------------------------------------------------

    def _read(self) -> None:
        for event in self.journal.read(self._events):
            try:
                self._follow(event)
            except (KeyError, TypeError, IndexError) as error:
                raise JournalError(
                    f"{self.journal} is damaged: event {self._events + 1} cannot be understood ({error!r}); "
                    "restore it from a copy"
                ) from error
            self._events += 1
        if not self._header:
            raise JournalError(f"{self.journal} is empty: no search has begun in it")

    def _follow(self, event: Event) -> None:
        kind = event["kind"]
        if self._events == 0:
            check_opening(self.journal, event)
            self._header = event
        elif kind == "asked":
            self._trials.append(Trial(event["number"], read_proposal(event["proposal"], self.space)))
        elif kind == "told":
            number, estimate = event["number"], Estimate.from_json(event["estimate"])
            self._trials[number] = self._trials[number].told(estimate, read_derived(estimate, self.space))
            self._ledger.add(event["spent"], estimate.cost)
        else:
            self._others.append(event)

    def _metric(self, metric: str | Metric | None) -> Metric:
        if isinstance(metric, Metric):
            return metric
        name = metric if metric is not None else self._opening["metric"]
        found = {m.name: m for m in self.metrics}
        if name not in found:
            raise LookupError(f"{self.journal} knows {', '.join(found)}, not {name}")
        return found[name]


def _remembered(events: Iterable[Event], space: Space | None) -> Study:
    return Study(Memory(events), space)


def _plain(trial: Trial) -> dict[str, Any]:
    record: dict[str, Any] = {"number": trial.number, **trial.proposal.to_json()}
    if trial.estimate is not None:
        record |= trial.estimate.to_json()
    return record
