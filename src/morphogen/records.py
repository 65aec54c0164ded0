"""The values that pass between strategy, estimator and journal; all of them immutable and JSON-able."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self, final

from morphogen.architecture import Architecture


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How much to spend on an estimate; what is None is left to the estimator.

    epochs: passes over the training split. fraction: part of the training split, in (0, 1]. resolution: image
    side in pixels. channels: width of the first stage. cells: cells per stage. batch_size: images a step.
    learning_rate: the rate at its peak. precision: bits of a floating-point number. cutout: side in pixels of
    the square that is masked in each training image, 0 for none. stop: part of all steps after which training
    ends, in (0, 1]; the schedule of the learning rate stays that of all epochs.
    """

    epochs: int | None = None
    fraction: float | None = None
    resolution: int | None = None
    channels: int | None = None
    cells: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    precision: int | None = None
    cutout: int | None = None
    stop: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.to_json().items():
            if not (math.isfinite(value) and (value > 0 or (name == "cutout" and value == 0))):
                raise ValueError(f"fidelity: {name} must be positive, got {value}")
        for name in ("fraction", "stop"):
            if (getattr(self, name) or 0) > 1:
                raise ValueError(f"fidelity: {name} must be at most 1, got {getattr(self, name)}")

    @classmethod
    def among(cls, settings: object) -> Fidelity:
        """Return what attributes of these names say, of an estimator that has some of them."""
        return cls(**{name: getattr(settings, name, None) for name in _FIDELITY})

    def to_json(self) -> dict[str, Any]:
        """Return the settings that are given."""
        return {name: value for name in _FIDELITY if (value := getattr(self, name)) is not None}

    def over(self, defaults: Fidelity) -> Fidelity:
        """Return these settings, completed by `defaults`."""
        return Fidelity(**{**defaults.to_json(), **self.to_json()})


_FIDELITY: Final = tuple(f.name for f in fields(Fidelity))
_AS_IT_IS: Final = Fidelity()  # most proposals leave all to the estimator


