"""The closed form of random search against listing, simulation and edge cases."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from morphogen.analysis import best_so_far, expected_best, mean_interval, regret


def test_the_closed_form_is_the_mean_over_all_subsets() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    for n in range(1, len(values) + 1):
        assert expected_best(values, [n])[0] == pytest.approx(fmean(map(max, combinations(values, n))))


def test_the_closed_form_agrees_with_simulation() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, size=2000)
    drawn = np.stack([rng.permutation(values)[:80] for _ in range(4000)])
    for n, expected in zip((10, 40, 80), expected_best(values, (10, 40, 80)), strict=True):
        assert mean_interval(best_so_far(drawn)[:, n - 1], 0.999).covers(expected)
        assert not mean_interval(best_so_far(drawn)[:, n // 2 - 1], 0.999).covers(expected)


def test_a_large_table_stays_exact_at_both_ends() -> None:
    values = np.arange(15_625.0)
    one, every = expected_best(values, [1, 15_625])
    assert one == pytest.approx(values.mean(), rel=1e-12)
    assert every == values.max()
    # Of a uniform ranking, the best of n is n (N + 1) / (n + 1) on average.
    assert expected_best(values + 1, [150])[0] == pytest.approx(150 * 15_626 / 151, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "n", "message"),
    [
        ([], 1, "needs values"),
        ([1.0, float("nan")], 1, "finite"),
        ([1.0, 2.0], 3, "3 draws"),
        ([1.0], 0, "0 draws"),
    ],
)
def test_bad_input_is_refused(values: list[float], n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expected_best(values, [n])


def test_a_trajectory_never_falls_and_ends_at_the_best() -> None:
    values = np.array([[1.0, 3.0, 2.0, 5.0], [4.0, 1.0, 1.0, 1.0]])
    assert best_so_far(values).tolist() == [[1, 3, 3, 5], [4, 4, 4, 4]]
    assert regret(values, 5.0).tolist() == [[4, 2, 2, 0], [1, 1, 1, 1]]
