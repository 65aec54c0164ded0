"""The contract of a search strategy: how to search, as three pure functions of a state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Generic, TypeVar

import numpy as np

from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.space import Space

State = TypeVar("State")


class Strategy(ABC, Generic[State]):
    """Settings of a search strategy, as a frozen dataclass that only stores.

    A state is a value: `ask` reads it, `tell` returns the next one, and everything a strategy knows is a fold
    of `tell` over the trials. Each trial is told twice, pending when it is asked and again when its estimate
    is there, in whatever order estimates finish; a failed estimate is told too.

    regions: whether it proposes regions; only an estimator of regions can answer it. at_once: how many
    proposals it has open at most, None for any number. objectives: how many numbers it can improve at once, None
    for any number. exceptions: checks of `morphogen.testing.strategies` that the strategy is not meant to pass,
    each with the reason.
    """

    regions: ClassVar[bool] = False
    at_once: ClassVar[int | None] = None
    objectives: ClassVar[int | None] = 1
    exceptions: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @abstractmethod
    def start(self, space: Space, metric: Goal) -> State:
        """Return the state before the first trial; `metric` is what the search improves, a metric or more."""

    @abstractmethod
    def ask(self, state: State, rng: np.random.Generator) -> Proposal | None:
        """Return the next proposal, or None where there is nothing left to ask."""

    @abstractmethod
    def tell(self, state: State, trial: Trial) -> State:
        """Return the state that knows `trial` too."""

    def learn(self, state: State) -> State:
        """Return the state after refitting what is learnt from the told trials; most learn nothing."""
        return state


def at_least_one(**settings: int) -> None:
    """Raise a `ValueError` that names the first setting below 1."""
    for name, value in settings.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
