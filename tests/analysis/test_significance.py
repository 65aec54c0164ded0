"""Tests reject what is false, and what is true only as often as they say."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from morphogen.analysis import paired_test, uniformity_test


def test_pairs_without_a_difference_are_rejected_as_often_as_allowed() -> None:
    rng = np.random.default_rng(0)
    values = [
        paired_test(rng.exponential(size=12), rng.exponential(size=12), rng, flips=300) for _ in range(800)
    ]
    assert np.mean(np.array(values) <= 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(np.array(values) <= 0.5) == pytest.approx(0.5, abs=0.06)


def test_the_p_value_is_the_share_of_all_flips() -> None:
    rng = np.random.default_rng(1)
    one, other = np.array([1.0, 2.0, 0.5, 3.0, 1.0]), np.array([1.5, 2.7, 1.5, 2.8, 1.6])
    difference = one - other
    sums = [np.dot(signs, difference) for signs in product((-1, 1), repeat=5)]
    exact = np.mean(np.array(sums) <= difference.sum() + 1e-12)
    assert paired_test(one, other, rng) == pytest.approx(exact, abs=0.01)
    assert paired_test(other, one, rng) > 0.9


def test_equal_lists_are_no_difference() -> None:
    assert paired_test([1.0, 2.0], [1.0, 2.0], np.random.default_rng(0)) == 1.0


def test_uniform_counts_pass_and_others_do_not() -> None:
    rng = np.random.default_rng(2)
    fair = [uniformity_test(rng.multinomial(2000, [0.1] * 10)) for _ in range(500)]
    assert np.mean(np.array(fair) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert uniformity_test([100, 100, 160]) < 1e-4
    assert uniformity_test([50, 60]) == pytest.approx(
        0.34, abs=0.01
    )  # chi-square 0.909, one degree of freedom


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        paired_test([1.0, 2.0], [1.0], np.random.default_rng(0))
    with pytest.raises(ValueError, match="five or more"):
        uniformity_test([3, 2, 4])
    with pytest.raises(ValueError, match="two counts"):
        uniformity_test([30])
