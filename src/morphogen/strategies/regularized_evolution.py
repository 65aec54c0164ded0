"""Regularized evolution: breed from a tournament's winner, let the oldest die (Real et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.moves import mutate
from morphogen.spaces.space import Space
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy, at_least_one


@final
@dataclass(frozen=True)
class Aging:
    """The living, oldest first, with their scores, and how many architectures have been asked for."""

    space: Space
    metric: Goal
    seen: Seen
    alive: tuple[Trial, ...] = ()
    scores: tuple[float, ...] = ()
    asked: int = 0


@final
@dataclass(frozen=True)
class RegularizedEvolution(Strategy[Aging]):
    """Mutate the best of a random tournament; the population forgets by age, not by fitness.

    population: how many live. tournament: how many compete, drawn with replacement. unique: what is never
    asked twice; a mutant that was seen is mutated on. The default is small, as searches on real data have few
    trials. Algorithm 1 of the paper.
    """

    population: int = 30
    tournament: int = 10
    unique: Unique = Unique.NETWORK

    def __post_init__(self) -> None:
        at_least_one(population=self.population, tournament=self.tournament)

    def start(self, space: Space, metric: Goal) -> Aging:
        return Aging(space, metric, Seen(self.unique))

    def ask(self, state: Aging, rng: np.random.Generator) -> Proposal | None:
        space = state.space
        if state.asked < self.population or not state.alive:
            drawn = state.seen.fresh(space, rng, space.sample)
            return Proposal(drawn) if drawn else None
        size = len(state.alive)
        rivals = [int(place * size) for place in rng.random(self.tournament).tolist()]
        parent = state.alive[max(rivals, key=state.scores.__getitem__)]
        child = state.seen.fresh(
            space,
            rng,
            lambda stream: mutate(space, parent.architecture, stream),
            lambda repeat, stream: mutate(space, repeat, stream),
        )
        return Proposal(child, parent=parent.number) if child else None

    def tell(self, state: Aging, trial: Trial) -> Aging:
        if trial.pending:
            seen = state.seen.add(trial.architecture)
            return Aging(state.space, state.metric, seen, state.alive, state.scores, state.asked + 1)
        if trial.failed:
            return state
        alive = (*state.alive, trial)[-self.population :]
        scores = (*state.scores, state.metric.score(trial))[-self.population :]
        return Aging(state.space, state.metric, state.seen, alive, scores, state.asked)
