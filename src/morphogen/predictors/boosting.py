"""Gradient boosted trees on graph features, by LightGBM (Ke et al. 2017); needs the extra `boosting`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.features import EVERY_BLOCK, Features
from morphogen.predictors.folds import Folded, Member, one_by_one
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor, PredictorError


@final
@dataclass(frozen=True)
class Boosting(Predictor):
    """Boosted trees, a member for each fold left out; the sharpest single model beyond a hundred points.

    rounds: trees of a member. leaves: of a tree. rate: how much of a tree is added. columns, share: parts of
    the features and of the points that a tree sees. folds: members.
    """

    features: Features = EVERY_BLOCK
    rounds: int = 120
    leaves: int = 15
    rate: float = 0.1
    columns: float = 0.6
    share: float = 0.8
    folds: int = 10

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn a member for each fold; raises `PredictorError` where LightGBM is not installed."""
        try:
            import lightgbm
        except ImportError:
            raise PredictorError('boosting needs LightGBM: pip install "morphogen[boosting]"') from None

        def train(rows: Matrix, known: Floats, rng: np.random.Generator) -> Member:
            settings = {
                "num_leaves": self.leaves,
                "learning_rate": self.rate,
                "feature_fraction": self.columns,
                "bagging_fraction": self.share if len(known) >= 10 else 1.0,
                "bagging_freq": 1,
                "lambda_l2": 1.0,
                "min_data_in_leaf": min(5, max(1, len(known) // 10)),
                "min_data_in_bin": 1,
                "num_threads": 1,
                "deterministic": True,
                "force_col_wise": True,
                "seed": int(rng.integers(2**31)),
                "verbosity": -1,
            }
            data = lightgbm.Dataset(rows, known, params=settings)
            return _Boosted(lightgbm.train(settings, data, self.rounds))

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
class _Boosted(Member):
    booster: Any

    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        return self.booster.predict(rows, num_threads=1), np.zeros(len(rows))
