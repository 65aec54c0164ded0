"""Which strategy is better on a known table: regrets, queries to the target, gains, and who beats whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.analysis.dominance import unbeaten
from morphogen.analysis.hypervolume import Box
from morphogen.analysis.intervals import Interval, mean_interval
from morphogen.analysis.sample_efficiency import (
    Gain,
    RandomHitting,
    expected_best,
    hitting_times,
    sample_efficiency_gain,
)
from morphogen.analysis.significance import holm, paired_test
from morphogen.analysis.trajectory import regret
from morphogen.seeding import stream

LOOKED_AT: Final = (25, 50, 100, 150, 300)
"""After how many queries regrets are reported."""

TOP: Final = 0.001
"""The share of a table that is the target of a search."""

LEVEL: Final = 0.05
"""Below this corrected p-value one strategy beats another."""

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Standing:
    """How one strategy did.

    regrets, intervals: mean regret after each number of queries that is looked at. median: queries to the
    target; None where half of the seeds or more did not reach it. curve, low, high: mean regret after every
    query with its 95% interval `[queries]`.
    """

    name: str
    regrets: tuple[float, ...]
    intervals: tuple[Interval, ...]
    median: float | None
    gain: Gain
    curve: Floats
    low: Floats
    high: Floats


@final
@dataclass(frozen=True)
class Duel:
    """Two strategies after some queries, seed by seed: `one` has the smaller mean regret.

    difference: the other's mean regret less its own. p_value: two-sided, corrected for all duels (Holm 1979).
    """

    one: str
    other: str
    queries: int
    difference: float
    p_value: float

    @property
    def won(self) -> bool:
        """Whether the difference is more than chance."""
        return self.p_value < LEVEL


class Dueled:
    """What has duels."""

    duels: tuple[Duel, ...]

    def wins(self, one: str, other: str) -> tuple[int, ...]:
        """Return after which numbers of queries `one` beats `other`."""
        return tuple(d.queries for d in self.duels if (d.one, d.other) == (one, other) and d.won)


@final
@dataclass(frozen=True)
class Comparison(Dueled):
    """Strategies on one table, beside exact random search without repeats.

    queries: what is looked at, the last is the budget. optimum: the best score of the table; target: the
    score that counts as a hit, reached by `hits` of `size` rows. random_regrets, random_median, random_curve:
    of random search, in closed form.
    """

    queries: tuple[int, ...]
    seeds: int
    optimum: float
    target: float
    hits: int
    size: int
    random_regrets: tuple[float, ...]
    random_median: int
    random_curve: Floats
    standings: tuple[Standing, ...]
    duels: tuple[Duel, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; curves with six digits."""
        plain = {name: value for name, value in vars(self).items() if name not in ("standings", "duels")}
        return {
            **plain,
            "random_curve": _brief(self.random_curve),
            "standings": [
                {
                    **{name: value for name, value in vars(each).items() if name != "gain"},
                    "intervals": [interval._asdict() for interval in each.intervals],
                    "gain": _plain_gain(each.gain),
                    **{name: _brief(getattr(each, name)) for name in ("curve", "low", "high")},
                }
                for each in self.standings
            ],
            "duels": [{**asdict(duel), "won": duel.won} for duel in self.duels],
        }


@final
@dataclass(frozen=True)
class FrontStanding:
    """How near one strategy came to the exact frontier; fields as in `Standing`, regrets as in `FrontComparison`."""

    name: str
    regrets: tuple[float, ...]
    intervals: tuple[Interval, ...]
    curve: Floats
    low: Floats
    high: Floats


