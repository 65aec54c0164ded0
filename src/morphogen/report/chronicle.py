"""A study in the order in which its trials finished, as columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.goals import Objectives
from morphogen.records import Goal, Metric, Trial
from morphogen.study.study import Study

Floats = NDArray[np.float64]

SIMULATED: Final = 1.5
"""Where estimates say that they cost so many times what the workers could have worked, a table knows the seconds."""


@final
@dataclass(frozen=True)
class Chronicle:
    """The finished trials in the order of their ends.

    scores [n]: of the improved metric, larger is better, NaN where a trial failed or breaks a constraint.
    clock, spent [n]: seconds on the clock, and summed seconds of the estimates, up to the end of each.
    simulated: whether the seconds that count are those of a table, not of the clock.
    """

    study: Study
    metric: Metric
    trials: tuple[Trial, ...]
    scores: Floats
    clock: Floats
    spent: Floats
    simulated: bool

    @property
    def seconds(self) -> Floats:
        """The seconds to draw over [n]."""
        return self.spent if self.simulated else self.clock

    @property
    def noun(self) -> str:
        """What a trial is called."""
        return "region" if self.study.regions else "trial"

    @property
    def winner(self) -> Trial | None:
        """The best trial within the constraints, if there is one."""
        try:
            return self.study.best()
        except LookupError:
            return None

    @property
    def succeeded(self) -> tuple[Trial, ...]:
        """The trials with values."""
        return tuple(trial for trial in self.trials if trial.succeeded)

    @property
    def values(self) -> Floats:
        """The improved metric as it was reported [n]."""
        return self.scores if self.metric.maximize else -self.scores

    @property
    def best(self) -> Floats:
        """The best score so far [n]; NaN before the first success."""
        filled = np.maximum.accumulate(np.where(np.isnan(self.scores), -np.inf, self.scores))
        return np.where(np.isinf(filled), np.nan, filled)

    def column(self, name: str) -> Floats:
        """Return a metric [n], NaN where a trial failed or did not say."""
        found = (t.estimate.values.get(name, np.nan) if t.estimate else np.nan for t in self.trials)
        return np.array(list(found), dtype=np.float64)


def chronicle(study: Study) -> Chronicle:
    """Read a study in the order in which its trials finished."""
    trials, metric = study.trials, study.metric
    told = [event for event in study.journal.read() if event["kind"] == "told"]
    told = [event for event in told if not trials[event["number"]].pending]
    finished = tuple(trials[event["number"]] for event in told)
    allowed = [trial.succeeded and not study.goal.violation(trial) for trial in finished]
    scores = [metric.score(trial) if ok else np.nan for trial, ok in zip(finished, allowed, strict=True)]
    ledger = study.ledger
    return Chronicle(
        study,
        metric,
        finished,
        np.array(scores, dtype=np.float64),
        np.cumsum([event["spent"]["wall"] for event in told]),
        np.cumsum([event["estimate"]["cost"] for event in told]),
        ledger.cost > SIMULATED * max(ledger.offered, 1e-9) and ledger.cost > 1,
    )


WEIGHTED: Final = Metric("weighted_sum")


def weighed(story: Chronicle, goal: Goal) -> Chronicle:
    """Return the story with the weighted sum of the objectives as scores, where a goal has weights."""
    if not (isinstance(goal, Objectives) and goal.weights):
        return story
    allowed = zip(story.trials, np.isnan(story.scores), strict=True)
    scores = [np.nan if out else goal.score(trial) for trial, out in allowed]
    return replace(story, metric=WEIGHTED, scores=np.array(scores, dtype=np.float64))
