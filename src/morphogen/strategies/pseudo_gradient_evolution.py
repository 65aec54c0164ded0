"""Pseudo-gradient evolution over regions: our reconstruction of FaDE's outer search.

The abstract of the paper (Neumeyer, Stier and Granitzer 2024) says that the search is memory-less, evolutionary,
batch-wise, and follows pseudo-gradients on an open-ended space; its figure shows candidates replaced position by
position. How a pseudo-gradient is made is not public. Everything below is therefore our own design.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.records import Goal, Position, Proposal, Trial
from morphogen.spaces.dag_chain import features as bits_of
from morphogen.spaces.encodings import Vocabulary
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.moves import mutate
from morphogen.spaces.positions import inside, refuse_unknown, region_round
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy

Floats = NDArray[np.float64]

LISTED: Final = 10_000
"""Parts of a position up to which all of them are looked at for the nearest; beyond, as many are drawn."""

DRAWN: Final = 40


@final
@dataclass(frozen=True)
class Region:
    """The candidates of each position and, once they are told, their ranks; nothing of earlier regions."""

    space: Space
    at: Architecture | None = None
    positions: tuple[Position, ...] = ()
    ranks: tuple[tuple[float, ...], ...] = ()
    waiting: bool = False


@final
@dataclass(frozen=True)
class PseudoGradientEvolution(Strategy[Region]):
    """Replace the weak candidates of each position by parts that lie uphill of the strong ones.

    At each position the ranks less their mean are regressed on the candidates' features by ridge regression;
    the slope is the pseudo-gradient. Each new candidate is the part nearest to a survivor's features, moved
    by `step` along it and by Gaussian noise of deviation `noise`. Features are the bits of a module of
    `dag_chain`, and counts of the productions of any other part. Ranks of different regions cannot be
    compared, so nothing but the present region is kept.

    nonterminal: whose occurrences are the positions; None is the outermost choices. candidates: at each
    position. keep: the share that survives, best first. ridge: the penalty. shuffle: ranks are permuted
    before they are used, the control that a search by ranks must beat.
    """

    candidates: int = 5
    keep: float = 0.6
    step: float = 1.0
    noise: float = 0.2
    ridge: float = 1.0
    nonterminal: str | None = None
    shuffle: bool = False

    regions = True
    at_once = 1  # the next region is made from the ranks of this one
    exceptions = MappingProxyType(
        {
            "networks_are_asked_once": "a region lies round an architecture that stays while it ranks best",
            "a_small_space_is_exhausted": "it moves through regions, and none need hold every architecture",
            "random_search_is_beaten": "it learns from ranks of regions, which only estimators of regions give",
        }
    )

    def __post_init__(self) -> None:
        if self.candidates < 2 or not 0 < self.keep < 1:
            raise ValueError(
                "a position needs at least 2 candidates, of which a part survives; "
                f"got {self.candidates}, keep {self.keep}"
            )

    def start(self, space: Space, metric: Goal) -> Region:
        """Return the state before the first region; raise `SpaceError` for a nonterminal that is not there."""
        refuse_unknown(space, self.nonterminal)
        return Region(space)

    def ask(self, state: Region, rng: np.random.Generator) -> Proposal | None:
        if state.waiting:  # the next region is made from this one's ranks
            return None
        if state.at is None or not state.ranks:
            return self._first(state.space, rng)
        rows, at = [], state.at
        for position, ranks in zip(state.positions, state.ranks, strict=True):
            told = rng.permutation(ranks) if self.shuffle else np.array(ranks)
            rows.append(self._next(state.space, state.at, position, told, rng))
            moved = at.replace(position.path, position.candidates[int(told.argmax())])
            at = moved if moved in state.space else at
        return Proposal(at, region=tuple(rows))

    def tell(self, state: Region, trial: Trial) -> Region:
        proposal = trial.proposal
        if trial.pending:
            return replace(state, at=proposal.architecture, positions=proposal.region, ranks=(), waiting=True)
        if trial.failed or trial.estimate is None:
            return Region(state.space)
        even = tuple((1 / len(p.candidates),) * len(p.candidates) for p in state.positions)
        return replace(state, ranks=trial.estimate.ranks or even, waiting=False)

    def _first(self, space: Space, rng: np.random.Generator) -> Proposal:
        at, rows = region_round(space, self.candidates, self.nonterminal, rng)
        return Proposal(at, region=tuple(Position(path, parts) for path, parts in rows))

    def _next(
        self, space: Space, at: Architecture, position: Position, ranks: Floats, rng: np.random.Generator
    ) -> Position:
        """Return the position with its weakest candidates replaced."""
        old, count = position.candidates, len(position.candidates)
        order = np.argsort(-ranks, kind="stable")
        survivors = [old[i] for i in order[: max(1, min(count - 1, math.ceil(self.keep * count)))]]
        pool = _pool(inside(space, at, position.path), survivors, rng)
        known = {part.key for part in old}
        fresh = [part for part in pool if part not in old]
        features = _features([*old, *fresh])
        mine, theirs = features[:count], features[count:]
        slope = ridge_slope(mine, ranks, self.ridge)
        length = float(np.linalg.norm(slope))
        uphill = self.step * slope / length if length > 1e-12 else np.zeros_like(slope)
        shares = ranks[order[: len(survivors)]]
        free = np.ones(len(fresh), dtype=bool)
        row = list(survivors)
        while len(row) < count and free.any():
            parent = order[rng.choice(len(survivors), p=shares / shares.sum())]
            wanted = mine[parent] + uphill + self.noise * rng.standard_normal(len(slope))
            distance = np.where(free, ((theirs - wanted) ** 2).sum(axis=1), np.inf)
            while free.any():
                child = int(distance.argmin())
                free[child], distance[child] = False, np.inf
                if fresh[child].key not in known:  # another way to write a network that is there already
                    known.add(fresh[child].key)
                    row.append(fresh[child])
                    break
        row += [old[i] for i in order[len(survivors) :]][: count - len(row)]
        return Position(position.path, tuple(row))


def ridge_slope(features: Floats, ranks: Floats, penalty: float) -> Floats:
    """Return the slope [p] of ridge regression of centred ranks [k] on centred features [k, p]."""
    centred = features - features.mean(axis=0)
    utility = ranks - ranks.mean()
    # The dual form: k is far smaller than p.
    gram = centred @ centred.T + penalty * np.eye(len(centred))
    return np.asarray(centred.T @ np.linalg.solve(gram, utility))


def _pool(parts: Space, near: Sequence[Architecture], rng: np.random.Generator) -> Sequence[Architecture]:
    if parts.count() <= LISTED:
        return _every(parts)
    drawn = [parts.sample(rng) for _ in range(DRAWN)]
    for part in near:
        try:
            drawn += [mutate(parts, part, rng) for _ in range(DRAWN // len(near))]
        except SpaceError:
            continue  # a part without a neighbour
    return list(dict.fromkeys(drawn))


@lru_cache(maxsize=16)
def _every(parts: Space) -> tuple[Architecture, ...]:
    return tuple(parts.enumerate())


def _features(parts: Sequence[Architecture]) -> Floats:
    bits = [bits_of(part) for part in parts]
    if all(row is not None for row in bits):
        return np.array(bits, dtype=np.float64)
    counted = [Counter(_productions(part)) for part in parts]
    return Vocabulary.of(counted).array(counted)


def _productions(part: Architecture) -> Iterator[Hashable]:
    """Yield what stands in a derivation: each terminal, and each with the terminals of its arguments."""
    todo = [part]
    while todo:
        node = todo.pop()
        yield node.terminal.name
        for place, arg in enumerate(node.args):
            yield node.terminal.name, place, arg.terminal.name
        todo += node.args
