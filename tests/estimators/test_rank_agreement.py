"""Rank agreement: real small trainings on digits, a cache that goes on, and what cannot be ranked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.estimators.rank_agreement import RankAgreement, full_training
from morphogen.estimators.training import Training
from morphogen.journal.memory import Memory
from morphogen.networks.data import load
from morphogen.recipes import recipe_of, recipe_space
from morphogen.records import Estimate, Fidelity, Metric, Proposal
from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError
from morphogen.strategies.minimum_importance_pruning import MinimumImportancePruning
from morphogen.study.limits import Limit
from morphogen.study.loop import search

SPACE = Space.from_text(
    "NET -> chain(OP, DOWN, OP)\n"
    "OP -> identity | conv1x1 | conv3x3 | avg_pool | max_pool\n"
    "DOWN -> conv3x3_down | max_pool_down | resblock",
    "small",
)


@dataclass(frozen=True)
class Planted(Estimator):
    """Counts convolutions; noise shrinks with epochs and data. Counts its own calls in a file."""

    calls: str | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("loss", maximize=False), Metric("accuracy"))

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        if self.calls:
            with Path(self.calls).open("a") as file:
                file.write(".")
        fidelity = proposal.fidelity
        if fidelity.resolution == 2 and "down" in str(proposal.architecture):
            raise ValueError("more downsampling than pixels")
        if fidelity.channels == 1:
            return Estimate({"loss": 1.0, "accuracy": 0.5}, 1.0)
        work = (fidelity.epochs or 100) * (fidelity.fraction or 1.0)
        good = str(proposal.architecture).count("conv") + 0.3 * str(proposal.architecture).count("avg")
        return Estimate({"loss": -good - rng.normal() * 3 / work, "accuracy": good}, work)


def networks(count: int = 20) -> tuple[Architecture, ...]:
    rng = stream(0)
    return tuple(sorted({SPACE.sample(rng) for _ in range(2 * count)}))[:count]


def planted(count: int = 20, **settings: str) -> RankAgreement:
    estimator = Planted()
    return RankAgreement(estimator, networks(count), full_training(estimator, networks(count)), **settings)


def estimate(agreement: RankAgreement, seed: int = 0, **recipe: float) -> Estimate:
    return agreement.estimate(Proposal(recipe_of(Fidelity(**recipe))), stream(seed))  # type: ignore[arg-type]


def test_more_training_agrees_better_and_costs_more() -> None:
    little = [estimate(planted(), seed, epochs=1) for seed in range(3)]
    much = [estimate(planted(), seed, epochs=30) for seed in range(3)]
    assert np.mean([e.values["spearman"] for e in little]) + 0.2 < np.mean(
        [e.values["spearman"] for e in much]
    )
    for found in (*little, *much):
        v = found.values
        assert v["spearman_low"] <= v["spearman"] <= v["spearman_high"]
        assert v["kendall_low"] <= v["kendall"] <= v["kendall_high"]
        assert v["seconds"] == found.cost / 20
    assert little[0].cost == 20 and much[0].cost == 600


def test_what_less_is_better_of_is_turned_round() -> None:
    by_loss, by_accuracy = planted(), replace(planted(), score="accuracy")
    assert estimate(by_accuracy, epochs=1).values["spearman"] > 0.9
    assert estimate(by_loss, epochs=100).values["spearman"] > 0.9


def test_an_interrupted_recipe_goes_on(tmp_path: Path) -> None:
    cache, calls = tmp_path / "cache.jsonl", tmp_path / "calls"
    counting = Planted(str(calls))
    truth = full_training(counting, networks(), cache=cache)
    assert len(calls.read_text()) == 60
    assert full_training(counting, networks(), cache=cache) == truth
    assert len(calls.read_text()) == 60, "the truth is trained once"
    agreement = RankAgreement(counting, networks(), truth, cache=str(cache))
    whole = estimate(agreement, epochs=2)
    assert len(calls.read_text()) == 80
    lines = cache.read_text().splitlines(keepends=True)
    cache.write_text("".join(lines[:-8]) + lines[-8][:20])  # cut within a line
    assert estimate(agreement, epochs=2) == whole
    assert len(calls.read_text()) == 88
    assert estimate(agreement, seed=1, epochs=2) != whole, "another trial trains anew"
    assert all("key" in json.loads(line) for line in lines)


def test_recipes_that_rank_nothing_fail_with_the_reason() -> None:
    constant = estimate(planted(), channels=1)
    assert constant.failure and "all references have loss -1 by this recipe" in constant.failure.message
    unfit = estimate(planted(), resolution=2)
    assert unfit.failure and "references cannot be trained so: more downsampling" in unfit.failure.message
    assert not unfit.values


def test_a_few_references_may_fail() -> None:
    some = tuple(a for a in networks(40) if "down" not in str(a))[:9]
    one = next(a for a in networks(40) if "down" in str(a))
    truth = (*range(9), -1.0)
    found = estimate(RankAgreement(Planted(), (*some, one), truth), resolution=2, epochs=50)
    assert found.failure is None and -1 <= found.values["spearman"] <= 1


def test_references_and_truths_that_cannot_be() -> None:
    some = networks(6)
    for references, truth, words in (
        (some[:4], (1.0, 2.0, 3.0, 4.0), "5 references or more"),
        (some[:5] + some[:1], (1.0,) * 6, "each once"),
        (some, (1.0, 2.0), "6 references need as many finite values of truth, got 2"),
        (some, (1.0, 2.0, 3.0, 4.0, 5.0, float("nan")), "finite"),
        (some, (1.0,) * 6, "no order to agree about"),
    ):
        with pytest.raises(ValueError, match=words):
            RankAgreement(Planted(), references, truth)
    with pytest.raises(ValueError, match="no metric 'error'; it has loss, accuracy"):
        planted(score="error")
    with pytest.raises(SpaceError, match="is not a setting of a recipe"):
        planted().rehearse(SPACE, stream(0))
    with pytest.raises(SpaceError, match="is not a setting of a recipe"):
        planted().estimate(Proposal(networks()[0]), stream(0))


def test_pruning_runs_on_real_trainings() -> None:
    """Six networks on 4x4 digits: every recipe is trained, its cost is measured, and a front comes out."""
    training = Training(load("digits"), epochs=1, channels=4, batch_size=64, device="cpu")
    some, small = networks(6), Fidelity(resolution=4, fraction=0.3)
    truth = full_training(training, some, score="loss", repeats=1, fidelity=small)
    assert all(value < 0 for value in truth), "a loss, turned round"
    agreement = RankAgreement(training, some, truth, score="loss", resamples=100)
    recipes = recipe_space({"fraction": [0.1, 0.2], "resolution": [4, 8], "learning_rate": [0.1, 0.02]})
    strategy = MinimumImportancePruning(recipes=2)
    study = search(recipes, strategy, agreement, Memory(), limit=Limit(trials=3))
    assert all(trial.succeeded for trial in study.trials), [t.estimate for t in study.trials]
    state = strategy.read(recipes, Metric("spearman"), study.trials)
    assert len(state.order) == 1
    assert strategy.front(state)[0].cost == min(known.cost for known in state.told)


def test_training_refuses_what_it_cannot_do() -> None:
    training = Training(load("digits"), device="cpu")
    for fidelity in (Fidelity(precision=16), Fidelity(cutout=4)):
        with pytest.raises(ValueError, match="leave cutout and precision out"):
            training.estimate(Proposal(SPACE.unrank(0), fidelity), stream(0))
