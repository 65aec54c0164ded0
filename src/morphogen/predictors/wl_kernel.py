"""Gaussian process with the Weisfeiler-Lehman kernel on the graphs (Shervashidze et al. 2011; Ru et al. 2021).

Two architectures are alike as far as the same neighbourhoods occur in both. Kernel:
`sum_h w_h <p_h(a), p_h(b)> / (|p_h(a)| |p_h(b)|)`, where p_h counts the neighbourhoods of radius h; the weights
sum to 1. It needs no hand-made features and no bound on the size of the graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.features import Encoder, Features
from morphogen.predictors.inference import (
    LEAST_NOISE,
    NOISE,
    Kernel,
    Posterior,
    Told,
    best_and_spread,
    inverse_factor,
    mode,
    negative_log_likelihood,
    ranked,
    refit_at,
)
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor


@final
@dataclass(frozen=True)
class WLKernel(Predictor):
    """A Gaussian process on neighbourhoods of radius 0 to 3.

    points: most architectures in the kernel matrix, beyond which the best half and a spread of the others
    stand for all. tuned: most architectures that the weights are fitted to. sweeps: rounds of each refit.
    """

    features: Features = Features(("wl0", "wl1", "wl2", "wl3"))
    points: int = 500
    tuned: int = 200
    sweeps: int = 2

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn; no randomness is used."""
        told = tuple(architectures)
        last = refit_at(len(told))
        parameters = np.array(_parameters(self, told[:last], ranked(targets[:last])))
        if len(told) > self.points:
            chosen = best_and_spread(targets, self.points)
            told, targets = tuple(told[i] for i in chosen), targets[chosen]
        kernel = _Neighbourhoods.of(self.features.encoder(told), parameters[:-1])
        kernel = kernel.told(told)
        noise = LEAST_NOISE + float(parameters[-1])
        return Posterior.of(kernel, inverse_factor(kernel.correlation(told), noise), noise, targets)


@lru_cache(maxsize=64)
def _parameters(settings: WLKernel, told: Told, targets: tuple[float, ...]) -> tuple[float, ...]:
    """Return the weight of each radius and the noise. The chain of earlier refits is part of the function."""
    encoder, known = settings.features.encoder(told), np.array(targets)
    count = len(encoder.blocks)
    medians = np.array([1.0] * count + [NOISE])
    start = medians
    if len(told) > 2:
        before = refit_at(len(told) - 1)
        start = np.array(_parameters(settings, told[:before], ranked(known[:before])))
    if len(told) > settings.tuned:
        chosen = best_and_spread(known, settings.tuned)
        told, known = tuple(told[i] for i in chosen), known[chosen]
    parts = [part @ part.T for part in _Neighbourhoods.of(encoder, np.ones(count)).unit(told)]

    def likelihood(parameters: Floats) -> float:
        weights = (parameters[:-1] / parameters[:-1].sum()).astype(np.float32)
        return negative_log_likelihood(
            np.tensordot(weights, parts, 1), LEAST_NOISE + float(parameters[-1]), known
        )

    return tuple((mode(likelihood, start, medians, settings.sweeps) if len(told) > 1 else start).tolist())


@final
@dataclass(frozen=True, eq=False)
class _Neighbourhoods(Kernel):
    encoder: Encoder
    weights: Matrix
    rows: Matrix

    @classmethod
    def of(cls, encoder: Encoder, weights: Floats) -> _Neighbourhoods:
        """Return the kernel before anything is told."""
        return cls(encoder, (weights / weights.sum()).astype(np.float32), np.zeros((0, 0), np.float32))

    def told(self, told: Told) -> _Neighbourhoods:
        """Return the kernel with the architectures that it compares with."""
        return _Neighbourhoods(self.encoder, self.weights, self._weighted(told))

    def unit(self, architectures: Sequence[Architecture]) -> list[Matrix]:
        """Return of each radius the counts `[n, d]`, each row of length 1 with what has no column."""
        rows, outside = self.encoder(architectures)
        parts = [rows[:, columns] for _, columns in self.encoder.blocks]
        norms = [np.einsum("ij,ij->i", part, part) for part in parts]
        return [
            part / np.sqrt(np.maximum(norm + rest, 1))[:, None]
            for part, norm, rest in zip(parts, norms, outside.T, strict=True)
        ]

    def _weighted(self, architectures: Sequence[Architecture]) -> Matrix:
        parts = self.unit(architectures)
        return np.hstack([np.sqrt(w) * part for w, part in zip(self.weights, parts, strict=True)])

    def correlation(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return the prior correlation `[m, n]` of m architectures with the n told ones."""
        return self._weighted(architectures) @ self.rows.T
