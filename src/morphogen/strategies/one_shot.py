"""One shot: each trial is one region as wide as can be, for an estimator that trains it as a whole (DARTS)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np

from morphogen.records import Goal, Position, Proposal, Trial
from morphogen.spaces.positions import refuse_unknown, region_round
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class OneShot(Strategy[Space]):
    """Ask for a random architecture with all alternatives at each of its positions, as often as there are trials.

    Where every position of the space has few alternatives, as in `cell201`, each region is the whole space, and
    trials differ in their random numbers alone: several searches by gradient, of which the best by validation
    is kept (Liu, Simonyan and Yang 2019). Elsewhere each trial is another part of the space.

    candidates: most at a position; where there are more alternatives, so many distinct ones are drawn.
    nonterminal: whose occurrences are the positions; None is the outermost choices.
    """

    candidates: int = 8
    nonterminal: str | None = None

    regions = True
    exceptions = MappingProxyType(
        {
            "networks_are_asked_once": "a region holds many networks, and the same region is asked again",
            "a_small_space_is_exhausted": "it repeats a region for as long as there are trials",
            "random_search_is_beaten": "it searches nothing itself, the estimator of its regions does",
        }
    )

    def __post_init__(self) -> None:
        if self.candidates < 2:
            raise ValueError(f"candidates: a choice needs at least 2, got {self.candidates}")

    def start(self, space: Space, metric: Goal) -> Space:
        """Return the space; raise `SpaceError` for a nonterminal that is not there."""
        refuse_unknown(space, self.nonterminal)
        return space

    def ask(self, state: Space, rng: np.random.Generator) -> Proposal:
        at, rows = region_round(state, self.candidates, self.nonterminal, rng)
        return Proposal(at, region=tuple(Position(path, parts) for path, parts in rows))

    def tell(self, state: Space, trial: Trial) -> Space:
        return state
