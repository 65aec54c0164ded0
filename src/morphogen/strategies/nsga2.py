"""NSGA-II: breed from what nobody beats, and from where the frontier is thin (Deb et al. 2002)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from morphogen.analysis.dominance import crowding, fronts
from morphogen.architecture import Architecture
from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.moves import cross, mutate
from morphogen.spaces.space import Space
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy, at_least_one


@final
@dataclass(frozen=True)
class Generation:
    """The parents, best first, and the offspring told since; no parents before the first generation is told."""

    space: Space
    goal: Goal
    seen: Seen
    parents: tuple[Trial, ...] = ()
    offspring: tuple[Trial, ...] = ()


@final
@dataclass(frozen=True)
class NSGA2(Strategy[Generation]):
    """Elitist search of a frontier of several objectives; with one objective it is an evolution of the best.

    population: parents, and offspring told until the best of both are the next parents; trials that finish late
    count among the offspring of the next generation. The first generation is random. crossover: how often a
    child has two parents; it is mutated by one decision with probability `mutation`, and always where it has
    one parent or is one that was asked before. unique: what is never asked twice.

    As in the paper, parents win tournaments of two, by the front they stand on and then by the room they have
    there; constraints count before objectives. Its population is 100; the default is small, as searches on real
    data have few trials.
    """

    population: int = 20
    crossover: float = 0.9
    mutation: float = 0.6
    unique: Unique = Unique.NETWORK

    objectives = None

    def __post_init__(self) -> None:
        at_least_one(population=self.population)
        for name in ("crossover", "mutation"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, 0 to 1, not {getattr(self, name)}")

    def start(self, space: Space, metric: Goal) -> Generation:
        return Generation(space, metric, Seen(self.unique))

    def ask(self, state: Generation, rng: np.random.Generator) -> Proposal | None:
        space, parents = state.space, state.parents
        if not parents:
            drawn = state.seen.fresh(space, rng, space.sample)
            return Proposal(drawn) if drawn else None
        mother, father = (parents[_tournament(len(parents), rng)] for _ in range(2))
        child = state.seen.fresh(
            space,
            rng,
            lambda draws: self._child(space, mother.architecture, father.architecture, draws),
            lambda repeat, draws: mutate(space, repeat, draws),
        )
        return Proposal(child, parent=mother.number) if child else None

    def _child(
        self, space: Space, mother: Architecture, father: Architecture, rng: np.random.Generator
    ) -> Architecture:
        crossed, mutated = rng.random(2) < (self.crossover, self.mutation)
        child = cross(space, mother, father, rng) if crossed else mother
        return mutate(space, child, rng) if mutated or child == mother else child

    def tell(self, state: Generation, trial: Trial) -> Generation:
        if trial.pending:
            return replace(state, seen=state.seen.add(trial.architecture))
        if trial.failed:
            return state
        offspring = (*state.offspring, trial)
        if len(offspring) < self.population:
            return replace(state, offspring=offspring)
        parents = select((*state.parents, *offspring), state.goal, self.population)
        return replace(state, parents=parents, offspring=())


def select(trials: Sequence[Trial], goal: Goal, count: int) -> tuple[Trial, ...]:
    """Return the `count` best of finished trials, the best first: by front, then by the room on it.

    So of two of them the one that stands first wins: it is the paper's crowded comparison.
    """
    violations = [goal.violation(trial) for trial in trials]
    told = [
        () if violation else goal.scores(trial) for trial, violation in zip(trials, violations, strict=True)
    ]
    width = max(map(len, told))
    scores = np.array([row or (0.0,) * width for row in told]).reshape(len(told), width)
    order: list[int] = []
    for front in fronts(scores, violations):
        room = crowding(scores[front])
        order += front[np.argsort(-room, kind="stable")].tolist()
        if len(order) >= count:
            break
    return tuple(trials[place] for place in order[:count])


def _tournament(size: int, rng: np.random.Generator) -> int:
    """Return the better of two places drawn at random, with replacement."""
    return int(min(rng.random(2)) * size)
