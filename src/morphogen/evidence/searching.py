"""Searches of a table for evidence: until a score is reached, so that nothing is paid for what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.sample_efficiency import hitting_times
from morphogen.architecture import Architecture
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.predictors.acquisition import Acquisition
from morphogen.predictors.predictor import Belief, Floats, Model, Predictor
from morphogen.records import Estimate, Trial
from morphogen.seeding import stream
from morphogen.strategies.strategy import Strategy

TOP: Final = 0.001
"""The share of the rows that is the target."""


def answers(
    benchmark: Benchmark, strategy: Strategy[Any], queries: int, seed: int, enough: float = np.inf
) -> NDArray[np.float64]:
    """Return the scores that one search is told `[queries]`, larger is better.

    They are those of `search` with one worker. It ends at the first score of `enough`; the rest is filled with
    it.
    """
    table = benchmark.estimator
    metric = table.metrics[0]
    told = np.full(queries, enough)
    state = strategy.start(benchmark.space, metric)
    for number in range(queries):
        state = strategy.learn(state)
        proposal = strategy.ask(state, stream(seed, number))
        assert proposal is not None, "the table has more rows than that"
        trial = Trial(number, proposal)
        state = strategy.tell(state, trial)
        estimate: Estimate = table.estimate(proposal, stream(seed, number, "estimate"))
        trial = trial.told(estimate)
        told[number] = metric.score(trial)
        if told[number] >= enough:
            break
        state = strategy.tell(state, trial)
    return told


def truth(benchmark: Benchmark) -> NDArray[np.float64]:
    """Return the scores of all rows; larger is better."""
    return benchmark.estimator.scores()


def target(benchmark: Benchmark, top: float = TOP) -> float:
    """Return the score of the last row of the best share `top`, at least of the best row."""
    scores = np.sort(truth(benchmark))[::-1]
    return float(scores[max(1, int(top * len(scores))) - 1])


def hit(benchmark: Benchmark, strategy: Strategy[Any], top: float, seed: int, budget: int) -> float:
    """Return the queries of one search to a score of `top`; infinity beyond the budget."""
    return float(hitting_times(answers(benchmark, strategy, budget, seed, top)[None], top)[0])


@final
@dataclass(frozen=True)
class Permuted(Predictor):
    """A predictor that learns from scores dealt out anew: the control of everything that seems to learn."""

    predictor: Predictor

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn from the same targets in another order."""
        return self.predictor.learn(architectures, rng.permutation(targets), rng)


@final
@dataclass(frozen=True)
class Shuffled(Acquisition):
    """An acquisition whose values are dealt out among the candidates: a search without a choice of its own."""

    acquisition: Acquisition

    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        """Return the same values in another order."""
        return rng.permutation(self.acquisition.value(belief, best, rng))
