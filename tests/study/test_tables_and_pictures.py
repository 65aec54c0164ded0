"""A study as tables of pandas and as pictures of matplotlib: all that the journal tells, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from searches import EVOLUTION, TINY, Behaves, InOrder, Smooth

from morphogen.estimators.training import Training
from morphogen.networks.data import load
from morphogen.records import Fidelity, Metric, Proposal, Trial
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.space import Space
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.strategy import Strategy
from morphogen.study import Limit, SearchStopped, Study, search

matplotlib.use("agg")
from matplotlib import pyplot


@pytest.fixture(scope="module")
def study() -> Study:
    return search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=40), seed=3)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def test_the_frame_holds_each_trial(study: Study) -> None:
    frame = study.frame()
    assert list(frame.columns) == [
        *("state", "accuracy", "size", "took", "cost", "architecture", "parent", "failure")
    ]
    assert frame.index.name == "trial" and list(frame.index) == list(range(40))
    assert (frame.state == "failed").sum() == len(study.failures) > 0
    assert frame.accuracy.idxmax() == study.best().number
    for trial in study.trials:
        row = frame.loc[trial.number]
        assert row.architecture == str(trial.architecture)
        assert trial.estimate is not None
        if trial.succeeded:
            assert row["size"] == trial.estimate.values["size"] and row.cost == trial.estimate.cost
        else:
            assert math.isnan(row.accuracy) and row.failure.startswith("RuntimeError: unlucky")
    parents = {trial.number: trial.proposal.parent for trial in study.trials}
    assert {n: None if p is frame.parent.iloc[0] else int(p) for n, p in frame.parent.items()} == parents


def test_the_best_by_pandas_is_the_best(study: Study) -> None:
    frame = study.frame()
    small = frame[frame["size"] == 1].sort_values("accuracy", ascending=False)
    assert 0 < len(small) < 40 and small.accuracy.is_monotonic_decreasing


def test_curves_have_a_row_an_epoch(study: Study) -> None:
    curves = study.curves()
    assert list(curves.columns) == ["trial", "epoch", "accuracy", "took"]
    assert len(curves) == 40 - len(study.failures)


class AtEpochs(Strategy[int]):
    """Asks for one architecture with more and more epochs."""

    def start(self, space: Space, metric: Metric) -> int:
        return 0

    def ask(self, state: int, rng: np.random.Generator) -> Proposal:
        return Proposal(TINY.unrank(0), Fidelity(epochs=state + 1))

    def tell(self, state: int, trial: Trial) -> int:
        return state + trial.pending


def test_fidelities_have_columns_where_they_are_asked(study: Study) -> None:
    frame = search(TINY, AtEpochs(), Smooth(), limit=Limit(trials=3)).frame()
    assert list(frame.fidelity_epochs) == [1, 2, 3]
    assert "fidelity_epochs" not in study.frame()


def test_refused_trials_say_why_and_are_not_drawn() -> None:
    space = digits_small()
    training = Training(load("digits"), epochs=1, channels=4)
    study = search(
        space, RandomSearch(), training, limit=Limit(trials=1), constraints=["parameters<=1500"], seed=1
    )
    frame = study.frame()
    assert len(study.refused) == (frame.state == "refused").sum() > 0
    assert frame.refused.notna().sum() == len(study.refused)
    assert len(offsets(study.plot_history(), 0)) == 1
    html = study._repr_html_()
    assert f"1 trial finished, {len(study.refused)} refused" in html


def test_a_study_without_a_finished_trial_has_tables_and_pictures(tmp_path: Path) -> None:
    with pytest.raises(SearchStopped):
        search(TINY, InOrder(), Behaves(("raise",) * 9), tmp_path / "j.db", limit=Limit(trials=9))
    study = Study.open(tmp_path / "j.db")
    frame = study.frame()
    assert set(frame.state) == {"failed"} and frame.failure.notna().all()
    assert len(study.curves()) == 0
    assert study.plot_history().get_xlabel() == "trial"
    assert "failed" in study._repr_html_()
    with pytest.raises(LookupError, match="no trial has a learning curve"):
        study.plot_curves()


def offsets(axes: Any, number: int) -> Any:
    return np.asarray(axes.collections[number].get_offsets())


def test_the_history_is_that_of_the_trials(study: Study) -> None:
    axes = study.plot_history()
    done = [trial for trial in study.trials if trial.succeeded]
    values = [trial.estimate.values["accuracy"] for trial in done if trial.estimate]
    np.testing.assert_array_equal(offsets(axes, 0)[:, 1], values)
    best = axes.lines[0].get_ydata()
    np.testing.assert_array_equal(best[:-1], np.maximum.accumulate(values))
    assert axes.lines[1].get_xdata().tolist() == [trial.number for trial in study.failures]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("trial", "accuracy")
    falling = study.plot_history("size").lines[0].get_ydata()
    assert (np.diff(falling) <= 0).all()
    assert study.plot_history("took").get_ylabel() == "took (s)"


def test_the_frontier_is_drawn_over_the_trials(study: Study) -> None:
    axes = study.plot_frontier()
    pair = study.frontier(["accuracy", "size"])
    front = {(t.estimate.values["size"], t.estimate.values["accuracy"]) for t in pair if t.estimate}
    assert set(zip(*axes.lines[0].get_data(), strict=True)) == front
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("size", "accuracy")
    assert study.plot_frontier("took").get_xlabel() == "took (s)"
    with pytest.raises(LookupError, match="knows accuracy, size, took, not speed"):
        study.plot_frontier("speed")


def test_curves_are_drawn_and_unknown_ones_named(study: Study) -> None:
    assert len(study.plot_curves(trials=4).lines) == 4
    with pytest.raises(LookupError, match="hold no train_loss: they hold accuracy, took"):
        study.plot_curves("train_loss")


def test_it_draws_where_it_is_told_to(study: Study) -> None:
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    assert study.plot_history(axes=axes) is axes
    assert pyplot.get_fignums() == []
