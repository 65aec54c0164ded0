"""Acquisitions: what a belief about candidates is worth, given the best score so far; larger is better."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.predictors.predictor import Belief

Floats = NDArray[np.float64]


class Acquisition(ABC):
    """Turns the belief about n candidates into one number each."""

    @abstractmethod
    def value(self, belief: Belief, best: float, rng: np.random.Generator) -> Floats:
        """Return `[n]`; `best` is the largest score observed, in the belief's own scale."""

    @staticmethod
    def parse(text: str) -> Acquisition:
        """Read an acquisition such as `expected_improvement` or `ucb(2)`.

        Raises:
            ValueError: anything else; the message says what is expected, as in "must be ...".
        """
        found = re.fullmatch(r"(\w+)(?:\((\d+(?:\.\d+)?)\))?", text.strip())
        if found is None or found[1] not in {*PLAIN, *SCALED} or (found[1] in PLAIN and found[2]):
            raise ValueError("one of expected_improvement, greedy, ucb(WIDTH) and thompson(SCALE)")
        if found[1] in PLAIN:
            return PLAIN[found[1]]()
        return SCALED[found[1]](float(found[2] or 1))


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


PLAIN: Final[dict[str, Callable[[], Acquisition]]] = {
    "expected_improvement": ExpectedImprovement,
    "greedy": Greedy,
}
SCALED: Final[dict[str, Callable[[float], Acquisition]]] = {
    "ucb": UpperConfidenceBound,
    "thompson": ThompsonSampling,
}
