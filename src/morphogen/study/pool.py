"""The contract of a pool: where estimates run, and how whatever happens to one becomes an `Estimate`."""

from __future__ import annotations

import math
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Failure, Proposal
from morphogen.seeding import stream

LONGEST: Final = 10_000  # characters of a message or a traceback that are kept, from its end


class Finished(NamedTuple):
    """A trial that came back: its number, what was found out, the seconds that a worker spent on it."""

    number: int
    estimate: Estimate
    seconds: float


class Pool(ABC):
    """Runs estimates, at most `capacity` at a time.

    `start` readies it for one estimator and seed; the pool is then the context manager that stops it. Trial n
    is estimated with `stream(seed, n, "estimate")` wherever it runs.
    """

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many estimates may run at once."""

    @property
    @abstractmethod
    def apart(self) -> bool:
        """Whether estimates run beside the search, so that it may think while they run."""

    @abstractmethod
    def start(self, estimator: Estimator, seed: int) -> Self:
        """Make ready for the estimates of one search; raise `PoolError` where that cannot be."""

    @abstractmethod
    def submit(self, number: int, proposal: Proposal) -> None:
        """Begin the estimate of trial `number`; there must be room for it."""

    @abstractmethod
    def next(self) -> Finished:
        """Wait for the next estimate to finish; something must be running."""

    @property
    @abstractmethod
    def busy(self) -> int:
        """How many trials were submitted and have not come back."""

    @abstractmethod
    def stop(self) -> None:
        """Drop what is running and end all workers."""

    @property
    def free(self) -> int:
        """How many more trials may be submitted."""
        return self.capacity - self.busy

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def attempt(estimator: Estimator, seed: int, number: int, proposal: Proposal) -> Finished:
    """Run one estimate; an exception, an exit and an estimate that breaks its contract become failures."""
    begun = time.perf_counter()
    try:
        estimate = checked(estimator, estimator.estimate(proposal, stream(seed, number, "estimate")))
        seconds = time.perf_counter() - begun
    except (Exception, SystemExit) as error:
        seconds = time.perf_counter() - begun
        estimate = Estimate(cost=seconds, failure=described(error))
    return Finished(number, estimate, seconds)


def described(error: BaseException) -> Failure:
    """Return what is worth keeping of an exception; the traceback begins in the estimator."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    lines = traceback.format_exception(type(error), error, trace)
    return Failure(type(error).__name__, str(error)[-LONGEST:], "".join(lines)[-LONGEST:])


class EstimateError(ValueError):
    """An estimate that breaks the contract of its estimator."""


def checked(estimator: Estimator, estimate: Any) -> Estimate:
    """Return the estimate in plain finite numbers; raise `EstimateError` where it is not as declared."""
    if not isinstance(estimate, Estimate):
        raise EstimateError(f"the estimator returned {type(estimate).__name__}, not an Estimate")
    cost = _number("the cost", estimate.cost)
    if not (math.isfinite(cost) and cost >= 0):
        raise EstimateError(f"the cost is {cost}, not a number of seconds")
    curve = tuple(_finite(point) for point in estimate.curve) if estimate.curve else ()
    if estimate.failure is not None:
        return Estimate(cost=cost, curve=curve, failure=estimate.failure)
    values = {}
    for metric in estimator.metrics:
        name = metric.name
        if name not in estimate.values:
            raise EstimateError(f"the estimate has no {name}, which the estimator declares")
        values[name] = value = _number(name, estimate.values[name])
        if not math.isfinite(value):
            raise EstimateError(f"{name} is {value}: the training diverged, or the metric is undefined here")
    if len(values) != len(estimate.values):
        extra = ", ".join(sorted(set(estimate.values) - set(values)))
        raise EstimateError(
            f"the estimate has {extra}, which the estimator does not declare: add it to `metrics`"
        )
    return Estimate(values, cost, curve, ranks=estimate.ranks, derived=estimate.derived)


def _number(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise EstimateError(f"{name} is {value!r}, not a number") from None


def _finite(point: Mapping[str, Any]) -> dict[str, float]:
    """Return a point of a learning curve without what is not finite, which JSON cannot say."""
    numbers = {str(name): _number(f"{name} in the learning curve", value) for name, value in point.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
