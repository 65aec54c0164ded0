"""Minimum-importance pruning: the paper's rounds step by step, its picks, and its law of cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from morphogen.recipes import fidelity_of, recipe_of, recipe_space
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal, Trial
from morphogen.strategies.minimum_importance_pruning import MinimumImportancePruning, Price, Pruning
from morphogen.testing.strategies import SCORE, search

SPACE = recipe_space(
    {"epochs": [1, 2, 4, 8], "fraction": [0.25, 0.5, 1.0], "channels": [4, 8], "batch_size": [64, 16]}
)


def cost(recipe: Fidelity) -> float:
    assert recipe.epochs and recipe.fraction and recipe.channels and recipe.batch_size
    return recipe.epochs * recipe.fraction * recipe.channels**0.5 * 100 / recipe.batch_size**0.3


def score(recipe: Fidelity) -> float:
    """Epochs matter most, then data; width hardly; the size of a batch not at all."""
    assert recipe.epochs and recipe.fraction and recipe.channels
    return 0.2 * np.log2(recipe.epochs) + 0.15 * recipe.fraction + 0.01 * (recipe.channels == 8)


def measured(trial: Trial) -> Estimate:
    recipe = fidelity_of(trial.architecture)
    return Estimate({"score": score(recipe)}, cost(recipe))


def run(
    strategy: MinimumImportancePruning, trials: int = 48, objective: Callable[[Trial], Estimate] = measured
) -> tuple[Pruning, list[Trial]]:
    events = search(strategy, SPACE, objective, trials)
    return strategy.read(SPACE, SCORE, [t for t in events if not t.pending]), events


def asked(events: list[Trial]) -> list[Fidelity]:
    return [fidelity_of(trial.architecture) for trial in events if trial.pending]


def test_the_paper_s_rounds() -> None:
    """The cheapest of what is left; after each round one knob fewer, fixed at its cheapest; then no more."""
    strategy = MinimumImportancePruning(recipes=6, passes=1)
    state, events = run(strategy)
    assert set(state.order[:2]) == {"channels", "batch_size"}, "what hardly matters goes first"
    assert len(state.free) == 1
    cheapest = {"epochs": 1, "fraction": 0.25, "channels": 4, "batch_size": 64}
    levels = {state.knobs[k].name: state.knobs[k].numbers[level] for k, level in state.fixed}  # type: ignore[index]
    assert levels == {name: cheapest[name] for name in state.order}
    recipes = asked(events)
    assert len(recipes) == len(set(recipes)) < 48
    assert recipes[0] == Fidelity(epochs=1, fraction=0.25, channels=4, batch_size=64)
    assert {getattr(recipe, state.order[0]) for recipe in recipes[6:]} == {levels[state.order[0]]}


def test_cheapest_first_follows_measured_cost_not_the_order_of_values() -> None:
    """Here long training is quick, as it never is: what counts is what was measured."""

    def odd(trial: Trial) -> Estimate:
        recipe = fidelity_of(trial.architecture)
        return Estimate({"score": score(recipe)}, 1 / cost(recipe))

    _, events = run(MinimumImportancePruning(recipes=6), 24, odd)
    recipes = asked(events)
    assert np.mean([1 / cost(r) for r in recipes[12:24]]) < np.mean([1 / cost(r) for r in recipes[:6]])


def test_the_law_of_cost_knows_what_was_not_measured() -> None:
    strategy = MinimumImportancePruning()
    cheap = [r for r in map(fidelity_of, SPACE.enumerate()) if (r.epochs or 0) <= 2][::2]
    trials = [Trial(n, Proposal(recipe_of(recipe))) for n, recipe in enumerate(cheap)]
    state = strategy.start(SPACE, SCORE)
    for trial in trials:
        state = strategy.tell(strategy.tell(state, trial), trial.told(measured(trial)))
    epochs = np.exp(Price.of(state).levels(0))
    assert epochs[1] / epochs[0] == pytest.approx(2, rel=0.1)
    assert epochs[3] / epochs[0] == pytest.approx(8, rel=0.3), "8 epochs were never measured"


@pytest.mark.parametrize(("fix", "level"), [("cheapest", 4), ("best", 8), ("gain", 4)])
def test_where_a_pruned_knob_is_put(fix: Any, level: int) -> None:
    """Twice the channels costs 41 % and gains 0.01: elsewhere that cost buys more."""
    strategy = MinimumImportancePruning(recipes=48, draw="uniform", fix=fix)
    state, _ = run(strategy, 49)
    pruned = dict(state.fixed)
    channels = [knob.name for knob in state.knobs].index("channels")
    assert channels in pruned
    assert state.knobs[channels].numbers[pruned[channels]] == level  # type: ignore[index]


def test_the_front_and_both_picks() -> None:
    strategy = MinimumImportancePruning()
    told = [(1.0, 0.3), (2.0, 0.2), (2.0, 0.5), (4.0, 0.5), (9.0, 0.8), (12.0, 0.7)]
    recipes = list(SPACE.enumerate())
    trials = [
        Trial(n, Proposal(recipes[n]), Estimate({"score": value}, seconds))
        for n, (seconds, value) in enumerate(told)
    ]
    state = strategy.read(SPACE, SCORE, trials)
    assert [known.number for known in strategy.front(state)] == [0, 2, 4]
    assert strategy.pick(state) == recipes[4]
    assert strategy.pick(state, limit=4.0) == recipes[2]
    with pytest.raises(ValueError, match=r"at most 0.5 s \(the cheapest takes 1 s\); give a higher limit"):
        strategy.pick(state, limit=0.5)
    with pytest.raises(ValueError, match="there is none"):
        strategy.pick(strategy.start(SPACE, SCORE))


def test_a_forest_picks_what_was_never_measured() -> None:
    """The measured agreement of one recipe is luck; the forest is not taken in, and stays within the limit."""

    def lucky(trial: Trial) -> Estimate:
        recipe = fidelity_of(trial.architecture)
        luck = 0.5 * (recipe == Fidelity(epochs=1, fraction=0.25, channels=4, batch_size=64))
        return Estimate({"score": score(recipe) + luck}, cost(recipe))

    strategy = MinimumImportancePruning(recipes=30, draw="uniform")
    state, _ = run(strategy, 30, lucky)
    forest = MinimumImportancePruning(choose="forest").pick(state, limit=120.0)
    assert cost(fidelity_of(forest)) <= 120 * 1.2
    every = [r for r in map(fidelity_of, SPACE.enumerate()) if cost(r) <= 120]
    assert score(fidelity_of(forest)) >= np.quantile([score(r) for r in every], 0.8)


def test_equal_agreements_and_failures_only_delay() -> None:
    def constant(trial: Trial) -> Estimate:
        return Estimate({"score": 0.5}, cost(fidelity_of(trial.architecture)))

    def failing(trial: Trial) -> Estimate:
        return Estimate(failure=Failure("ShapeError", "too small"), cost=1.0)

    for objective in (constant, failing):
        state, events = run(MinimumImportancePruning(recipes=4), 60, objective)
        assert state.order == ()
        assert len(set(asked(events))) == 48, "all recipes were tried"


def test_the_improved_form_draws_dearer_recipes_and_finds_better_ones() -> None:
    paper, improved = MinimumImportancePruning(), MinimumImportancePruning.improved()
    assert (improved.draw, improved.fix, improved.choose) == ("weighted", "best", "forest")
    first = [np.mean([cost(r) for r in asked(run(s, 8)[1])]) for s in (paper, improved)]
    assert first[1] > 2 * first[0]
    found = [score(fidelity_of(s.pick(run(s, 12)[0]))) for s in (paper, improved)]
    assert found[1] > found[0]


def test_settings_that_cannot_be() -> None:
    for settings, words in (
        ({"recipes": 1}, "two recipes or more"),
        ({"draw": "dearest"}, "draw is one of cheapest, weighted, uniform, not 'dearest'"),
        ({"fix": ""}, "fix is one of"),
        ({"choose": "best"}, "choose is one of"),
    ):
        with pytest.raises(ValueError, match=words):
            MinimumImportancePruning(**settings)  # type: ignore[arg-type]


def test_less_is_better_for_a_metric_that_says_so() -> None:
    strategy = MinimumImportancePruning()
    loss = Metric("loss", maximize=False)
    trials = [
        Trial(n, Proposal(recipe), Estimate({"loss": float(n)}, 1.0 + n))
        for n, recipe in enumerate(SPACE.enumerate())
    ]
    assert strategy.pick(strategy.read(SPACE, loss, trials)) == SPACE.unrank(0)
