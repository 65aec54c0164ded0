"""A pool in the process of the search itself: one estimate at a time, no crash or hang survived."""

from __future__ import annotations

from collections import deque
from typing import Self, final

from morphogen.estimators.estimator import Estimator
from morphogen.records import Proposal
from morphogen.study.pool import Finished, Pool, attempt


@final
class Inline(Pool):
    """Estimates when asked for the next one; for fast estimators, tests and debuggers.

    What an estimate prints goes where printing goes; only `Processes` keeps it with the failure.
    """

    capacity = 1
    apart = False

    def __init__(self) -> None:
        self._estimator: Estimator | None = None
        self._seed = 0
        self._waiting: deque[tuple[int, Proposal]] = deque()

    def __repr__(self) -> str:
        return "Inline()"

    def start(self, estimator: Estimator, seed: int) -> Self:
        """Keep the estimator."""
        self._estimator, self._seed = estimator, seed
        return self

    def submit(self, number: int, proposal: Proposal) -> None:
        """Keep the trial until `next` runs it."""
        self._waiting.append((number, proposal))

    def next(self) -> Finished:
        """Run the trial that waits."""
        assert self._estimator is not None, "start the pool first"
        finished = attempt(self._estimator, self._seed, *self._waiting[0])
        self._waiting.popleft()
        return finished

    @property
    def busy(self) -> int:
        """How many trials wait."""
        return len(self._waiting)

    def stop(self) -> None:
        """Drop the estimator and the trial that waits."""
        self._estimator = None
        self._waiting.clear()
