"""What a search improves, where that is more than one metric: several objectives, weights, constraints."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

from morphogen.records import Estimate, Goal, Metric, Trial

INFEASIBLE: Final = -1e100
"""The score of a trial that breaks a constraint, times 1 + its violation: below every score that is measured."""

SUFFIXES: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


class GoalError(ValueError):
    """Objectives, weights or constraints that cannot be understood."""


@final
@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on a metric: at most (`<=`) or at least (`>=`) so much."""

    name: str
    relation: Literal["<=", ">="]
    bound: float

    def __str__(self) -> str:
        return f"{self.name}{self.relation}{self.bound:.15g}"

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read a text such as `parameters<=20000`, `latency_ms <= 2.5` or `accuracy>=0.9`.

        A bound may end in k, M or G: thousands, millions, billions.

        Raises:
            GoalError: anything else, with the column at which it ceases to be a constraint.
        """
        found = re.match(r"\s*([A-Za-z_]\w*)?", text)
        assert found is not None
        if not found[1]:
            raise _unread(text, found.end(), "the name of a metric")
        name, place = found[1], _skip(text, found.end())
        relation = text[place : place + 2]
        if relation not in ("<=", ">="):
            raise _unread(text, place, "<= or >=")
        place = _skip(text, place + 2)
        number = re.compile(r"([-+]?(?:\d[\d_,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)([kMG]?)").match(
            text, place
        )
        if number is None:
            raise _unread(text, place, "a number")
        if (end := _skip(text, number.end())) < len(text):
            raise _unread(text, end, "the end: one bound a constraint")
        bound = float(number[1].replace(",", "").replace("_", "")) * SUFFIXES[number[2]]
        if not math.isfinite(bound):
            raise _unread(text, place, "a finite number")
        return cls(name, "<=" if relation == "<=" else ">=", bound)

    def violation(self, value: float) -> float:
        """Return by how much of the bound a value breaks it (of 1 where the bound is 0); 0 where it does not."""
        over = value - self.bound if self.relation == "<=" else self.bound - value
        return max(0.0, over) / (abs(self.bound) or 1.0)

    def broken_by(self, value: float) -> str:
        """Return in words that a value breaks it."""
        word = "at most" if self.relation == "<=" else "at least"
        return f"{self.name} is {value:,.6g}, not {word} {self.bound:,.6g}"


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _unread(text: str, place: int, wanted: str) -> GoalError:
    there = f"before {text[place:]!r}" if text[place:] else "at the end"
    return GoalError(
        f"{text!r}, column {place + 1}: expected {wanted} {there}; write a constraint as parameters<=20000"
    )


@final
@dataclass(frozen=True)
class Objectives(Goal):
    """Several objectives, or one under constraints.

    metrics: the objectives. constraints: what a trial must satisfy. weights: what a unit of each objective is
    worth, where their weighted sum stands for them all; without, the score is the first objective.

    Trials that break a constraint count as worse than all that break none, and are ordered by their summed
    violations, each as a share of its bound (Deb 2000).
    """

    metrics: tuple[Metric, ...]
    constraints: tuple[Constraint, ...] = ()
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.metrics:
            raise GoalError("a search needs an objective: name a metric")
        if self.weights and len(self.weights) != len(self.metrics):
            raise GoalError(f"{len(self.metrics)} objectives need as many weights, not {len(self.weights)}")
        for metric, weight in zip(self.metrics, self.weights, strict=bool(self.weights)):
            if not (math.isfinite(weight) and weight > 0):
                raise GoalError(
                    f"the weight of {metric.name} must be positive, got {weight:g}: a metric has its direction"
                )

    def score(self, trial: Trial) -> float:
        """Return the first objective, or the weighted sum; of a trial that breaks a constraint, its violation."""
        assert trial.estimate is not None
        return self.score_of(trial.estimate)

    def score_of(self, estimate: Estimate) -> float:
        """Return the score of a trial with this estimate."""
        if violation := self.violation_of(estimate):
            return INFEASIBLE * (1 + violation)
        if not self.weights:
            return self.metrics[0].score_of(estimate)
        return sum(
            w * metric.score_of(estimate) for w, metric in zip(self.weights, self.metrics, strict=True)
        )

    def scores(self, trial: Trial) -> tuple[float, ...]:
        """Return each objective, signed so that larger is better."""
        return tuple(metric.score(trial) for metric in self.metrics)

    def violation(self, trial: Trial) -> float:
        """Return the sum over all constraints whose metric the trial has; a refused trial has not all."""
        assert trial.estimate is not None
        return self.violation_of(trial.estimate)

    def violation_of(self, estimate: Estimate) -> float:
        """Return the violation of a trial with this estimate."""
        values = estimate.values
        return sum(c.violation(values[c.name]) for c in self.constraints if c.name in values)

    def broken_by(self, values: Mapping[str, float]) -> str:
        """Return in words which constraints the values break; nothing where they break none."""
        known = [c for c in self.constraints if c.name in values and c.violation(values[c.name]) > 0]
        return "; ".join(c.broken_by(values[c.name]) for c in known)


def goal_of(
    metrics: Sequence[Metric],
    metric: str | None = None,
    *,
    objectives: Sequence[str] = (),
    constraints: Iterable[str | Constraint] = (),
    weights: Mapping[str, float] | None = None,
) -> Goal:
    """Return what a search improves, among the metrics that its estimator reports.

    metric: the one that is improved; the first one unless told otherwise. objectives: several instead.
    constraints: bounds, as texts such as `parameters<=20000`. weights: what a unit of each objective is worth,
    for strategies that improve one number.

    Raises:
        GoalError: a metric that is not reported, or a text that is no constraint.
    """
    if metric is not None and objectives and metric not in objectives[:1]:
        raise GoalError("name one metric, or several objectives, not both")
    worth = dict(weights or {})
    names = list(dict.fromkeys(objectives or ([metric] if metric is not None else worth)))
    bounds = tuple(Constraint.parse(c) if isinstance(c, str) else c for c in constraints)
    chosen = tuple(named(name, metrics) for name in names) or (metrics[0],)
    for bound in bounds:
        named(bound.name, metrics)
    for name in worth:
        if name not in names:
            raise GoalError(f"the weight of {name}: it is not among the objectives {', '.join(names)}")
    if worth and (lacking := [name for name in names if name not in worth]):
        raise GoalError(f"the objectives {', '.join(lacking)} have no weight: all have one, or none")
    if len(chosen) == 1 and not bounds:
        return chosen[0]
    return Objectives(chosen, bounds, tuple(float(worth[name]) for name in names) if worth else ())


def named(name: str, metrics: Sequence[Metric]) -> Metric:
    """Return the metric called `name`; raise `GoalError` with the nearest one, or all, where there is none."""
    known = {metric.name: metric for metric in metrics}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        near = f" (did you mean {close[0]}?)" if close else ""
        raise GoalError(f"the estimator reports {', '.join(known)}, not {name}{near}")
    return known[name]


def bounded(scores: Sequence[float]) -> list[float]:
    """Return scores that can be computed with: those of broken constraints lie just below the others, in order.

    As in Deb (2000) they begin at the worst of the others; the largest violation lies below it by the range of
    the others, or by 1 where that is 0.
    """
    broken = [score <= INFEASIBLE for score in scores]
    if not any(broken):
        return list(scores)
    violations = [score / INFEASIBLE - 1 for score in scores]
    most = max(v for v, wrong in zip(violations, broken, strict=True) if wrong) or 1.0
    kept = [score for score, wrong in zip(scores, broken, strict=True) if not wrong]
    worst = min(kept, default=0.0)
    span = max(kept, default=0.0) - worst or 1.0
    return [
        worst - span * violation / most if wrong else score
        for score, violation, wrong in zip(scores, violations, broken, strict=True)
    ]