@final
@dataclass(frozen=True)
class FrontComparison(Dueled):
    """Strategies that search the frontier of a table, by the hypervolume that they lack of the exact one.

    regrets are shares: 1 less the hypervolume of what was found, over that of the exact frontier, which is the
    best that can be found. objectives: their names. hypervolume: that of the exact frontier, which has `front`
    different points, in a box from the worst to the best value of each objective in all `size` rows.
    """

    objectives: tuple[str, ...]
    queries: tuple[int, ...]
    seeds: int
    size: int
    front: int
    hypervolume: float
    standings: tuple[FrontStanding, ...]
    duels: tuple[Duel, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; curves with six digits."""
        plain = {name: value for name, value in vars(self).items() if name not in ("standings", "duels")}
        return {
            **plain,
            "standings": [
                {
                    **vars(each),
                    "intervals": [interval._asdict() for interval in each.intervals],
                    **{name: _brief(getattr(each, name)) for name in ("curve", "low", "high")},
                }
                for each in self.standings
            ],
            "duels": [{**asdict(duel), "won": duel.won} for duel in self.duels],
        }


def compare_fronts(
    truth: ArrayLike,
    reached: Mapping[str, ArrayLike],
    objectives: Sequence[str],
    *,
    looked_at: Sequence[int] = LOOKED_AT,
) -> FrontComparison:
    """Return how strategies compare by the hypervolume that they reached.

    truth: all scores of the table [rows, objectives], larger is better. reached: of each strategy, the hypervolume
    after each query [seeds, queries], in the box of the table; seed by seed they are pairs.

    Raises:
        ValueError: no strategies, shapes that differ, or fewer than two seeds.
    """
    table = np.asarray(truth, dtype=np.float64)
    table = table[np.isfinite(table).all(axis=1)]
    exact = np.unique(table[unbeaten(table)], axis=0)
    best = Box.of(table).hypervolume(exact)
    lacks = {name: 1 - np.asarray(grown, dtype=np.float64) / best for name, grown in reached.items()}
    shapes = {values.shape for values in lacks.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] < 2:
        raise ValueError(
            "a comparison needs strategies with hypervolumes [seeds >= 2, queries], of one shape"
        )
    seeds, budget = shape
    queries = (*sorted(n for n in set(looked_at) if 0 < n < budget), budget)
    standings = []
    for name, lack in lacks.items():
        between = [mean_interval(lack[:, n]) for n in range(budget)]
        standings.append(
            FrontStanding(
                name,
                tuple(float(lack[:, n - 1].mean()) for n in queries),
                tuple(between[n - 1] for n in queries),
                lack.mean(axis=0),
                np.array([interval.low for interval in between]),
                np.array([interval.high for interval in between]),
            )
        )
    return FrontComparison(
        objectives=tuple(objectives),
        queries=queries,
        seeds=seeds,
        size=len(table),
        front=len(exact),
        hypervolume=best,
        standings=tuple(standings),
        duels=_duels(lacks, queries),
    )


def compare_scores(
    truth: ArrayLike,
    scores: Mapping[str, ArrayLike],
    *,
    looked_at: Sequence[int] = LOOKED_AT,
    top: float = TOP,
) -> Comparison:
    """Return how strategies compare by what they were told.

    truth: all scores of the table [rows], larger is better. scores: of each strategy, the score of each query
    [seeds, queries]; seed by seed they are pairs. looked_at: after how many queries regrets are reported; the
    budget itself always is. top: the share of the table that is the target, at least one row, ties included.

    Raises:
        ValueError: no strategies, shapes that differ, fewer than two seeds, more queries than rows, or scores
            that are not finite.
    """
    table = np.asarray(truth, dtype=np.float64).ravel()
    told = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    shapes = {values.shape for values in told.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2:
        raise ValueError("a comparison needs strategies with scores [seeds, queries], all of one shape")
    seeds, budget = shape
    if seeds < 2 or not 1 <= budget <= len(table):
        raise ValueError(
            f"a comparison needs 2 seeds or more and 1 to {len(table)} queries, got {seeds} and {budget}"
        )
    if not all(np.isfinite(values).all() for values in (table, *told.values())):
        raise ValueError("a comparison needs finite scores; let a failure count as the worst of the table")
    queries = (*sorted(n for n in set(looked_at) if 0 < n < budget), budget)
    best = np.sort(table)[::-1]
    target = float(best[max(1, int(top * len(table))) - 1])
    random = RandomHitting(len(table), int((table >= target).sum()))
    lacks = {name: regret(values, float(best[0])) for name, values in told.items()}
    exact = float(best[0]) - expected_best(table, range(1, budget + 1))
    return Comparison(
        queries=queries,
        seeds=seeds,
        optimum=float(best[0]),
        target=target,
        hits=random.hits,
        size=random.size,
        random_regrets=tuple(float(exact[n - 1]) for n in queries),
        random_median=random.median,
        random_curve=exact,
        standings=tuple(
            _standing(name, lacks[name], hitting_times(told[name], target), random, queries) for name in told
        ),
        duels=_duels(lacks, queries),
    )


def _standing(
    name: str, lacks: Floats, times: Floats, random: RandomHitting, queries: tuple[int, ...]
) -> Standing:
    seeds, budget = lacks.shape
    between = [mean_interval(lacks[:, n]) for n in range(budget)]
    reached = bool(np.isfinite(times).mean() > 0.5)
    return Standing(
        name,
        tuple(float(lacks[:, n - 1].mean()) for n in queries),
        tuple(between[n - 1] for n in queries),
        float(np.median(times)) if reached else None,
        sample_efficiency_gain(times, random, budget, stream(0, "gain", name)),
        lacks.mean(axis=0),
        np.array([interval.low for interval in between]),
        np.array([interval.high for interval in between]),
    )


def _duels(lacks: Mapping[str, Floats], queries: tuple[int, ...]) -> tuple[Duel, ...]:
    """Test every pair after every number of queries, and correct for all of these tests at once."""
    found: list[tuple[str, str, int, float, float]] = []
    for one, other in combinations(lacks, 2):
        for n in queries:
            first, second = lacks[one][:, n - 1], lacks[other][:, n - 1]
            difference = float(second.mean() - first.mean())
            winner, loser = (one, other) if difference >= 0 else (other, one)
            below = paired_test(
                lacks[winner][:, n - 1], lacks[loser][:, n - 1], stream(0, "duel", one, other, n)
            )
            found.append((winner, loser, n, abs(difference), min(1.0, 2 * below)))
    corrected = holm([p for *_, p in found])
    return tuple(Duel(*duel[:4], float(p)) for duel, p in zip(found, corrected, strict=True))


def _brief(values: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def _plain_gain(gain: Gain) -> dict[str, Any]:
    between = gain.median_interval
    return {
        **vars(gain),
        "mean_interval": gain.mean_interval._asdict(),
        "median_interval": None if between is None else between._asdict(),
    }
