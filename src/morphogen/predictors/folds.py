"""Members that each leave a fold out: an ensemble whose spread is measured on what its members have not seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.features import Encoder, Features, Matrix
from morphogen.predictors.predictor import Belief, Floats, Model


class Member(ABC):
    """One fitted regression."""

    @abstractmethod
    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        """Return predictions `[n]` of rows `[n, d]` and a raw variance `[n]` (zero where the member has none)."""


Train: TypeAlias = Callable[[Matrix, Floats, np.random.Generator], Member]
"""Rows `[n, d]`, targets `[n]`, a generator -> a fitted member."""


def split(n: int, folds: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Return up to `folds` disjoint sets of the numbers below n, of like size."""
    order = rng.permutation(n)
    return [np.sort(order[i::folds]) for i in range(min(folds, n))]


@final
@dataclass(frozen=True, eq=False)
class Folded(Model):
    """The mean of members. Spread: their disagreement and raw variance, with the scale of the errors out of fold."""

    encoder: Encoder
    members: tuple[Member, ...]
    inflation: float
    floor: float

    @classmethod
    def learn(
        cls,
        features: Features,
        architectures: Sequence[Architecture],
        targets: Floats,
        train: Train,
        folds: int,
        rng: np.random.Generator,
    ) -> Folded:
        """Train a member on all but each fold; with fewer than three points nothing is learnt but their mean."""
        encoder = features.encoder(architectures)
        rows, n = encoder(architectures)[0], len(targets)
        if n < 3:
            return cls(encoder, (_Constant(float(targets.mean())),), 0.0, 1.0)
        members = []
        error, claimed = np.zeros(n), np.zeros(n)
        for fold in split(n, folds, rng):
            rest = np.setdiff1d(np.arange(n), fold)
            members.append(train(rows[rest], targets[rest], rng))
            found, variance = members[-1](rows[fold])
            error[fold], claimed[fold] = targets[fold] - found, variance
        # One point more: its error is what it would be if nothing were known (targets have variance 1).
        measured = (float(error @ error) + 1) / (n + 1)
        if claimed.mean() <= 0:
            return cls(encoder, tuple(members), 1.0, 0.75 * measured)
        return cls(encoder, tuple(members), 0.75 * measured / float(claimed.mean()), 0.25 * measured)

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return the mean of the members, and a spread measured out of fold."""
        rows, _ = self.encoder(architectures)
        found = [member(rows) for member in self.members]
        means = np.stack([mean for mean, _ in found])
        variance = np.mean([raw for _, raw in found], axis=0)
        if not variance.any():
            variance = means.var(axis=0)
        return Belief(means.mean(axis=0), np.sqrt(self.floor + self.inflation * variance))


@final
@dataclass(frozen=True)
class _Constant(Member):
    value: float

    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        return np.full(len(rows), self.value), np.zeros(len(rows))
