"""The contract of search strategies, held against the whole catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from morphogen import catalog
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.strategies.candidates import Full, Mixed, Mutants, Neighbours
from morphogen.strategies.listed import Listed
from morphogen.strategies.predictor_guided import PredictorGuided
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.strategies.seen import Unique
from morphogen.testing import strategies

# How long the searches of a check are, for strategies that think longer than a moment.
BRIEF = {"trials": 24, "proposals": 80, "seeds": 6}
SHORTER: dict[str, dict[str, int]] = dict.fromkeys(
    ("predictor_guided", "bananas", "npenas", "brp_nas", "neural_predictor"), BRIEF
) | {
    "minimum_importance_pruning": {"trials": 30, "proposals": 120, "seeds": 6},
    "neural_predictor": {"trials": 24, "proposals": 80, "seeds": 16},
}

# What the presets are here: their loop, their kind of pool and their acquisition, with a predictor of a millisecond
# (all predictors have a contract of their own) and rounds that fit into so short a search.
SMALLER: dict[str, dict[str, Any]] = {
    name: {"predictor": GaussianProcess(), "k": 4, "initial": 6}
    for name in ("bananas", "npenas", "brp_nas", "neural_predictor")
}
for name in ("brp_nas", "neural_predictor"):
    SMALLER[name]["pool"] = Full(most=100, sample=300)


def made(entry: catalog.Entry) -> strategies.Strategy[Any]:
    strategy = entry.load()()
    return dataclasses.replace(strategy, **SMALLER.get(entry.name, {}))


CASES = [
    pytest.param(check, id=f"{entry.name}: {name}")
    for entry in catalog.entries("strategy")
    for name, check in strategies.checks(made(entry), **SHORTER.get(entry.name, {}))
]

# Other settings of the same methods: what a default hides.
VARIANTS = [
    RegularizedEvolution(population=1, tournament=1),
    RandomSearch(over="productions"),
    RandomSearch(unique=Unique.ARCHITECTURE),
]


@pytest.mark.parametrize("check", CASES)
def test_strategies(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("strategy", VARIANTS, ids=repr)
def test_variants(strategy: strategies.Strategy[object]) -> None:
    setting = strategies.Setting(strategy)
    for check in (
        strategies.asking_leaves_the_state,
        strategies.a_cut_search_goes_on_alike,
        strategies.failures_are_survived,
    ):
        check(setting)


@pytest.mark.parametrize("entry", list(catalog.entries("strategy")), ids=lambda entry: entry.name)
def test_no_strategy_refuses_a_space(entry: catalog.Entry) -> None:
    strategy, space = made(entry), hierarchical201()
    if isinstance(strategy, PredictorGuided):  # graphs of a thousand vertices: few of them will do
        rules = Neighbours(parents=2, most=5), Mutants(5), Full(sample=5)
        strategy = dataclasses.replace(strategy, pool=Mixed(rules), initial=3)
    for trial in strategies.search(strategy, space, strategies.planted, 25, workers=2):
        assert space.contains(trial.architecture)


def test_an_exception_takes_a_check_out() -> None:
    excused = {name for name, _ in strategies.checks(RandomSearch())}
    assert "random search is beaten" not in excused
    assert len(excused) == len(strategies.CHECKS) - 1
    assert len(list(strategies.checks(Listed()))) == len(strategies.CHECKS) - 2
