"""One search beside random draws: what chance alone would have reached, and how sure that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.analysis.intervals import Interval


def as_lucky(above: int, reference: int, draws: int) -> float:
    """Return how likely the best of `draws` random draws stands as high among `reference` others as claimed.

    It does where at most `above` of the others reach it. All are draws of one distribution, so every order of
    them is equally likely: the best of the draws is passed by more than `above` others exactly if the first
    `above + 1` of the joint order are all others. Nothing is assumed of the distribution; where no reference
    reaches a result, the answer is draws / (draws + reference).

    Raises:
        ValueError: no draws, or more above than there are.
    """
    if draws < 1 or not 0 <= above <= reference:
        raise ValueError(f"{above} of {reference} cannot stand above the best of {draws} draws")
    if above == reference:
        return 1.0
    places = np.arange(above + 1)
    return float(1 - np.prod((reference - places) / (draws + reference - places)))


def draws_to_tell(draws: int, level: float = 0.05) -> int:
    """Return how many reference draws, none of them as good, make `as_lucky` at most `level`."""
    return int(np.ceil(draws * (1 - level) / level))


def superiority(
    proposed: ArrayLike,
    random: ArrayLike,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    resamples: int = 1000,
) -> tuple[float, Interval]:
    """Return how often one of `proposed` [n] beats one of `random` [m], ties counting half, and the interval.

    The probability of superiority (McGraw and Wong 1992; the Mann-Whitney statistic over n m). The interval
    is a bootstrap: random draws one by one, proposals, which follow from each other, in circular blocks of
    about sqrt(n) neighbours (Politis and Romano 1992).

    Raises:
        ValueError: fewer than two of either.
    """
    ours, theirs = np.asarray(proposed, dtype=np.float64), np.asarray(random, dtype=np.float64)
    n, m = len(ours), len(theirs)
    if n < 2 or m < 2:
        raise ValueError(f"superiority needs two scores or more of each, got {n} and {m}")
    ordered = np.sort(theirs)
    below, upto = (np.searchsorted(ordered, ours, side) for side in ("left", "right"))
    drawn = np.empty(resamples)
    length = max(1, round(n**0.5))
    for turn in range(resamples):
        counts = np.bincount(rng.integers(m, size=m), minlength=m)
        mass = np.concatenate([[0.0], np.cumsum(counts)])
        share = (mass[below] + mass[upto]) / (2 * m)
        starts = rng.integers(n, size=-(-n // length))
        taken = (starts[:, None] + np.arange(length)).ravel()[:n] % n
        drawn[turn] = share[taken].mean()
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float((below + upto).mean() / (2 * m)), Interval(float(low), float(high), level)


def best_between(values: ArrayLike, draws: int, level: float = 0.95) -> Interval:
    """Return between what the best of `draws` random draws lies in `level` of all cases, by a sample of them.

    The distribution of one draw is taken to be that of `values` [n], so the best of k is at most v with
    probability (share of values <= v)^k. The upper end is at most the best of the sample: with few more
    values than draws it is too low.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    reached = (np.arange(1, len(ordered) + 1) / len(ordered)) ** draws
    low, high = (ordered[np.searchsorted(reached, p - 1e-12)] for p in ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(low), float(high), level)


def band(values: ArrayLike, draws: ArrayLike, level: float = 0.95) -> tuple[NDArray[np.float64], ...]:
    """Return `best_between` for each number of draws [q], as lows and highs [q]."""
    ends = [best_between(values, int(k), level) for k in np.atleast_1d(draws)]
    return np.array([e.low for e in ends]), np.array([e.high for e in ends])
