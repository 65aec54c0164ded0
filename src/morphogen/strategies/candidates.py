"""Candidate pools: which architectures a predictor is asked about before one is chosen (Mauch et al. 2020).

Predictors are cheap but not free, and most spaces cannot be scored as a whole. Which subset is scored decides
how much of a predictor's sample efficiency is left. All rules here but `Full` and `Random` are our
reconstructions of a subset chosen well; the paper's rule is not public.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.spaces.moves import mutate, neighbours
from morphogen.spaces.space import Space

Score: TypeAlias = Callable[[Sequence[Architecture]], NDArray[np.float64]]
"""The value of a predictor's acquisition for each of n architectures, `[n]`; larger is better."""


@final
@dataclass(frozen=True)
class Situation:
    """What a rule may look at: the space, the evaluated architectures (best first), the predictor's score."""

    space: Space
    best: tuple[Architecture, ...]
    score: Score


class Candidates(ABC):
    """A rule that draws the pool of one round; what was evaluated before is left out afterwards."""

    @abstractmethod
    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        """Return the pool. It may hold duplicates and architectures that were asked before."""


@final
@dataclass(frozen=True)
class Full(Candidates):
    """The whole space: the reference, where it is small enough to be scored."""

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        return list(situation.space.enumerate())


@final
@dataclass(frozen=True)
class Random(Candidates):
    """`size` uniform samples, redrawn every round: the rule under which the gain collapses."""

    size: int = 1000

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        return [situation.space.sample(rng) for _ in range(self.size)]


@final
@dataclass(frozen=True)
class Mutants(Candidates):
    """`size` children of the best `parents`: one edit each, a second one with probability `twice`."""

    size: int = 100
    parents: int = 10
    twice: float = 0.3

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        space, best = situation.space, situation.best[: self.parents]
        children = [mutate(space, best[int(place * len(best))], rng) for place in rng.random(self.size)]
        return [mutate(space, c, rng) if rng.random() < self.twice else c for c in children]


@final
@dataclass(frozen=True)
class Neighbours(Candidates):
    """Everything within `radius` decisions of the best `parents`, at most `size` a parent and ring."""

    radius: int = 1
    parents: int = 10
    size: int = 1000

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        found: dict[Architecture, None] = {}
        ring = list(situation.best[: self.parents])
        for _ in range(self.radius):
            ring = [near for a in ring for near in islice(neighbours(situation.space, a), self.size)]
            found.update(dict.fromkeys(ring))
        return list(found)


@final
@dataclass(frozen=True)
class Evolved(Candidates):
    """Evolution on the predictor's own score: mutate, score, keep the best; the pool is all that was scored.

    size: scored architectures in all. parents: how many survive. children: how many are bred at a time.
    """

    size: int = 100
    parents: int = 10
    children: int = 20

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        alive = list(situation.best[: self.parents])
        scored: dict[Architecture, float] = {}
        while len(scored) < self.size:
            wanted = min(self.children, self.size - len(scored))
            bred = [
                mutate(situation.space, alive[int(place * len(alive))], rng) for place in rng.random(wanted)
            ]
            fresh = [a for a in dict.fromkeys(bred) if a not in scored] or [situation.space.sample(rng)]
            scored.update(zip(fresh, situation.score(fresh).tolist(), strict=True))
            ranked = sorted({*alive, *fresh} & scored.keys(), key=lambda a: (-scored[a], str(a)))
            alive = ranked[: self.parents]
        return list(scored)


@final
@dataclass(frozen=True)
class Mixed(Candidates):
    """The pools of several rules together: local moves, and fresh blood against a locked-in incumbent."""

    rules: tuple[Candidates, ...] = (Neighbours(), Random())

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        return [a for rule in self.rules for a in rule.draw(situation, rng)]
