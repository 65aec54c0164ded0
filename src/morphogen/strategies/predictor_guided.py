"""Predictor-guided search: ask what a predictor, fitted to all that is known, likes best of a pool of candidates.

The loop is the one of Mauch et al. (2020), reconstructed; BANANAS, NPENAS, BRP-NAS and others are settings of it
(`presets`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.predictors.predictor import Fitted, Predictor
from morphogen.records import Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces.space import Space
from morphogen.strategies.acquisition import Acquisition, ExpectedImprovement
from morphogen.strategies.candidates import Candidates, Mixed, Score, Situation
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class Guided:
    """What is known: the finished trials, the queue of this round, and the last fit (to start the next one from)."""

    space: Space
    metric: Metric
    seen: Seen
    done: tuple[Trial, ...] = ()
    asked: int = 0
    queue: tuple[Architecture, ...] = ()
    fitted: Fitted | None = None
    salt: str = ""


@final
@dataclass(frozen=True)
class PredictorGuided(Strategy[Guided]):
    """Fit a predictor, draw candidates, estimate the best of them by an acquisition; and again.

    predictor: fitted to all finished trials at the beginning of each round. candidates: the pool of a round.
    acquisition: how candidates are ranked. batch: proposals a round; 1 is best per query, more are cheaper to think
    of and suit many workers. initial: uniform random architectures before the first fit. unique: what is never asked
    twice. warm_start: with a cheap score, the initial architectures are the best of `warm_pool` random ones by it.
    """

    predictor: Predictor = GaussianProcess()
    candidates: Candidates = Mixed()
    acquisition: Acquisition = ExpectedImprovement()
    batch: int = 1
    initial: int = 5
    unique: Unique = Unique.NETWORK
    warm_start: Score | None = None
    warm_pool: int = 200

    def start(self, space: Space, metric: Metric) -> Guided:
        return Guided(space, metric, Seen(self.unique))

    def learn(self, state: Guided) -> Guided:
        if state.queue or state.asked < self.initial or len(state.done) < 2:
            return state
        # A round's randomness is a function of the story: the first architecture names the search.
        rng = stream(0, state.salt, state.asked)
        scores = np.array([state.metric.score(trial) for trial in state.done])
        known = [trial.architecture for trial in state.done]
        fitted = self.predictor.fit(known, scores, rng, previous=state.fitted)
        best = float(fitted.predict([known[int(np.argmax(scores))]]).mean[0])
        ...
