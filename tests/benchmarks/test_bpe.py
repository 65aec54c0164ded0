"""The authors' recipes: every number of their sheet, and parts of the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from morphogen.benchmarks import BPE
from morphogen.benchmarks.bpe import TRIALS
from morphogen.benchmarks.files import read_columns
from morphogen.comparing import compare
from morphogen.recipes import fidelity_of
from morphogen.records import Fidelity, Proposal
from morphogen.strategies import RandomSearch
from morphogen.strategies.minimum_importance_pruning import MinimumImportancePruning

RNG = np.random.default_rng(0)


def test_the_table_is_the_authors(data: Path) -> None:
    bpe = BPE(folder=data)
    table = bpe.estimator
    assert bpe.space.count() == 32 == len(table.rows)
    assert all(recipe in bpe.space for recipe in table.rows)
    assert [fidelity_of(recipe) for recipe in table.rows] == list(bpe.recipes)
    stored = read_columns(data / TRIALS, ["stored_correlation", "stored_mean"])
    assert table.column("spearman") == pytest.approx(stored["stored_correlation"], abs=1e-3)
    assert bpe.cheap.mean(axis=1) == pytest.approx(stored["stored_mean"], abs=1e-3)
    assert table.column("kendall")[[0, 22]] == pytest.approx([0.332, 0.570], abs=5e-4)
    assert bpe.best()[1] == pytest.approx(0.7553, abs=1e-4)
    assert fidelity_of(bpe.best()[0]) == Fidelity(
        epochs=300, resolution=32, channels=36, cells=20, batch_size=256, learning_rate=0.06, precision=16,
        cutout=0,
    )  # fmt: skip


def test_an_estimate_costs_the_training_of_all_ranked_cells(data: Path) -> None:
    for cells in ((), tuple(range(50))):
        bpe = BPE(cells, folder=data)
        estimate = bpe.estimator.estimate(Proposal(bpe.space.unrank(4)), RNG)
        assert estimate.cost == pytest.approx(0.0852 * 3600 * (len(cells) or 100))
        assert set(estimate.values) == {"spearman", "kendall", "gpu_hours"}


def test_parts_of_the_table(data: Path) -> None:
    cheap = BPE(within=0.55, folder=data)
    assert cheap.space.count() == 17 and cheap.hours.max() <= 0.55
    assert cheap.trials == (1, 5, 6, 8, 9, 10, 11, 13, 14, 15, 26, 27, 28, 29, 30, 31, 32)
    whole, half = BPE(folder=data), BPE(tuple(range(0, 100, 2)), within=0.55, folder=data)
    assert half.cheap == pytest.approx(whole.cheap[np.array(cheap.trials) - 1, ::2])
    assert BPE(objective="kendall", folder=data).estimator.metrics[0].name == "kendall"


def test_any_strategy_runs_on_it(data: Path) -> None:
    compared = compare(
        BPE(folder=data),
        {"random": RandomSearch(), "pruning": MinimumImportancePruning(recipes=4)},
        queries=20,
        seeds=2,
    )
    assert compared is not None


def test_wrong_words_are_refused(data: Path) -> None:
    for made, words in (
        (lambda: BPE(objective="rho"), "no objective 'rho'"),
        (lambda: BPE((1, 2)), "three cells or more"),
        (lambda: BPE((1, 2, 100)), "of 0 to 99"),
        (lambda: BPE(within=0), "no recipe within 0"),
    ):
        with pytest.raises(ValueError, match=words):
            made()
    with pytest.raises(LookupError, match="no recipe takes at most 0.001"):
        _ = BPE(within=0.001, folder=data).trials