@final
@dataclass(frozen=True, slots=True)
class Position:
    """A place in an architecture (argument indices from the root) and the candidates for it."""

    path: tuple[int, ...]
    candidates: tuple[Architecture, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the candidates as their texts."""
        return {"path": list(self.path), "candidates": [str(part) for part in self.candidates]}


@final
@dataclass(frozen=True, slots=True)
class Proposal:
    """What a strategy wants estimated: an architecture, or a region round it.

    `parent` is the trial that the architecture was made from, if any. `region`, where it is not empty, lists
    candidates for some positions of the architecture; all else stays as it is there. An estimator that knows
    no regions estimates the architecture.
    """

    architecture: Architecture
    fidelity: Fidelity = _AS_IT_IS
    parent: int | None = None
    region: tuple[Position, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the architecture as its text."""
        record: dict[str, Any] = {"architecture": str(self.architecture)}
        if self.fidelity is not _AS_IT_IS and (fidelity := self.fidelity.to_json()):
            record["fidelity"] = fidelity
        if self.parent is not None:
            record["parent"] = self.parent
        if self.region:
            record["region"] = [position.to_json() for position in self.region]
        return record


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """Why an estimate has no values: the error's type and message, its traceback, the last output."""

    type: str
    message: str
    traceback: str = ""
    output: str = ""


@final
@dataclass(frozen=True, slots=True)
class Estimate:
    """What was found out about a proposal.

    values: a finite number for each metric; empty where the estimate failed. cost: seconds spent. curve: one
    record an epoch, metric -> value. failure: the reason, where there are no values. ranks: for a region, the
    share of each candidate at each of its positions, of sum 1, comparable within this region only. derived:
    the text of the architecture that it found best in the region. refused: why it was not trained, where what
    is known without training breaks a constraint of the search; `values` then hold what is known, no more.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    cost: float = 0.0
    curve: tuple[Mapping[str, float], ...] = ()
    failure: Failure | None = None
    ranks: tuple[tuple[float, ...], ...] = ()
    derived: str | None = None
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without what is empty."""
        record: dict[str, Any] = {"values": dict(self.values), "cost": self.cost}
        if self.curve:
            record["curve"] = [dict(point) for point in self.curve]
        if self.failure:
            record["failure"] = asdict(self.failure)
        if self.ranks:
            record["ranks"] = [list(row) for row in self.ranks]
        if self.derived is not None:
            record["derived"] = self.derived
        if self.refused is not None:
            record["refused"] = self.refused
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        failure = record.get("failure")
        return cls(
            values=dict(record["values"]),
            cost=record["cost"],
            curve=tuple(record.get("curve", ())),
            failure=Failure(**failure) if failure else None,
            ranks=tuple(map(tuple, record.get("ranks", ()))),
            derived=record.get("derived"),
            refused=record.get("refused"),
        )


@final
@dataclass(frozen=True, slots=True)
class Trial:
    """One line of the story: a numbered proposal, and its estimate once there is one.

    derived: the architecture that the estimate found best in the region of the proposal, if any.
    """

    number: int
    proposal: Proposal
    estimate: Estimate | None = None
    derived: Architecture | None = None

    @property
    def architecture(self) -> Architecture:
        """What the values are of: the architecture derived from the region, else the one that was proposed."""
        return self.proposal.architecture if self.derived is None else self.derived

    @property
    def pending(self) -> bool:
        """Whether the estimate is still to come."""
        return self.estimate is None

    @property
    def failed(self) -> bool:
        """Whether the estimate ended in a failure."""
        return self.estimate is not None and self.estimate.failure is not None

    @property
    def refused(self) -> bool:
        """Whether it was not trained, since what is known before breaks a constraint."""
        return self.estimate is not None and self.estimate.refused is not None

    @property
    def succeeded(self) -> bool:
        """Whether the estimate has all values."""
        estimate = self.estimate
        return estimate is not None and estimate.failure is None and estimate.refused is None

    def told(self, estimate: Estimate, derived: Architecture | None = None) -> Trial:
        """Return the same trial with its estimate, and with what that derived."""
        return Trial(self.number, self.proposal, estimate, derived)


class Goal(ABC):
    """What a search improves, as a strategy sees it.

    One number, `score`, orders all trials that have not failed. Where several numbers are improved at once,
    `scores` has them all. Both are larger where it is better. `violation` is how far a trial is from
    satisfying the constraints; only the scores of trials without one can be asked for.
    """

    __slots__ = ()

    @abstractmethod
    def score(self, trial: Trial) -> float:
        """Return how good a finished trial is; below that of all others where it breaks a constraint."""

    def scores(self, trial: Trial) -> tuple[float, ...]:
        """Return each objective of a finished trial that breaks no constraint."""
        return (self.score(trial),)

    def violation(self, trial: Trial) -> float:
        """Return how far a finished trial is from satisfying the constraints; 0 where it does."""
        return 0.0


@final
@dataclass(frozen=True, slots=True)
class Metric(Goal):
    """A number that an estimator reports: its name, whether more of it is better, its unit ("" for none)."""

    name: str
    maximize: bool = True
    unit: str = ""

    @property
    def timed(self) -> bool:
        """Whether it may have been read off a clock: equal estimates then differ in it."""
        return self.unit in ("s", "ms")

    def value(self, trial: Trial) -> float:
        """Return the value of a finished trial, as it was reported."""
        assert trial.estimate is not None
        return float(trial.estimate.values[self.name])

    def score(self, trial: Trial) -> float:
        """Return the value of a finished trial, signed so that larger is better."""
        assert trial.estimate is not None
        return self.score_of(trial.estimate)

    def score_of(self, estimate: Estimate) -> float:
        """Return the value of an estimate, signed so that larger is better."""
        value = estimate.values[self.name]
        return value if self.maximize else -value
