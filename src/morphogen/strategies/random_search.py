"""Random search: draws independent of all results (Bergstra and Bengio 2012; Li and Talwalkar 2019)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, final

import numpy as np

from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.space import Space
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class Asked:
    """What random search remembers: only what it asked."""

    space: Space
    seen: Seen


@final
@dataclass(frozen=True)
class RandomSearch(Strategy[Asked]):
    """Draw without looking at results: the baseline that every other strategy must beat.

    unique: what is never asked twice. over: uniform over architectures, or over productions (small ones
    likelier).
    """

    unique: Unique = Unique.NETWORK
    over: Literal["architectures", "productions"] = "architectures"

    objectives = None
    exceptions = MappingProxyType({"random_search_is_beaten": "it is what the others must beat"})

    def start(self, space: Space, metric: Goal) -> Asked:
        return Asked(space, Seen(self.unique))

    def ask(self, state: Asked, rng: np.random.Generator) -> Proposal | None:
        drawn = state.seen.fresh(state.space, rng, lambda stream: state.space.sample(stream, over=self.over))
        return Proposal(drawn) if drawn else None

    def tell(self, state: Asked, trial: Trial) -> Asked:
        return replace(state, seen=state.seen.add(trial.architecture)) if trial.pending else state
