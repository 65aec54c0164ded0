"""Members that each leave a fold out: an ensemble whose spread is measured on what its members have not seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.predictor import Belief, Floats, Matrix, Model

AT_ONCE: Final = 2048
"""Architectures that are encoded and predicted together."""

LEAST_SLOPE: Final = 0.05
"""Members that are no better than chance out of fold still order what they predict."""


class Member(ABC):
    """One fitted regression."""

    @abstractmethod
    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        """Return predictions `[n]` of n rows, and a raw variance `[n]` (zero where the member has none)."""


Encode: TypeAlias = Callable[[Sequence[Architecture]], Matrix]
"""n architectures -> an array of n rows."""

Train: TypeAlias = Callable[[Matrix, Floats, np.random.Generator], Member]
"""Rows, targets `[n]`, a generator -> a fitted member."""

TrainAll: TypeAlias = Callable[
    [Matrix, Floats, Sequence[NDArray[np.intp]], np.random.Generator], Sequence[Member]
]
"""Rows, targets `[n]`, of each member the rows that it sees, a generator -> the fitted members."""


def one_by_one(train: Train) -> TrainAll:
    """Return the training of all members, each by itself."""

    def train_all(
        rows: Matrix, targets: Floats, seen: Sequence[NDArray[np.intp]], rng: np.random.Generator
    ) -> Sequence[Member]:
        return [train(rows[mine], targets[mine], rng) for mine in seen]

    return train_all


@final
@dataclass(frozen=True, eq=False)
class Folded(Model):
    """The mean of members, drawn towards 0 by `slope` as far as they went too far out of fold.

    Spread: their raw variance or disagreement, in the scale of their errors out of fold.
    """

    encode: Encode
    members: tuple[Member, ...]
    slope: float
    inflation: float
    floor: float

    @classmethod
    def learn(
        cls,
        encode: Encode,
        architectures: Sequence[Architecture],
        targets: Floats,
        train: TrainAll,
        folds: int,
        rng: np.random.Generator,
    ) -> Folded:
        """Train a member on all but each fold; with fewer than three points nothing is learnt but their mean."""
        n = len(targets)
        if n < 3:
            return cls(encode, (_Constant(float(targets.mean())),), 1.0, 0.0, 1.0)
        rows, order = encode(architectures), rng.permutation(n)
        held = [order[i::folds] for i in range(min(folds, n))]
        members = tuple(train(rows, targets, [np.setdiff1d(order, fold) for fold in held], rng))
        found, claimed = np.zeros(n), np.zeros(n)
        for member, fold in zip(members, held, strict=True):
            found[fold], claimed[fold] = member(rows[fold])
        # One point more, of error 1 at 0: what is known before anything is, as targets have variance 1.
        slope = min(max(float(found @ targets) / (float(found @ found) + 1), LEAST_SLOPE), 1.0)
        error = targets - slope * found
        measured = (float(error @ error) + 1) / (n + 1)
        if not claimed.any():
            return cls(encode, members, slope, slope**2, 0.75 * measured)
        return cls(encode, members, slope, 0.75 * measured / float(claimed.mean()), 0.25 * measured)

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return the mean of the members, and a spread measured out of fold."""
        parts = [self._belief(architectures[i : i + AT_ONCE]) for i in range(0, len(architectures), AT_ONCE)]
        mean, variance = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Belief(self.slope * mean, np.sqrt(self.floor + self.inflation * variance))

    def _belief(self, architectures: Sequence[Architecture]) -> tuple[Floats, Floats]:
        rows = self.encode(architectures)
        flat = np.ascontiguousarray(rows.reshape(len(rows), -1))
        if flat.shape[1]:  # equal rows are predicted once
            whole = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel()
            _, first, back = np.unique(whole, return_index=True, return_inverse=True)
            rows = rows[first]
        else:
            back = np.arange(len(rows))
        found = [member(rows) for member in self.members]
        means = np.stack([mean for mean, _ in found])
        variance: Floats = np.mean([raw for _, raw in found], axis=0)
        if not variance.any():
            variance = means.var(axis=0)
        return means.mean(axis=0)[back], variance[back]


@final
@dataclass(frozen=True)
class _Constant(Member):
    value: float

    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        return np.full(len(rows), self.value), np.zeros(len(rows))
