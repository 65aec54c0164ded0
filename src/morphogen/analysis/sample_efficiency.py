"""Sample efficiency: random search on a known table in closed form, and how much less a method needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.analysis.intervals import Interval, bootstrap_interval


def expected_best(values: ArrayLike, queries: Sequence[int]) -> NDArray[np.float64]:
    """Return the expected best of n values drawn without replacement, for each n of `queries` [q].

    With the N values in ascending order, the best of n is among the first k with probability C(k, n) / C(N,
    n); this is the exact mean of random search that repeats nothing.

    Raises:
        ValueError: no values, one that is not finite, or more draws than values.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    count = len(ordered)
    if not count or not np.isfinite(ordered).all():
        raise ValueError("the expected best needs values, all of them finite")
    places = np.arange(count, 0, -1)
    found = []
    for n in queries:
        if not 1 <= n <= count:
            raise ValueError(f"{n} draws without replacement from {count} values")
        # C(k - 1, n) / C(k, n) = (k - n) / k, from the largest k down; 0 once fewer than n values are left.
        shares = np.concatenate([[1.0], np.cumprod(np.maximum(places - n, 0) / places)])
        found.append(float(-np.diff(shares) @ ordered[::-1]))
    return np.array(found)


def hitting_times(values: ArrayLike, target: float) -> NDArray[np.float64]:
    """Return after how many queries each run of `values` [runs, queries] first reached `target`; infinity: never."""
    reached = np.asarray(values, dtype=np.float64) >= target
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)


@final
@dataclass(frozen=True)
class RandomHitting:
    """How long random search without repeats takes to the first of `hits` good ones among `size`, exactly.

    The number of queries N has P(N > t) = C(size - hits, t) / C(size, t).
    """

    size: int
    hits: int

    def __post_init__(self) -> None:
        if not 1 <= self.hits <= self.size:
            raise ValueError(f"a target is reached by 1 to {self.size} architectures, not by {self.hits}")

    @property
    def mean(self) -> float:
        """The expected number of queries, (size + 1) / (hits + 1)."""
        return (self.size + 1) / (self.hits + 1)

    def survival(self, queries: int) -> NDArray[np.float64]:
        """Return P(N > t) for t = 0 ... `queries`, `[queries + 1]`."""
        taken = np.arange(min(queries, self.size))
        steps = np.maximum(self.size - self.hits - taken, 0) / (self.size - taken)
        alive = np.concatenate([[1.0], np.cumprod(steps)])
        return np.pad(alive, (0, queries + 1 - len(alive)))

    @property
    def median(self) -> int:
        """The smallest number of queries after which half of all runs have reached the target."""
        return int(np.argmax(self.survival(self.size) <= 0.5))

    def restricted_mean(self, budget: int) -> float:
        """Return the mean of min(N, budget)."""
        return float(self.survival(budget)[:budget].sum())


@final
@dataclass(frozen=True)
class Gain:
    """How many times fewer queries a method needs than random search.

    by_median: ratio of median hitting times; None where fewer than half of the runs reached the target. by_mean:
    ratio of the means of min(N, budget), which censoring cannot flatter. Both with bootstrap intervals over runs.
    """

    by_mean: float
    mean_interval: Interval
    by_median: float | None
    median_interval: Interval | None
    reached: float


def sample_efficiency_gain(
    times: ArrayLike, random: RandomHitting, budget: int, rng: np.random.Generator
) -> Gain:
    """Return the gain of a method with hitting times `times` [runs] over random search (Mauch et al. 2020).

    Runs that did not reach the target within `budget` count as censored there. The definition is our
    reconstruction: E[N of random search] / E[N of the method].
    """
    seen = np.asarray(times, dtype=np.float64)
    censored = np.minimum(seen, budget)
    reference = random.restricted_mean(budget)
    reached = seen <= budget
    by_mean = reference / float(censored.mean())
    between = bootstrap_interval(censored, rng, statistic=lambda samples: reference / samples.mean(axis=1))
    median, spread = None, None
    if reached.mean() > 0.5:
        median = random.median / float(np.median(censored))
        spread = bootstrap_interval(
            censored, rng, statistic=lambda samples: random.median / np.median(samples, axis=1)
        )
    return Gain(by_mean, between, median, spread, float(reached.mean()))


def equal_random_queries(values: ArrayLike, best: float) -> float:
    """Return how many draws without replacement from `values` [n] have the expected best `best`.

    Divided by the queries that a method took, this is the gain by budget. Between whole numbers it is linear;
    it is infinite where even all draws together do not reach `best`.
    """
    table = np.asarray(values, dtype=np.float64).ravel()
    low, high = 1, len(table)
    if best > float(table.max()):
        return float("inf")
    if best <= expected_best(table, [1])[0]:
        return 1.0
    while high - low > 1:
        middle = (low + high) // 2
        if expected_best(table, [middle])[0] < best:
            low = middle
        else:
            high = middle
    below, above = expected_best(table, [low, high])
    return low + float((best - below) / (above - below))
