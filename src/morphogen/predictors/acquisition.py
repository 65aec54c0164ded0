"""Acquisitions: what a belief about candidates is worth, given the best score so far; larger is better."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from morphogen.predictors.predictor import Belief

Floats = NDArray[np.float64]


class Acquisition(ABC):
    """Turns the belief about n candidates into one number each."""

    @abstractmethod
    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        """Return `[n]`; `best` is the largest score observed, in the belief's own scale."""


@final
@dataclass(frozen=True)
class Greedy(Acquisition):
    """The mean: exploit, and lock in easily."""

    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        return belief.mean


@final
@dataclass(frozen=True)
class ExpectedImprovement(Acquisition):
    """The logarithm of the expected improvement over the best (Mockus 1978; in logs, Ament et al. 2023)."""

    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        from scipy.special import log_ndtr  # not at the top: `import morphogen` stays light

        spread = np.maximum(belief.spread, 1e-9)
        u = (belief.mean - best) / spread
        # log(u Phi(u) + phi(u)); far below the best the two terms cancel, so the tail is expanded.
        density = -0.5 * u * u - 0.5 * np.log(2 * np.pi)
        ratio = np.exp(log_ndtr(u) - density)
        near = np.log(np.maximum(1 + u * ratio, 1e-300))
        far = -2 * np.log(np.maximum(-u, 1.0))
        return np.asarray(density + np.where(u > -20, near, far) + np.log(spread))


@final
@dataclass(frozen=True)
class UpperConfidenceBound(Acquisition):
    """The mean plus `width` spreads (Srinivas et al. 2010)."""

    width: float = 1.0

    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        return belief.mean + self.width * belief.spread


@final
@dataclass(frozen=True)
class ThompsonSampling(Acquisition):
    """A draw from each candidate's belief, as in BANANAS (White et al. 2021); `scale` widens it."""

    scale: float = 1.0

    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        return belief.mean + self.scale * belief.spread * rng.standard_normal(len(belief.mean))
