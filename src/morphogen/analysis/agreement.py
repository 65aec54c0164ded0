"""How far two lists of numbers rank alike: Spearman's and Kendall's correlation, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.analysis.intervals import Interval

Floats = NDArray[np.float64]

FEWEST: Final = 3
"""Pairs of which a rank correlation says something."""


def spearman(one: ArrayLike, other: ArrayLike) -> Any:
    """Return Spearman's correlation along the last axis of two arrays [..., n]; NaN where one is constant.

    Raises:
        ValueError: fewer than three pairs, different lengths, or NaN.
    """
    first, second = map(_ranks, _pairs(one, other))
    first -= first.mean(axis=-1, keepdims=True)
    second -= second.mean(axis=-1, keepdims=True)
    return _quotient((first * second).sum(axis=-1), (first**2).sum(axis=-1) * (second**2).sum(axis=-1))


def kendall(one: ArrayLike, other: ArrayLike) -> Any:
    """Return Kendall's tau-b along the last axis of two arrays [..., n]; NaN where one is constant.

    Raises:
        ValueError: fewer than three pairs, different lengths, or NaN.
    """
    first, second = map(_ranks, _pairs(one, other))  # infinities have ranks
    above = np.triu_indices(first.shape[-1], 1)
    signs = [np.sign(values[..., above[0]] - values[..., above[1]]) for values in (first, second)]
    untied = [np.count_nonzero(sign, axis=-1).astype(np.float64) for sign in signs]
    return _quotient((signs[0] * signs[1]).sum(axis=-1), untied[0] * untied[1])


def agreement_interval(
    measure: Callable[[Floats, Floats], Any],
    one: ArrayLike,
    other: ArrayLike,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    resamples: int = 1000,
) -> Interval:
    """Return the percentile interval of a rank correlation of n pairs, by resampling pairs (Efron 1979).

    Resamples in which one list is constant are left out; they are rare, except among very few pairs.

    Raises:
        ValueError: as the measure does, or every resample is constant.
    """
    first, second = _pairs(one, other)
    drawn = rng.integers(len(first), size=(resamples, len(first)))
    values = np.asarray(measure(first[drawn], second[drawn]))
    known = values[np.isfinite(values)]
    if not len(known):
        raise ValueError("there is no order to agree about: all values of one list are equal")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


def kendall_interval(one: ArrayLike, other: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return an interval of Kendall's tau-b of n pairs by the jackknife; quadratic in n, cut at -1 and 1.

    Leaving out pair i takes its row from every sum, so all n leave-one-out values cost one table of signs.

    Raises:
        ValueError: as `kendall` does, or all values of one list are equal, even without one of them.
    """
    from scipy import special

    first, second = _pairs(one, other)
    n = len(first)
    signs = [np.sign(values[:, None] - values).astype(np.int8) for values in (first, second)]
    rows = [(signs[0] * signs[1]).sum(axis=1, dtype=np.int64)]
    rows += [np.count_nonzero(sign, axis=1) for sign in signs]
    agreed, untied, also = (row.sum() / 2 - row for row in rows)
    left = _quotient(agreed, untied * also)
    if not np.isfinite(left).all():
        raise ValueError("there is no order to agree about: all values of one list are equal")
    error = float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))
    reach = float(special.stdtrit(n - 1, (1 + level) / 2)) * error
    tau = float(kendall(first, second))
    return Interval(max(-1.0, tau - reach), min(1.0, tau + reach), level)


def _ranks(values: Floats) -> Floats:
    """Return ranks along the last axis [..., n], ties averaged (scipy.stats has them, and takes a second to import)."""
    order = np.argsort(values, axis=-1)
    known = np.take_along_axis(values, order, -1)
    place = np.broadcast_to(np.arange(values.shape[-1]), values.shape)
    new = np.ones(values.shape, bool)  # of the sorted values, those that differ from the one before
    new[..., 1:] = known[..., 1:] != known[..., :-1]
    last = np.roll(new, -1, axis=-1)
    lowest = np.maximum.accumulate(np.where(new, place, 0), axis=-1)
    highest = np.minimum.accumulate(np.where(last, place, values.shape[-1])[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (lowest + highest) / 2 + 1, -1)
    return found


def _pairs(one: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape[-1:] != second.shape[-1:] or first.ndim < 1 or first.shape[-1] < FEWEST:
        raise ValueError(
            f"a rank correlation needs {FEWEST} pairs or more, got the shapes {first.shape} and {second.shape}"
        )
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("a rank correlation knows no NaN; leave these pairs out or give them the worst rank")
    return first, second


def _quotient(part: Any, squared: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return part / np.sqrt(squared)
