"""Hypervolume: how much of what is possible a frontier reaches (Zitzler and Thiele 1999), and how it grows.

All scores are signed so that larger is better. Each objective counts in units of its range: from its worst value,
which is the reference point, to its best. Of a table these are the worst and the best of all its rows, of a study
those of its trials so far. So the hypervolume lies between 0 and 1; 1 would be one point that is best in everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.analysis.dominance import unbeaten
from morphogen.records import Goal, Trial

Floats = NDArray[np.float64]


class MissingMoocore(ImportError):
    """Hypervolumes need moocore."""


@final
@dataclass(frozen=True)
class Box:
    """What hypervolumes are shares of: the worst value of each objective (the reference point) and the best."""

    worst: tuple[float, ...]
    best: tuple[float, ...]

    @classmethod
    def of(cls, scores: ArrayLike) -> Self:
        """Return the box round all rows of `scores` [n, m]; rows with a value that is not finite do not count.

        Raises:
            ValueError: no row counts.
        """
        rows = np.asarray(scores, dtype=np.float64)
        rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            raise ValueError("a hypervolume needs a point with finite scores")
        return cls(tuple(rows.min(axis=0).tolist()), tuple(rows.max(axis=0).tolist()))

    def hypervolume(self, scores: ArrayLike) -> float:
        """Return the share of the box that some row of `scores` [n, m] is at least as good as.

        Raises:
            MissingMoocore: it is not installed.
        """
        points = self._scaled(scores)
        return _volume(points) if len(points) else 0.0

    def growth(self, scores: ArrayLike) -> Floats:
        """Return the hypervolume of the first 1, 2, ... rows of `scores` [n, m], `[n]`.

        A row with a value that is not finite adds nothing.

        Raises:
            MissingMoocore: it is not installed.
        """
        rows = np.asarray(scores, dtype=np.float64)
        points = self._scaled(np.where(np.isnan(rows), -np.inf, rows))
        front = np.empty((0, len(self.worst)))
        volume, found = 0.0, np.empty(len(points))
        for place, point in enumerate(points):
            if not (front >= point).all(axis=1).any() and (point > 0).all():
                front = np.vstack([front[~(front <= point).all(axis=1)], point])
                volume = _volume(front)
            found[place] = volume
        return found

    def _scaled(self, scores: ArrayLike) -> Floats:
        """Return rows in units of the box; an objective in which all are alike counts as reached."""
        worst, best = np.array(self.worst), np.array(self.best)
        span = np.where(best > worst, best - worst, 1.0)
        rows = np.asarray(scores, dtype=np.float64)
        return np.clip(np.where(best > worst, (rows - worst) / span, np.where(rows >= best, 1.0, 0.0)), 0, 1)


def hypervolume_of_trials(trials: Iterable[Trial], goal: Goal, box: Box | None = None) -> Floats:
    """Return the hypervolume of the frontier after each trial of `trials` `[n]`, in their order.

    goal: the objectives and constraints. box: the reference point and the best values; those of all the finished
    trials that break no constraint, unless told. A trial without values, or one that breaks a constraint, adds
    nothing. To compare two searches, give both the same box.

    Raises:
        MissingMoocore: it is not installed.
    """
    told = list(trials)
    counted = {place: goal.scores(t) for place, t in enumerate(told) if t.succeeded and not goal.violation(t)}
    if not counted:
        return np.zeros(len(told))
    rows = np.full((len(told), len(next(iter(counted.values())))), -np.inf)
    for place, scores in counted.items():
        rows[place] = scores
    return (box or Box.of(rows)).growth(rows)


def frontier_of(trials: Iterable[Trial], goal: Goal) -> tuple[Trial, ...]:
    """Return the successful trials within the constraints that no other beats, best in the first objective first."""
    kept = [trial for trial in trials if trial.succeeded and not goal.violation(trial)]
    if not kept:
        return ()
    front = [kept[place] for place in unbeaten([goal.scores(trial) for trial in kept])]
    return tuple(sorted(front, key=lambda trial: (*(-value for value in goal.scores(trial)), trial.number)))


def _volume(points: Floats) -> float:
    """Return the volume between 0 and the nearest of `points` [n, m], all in [0, 1]."""
    if points.shape[1] == 1:
        return float(points.max())
    try:
        import moocore
    except ImportError:
        raise MissingMoocore('hypervolumes need moocore: pip install "morphogen[pareto]"') from None
    return float(moocore.hypervolume(points, ref=np.zeros(points.shape[1]), maximise=True))
