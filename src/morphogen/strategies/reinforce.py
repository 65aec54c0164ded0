"""REINFORCE: a policy over the choices of the grammar, moved by the rewards of its samples (Williams 1992)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

import immutables
import numpy as np

from morphogen.architecture import Architecture
from morphogen.records import Goal, Proposal, Trial
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.moves import mutate
from morphogen.spaces.space import Path, Space, walk
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy

Place: TypeAlias = tuple[Path, int]
"""Where a choice is made: its path, and the symbol of the grammar that is replaced there."""

Logits: TypeAlias = Mapping[Place, tuple[float, ...]]
"""A number for each alternative of each place; all are 0 where nothing is stored."""

TRIES: Final = 50
"""Samples that break a constraint before a uniform one is taken."""


@final
@dataclass(frozen=True)
class Policy:
    """The logits, and the moving mean and variance of the rewards; rewards counts them."""

    space: Space
    metric: Goal
    seen: Seen
    logits: immutables.Map[Place, tuple[float, ...]] = immutables.Map()
    baseline: float = 0.0
    variance: float = 0.0
    rewards: int = 0


@final
@dataclass(frozen=True)
class Reinforce(Strategy[Policy]):
    """Sample alternative by alternative from a softmax; move its logits along reward less baseline.

    learning_rate: of gradient ascent on the logits. momentum: of the moving baseline, and of the moving
    variance. scaled: rewards less baseline are divided by their moving deviation, so that the rate does not
    depend on the metric's unit; without, they are used as they are. unique: what is never asked twice; a
    sample that was seen is drawn again and then mutated on, so a policy that is sure of one network looks
    round it; `Unique.NOTHING` is the textbook's way. Rate and momentum are those of Zheng et al. (2020).

    Logits belong to a place and its nonterminal. An alternative for which the depth leaves no room has
    probability 0; samples that break a constraint are drawn again, and the gradient takes no account of that.
    Nor does it of trials that were proposed by an earlier policy, as several workers do, or mutated on. A trial
    that breaks a constraint of the search counts as one deviation below the baseline, and leaves that as it is.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    scaled: bool = True
    unique: Unique = Unique.NETWORK

    def __post_init__(self) -> None:
        if not (self.learning_rate > 0 and 0 <= self.momentum < 1):
            raise ValueError(
                f"the learning rate is positive and the momentum in [0, 1), got {self.learning_rate} and "
                f"{self.momentum}"
            )

    def start(self, space: Space, metric: Goal) -> Policy:
        return Policy(space, metric, Seen(self.unique))

    def ask(self, state: Policy, rng: np.random.Generator) -> Proposal | None:
        space = state.space
        drawn = state.seen.fresh(
            space,
            rng,
            lambda draws: sample(space, state.logits, draws),
            lambda repeat, draws: mutate(space, repeat, draws),
        )
        return Proposal(drawn) if drawn else None

    def tell(self, state: Policy, trial: Trial) -> Policy:
        if trial.pending:
            return replace(state, seen=state.seen.add(trial.architecture))
        if trial.failed:
            return state
        if state.metric.violation(
            trial
        ):  # as bad as usual rewards are apart; it does not change what is usual
            size = -1.0 if self.scaled else -math.sqrt(state.variance)
            return self._moved(state, trial.architecture, size)
        reward = state.metric.score(trial)
        if not state.rewards:  # the first one says what is usual
            return replace(state, baseline=reward, rewards=1)
        advantage = reward - state.baseline
        # The mean weight of n terms, until the moving one is smaller: a moving average without a bias.
        step = max(1 - self.momentum, 1 / (state.rewards + 1))
        variance = (1 - step) * state.variance + step * advantage**2
        moved = replace(
            state,
            baseline=state.baseline + step * advantage,
            variance=variance,
            rewards=state.rewards + 1,
        )
        size = advantage / math.sqrt(variance) if self.scaled and variance > 0 else advantage
        return self._moved(moved, trial.architecture, size)

    def _moved(self, state: Policy, architecture: Architecture, size: float) -> Policy:
        """Return the state with its logits moved by so many steps towards an architecture."""
        if not size:
            return state
        logits = state.logits.mutate()
        for place, slope in gradient(state.space, state.logits, architecture).items():
            known = state.logits.get(place, (0.0,) * len(slope))
            logits[place] = tuple(
                k + self.learning_rate * size * s for k, s in zip(known, slope, strict=True)
            )
        return replace(state, logits=logits.finish())


def sample(space: Space, logits: Logits, rng: np.random.Generator) -> Architecture:
    """Draw an architecture by the policy; a uniform one where its samples keep breaking the constraints."""
    constrained = bool(space.grammar.constraints)
    for _ in range(TRIES):
        drawn = _draw(space, logits, (), space.compiled.root, space.compiled.room, rng)
        if not constrained or space.contains(drawn):
            return drawn
    return space.sample(rng)


def _draw(
    space: Space, logits: Logits, path: Path, symbol: int, room: int | None, rng: np.random.Generator
) -> Architecture:
    shares = probabilities(space, logits, (path, symbol), room)
    index = 0 if len(shares) == 1 else int(np.searchsorted(np.cumsum(shares), rng.random(), side="right"))
    # Rounding may leave a sum below 1: the last alternative that is possible takes the rest.
    index = min(index, max(i for i, share in enumerate(shares) if share > 0))
    choice = space.compiled.symbols[symbol].choices[index]
    if choice.leaf is not None:
        return choice.leaf
    inside = None if room is None else room - 1
    parts = (_draw(space, logits, (*path, i), child, inside, rng) for i, child in enumerate(choice.children))
    return Architecture(choice.terminal, tuple(parts))


def probabilities(space: Space, logits: Logits, place: Place, room: int | None) -> tuple[float, ...]:
    """Return the probability of each alternative at a place; 0 for those that cannot end in the depth left."""
    symbol = place[1]
    count = len(space.compiled.symbols[symbol].choices)
    possible = [bool(space.table.shares(symbol, index, room)) for index in range(count)]
    if not any(possible):
        raise SpaceError(f"no alternative at {place[0]} ends within the depth that is left")
    known = logits.get(place, (0.0,) * count)
    most = max(value for value, ends in zip(known, possible, strict=True) if ends)
    weights = [math.exp(value - most) if ends else 0.0 for value, ends in zip(known, possible, strict=True)]
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def log_probability(space: Space, logits: Logits, architecture: Architecture) -> float:
    """Return the logarithm of the probability that the policy draws an architecture, constraints aside."""
    return sum(
        math.log(probabilities(space, logits, (path, symbol), room)[chosen])
        for path, symbol, chosen, room in walk(space, architecture)
    )


def gradient(space: Space, logits: Logits, architecture: Architecture) -> dict[Place, tuple[float, ...]]:
    """Return the derivative of `log_probability` by the logits of each place at which there was a choice."""
    found = {}
    for path, symbol, chosen, room in walk(space, architecture):
        shares = probabilities(space, logits, (path, symbol), room)
        if sum(share > 0 for share in shares) > 1:
            found[path, symbol] = tuple((i == chosen) - share for i, share in enumerate(shares))
    return found


def entropy(space: Space, logits: Logits, architecture: Architecture) -> float:
    """Return the summed entropy, in nats, of the choices that lead to an architecture."""
    return -sum(
        share * math.log(share)
        for path, symbol, _, room in walk(space, architecture)
        for share in probabilities(space, logits, (path, symbol), room)
        if share > 0
    )
