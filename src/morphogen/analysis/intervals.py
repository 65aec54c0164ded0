"""Confidence intervals: how far a mean, or any other statistic of a sample, can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Interval(NamedTuple):
    """Both ends of a confidence interval and its level."""

    low: float
    high: float
    level: float = 0.95

    def covers(self, value: float) -> bool:
        """Whether `value` lies in the interval, its ends included."""
        return self.low <= value <= self.high


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Return Student's interval for the mean behind `values` [n].

    Raises:
        ValueError: fewer than two values, or one that is not finite.
    """
    from scipy import special

    sample = _checked(values, level)
    error = float(sample.std(ddof=1)) / len(sample) ** 0.5
    reach = float(special.stdtrit(len(sample) - 1, (1 + level) / 2)) * error
    center = float(sample.mean())
    return Interval(center - reach, center + reach, level)


def bootstrap_interval(
    values: ArrayLike,
    rng: np.random.Generator,
    *,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda samples: samples.mean(axis=1),
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Return the percentile interval of a statistic of `values` [n] by resampling (Efron 1979).

    statistic: maps resamples [resamples, n] to numbers [resamples]; the mean unless told otherwise. It is a
    little too narrow for few values (at 20 about 93 instead of 95 in 100 cover), so means take
    `mean_interval`.

    Raises:
        ValueError: fewer than two values, or one that is not finite.
    """
    sample = _checked(values, level)
    drawn = statistic(sample[rng.integers(len(sample), size=(resamples, len(sample)))])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


def _checked(values: ArrayLike, level: float) -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2:
        raise ValueError(f"an interval needs a list of at least two values, got the shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError("an interval needs finite values")
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, got {level}")
    return sample
