"""A list of architectures, estimated in its order: for tables of truth, reference sets and hand-made candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.records import Metric, Proposal, Trial
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy


@final
@dataclass(frozen=True)
class Listed(Strategy[tuple[tuple[Architecture, ...], int]]):
    """Ask for each architecture of a list once; without a list, for each architecture of the space.

    architectures: texts or architectures; they must lie in the space (a `SpaceError` says which does not, and why).
    """

    architectures: tuple[Architecture | str, ...] = ()

    def start(self, space: Space, metric: Metric) -> tuple[tuple[Architecture, ...], int]:
        given = self.architectures or tuple(space.enumerate())
        read = tuple(space.parse(a) if isinstance(a, str) else a for a in given)
        for architecture in read:
            space.check(architecture)
        return read, 0

    def ask(self, state: tuple[tuple[Architecture, ...], int], rng: np.random.Generator) -> Proposal | None:
        listed, asked = state
        return Proposal(listed[asked]) if asked < len(listed) else None

    def tell(
        self, state: tuple[tuple[Architecture, ...], int], trial: Trial
    ) -> tuple[tuple[Architecture, ...], int]:
        listed, asked = state
        return (listed, asked + 1) if trial.pending else state
