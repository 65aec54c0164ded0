"""What chance alone reaches: exact where it can be counted, covered as promised where it cannot."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from morphogen.analysis.against_random import as_lucky, band, best_between, draws_to_tell, superiority
from morphogen.analysis.agreement import kendall, kendall_interval
from morphogen.seeding import stream


def test_as_lucky_counts_all_orders() -> None:
    """Of all ways to say which of 3 + 4 values are the draws: is the best draw passed by at most `above`?"""
    draws, reference = 3, 4
    orders = list(combinations(range(draws + reference), draws))  # places, 0 is the best
    for above in range(reference + 1):
        exact = np.mean([min(places) <= above for places in orders])
        assert as_lucky(above, reference, draws) == pytest.approx(exact)


def test_as_lucky_at_its_ends() -> None:
    assert as_lucky(0, 100, 100) == pytest.approx(0.5)
    assert as_lucky(7, 7, 3) == 1
    assert draws_to_tell(40) == 760 and as_lucky(0, 760, 40) == pytest.approx(0.05)
    assert as_lucky(0, draws_to_tell(7, 0.03), 7) < 0.03 < as_lucky(0, draws_to_tell(7, 0.03) - 1, 7)
    for wrong in ((5, 4, 1), (-1, 4, 1), (0, 4, 0)):
        with pytest.raises(ValueError, match="cannot stand"):
            as_lucky(*wrong)


def test_the_best_of_some_draws_by_all_of_them() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    bests = sorted(max(draws) for draws in product(values, repeat=3))
    between = best_between(values, 3, level=0.8)
    assert between.low == bests[int(0.1 * len(bests))] and between.high == bests[int(0.9 * len(bests))]
    lows, highs = band(values, [1, 3], level=0.8)
    assert (lows[1], highs[1]) == between[:2] and lows[0] == 1


def test_superiority_counts_pairs_and_halves_ties() -> None:
    ours, theirs = [1.0, 2.0, 2.0], [2.0, 0.0]
    share, between = superiority(ours, theirs, stream(0))
    assert share == pytest.approx((0.5 * 2 + 3) / 6)
    assert between.low <= share <= between.high
    with pytest.raises(ValueError, match="two scores"):
        superiority([1.0], theirs, stream(0))


def test_intervals_cover_what_they_promise() -> None:
    rng = stream(3)
    truth, covered, even = 2 / np.pi * np.arcsin(0.6), 0, 0
    for _ in range(100):
        one, other = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=40).T
        covered += kendall_interval(one, other).covers(truth)
        even += superiority(rng.normal(size=30), rng.normal(size=30), rng, resamples=120)[1].covers(0.5)
    assert covered >= 88 and even >= 88


def test_the_jackknife_leaves_each_pair_out() -> None:
    one, other = np.round(stream(4).normal(size=(2, 9)), 1)
    left = np.array([kendall(np.delete(one, i), np.delete(other, i)) for i in range(9)])
    error = np.sqrt(8 / 9 * ((left - left.mean()) ** 2).sum())
    between = kendall_interval(one, other)
    tau = float(kendall(one, other))
    if between.low > -1 and between.high < 1:
        assert between.high - tau == pytest.approx(2.306004 * error)
    assert tau - between.low == pytest.approx(2.306004 * error)
    with pytest.raises(ValueError, match="no order"):
        kendall_interval(one, np.ones(9))
