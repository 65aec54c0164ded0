"""What is special about single predictors: exact posteriors, measured spreads, missing extras, real cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, norm

from morphogen.architecture import Architecture
from morphogen.benchmarks.nasbench201 import NASBench201
from morphogen.predictors.boosting import Boosting
from morphogen.predictors.extra_trees import ExtraTrees
from morphogen.predictors.features import Columns, Features
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.predictors.inference import (
    Kernel,
    Posterior,
    best_and_spread,
    grown,
    inverse_factor,
    mode,
    refit_at,
)
from morphogen.predictors.predictor import Predictor, PredictorError, Scale
from morphogen.predictors.wl_kernel import WLKernel
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201


def drawn(count: int) -> list[Architecture]:
    rng, found = stream(0, "drawn"), dict[str, Architecture]()
    while len(found) < count:
        architecture = cell201().sample(rng)
        found.setdefault(architecture.key, architecture)
    return list(found.values())


def worth(architectures: list[Architecture]) -> np.ndarray:
    return np.array([str(a).count("conv3x3") + 0.5 * str(a).count("identity") for a in architectures])


def test_the_scale_is_that_of_normal_scores() -> None:
    scale = Scale.of(np.array([3.0, 1.0, 2.0, 2.0]))
    assert scale([1, 2, 3]) == pytest.approx(norm.ppf([1 / 8, 1 / 2, 7 / 8]))
    assert scale([-9, 1.5, 9]) == pytest.approx([norm.ppf(1 / 8), norm.ppf(1 / 8) / 2, norm.ppf(7 / 8)])


def test_the_posterior_is_that_of_kriging() -> None:
    """Mean and variance agree with the textbook equations of universal kriging, solved in one piece."""
    rng = np.random.default_rng(0)
    points, asked = rng.random((12, 1)), rng.random((5, 1))
    targets, noise = rng.standard_normal(12), 0.1

    def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-((a - b.T) ** 2)).astype(np.float32)

    class Fixed(Kernel):
        def correlation(self, architectures: object) -> np.ndarray:
            return correlation(asked, points)

    inverse = inverse_factor(correlation(points, points), noise)
    belief = Posterior.of(Fixed(), inverse, noise, targets).belief([])  # type: ignore[arg-type]
    system = np.zeros((13, 13))
    system[:12, :12] = correlation(points, points) + noise * np.eye(12)
    system[12, :12] = system[:12, 12] = 1
    right = np.vstack([correlation(points, asked), np.ones(5)])
    solved = np.linalg.solve(system, right)
    left = np.linalg.solve(system[:12, :12], targets - belief_mean(system, targets))
    variance = ((targets - belief_mean(system, targets)) @ left + 1) / 13
    assert belief.mean == pytest.approx(solved[:12].T @ targets, abs=1e-4)
    assert belief.spread == pytest.approx(np.sqrt(variance * (1 - (right * solved).sum(axis=0))), abs=1e-3)
    assert belief.noise == pytest.approx(np.sqrt(variance * noise))


def belief_mean(system: np.ndarray, targets: np.ndarray) -> float:
    weights = np.linalg.solve(system[:12, :12], np.ones(12))
    return float(weights @ targets / weights.sum())


def test_a_factor_that_grew_is_the_factor() -> None:
    rows = np.random.default_rng(0).random((9, 3))
    correlation = np.exp(-((rows[:, None] - rows) ** 2).sum(axis=2)).astype(np.float32)
    inverse = inverse_factor(correlation[:6, :6], 0.05)
    for n in range(6, 9):
        inverse = grown(inverse, correlation[n, :n], 0.05)
    assert inverse == pytest.approx(inverse_factor(correlation, 0.05), abs=1e-6)


def test_the_mode_is_found() -> None:
    found = mode(lambda p: float(((np.log(p) - [1.0, -2.0]) ** 2).sum() / 0.02), np.ones(2), np.ones(2), 12)
    assert np.log(found) == pytest.approx([1.0, -2.0], abs=0.1)


def test_refits_thin_out_and_do_not_depend_on_what_was_fitted() -> None:
    assert [refit_at(n) for n in (1, 2, 29, 30, 31, 33)] == [1, 2, 29, 30, 30, 30]
    steps = sorted({refit_at(n) for n in range(1, 2001)})
    assert len(steps) < 75
    assert all(refit_at(step) == step for step in steps)


def test_the_best_stay_when_points_are_dropped() -> None:
    targets = np.random.default_rng(0).standard_normal(300)
    kept = best_and_spread(targets, 100)
    assert len(set(kept.tolist())) == 100
    assert set(np.argsort(-targets)[:50]) <= set(kept.tolist())
    assert targets[kept].min() == targets.min()


@pytest.mark.parametrize("kind", [GaussianProcess, WLKernel])
def test_many_points_are_learnt_from_through_some(kind: type[GaussianProcess] | type[WLKernel]) -> None:
    cells = drawn(400)
    scores = worth(cells)
    fitted = kind(points=60, tuned=40).fit(cells[:200], scores[:200], stream(0))
    assert kendalltau(fitted.predict(cells[200:]).mean, scores[200:]).statistic > 0.5


AT_ONCE = """
import json, sys
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
told = json.load(sys.stdin)
cells = [cell201().parse(text) for text in told["cells"]]
belief = GaussianProcess().fit(cells[:60], told["scores"], stream(1)).predict(cells)
json.dump([belief.mean.tolist(), belief.spread.tolist()], sys.stdout)
"""


def test_a_fit_point_by_point_is_that_of_a_new_process_at_once() -> None:
    """A search that is resumed refits from scratch, and must ask the same question to the last bit."""
    cells = drawn(120)
    scores = worth(cells) + 0.01 * np.arange(120)
    for n in range(20, 61):
        step = GaussianProcess().fit(cells[:n], scores[:n], stream(n))
    belief = step.predict(cells)
    told = json.dumps({"cells": [str(a) for a in cells], "scores": scores[:60].tolist()})
    run = subprocess.run(
        [sys.executable, "-c", AT_ONCE], input=told, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == [belief.mean.tolist(), belief.spread.tolist()]


def test_boosting_without_lightgbm_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(PredictorError, match=r'pip install "morphogen\[boosting\]"'):
        Boosting().fit(drawn(5), np.arange(5.0), stream(0))


@pytest.mark.parametrize(
    "predictor", [GaussianProcess(), ExtraTrees(trees=60)], ids=lambda p: type(p).__name__
)
def test_real_cells_are_ordered_and_intervals_hold_them(predictor: Predictor, data: Path) -> None:
    table = NASBench201("cifar100", "validation_12", folder=data).estimator
    cells = sorted(table.rows, key=table.rows.__getitem__)
    order = stream(0, "real").permutation(len(cells))
    seen, unseen = order[:156], order[156:1656]
    scores = table.column()
    fitted = predictor.fit([cells[i] for i in seen], scores[seen], stream(0, "fit"))
    belief = fitted.predict([cells[i] for i in unseen])
    assert kendalltau(belief.mean, scores[unseen]).statistic > 0.75
    low, high = belief.interval(0.9)
    known = fitted.scale(scores[unseen])
    assert 0.8 <= float(((low <= known) & (known <= high)).mean()) <= 0.97


def test_numbers_that_are_given_help() -> None:
    """A noisy hint about each network is used, by trees and by a Gaussian process."""
    cells = drawn(300)
    rng = np.random.default_rng(0)
    scores = rng.standard_normal(300)  # nothing that a graph could tell
    hints = Columns({a.key: [s + rng.normal(0, 0.3)] for a, s in zip(cells, scores, strict=True)}, 1)
    for predictor in (
        GaussianProcess(Features(("counts",), hints)),
        ExtraTrees(Features(("counts",), hints)),
    ):
        fitted = predictor.fit(cells[:80], scores[:80], stream(0))
        assert kendalltau(fitted.predict(cells[80:]).mean, scores[80:]).statistic > 0.6
