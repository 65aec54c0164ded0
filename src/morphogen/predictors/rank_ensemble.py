"""Rank ensemble: the mean of predictors that err in different ways, on the common scale of normal scores of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.boosting import Boosting
from morphogen.predictors.features import Features
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.predictors.predictor import Belief, Floats, Model, Predictor


@final
@dataclass(frozen=True)
class RankEnsemble(Predictor):
    """The mean of its members' beliefs: a Gaussian process and boosted trees on two sets of features.

    Use it where the order of many architectures counts and a second for a fit is no matter; in a search with a
    refit at each query a Gaussian process alone is as good and many times quicker.
    """

    members: tuple[Predictor, ...] = (
        GaussianProcess(),
        Boosting(),
        Boosting(Features(("paths", "shortest", "longest", "ways", "spans"))),
    )

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn every member on the same data."""
        return _Mean(tuple(member.learn(architectures, targets, rng) for member in self.members))


@final
@dataclass(frozen=True)
class _Mean(Model):
    members: tuple[Model, ...]

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return the mean of the means; the spread is the root mean square of the members' spreads."""
        beliefs = [member.belief(architectures) for member in self.members]
        variance = np.mean([belief.spread**2 + belief.noise**2 for belief in beliefs], axis=0)
        return Belief(np.mean([belief.mean for belief in beliefs], axis=0), np.sqrt(variance))
