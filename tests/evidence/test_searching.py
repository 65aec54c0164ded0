"""What evidence is told of a table is what a search is told, and a fooled predictor learns from permuted scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from morphogen.benchmarks.nasbench201 import NASBench201
from morphogen.comparing import scores_of
from morphogen.evidence.searching import Permuted, answers, target, truth
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.seeding import stream
from morphogen.strategies.predictor_guided import PredictorGuided


def test_answers_are_those_of_a_search_until_it_is_enough(data: Path) -> None:
    table, strategy = NASBench201("cifar100", folder=data), PredictorGuided(k=5)
    whole = scores_of(table, strategy, 30, 3)
    assert np.array_equal(answers(table, strategy, 30, 3), whole)
    enough = float(np.sort(whole)[20])
    first = int(np.argmax(whole >= enough))
    cut = answers(table, strategy, 30, 3, enough)
    assert np.array_equal(cut[: first + 1], whole[: first + 1])
    assert (cut[first + 1 :] == enough).all()


def test_the_target_is_reached_by_a_thousandth(data: Path) -> None:
    table = NASBench201("cifar100", folder=data)
    assert int((truth(table) >= target(table)).sum()) == 15


def test_a_fooled_predictor_learns_nothing(data: Path) -> None:
    rows = NASBench201("cifar100", folder=data).estimator
    cells, scores = list(rows.rows)[:200], rows.column()[[*rows.rows.values()][:200]]
    truths = [
        np.corrcoef(p.fit(cells[:100], scores[:100], stream(1)).predict(cells[100:]).mean, scores[100:])[0, 1]
        for p in (GaussianProcess(), Permuted(GaussianProcess()))
    ]
    assert truths[0] > 0.6 > 0.4 > abs(truths[1])
