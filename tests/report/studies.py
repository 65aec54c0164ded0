"""Searches without training whose studies have everything that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import morphogen as mg
from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Failure, Metric, Proposal
from morphogen.strategies.strategy import Strategy
from morphogen.study.study import Study


@dataclass(frozen=True)
class Planted(Estimator):
    """Scores by the share of 3x3 convolutions and some noise, with a curve; one trial in `failing` fails."""

    noise: float = 0.02
    failing: int = 9
    epochs: int = 6

    @property
    def metrics(self) -> tuple[Metric, ...]:
        sizes = (Metric("parameters", maximize=False), Metric("latency", maximize=False, unit="ms"))
        return (Metric("accuracy"), Metric("loss", maximize=False), *sizes)

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        text = str(proposal.architecture)
        names = text.replace("(", " ").replace(",", " ").replace(")", " ").split()
        share = text.count("conv3x3") / len(names)
        if self.failing and rng.integers(self.failing) == 0:
            failure = Failure(
                "ValueError", f"<b>no</b> way {len(names)}", "Traceback: line 1", "its last words"
            )
            return Estimate(cost=0.5, failure=failure)
        best = 0.6 + 0.35 * share + self.noise * rng.normal()
        curve = tuple(
            {"accuracy": best * (1 - 0.5 ** (e + 1)) + self.noise * rng.normal() / 2, "loss": 2 * 0.7**e}
            for e in range(self.epochs)
        )
        size = 100 * len(names) + 900 * text.count("3x3") + 100 * text.count("1x1")
        values = {"accuracy": best, "loss": 2 * 0.7**self.epochs, "parameters": size, "latency": 0.01 * size}
        return Estimate(values, cost=1.0 + share, curve=curve)


@dataclass(frozen=True)
class Ranked(Estimator):
    """Ranks the candidates of a region by how long their texts are, and derives the longest of each."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("accuracy"), Metric("entropy"), Metric("parameters", maximize=False))

    @property
    def regions(self) -> bool:
        return True

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        whole, ranks = proposal.architecture, []
        for position in proposal.region:
            lengths = np.array([len(str(part)) for part in position.candidates], dtype=float)
            ranks.append(tuple((lengths / lengths.sum()).tolist()))
            whole = whole.replace(position.path, position.candidates[int(np.argmax(lengths))])
        values = {"accuracy": len(str(whole)) / 1000, "entropy": 0.9, "parameters": len(str(whole))}
        return Estimate(values, cost=3.0, ranks=tuple(ranks), derived=str(whole))


def searched(
    trials: int,
    strategy: Strategy[Any] | None = None,
    estimator: Estimator = Planted(),
    *,
    space: mg.Space | None = None,
    seed: int = 0,
    journal: str | None = None,
) -> Study:
    """Return the study of a search; in memory unless a file is named."""
    chosen = strategy or mg.strategies.RegularizedEvolution(population=20, tournament=8)
    limit = mg.Limit(trials=trials)
    where = space or mg.spaces.digits_small()
    return mg.search(where, chosen, estimator, journal, limit=limit, seed=seed, alike=trials + 1)


def regions(trials: int = 5) -> Study:
    """Return a study of regions."""
    strategy = mg.strategies.PseudoGradientEvolution()
    return searched(trials, strategy, Ranked(), space=mg.spaces.dag_chain())
