"""Predictor-guided search: ask for what a predictor, fitted to all that is known, likes best of a pool.

The loop is that of Mauch et al. (2020), reconstructed; BANANAS, NPENAS, BRP-NAS and the Neural Predictor are
settings of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from types import MappingProxyType
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.goals import bounded
from morphogen.predictors.acquisition import Acquisition, ExpectedImprovement, Greedy, ThompsonSampling
from morphogen.predictors.features import Features
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.predictors.graph_network import GraphNetwork
from morphogen.predictors.mlp_ensemble import MLPEnsemble
from morphogen.predictors.pairwise_ranker import PairwiseRanker
from morphogen.predictors.predictor import Fitted, Predictor
from morphogen.records import Goal, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces.space import Space
from morphogen.strategies.candidates import Candidates, Full, Mixed, Mutants, Score, Situation
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class Guided:
    """What was found out, in the order it came, and what is left to ask of this round."""

    space: Space
    metric: Goal
    seen: Seen
    architectures: tuple[Architecture, ...] = ()
    scores: tuple[float, ...] = ()
    asked: int = 0
    queue: tuple[Architecture, ...] = ()
    first: str = ""


@dataclass(frozen=True)
class PredictorGuided(Strategy[Guided]):
    """Fit a predictor, draw a pool, ask for the best of it by an acquisition; and again.

    Use it where a training costs more than a few milliseconds. The defaults are one setting for every space.

    predictor: fitted to all finished trials at the beginning of each round. pool: the rule that draws the
    candidates of a round. acquisition: how they are ranked. k: proposals a round; 1 is best per query, more
    cost less thought and suit many workers. initial: uniform random architectures before the first fit.
    explored: the share of each round that is drawn uniformly at random. unique: what is never asked twice.
    warm_start: a cheap score; the initial architectures are then the best of `warm_pool` random ones each.
    """

    predictor: Predictor = field(default_factory=GaussianProcess)
    pool: Candidates = Mixed()
    acquisition: Acquisition = ExpectedImprovement()
    k: int = 1
    initial: int = 3
    explored: float = 0.0
    unique: Unique = Unique.NETWORK
    warm_start: Score | None = None
    warm_pool: int = 20

    def __post_init__(self) -> None:
        for name in ("k", "initial", "warm_pool"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if not 0 <= self.explored <= 1:
            raise ValueError(f"explored is a share, 0 to 1, not {self.explored}")

    def start(self, space: Space, metric: Goal) -> Guided:
        return Guided(space, metric, Seen(self.unique))

    def learn(self, state: Guided) -> Guided:
        """Fill the queue where a round begins. Its randomness is a function of the story, as all of it is."""
        if state.queue or state.asked < self.initial or len(set(state.scores)) < 2:
            return state
        rng, scores = stream(0, state.first, state.asked), bounded(state.scores)
        fitted = self.predictor.fit(state.architectures, scores, rng)
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        best = tuple(state.architectures[i] for i in order)
        score = partial(self._value, fitted, scores[order[0]], rng)
        situation = Situation(state.space, best, score, state.first, state.asked)
        pool = list(dict.fromkeys(self.pool.draw(situation, rng)))
        queue: dict[str, Architecture] = {}
        wanted = self.k - round(self.explored * self.k)
        for place in np.argsort(-score(pool), kind="stable") if wanted else ():
            if pool[place] not in state.seen:  # asked of the best only: a key takes its time
                queue.setdefault(self._name(pool[place]), pool[place])
                if len(queue) == wanted:
                    break
        taken = reduce(Seen.add, queue.values(), state.seen)
        for _ in range(self.k - wanted):
            if drawn := taken.fresh(state.space, rng, state.space.sample):
                queue.setdefault(self._name(drawn), drawn)
                taken = taken.add(drawn)
        return replace(state, queue=tuple(queue.values()))

    def _value(
        self, fitted: Fitted, best: float, rng: np.random.Generator, architectures: Sequence[Architecture]
    ) -> NDArray[np.float64]:
        return self.acquisition.value(fitted.predict(architectures), float(fitted.scale(best)), rng)

    def _name(self, architecture: Architecture) -> str:
        return architecture.key if self.unique is Unique.NETWORK else str(architecture)

    def ask(self, state: Guided, rng: np.random.Generator) -> Proposal | None:
        if state.queue:
            return Proposal(state.queue[0])
        drawn = state.seen.fresh(state.space, rng, partial(self._first, state.space))
        return Proposal(drawn) if drawn else None

    def _first(self, space: Space, rng: np.random.Generator) -> Architecture:
        if self.warm_start is None:
            return space.sample(rng)
        pool = [space.sample(rng) for _ in range(self.warm_pool)]
        return pool[int(np.argmax(self.warm_start(pool)))]

    def tell(self, state: Guided, trial: Trial) -> Guided:
        if trial.pending:
            return replace(
                state,
                seen=state.seen.add(trial.architecture),
                asked=state.asked + 1,
                queue=tuple(a for a in state.queue if a != trial.architecture),
                first=state.first or trial.architecture.key,
            )
        if trial.failed:
            return state
        return replace(
            state,
            architectures=(*state.architectures, trial.architecture),
            scores=(*state.scores, state.metric.score(trial)),
        )


# --- published methods as settings --------------------------------------------------------------------------
# Pools, batches, acquisitions and kinds of predictor are the papers'; how large the predictors are and how they
# are trained is ours.

PATHS: Final = Features(("paths",))


@final
@dataclass(frozen=True)
class Bananas(PredictorGuided):
    """BANANAS: perceptrons on path encodings, Thompson sampling, children of the best (White et al. 2021)."""

    predictor: Predictor = field(default_factory=lambda: MLPEnsemble(PATHS))
    pool: Candidates = Mutants(100, twice=0)
    acquisition: Acquisition = ThompsonSampling()
    k: int = 10
    initial: int = 10


@final
@dataclass(frozen=True)
class Npenas(PredictorGuided):
    """NPENAS: evolution whose many children a graph network sifts (Wei et al. 2022)."""

    predictor: Predictor = field(default_factory=GraphNetwork)
    pool: Candidates = Mutants(100, twice=0)
    acquisition: Acquisition = Greedy()
    k: int = 10
    initial: int = 10


@final
@dataclass(frozen=True)
class BrpNas(PredictorGuided):
    """BRP-NAS: rounds of what a pairwise ranker likes best of the space, and of random rest (Dudziak et al. 2020)."""

    exceptions = MappingProxyType(
        {"random_search_is_beaten": "half of its proposals are random: a search of fifty gains too little"}
    )

    predictor: Predictor = field(default_factory=PairwiseRanker)
    pool: Candidates = Full()
    acquisition: Acquisition = Greedy()
    k: int = 20
    initial: int = 20
    explored: float = 0.5


@final
@dataclass(frozen=True)
class NeuralPredictor(PredictorGuided):
    """Neural Predictor: a graph network learns 172 random architectures and ranks the space (Wen et al. 2020)."""

    exceptions = MappingProxyType(
        {"random_search_is_beaten": "it is random search for the 172 queries that it learns from"}
    )

    predictor: Predictor = field(default_factory=GraphNetwork)
    pool: Candidates = Full()
    acquisition: Acquisition = Greedy()
    k: int = 20
    initial: int = 172
