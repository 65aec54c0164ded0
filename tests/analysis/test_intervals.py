"""Intervals cover as often as they say, and refuse what they cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from morphogen.analysis import Interval, bootstrap_interval, mean_interval


def coverage(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([interval.covers(truth) for interval in intervals]))


def skewed(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return rng.exponential(size=count)


def test_students_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    for level in (0.8, 0.95):
        normal = [mean_interval(rng.normal(3.0, 2.0, size=10), level) for _ in range(2000)]
        assert coverage(normal, 3.0) == pytest.approx(level, abs=0.02)


def test_the_bootstrap_covers_nearly_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    intervals = [bootstrap_interval(skewed(rng, 60), rng, resamples=400) for _ in range(600)]
    assert 0.90 <= coverage(intervals, 1.0) <= 0.97
    narrow = [bootstrap_interval(skewed(rng, 60), rng, level=0.5, resamples=400) for _ in range(600)]
    assert coverage(narrow, 1.0) == pytest.approx(0.5, abs=0.06)


def test_the_bootstrap_takes_another_statistic() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(size=101), [1e9]])
    interval = bootstrap_interval(values, rng, statistic=lambda samples: np.median(samples, axis=1))
    assert -1 < interval.low < interval.high < 1
    assert bootstrap_interval(values, rng).high > 1e6


def test_students_interval_is_the_one_of_the_tables() -> None:
    # 4 values with mean 5 and standard deviation 2; t(3, 0.975) = 3.18245.
    values = 5 + 2 * np.array([-1.0, -1.0, 1.0, 1.0]) * np.sqrt(3 / 4)
    interval = mean_interval(values)
    assert interval == pytest.approx((5 - 3.18245, 5 + 3.18245, 0.95), abs=1e-5)


@pytest.mark.parametrize(
    ("values", "level", "message"),
    [
        ([1.0], 0.95, "at least two values"),
        ([[1.0, 2.0]], 0.95, r"shape \(1, 2\)"),
        ([1.0, float("nan")], 0.95, "finite"),
        ([1.0, 2.0], 1.0, "between 0 and 1"),
    ],
)
def test_bad_input_is_refused(values: list[float], level: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_interval(values, level)
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(values, np.random.default_rng(0), level=level)
