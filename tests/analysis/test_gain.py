"""Hitting times and gains, against simulation and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from morphogen.analysis.sample_efficiency import (
    RandomHitting,
    equal_random_queries,
    expected_best,
    hitting_times,
    sample_efficiency_gain,
)
from morphogen.analysis.significance import holm
from morphogen.seeding import stream


def test_random_hitting_is_what_simulation_finds():
    rng = stream(0, "hitting")
    exact = RandomHitting(size=200, hits=7)
    found = np.array([1 + np.argmax(rng.permutation(200) < 7) for _ in range(20_000)])
    assert found.mean() == pytest.approx(exact.mean, rel=0.02)
    assert np.minimum(found, 20).mean() == pytest.approx(exact.restricted_mean(20), rel=0.02)
    assert abs(np.median(found) - exact.median) <= 1
    assert (found > 30).mean() == pytest.approx(exact.survival(30)[30], abs=0.01)


def test_the_spec_figures_of_nasbench201():
    assert RandomHitting(15_625, 15).mean == pytest.approx(976.6, abs=0.1)
    assert RandomHitting(15_625, 156).mean == pytest.approx(99.5, abs=0.1)
    assert RandomHitting(15_625, 15).median == 706


def test_survival_ends_at_zero_beyond_the_last_miss():
    assert RandomHitting(3, 3).survival(5).tolist() == [1, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="not by 0"):
        RandomHitting(3, 0)


def test_hitting_times_count_from_one_and_know_never():
    assert hitting_times([[1, 5, 2], [1, 1, 1]], 5).tolist() == [2, math.inf]


def test_the_gain_of_random_search_is_one_and_of_half_the_queries_two():
    rng = stream(1, "gain")
    exact = RandomHitting(1000, 20)
    times = np.array([1 + np.argmax(rng.permutation(1000) < 20) for _ in range(3000)], dtype=float)
    gain = sample_efficiency_gain(times, exact, 100, rng)
    assert gain.mean_interval.covers(1.0)
    assert gain.by_mean == pytest.approx(1, abs=0.05)
    assert sample_efficiency_gain(times / 2, exact, 1000, rng).by_mean == pytest.approx(2, abs=0.1)


def test_runs_that_never_hit_are_not_dropped():
    gain = sample_efficiency_gain([10, math.inf, math.inf, math.inf], RandomHitting(1000, 20), 50, stream(2))
    assert gain.by_median is None
    assert gain.reached == 0.25
    assert gain.by_mean == pytest.approx(RandomHitting(1000, 20).restricted_mean(50) / 40)


def test_equal_random_queries_inverts_the_expected_best():
    values = stream(3).normal(size=500)
    for queries in (2, 17, 300):
        assert equal_random_queries(values, float(expected_best(values, [queries])[0])) == pytest.approx(
            queries
        )
    assert equal_random_queries(values, 100.0) == math.inf


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]).max() <= 1
