"""Extra trees on graph features (Geurts et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.features import EVERY_BLOCK, Features
from morphogen.predictors.folds import Folded, Member, one_by_one
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor


@final
@dataclass(frozen=True)
class ExtraTrees(Predictor):
    """Averaged trees that split at random places: smoother than a random forest, and quick.

    trees: of all members together. columns: part of the features that a split chooses from. folds: members.
    """

    features: Features = EVERY_BLOCK
    trees: int = 150
    columns: float = 0.6
    folds: int = 5

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn a member for each fold."""
        from sklearn.ensemble import ExtraTreesRegressor

        def train(rows: Matrix, known: Floats, rng: np.random.Generator) -> Member:
            forest = ExtraTreesRegressor(
                max(1, self.trees // self.folds),
                max_features=self.columns,
                random_state=int(rng.integers(2**31)),
                n_jobs=1,
            )
            return _Trees(forest.fit(rows, known).estimators_)

        return Folded.learn(
            self.features.encoder(architectures).rows,
            architectures,
            targets,
            one_by_one(train),
            self.folds,
            rng,
        )


@final
@dataclass(frozen=True, eq=False)
class _Trees(Member):
    trees: Sequence[Any]

    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        found = np.stack([tree.predict(rows, check_input=False) for tree in self.trees])
        return found.mean(axis=0), found.var(axis=0)
