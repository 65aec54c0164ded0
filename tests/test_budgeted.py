"""Budgeted performance estimation: what fits the data, the front, the picks, and the lead on early stopping."""

from __future__ import annotations

import numpy as np
import pytest

from morphogen import budgeted
from morphogen.budgeted import Known
from morphogen.estimators.training import Training
from morphogen.networks.data import load
from morphogen.recipes import fidelity_of, recipe_of
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.digits_small import digits_small

TRUTH = tuple(range(20))


def known(seconds: float, spearman: float, scores: tuple[float, ...] = TRUTH, low: float = -1.0) -> Known:
    recipe = recipe_of(Fidelity(learning_rate=seconds))
    values = {"spearman": spearman, "seconds": seconds, "spearman_low": low, "spearman_high": 1.0}
    return Known(Trial(0, Proposal(recipe), Estimate(values, seconds)), scores)


def noisy(amount: float, seed: int) -> tuple[float, ...]:
    return tuple((np.array(TRUTH) + amount * stream(seed).normal(size=len(TRUTH))).tolist())


def training(**settings: int) -> Training:
    return Training(load("digits"), **settings)  # type: ignore[arg-type]


def test_the_front_and_the_picks() -> None:
    recipes = [known(1, 0.3), known(2, 0.6), known(3, 0.5), known(4, 0.7, low=0.5), known(20, 0.9)]
    assert [each.seconds for each in budgeted.front(recipes)] == [1, 2, 4, 20]
    cheap, accurate = budgeted.picks(recipes, 10)
    assert (cheap.seconds, accurate.seconds) == (2, 4)
    with pytest.raises(ValueError, match=r"the cheapest takes 1 s"):
        budgeted.picks(recipes, 0.5)


def test_the_lead_tells_a_better_recipe_from_a_worse_one() -> None:
    good = [known(1, 0.9, noisy(2, seed)) for seed in range(5)]
    poor = [known(1, 0.9, noisy(100, seed)) for seed in range(5)]
    better = budgeted.lead(good, poor[:1], TRUTH, 1.0, stream(0))
    worse = budgeted.lead(poor, good[:1], TRUTH, 1.0, stream(0))
    assert better is not None and worse is not None
    assert better.gain > 0.3 and better.low > 0
    assert worse.gain < -0.3 and worse.high < 0.1
    alike = budgeted.lead(poor, poor[:1], TRUTH, 1.0, stream(0))
    assert alike is not None and alike.low < 0 < alike.high
    assert budgeted.lead(good, [], TRUTH, 1.0, stream(0)) is None
    assert budgeted.lead(good, good, TRUTH[:8], 1.0, stream(0)) is None


def test_what_was_stopped_at_equal_cost_is_compared() -> None:
    early = [known(1, 0.3), known(2, 0.6), known(4.3, 0.7)]
    found = budgeted.rival(early, 4)
    assert found is not None and found.seconds == 4.3
    assert budgeted.rival(early, 0.5) is None


def test_knobs_fit_the_data() -> None:
    trained = training(epochs=20, channels=16)
    full = budgeted.full_fidelity(trained)
    assert full == Fidelity(
        epochs=20, fraction=1, resolution=8, channels=16, cells=1, batch_size=64, learning_rate=0.1
    )
    flat, deep = (
        Space.from_text(f"NET -> chain({', '.join(['max_pool_down'] * n)}, conv3x3)") for n in (1, 3)
    )
    found = budgeted.fitting_knobs(full, trained, [flat.unrank(0)])
    assert found["epochs"] == (1, 2, 4, 8) and found["resolution"] == (4, 8)
    assert found["batch_size"] == (256, 64, 16) and "cells" not in found
    assert "resolution" not in budgeted.fitting_knobs(full, trained, [flat.unrank(0), deep.unrank(0)])
    assert "fraction" not in budgeted.fitting_knobs(Fidelity(fraction=0.02).over(full), trained, [])
    short = budgeted.fitting_knobs(Fidelity(epochs=2).over(full), trained, [])
    assert "epochs" not in short


def test_stopped_trainings_take_different_numbers_of_steps() -> None:
    few = training(epochs=1, batch_size=512)
    stops = budgeted.stopped(budgeted.full_fidelity(few), few)
    assert len(stops) == 1
    stops = budgeted.stopped(budgeted.full_fidelity(training(epochs=40)), training(epochs=40))
    parts = [fidelity_of(stop).stop or 0 for stop in stops]
    assert parts == sorted(parts) and len(parts) == len(budgeted.STOPS) and sum(parts) < 1


def test_references_fit_and_are_different() -> None:
    trained = training(epochs=2)
    full = budgeted.full_fidelity(trained)
    found = budgeted.references(digits_small(), trained, full, 10, 0)
    assert len({a.key for a in found}) == 10
    assert found == budgeted.references(digits_small(), trained, full, 10, 0)
    small = Space.from_text("NET -> chain(OP)\nOP -> conv1x1 | conv3x3", "two")
    with pytest.raises(ValueError, match="two has 2 different networks that fit"):
        budgeted.references(small, trained, full, 10, 0)
    deep = Space.from_text(f"NET -> chain({', '.join(['D'] * 4)})\nD -> max_pool_down | conv3x3_down", "deep")
    with pytest.raises(ValueError, match="0 different networks that fit the images"):
        budgeted.references(deep, trained, full, 5, 0)


def test_truth_is_read_from_repeats_and_leaves_out_what_failed() -> None:
    space = Space.from_text("NET -> conv1x1 | conv3x3 | avg_pool", "three")

    def trial(number: int, loss: float | None) -> Trial:
        failure = Failure("Diverged", "nan") if loss is None else None
        estimate = Estimate({} if failure else {"loss": loss or 0.0}, 2.0, failure=failure)
        return Trial(number, Proposal(space.unrank(number % 3)), estimate)

    trials = [trial(0, 1.0), trial(1, 2.0), trial(2, 3.0), trial(3, 1.5), trial(4, None), trial(5, 2.0)]
    kept, truth, seconds = budgeted.truth_of(trials, Metric("loss", maximize=False), 3, 2)
    assert kept == [0, 2] and truth.tolist() == [[-1.0, -3.0], [-1.5, -2.0]] and seconds == 2.0
    assert list(budgeted.reasons(trials)) == ["nan"]
    assert budgeted.noise_ceiling(np.array([[1.0, 2, 3], [1, 3, 2]])) == pytest.approx(0.5)
    assert budgeted.noise_ceiling(np.array([[1.0, 2, 3]])) is None
