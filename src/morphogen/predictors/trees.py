"""Averaged regression trees on graph features, whatever grows them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.features import EVERY_BLOCK, Features
from morphogen.predictors.folds import Folded, Member, one_by_one
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor


@dataclass(frozen=True)
class Trees(Predictor):
    """Averaged trees, a member for each fold left out.

    trees: of all members together. columns: part of the features that a split chooses from. folds: members.
    """

    features: Features = EVERY_BLOCK
    trees: int = 150
    columns: float = 0.6
    folds: int = 5

    @abstractmethod
    def forest(self) -> Any:
        """Return the class of scikit-learn that grows the trees of a member."""

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn a member for each fold."""
        forest = self.forest()

        def train(rows: Matrix, known: Floats, rng: np.random.Generator) -> Member:
            grown = forest(
                max(1, self.trees // self.folds),
                max_features=self.columns,
                random_state=int(rng.integers(2**31)),
                n_jobs=1,
            )
            return _Averaged(grown.fit(rows, known).estimators_)

        encode = self.features.encoder(architectures).rows
        return Folded.learn(encode, architectures, targets, one_by_one(train), self.folds, rng)


@final
@dataclass(frozen=True, eq=False)
class _Averaged(Member):
    trees: Sequence[Any]

    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        found = np.stack([tree.predict(rows, check_input=False) for tree in self.trees])
        return found.mean(axis=0), found.var(axis=0)
