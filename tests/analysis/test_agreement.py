"""Rank correlations against SciPy, ties included, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from morphogen.analysis.agreement import agreement_interval, kendall, spearman
from morphogen.seeding import stream


@pytest.mark.parametrize("ties", [3, 1000])
def test_both_are_those_of_scipy(ties: int) -> None:
    rng = stream(0)
    one, other = rng.integers(ties, size=(2, 7, 20))
    for ours, theirs in ((spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        wanted = [theirs(a, b).statistic for a, b in zip(one, other, strict=True)]
        assert ours(one, other) == pytest.approx(np.array(wanted), abs=1e-12)


def test_an_interval_covers_the_correlation_behind_it() -> None:
    """For normal pairs of correlation r, Spearman's is 6/pi asin(r/2)."""
    rng, covered = stream(1), 0
    for _ in range(60):
        one = rng.normal(size=60)
        other = 0.7 * one + np.sqrt(1 - 0.49) * rng.normal(size=60)
        covered += agreement_interval(spearman, one, other, rng, resamples=200).covers(
            6 / np.pi * np.arcsin(0.35)
        )
    assert 50 <= covered <= 60


def test_bad_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 3 pairs or more"):
        spearman([1, 2], [2, 1])
    with pytest.raises(ValueError, match="needs 3 pairs or more"):
        kendall([1, 2, 3], [2, 1, 3, 4])
    with pytest.raises(ValueError, match="no NaN"):
        spearman([1, 2, np.nan], [1, 2, 3])
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
    with pytest.raises(ValueError, match="no order to agree about"):
        agreement_interval(kendall, [1, 1, 1], [1, 2, 3], stream(0))
