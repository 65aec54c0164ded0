"""A pool on a simulated clock: estimates take the seconds that they say they cost, and nobody waits."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import NamedTuple, Self, final

from morphogen.estimators.estimator import Estimator
from morphogen.records import Proposal
from morphogen.study.pool import Finished, Pool, attempt


class Span(NamedTuple):
    """When a trial began and when it finished, in simulated seconds."""

    begun: float
    finished: float


@final
class Simulated(Pool):
    """Runs estimates on a table as `workers` machines would have run the trainings behind it.

    Trials come back in the order in which they finish by their cost (of equals, the earlier trial first), so
    with several workers a strategy hears of them out of order, as it would have. An estimate that breaks down
    takes no time. The same search gives the same order everywhere; each session begins at 0 seconds.

    After a search `clock` is how long it took and `spans` says when each trial ran. `Limit(cost=...)` bounds
    the cost summed over workers: `workers` times the seconds on this clock, less what they idled.
    """

    apart = False

    def __init__(self, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, got {workers}")
        self.workers = workers
        self.clock = 0.0
        self.spans: dict[int, Span] = {}
        self._estimator: Estimator | None = None
        self._seed = 0
        self._running: list[tuple[float, int, Finished]] = []

    def __repr__(self) -> str:
        return f"Simulated({self.workers})"

    @property
    def capacity(self) -> int:
        """How many estimates may run at once: one a worker."""
        return self.workers

    def start(self, estimator: Estimator, seed: int) -> Self:
        """Keep the estimator and set the clock to 0."""
        self._estimator, self._seed = estimator, seed
        self.clock = 0.0
        self.spans.clear()
        return self

    def submit(self, number: int, proposal: Proposal) -> None:
        """Look up the estimate now; it comes back when the clock has reached its end."""
        assert self._estimator is not None, "start the pool first"
        assert self.free > 0, "all workers are busy"
        found = attempt(self._estimator, self._seed, number, proposal)
        if found.estimate.failure is not None:  # its cost is real seconds, which differ from run to run
            found = found._replace(estimate=replace(found.estimate, cost=0.0))
        self.spans[number] = Span(self.clock, self.clock + found.estimate.cost)
        heapq.heappush(self._running, (self.spans[number].finished, number, found))

    def next(self) -> Finished:
        """Set the clock to the next end of a trial and return it."""
        assert self._running, "submit a trial first"
        self.clock, _, finished = heapq.heappop(self._running)
        return finished

    @property
    def busy(self) -> int:
        """How many trials run."""
        return len(self._running)

    def stop(self) -> None:
        """Drop the estimator and what runs; the clock and the spans stay to be read."""
        self._estimator = None
        self._running.clear()
