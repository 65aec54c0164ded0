"""Whether a difference is more than chance: a paired test, and a test of uniformity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def paired_test(one: ArrayLike, other: ArrayLike, rng: np.random.Generator, *, flips: int = 20_000) -> float:
    """Return the one-sided p-value that the mean of `one` [n] is below that of `other` [n], pair by pair.

    A permutation test: under the null hypothesis each difference is as likely with the other sign (Fisher
    1935). The value is never below 1 / (flips + 1).

    Raises:
        ValueError: lists of different lengths, or empty ones.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(
            f"pairs need two lists of one length, got the shapes {first.shape} and {second.shape}"
        )
    difference = first - second
    signs = rng.integers(2, size=(flips, len(difference)), dtype=np.int8) * np.int8(2) - np.int8(1)
    # A tie up to rounding counts as at least as extreme.
    below = signs @ difference <= difference.sum() + 1e-9 * np.abs(difference).sum()
    return float((1 + np.count_nonzero(below)) / (1 + flips))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values [k] corrected for k tests at once, each to be read at its level (Holm 1979)."""
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    stepped = np.maximum.accumulate((len(given) - np.arange(len(given))) * given[order])
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def uniformity_test(counts: ArrayLike) -> float:
    """Return the p-value of the chi-square test that the cells of `counts` [k] are equally likely (Pearson).

    Raises:
        ValueError: fewer than two cells, or fewer than five expected in a cell.
    """
    from scipy import special

    observed = np.asarray(counts, dtype=np.float64)
    if observed.ndim != 1 or len(observed) < 2:
        raise ValueError(
            f"a test of uniformity needs a list of at least two counts, got the shape {observed.shape}"
        )
    expected = float(observed.mean())
    if expected < 5:
        raise ValueError(
            f"only {expected:.1f} draws are expected in each cell; draw until there are five or more"
        )
    statistic = float(((observed - expected) ** 2).sum()) / expected
    return float(special.chdtrc(len(observed) - 1, statistic))
