"""Comparisons of strategies: numbers worked out by hand, and tables on which nobody is better."""

from __future__ import annotations

import json

import numpy as np
import pytest

from morphogen.analysis.comparison import Comparison, compare_scores
from morphogen.analysis.sample_efficiency import RandomHitting, expected_best
from morphogen.seeding import stream

TRUTH = np.arange(1000.0)


def random_scores(seeds: int, queries: int, name: str) -> np.ndarray:
    return np.stack([stream(seed, name).permutation(TRUTH)[:queries] for seed in range(seeds)])


def test_by_hand() -> None:
    """Of the values 0 to 9 the best alone is the target; one strategy walks up by three, one stays."""
    climbing = np.tile([0.0, 3.0, 6.0, 9.0], (4, 1))
    staying = np.tile([5.0, 5.0, 5.0, 5.0], (4, 1))
    found = compare_scores(np.arange(10.0), {"climbing": climbing, "staying": staying}, looked_at=(2, 3, 99))
    assert found.queries == (2, 3, 4) and (found.optimum, found.target, found.hits, found.size) == (
        9,
        9,
        1,
        10,
    )
    one, other = found.standings
    assert one.regrets == (6, 3, 0) and other.regrets == (4, 4, 4)
    assert (one.median, other.median) == (4, None)
    assert one.intervals[0][:2] == (6, 6), "all seeds did the same"
    # Random search: N is uniform on 1 to 10, so E min(N, 4) = (1 + 2 + 3 + 7 * 4) / 10.
    assert one.gain.by_mean == pytest.approx(3.4 / 4)
    assert found.random_regrets == pytest.approx([9 - v for v in expected_best(np.arange(10.0), [2, 3, 4])])
    assert found.random_median == RandomHitting(10, 1).median == 5
    assert [(d.one, d.other, d.queries, d.difference) for d in found.duels] == [
        ("staying", "climbing", 2, 2), ("climbing", "staying", 3, 1), ("climbing", "staying", 4, 4),
    ]  # fmt: skip


def test_a_better_strategy_beats_a_worse_one() -> None:
    worse = random_scores(30, 40, "worse")
    found = compare_scores(TRUTH, {"worse": worse, "better": np.minimum(worse + 20, 999)}, looked_at=(10,))
    assert found.wins("better", "worse") == (10, 40) and found.wins("worse", "better") == ()
    assert all(duel.p_value <= 2 * 2 / 20_001 + 1e-12 for duel in found.duels), "two tests, two sides"


def test_random_search_beats_nobody_and_has_no_gain() -> None:
    """The negative control: strategies that draw at random differ from exact random search by chance only."""
    scores = {name: random_scores(40, 50, name) for name in "abc"}
    found = compare_scores(TRUTH, scores, looked_at=(10, 25), top=0.02)
    assert not any(duel.won for duel in found.duels) and len(found.duels) == 9
    for standing in found.standings:
        between = standing.gain.mean_interval
        assert abs(standing.gain.by_mean - 1) < between.high - between.low  # about four standard errors
        apart = [
            (mean - exact) / (between.high - between.low)
            for mean, exact, between in zip(
                standing.regrets, found.random_regrets, standing.intervals, strict=True
            )
        ]
        assert np.abs(apart).max() < 1


def test_holm_is_over_all_duels() -> None:
    scores = {name: random_scores(12, 30, name) for name in "abcd"}
    few = compare_scores(TRUTH, {name: scores[name] for name in "ab"}, looked_at=())
    many = compare_scores(TRUTH, scores, looked_at=(10, 20))
    alone, among = (
        few.duels[0],
        next(d for d in many.duels if {d.one, d.other} == {"a", "b"} and d.queries == 30),
    )
    assert among.p_value >= alone.p_value and len(many.duels) == 18


def test_ties_at_the_target_count() -> None:
    found = compare_scores([1.0, 2.0, 2.0, 2.0], {"a": [[1.0, 2.0], [2.0, 1.0]]})
    assert (found.target, found.hits) == (2, 3)


def test_it_is_json() -> None:
    scores = {name: random_scores(3, 30, name) for name in "ab"}
    found = compare_scores(TRUTH, scores)
    record = json.loads(json.dumps(found.to_json()))
    assert record["queries"] == [25, 30] and record["size"] == 1000
    assert [standing["name"] for standing in record["standings"]] == ["a", "b"]
    assert len(record["standings"][0]["curve"]) == len(record["random_curve"]) == 30
    assert record["standings"][0]["gain"]["mean_interval"]["level"] == 0.95
    assert set(record["duels"][0]) == {"one", "other", "queries", "difference", "p_value", "won"}


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({}, "of one shape"),
        ({"a": [[1.0], [2.0]], "b": [[1.0, 2.0], [1.0, 2.0]]}, "of one shape"),
        ({"a": [[1.0, 2.0]]}, "2 seeds or more"),
        ({"a": np.zeros((2, 1001))}, "1 to 1000 queries"),
        ({"a": [[1.0], [np.nan]]}, "finite"),
    ],
)
def test_what_cannot_be_compared(scores: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compare_scores(TRUTH, scores)  # type: ignore[arg-type]


def test_equal_scores_are_a_draw() -> None:
    same = random_scores(5, 10, "same")
    found: Comparison = compare_scores(TRUTH, {"a": same, "b": same}, looked_at=())
    assert found.duels[0].difference == 0 and found.duels[0].p_value == 1 and not found.duels[0].won
