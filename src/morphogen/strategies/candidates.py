"""Candidate pools: which architectures a predictor is asked about before one is chosen (Mauch et al. 2020).

Predictors are cheap but not free, and most spaces cannot be scored as a whole. Which subset is scored decides
how much of a predictor's sample efficiency is left. All rules here but `Full` and `Random` are our
reconstructions of a subset chosen well; the paper's rule is not public.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.seeding import stream
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.moves import mutate, neighbours
from morphogen.spaces.space import Space

Score: TypeAlias = Callable[[Sequence[Architecture]], NDArray[np.float64]]
"""The value of a predictor's acquisition for each of n architectures, `[n]`; larger is better."""

KEPT: Final = 20
"""After so many queries what was drawn at random is drawn anew, in rules that keep it for a while."""


@final
@dataclass(frozen=True)
class Situation:
    """What a rule may look at when a pool is drawn.

    best: the evaluated architectures, best first. score: the predictor's. story: what tells this search from
    others. asked: how many proposals there were.
    """

    space: Space
    best: tuple[Architecture, ...]
    score: Score
    story: str = ""
    asked: int = 0


class Candidates(ABC):
    """A rule that draws the pool of one round; what was evaluated before is left out afterwards."""

    @abstractmethod
    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        """Return the pool. It may hold duplicates and architectures that were asked before."""

    @staticmethod
    def parse(text: str) -> Candidates:
        """Read a rule such as `mutate(100)`, or several with + between them.

        Raises:
            ValueError: anything else; the message says what is expected, as in "must be ...".
        """
        rules = [_read(word.strip()) for word in text.split("+")]
        return rules[0] if len(rules) == 1 else Mixed(tuple(rules))


def _positive(rule: Candidates, *names: str) -> None:
    for name in names:
        if getattr(rule, name) < 1:
            raise ValueError(f"{name} of a pool must be 1 or more, not {getattr(rule, name)}")


@final
@dataclass(frozen=True)
class Full(Candidates):
    """The whole space: the reference. Of a space of more than `most` a uniform sample of `sample`."""

    most: int = 50_000
    sample: int = 2_000

    def __post_init__(self) -> None:
        _positive(self, "most", "sample")

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        if situation.space.count() <= self.most:
            return list(_every(situation.space))
        return [situation.space.sample(rng) for _ in range(self.sample)]


@final
@dataclass(frozen=True)
class Random(Candidates):
    """`size` uniform samples: the rule under which the gain collapses. Drawn anew after `kept` queries."""

    size: int = 1000
    kept: int = 1

    def __post_init__(self) -> None:
        _positive(self, "size", "kept")

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        if self.kept == 1:
            return [situation.space.sample(rng) for _ in range(self.size)]
        return list(_samples(situation.space, self.size, situation.story, situation.asked // self.kept))


@final
@dataclass(frozen=True)
class Mutants(Candidates):
    """`size` children of the best `parents`: one edit each, a second one with probability `twice`."""

    size: int = 100
    parents: int = 10
    twice: float = 0.3

    def __post_init__(self) -> None:
        _positive(self, "size", "parents")
        if not 0 <= self.twice <= 1:
            raise ValueError(f"twice is a probability, 0 to 1, not {self.twice}")

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        space, best = situation.space, situation.best[: self.parents]
        children = [_child(space, best[int(place * len(best))], rng) for place in rng.random(self.size)]
        return [_child(space, c, rng) if rng.random() < self.twice else c for c in children]


@final
@dataclass(frozen=True)
class Neighbours(Candidates):
    """Everything within `radius` decisions of the best `parents`.

    Of an architecture with more than `most` neighbours so many children are drawn, anew after some queries.
    """

    radius: int = 1
    parents: int = 10
    most: int = 100

    def __post_init__(self) -> None:
        _positive(self, "radius", "parents", "most")

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        space, story, turn = situation.space, situation.story, situation.asked // KEPT
        found: dict[Architecture, None] = {}
        ring: Sequence[Architecture] = situation.best[: self.parents]
        for _ in range(self.radius):
            ring = [
                near
                for a in ring
                for near in _near(space, a, self.most) or _children(space, a, self.most, story, turn)
            ]
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

    def __post_init__(self) -> None:
        _positive(self, "size", "parents", "children")

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        space, alive = situation.space, list(situation.best[: self.parents])
        scored: dict[Architecture, float] = {}
        for _ in range(10 * self.size):  # in a space of about that size there may be nothing new to breed
            wanted = min(self.children, self.size - len(scored))
            if not wanted:
                break
            bred = [_child(space, alive[int(place * len(alive))], rng) for place in rng.random(wanted)]
            fresh = [a for a in dict.fromkeys(bred) if a not in scored] or [space.sample(rng)]
            scored.update(zip(fresh, situation.score(fresh).tolist(), strict=True))
            ranked = sorted({*alive, *fresh} & scored.keys(), key=lambda a: (-scored[a], str(a)))
            alive = ranked[: self.parents] or alive
        return list(scored)


@final
@dataclass(frozen=True)
class Mixed(Candidates):
    """The pools of several rules together: local moves, and fresh blood against a locked-in incumbent."""

    rules: tuple[Candidates, ...] = (Neighbours(), Random(500, KEPT))

    def __post_init__(self) -> None:
        if not self.rules:
            raise ValueError("a mixed pool needs a rule or more")

    def draw(self, situation: Situation, rng: np.random.Generator) -> list[Architecture]:
        return [a for rule in self.rules for a in rule.draw(situation, rng)]


# --- what is drawn ------------------------------------------------------------------------------------------


def _child(space: Space, parent: Architecture, rng: np.random.Generator) -> Architecture:
    try:
        return mutate(space, parent, rng)
    except SpaceError:  # no single decision leads away from it
        return space.sample(rng)


@lru_cache(maxsize=4)
def _every(space: Space) -> tuple[Architecture, ...]:
    return tuple(space.enumerate())


@lru_cache(maxsize=4)
def _samples(space: Space, size: int, story: str, turn: int) -> tuple[Architecture, ...]:
    rng = stream(0, "samples", story, turn)
    return tuple(space.sample(rng) for _ in range(size))


@lru_cache(maxsize=1 << 10)
def _near(space: Space, parent: Architecture, most: int) -> tuple[Architecture, ...]:
    """Return all neighbours; nothing where there are more than `most`."""
    found = tuple(islice(neighbours(space, parent), most + 1))
    return found if len(found) <= most else ()


@lru_cache(maxsize=1 << 6)
def _children(
    space: Space, parent: Architecture, size: int, story: str, turn: int
) -> tuple[Architecture, ...]:
    rng = stream(0, "children", story, turn, parent.key)
    return tuple(_child(space, parent, rng) for _ in range(size))


# --- rules by name ------------------------------------------------------------------------------------------

RULES: Final[dict[str, Callable[..., Candidates]]] = {
    "full": Full,
    "random": Random,
    "mutate": Mutants,
    "neighbours": Neighbours,
    "evolve": Evolved,
    "mixed": Mixed,
}


def _read(word: str) -> Candidates:
    found = re.fullmatch(r"(\w+)(?:\(([1-9]\d*)\))?", word)
    if found is None or found[1] not in RULES or (found[1] == "mixed" and found[2]):
        raise ValueError(
            "a pool rule: full, random(M), mutate(M), neighbours(RADIUS), evolve(M), mixed, or several with + "
            "between them"
        )
    rule = RULES[found[1]]
    return rule(int(found[2])) if found[2] else rule()
