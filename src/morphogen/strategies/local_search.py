"""Local search: walk to the first better neighbour, start anew where there is none (White et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.moves import mutate, neighbours
from morphogen.spaces.space import Space
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy, at_least_one

EXAMINED: Final = 1000
"""Neighbours listed at most."""

DRAWS: Final = 16
"""Random neighbours tried before all are listed; listing is what tells that none is left."""


@final
@dataclass(frozen=True)
class Climb:
    """Where the walk stands; `here` is None from a restart to its estimate, `starts` counts random draws."""

    space: Space
    metric: Goal
    seen: Seen
    here: Trial | None = None
    starts: int = 0


@final
@dataclass(frozen=True)
class LocalSearch(Strategy[Climb]):
    """Ask unseen neighbours in random order, move on the first improvement, restart when none is left.

    initial: random architectures at the beginning, of which the best is the first place. unique: what is
    never asked twice.
    """

    initial: int = 10
    unique: Unique = Unique.NETWORK

    def __post_init__(self) -> None:
        at_least_one(initial=self.initial)

    def start(self, space: Space, metric: Goal) -> Climb:
        return Climb(space, metric, Seen(self.unique))

    def ask(self, state: Climb, rng: np.random.Generator) -> Proposal | None:
        if state.here is not None and state.starts >= self.initial:
            neighbour = self._neighbour(state, state.here.architecture, rng)
            if neighbour is not None:
                return Proposal(neighbour, parent=state.here.number)
        drawn = state.seen.fresh(state.space, rng, state.space.sample)
        return Proposal(drawn) if drawn else None

    def _neighbour(self, state: Climb, here: Architecture, rng: np.random.Generator) -> Architecture | None:
        try:
            for _ in range(DRAWS):
                candidate = mutate(state.space, here, rng)
                if candidate not in state.seen:
                    return candidate
        except SpaceError:  # constraints can leave an architecture without a neighbour
            return None
        rest = [a for a in islice(neighbours(state.space, here), EXAMINED) if a not in state.seen]
        return rest[int(rng.random() * len(rest))] if rest else None

    def tell(self, state: Climb, trial: Trial) -> Climb:
        start = trial.proposal.parent is None
        if trial.pending:
            here = None if start and state.starts >= self.initial else state.here
            seen = state.seen.add(trial.architecture)
            return replace(state, here=here, starts=state.starts + start, seen=seen)
        if trial.failed or (state.here is None and not start):
            return state
        better = state.here is None or state.metric.score(trial) > state.metric.score(state.here)
        return replace(state, here=trial) if better else state
