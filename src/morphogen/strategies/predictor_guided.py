"""Predictor-guided search: ask for what a predictor, fitted to all that is known, likes best of a pool.

The loop is that of Mauch et al. (2020), reconstructed; BANANAS, NPENAS, BRP-NAS and others are settings of
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.acquisition import Acquisition, ExpectedImprovement
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.predictors.predictor import Fitted, Predictor
from morphogen.records import Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces.space import Space
from morphogen.strategies.candidates import Candidates, Mixed, Score, Situation
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class Guided:
    """What was found out, in the order it came, and what is left to ask of this round."""

    space: Space
    metric: Metric
    seen: Seen
    architectures: tuple[Architecture, ...] = ()
    scores: tuple[float, ...] = ()
    asked: int = 0
    queue: tuple[Architecture, ...] = ()
    first: str = ""


@final
@dataclass(frozen=True)
class PredictorGuided(Strategy[Guided]):
    """Fit a predictor, draw candidates, ask for the best of them by an acquisition; and again.

    predictor: fitted to all finished trials at the beginning of each round. candidates: the pool of a round.
    acquisition: how candidates are ranked. batch: proposals a round; 1 is best per query, more cost less
    thought and suit many workers. initial: uniform random architectures before the first fit. unique: what is
    never asked twice. warm_start: a cheap score; the initial architectures are then the best of `warm_pool`
    random ones each.
    """

    predictor: Predictor = field(default_factory=GaussianProcess)
    candidates: Candidates = Mixed()
    acquisition: Acquisition = ExpectedImprovement()
    batch: int = 1
    initial: int = 5
    unique: Unique = Unique.NETWORK
    warm_start: Score | None = None
    warm_pool: int = 20

    def start(self, space: Space, metric: Metric) -> Guided:
        return Guided(space, metric, Seen(self.unique))

    def learn(self, state: Guided) -> Guided:
        """Fill the queue where a round begins. Its randomness is a function of the story, as all of it is."""
        if state.queue or state.asked < self.initial or len(set(state.scores)) < 2:
            return state
        rng = stream(0, state.first, state.asked)
        fitted = self.predictor.fit(state.architectures, state.scores, rng)
        order = sorted(range(len(state.scores)), key=lambda i: -state.scores[i])
        best = tuple(state.architectures[i] for i in order)
        score = partial(self._value, fitted, state.scores[order[0]], rng)
        pool = self.candidates.draw(Situation(state.space, best, score), rng)
        fresh = list(dict.fromkeys(a for a in pool if a not in state.seen))
        if not fresh:
            return state
        values = score(fresh)
        queue: dict[str, Architecture] = {}
        for place in np.argsort(-values, kind="stable"):
            queue.setdefault(self._name(fresh[place]), fresh[place])
            if len(queue) == self.batch:
                break
        return replace(state, queue=tuple(queue.values()))

    def _value(
        self, fitted: Fitted, best: float, rng: np.random.Generator, architectures: list[Architecture]
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
                queue=state.queue[1:] if trial.architecture in state.queue[:1] else state.queue,
                first=state.first or trial.architecture.key,
            )
        if trial.failed:
            return state
        return replace(
            state,
            architectures=(*state.architectures, trial.architecture),
            scores=(*state.scores, state.metric.score(trial)),
        )
