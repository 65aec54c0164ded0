"""Multilayer perceptrons on graph features, trained side by side, whatever their loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.features import Features
from morphogen.predictors.folds import Folded, Member
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor
from morphogen.predictors.stacked import Loss, Schedule, perceptron, standardizer, train_together


@dataclass(frozen=True)
class Perceptrons(Predictor):
    """Perceptrons of `hidden` widths, one for each fold left out; needs torch."""

    features: Features = Features(("counts", "places", "shortest", "longest", "ways", "spans"))
    hidden: tuple[int, ...] = (64, 64)
    schedule: Schedule = Schedule()
    folds: int = 5

    @property
    @abstractmethod
    def loss(self) -> Loss:
        """What is made small."""

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn all members at once."""
        encoder = self.features.encoder(architectures)
        mean, deviation = standardizer(encoder.rows(architectures))

        def encode(asked: Sequence[Architecture]) -> Matrix:
            return (encoder.rows(asked) - mean) / deviation

        def train(
            rows: Matrix, targets: Floats, seen: Sequence[NDArray[np.intp]], rng: np.random.Generator
        ) -> Sequence[Member]:
            weights, forward = perceptron(len(seen), rows.shape[1], self.hidden, rng)
            return train_together(weights, forward, self.loss, rows, targets, seen, self.schedule, rng)

        return Folded.learn(encode, architectures, targets, train, self.folds, rng)
