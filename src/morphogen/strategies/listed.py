"""A list of architectures, estimated in its order: for tables of truth and hand-made candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class Place:
    """The list, empty where the whole space is meant, and how many of it have been asked for."""

    space: Space
    listed: tuple[Architecture, ...]
    asked: int = 0


@final
@dataclass(frozen=True)
class Listed(Strategy[Place]):
    """Ask for each architecture of a list once; without a list, for each architecture of the space.

    architectures: texts or architectures; they must lie in the space (a `SpaceError` says which does not, and
    why). times: how often the list is gone through.
    """

    architectures: tuple[Architecture | str, ...] = ()
    times: int = 1

    objectives = None
    exceptions = MappingProxyType(
        {
            "networks_are_asked_once": "architectures of a list are trials each, also where they are one network",
            "random_search_is_beaten": "the order is the list's, not that of the results",
        }
    )

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"a list is gone through once or more, got times={self.times}")

    def start(self, space: Space, metric: Goal) -> Place:
        listed = tuple(space.read(a) if isinstance(a, str) else a for a in self.architectures)
        for architecture in listed:
            space.check(architecture)
        return Place(space, listed)

    def ask(self, state: Place, rng: np.random.Generator) -> Proposal | None:
        space, listed, asked = state.space, state.listed, state.asked
        count = len(listed) or space.count()
        if asked >= self.times * count:
            return None
        return Proposal(listed[asked % count] if listed else space.unrank(asked % count))

    def tell(self, state: Place, trial: Trial) -> Place:
        return replace(state, asked=state.asked + 1) if trial.pending else state
