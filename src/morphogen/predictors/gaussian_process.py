"""Gaussian process on blocks of graph features: one product Matern kernel, a weight for each block.

For few points it is the sharpest single model here, and its spread is what an acquisition needs. Kernel:
Matern-5/2 of sum_b w_b d_b(a, b)^2, where d_b^2 is the squared distance in block b, in units of the mean over
pairs of training architectures. Weights and noise are the mode of their posterior, signal variance and mean
are in closed form (Rasmussen and Williams 2006, ch. 2 and 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.predictors.features import Encoder, Features
from morphogen.predictors.frame import FRAMES
from morphogen.predictors.inference import (
    LEAST_NOISE,
    NOISE,
    Kernel,
    Posterior,
    Told,
    best_and_spread,
    grown,
    inverse_factor,
    mode,
    negative_log_likelihood,
    ranked,
    refit_at,
)
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor

WEIGHTS: Final = 0.15
"""Prior median of all weights together: how much of the mean squared distance counts."""


@final
@dataclass(frozen=True)
class GaussianProcess(Predictor):
    """An exact Gaussian process; beyond `points` architectures on the best half and a spread of the others.

    features: the blocks, each with its own weight. points: most architectures in the kernel matrix. tuned:
    most architectures that the weights are fitted to. sweeps: rounds of the pattern search at each refit,
    which starts from the weights of the last one.
    """

    features: Features = Features(("sizes", "places", "histories", "shortest", "ways"))
    points: int = 500
    tuned: int = 150
    sweeps: int = 2

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn; no randomness is used, and nothing is done twice that a fit of the same beginning did."""
        told = tuple(architectures)
        last = refit_at(len(told))
        weights = _weights(self, told[:last], ranked(targets[:last]))
        if len(told) > self.points:
            chosen = best_and_spread(targets, self.points)
            told, targets = tuple(told[i] for i in chosen), targets[chosen]
            last = len(told)
        kernel = _kernel(self.features, weights, told, last)
        return Posterior.of(kernel, _inverse(self.features, weights, told, last), weights.noise, targets)


# --- weights -------------------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Weights:
    """Of each block its weight and the squared distance that counts as 1; the noise variance beyond the least."""

    names: tuple[str, ...]
    blocks: tuple[float, ...]
    scale: tuple[float, ...]
    excess: float

    @property
    def noise(self) -> float:
        """The noise variance, as a part of the signal variance."""
        return LEAST_NOISE + self.excess

    @cached_property
    def scaled(self) -> Floats:
        """What a squared distance counts in each block."""
        return np.asarray(np.array(self.blocks) / np.array(self.scale))


@lru_cache(maxsize=64)
def _weights(settings: GaussianProcess, told: Told, targets: tuple[float, ...]) -> _Weights:
    """Return the weights for all that was told. The chain of earlier refits is part of the function."""
    encoder, known = settings.features.encoder(told), np.array(targets)
    names = tuple(name for name, _ in encoder.blocks)
    count = len(names)
    medians = np.array([WEIGHTS / count] * count + [NOISE])
    start = medians
    if len(told) > 2:
        before = refit_at(len(told) - 1)
        last = _weights(settings, told[:before], ranked(known[:before]))
        found = dict(zip(last.names, last.blocks, strict=True))
        start = np.array([*(found.get(name, WEIGHTS / count) for name in names), last.excess])
    if len(told) > settings.tuned:
        chosen = best_and_spread(known, settings.tuned)
        told, known = tuple(told[i] for i in chosen), known[chosen]
    distances, scale = _distances(encoder, told)
    pairs = distances.reshape(count, -1)

    def likelihood(parameters: Floats) -> float:
        squared = parameters[:-1].astype(np.float32) @ pairs
        correlation = _matern(squared.reshape(len(told), -1))
        return negative_log_likelihood(correlation, LEAST_NOISE + float(parameters[-1]), known)

    if len(told) > 1:
        start = mode(likelihood, start, medians, settings.sweeps)
    return _Weights(names, tuple(start[:-1].tolist()), tuple(scale.tolist()), float(start[-1]))


def _distances(encoder: Encoder, told: Told) -> tuple[Matrix, Floats]:
    """Return the squared distances `[blocks, n, n]` in units of their mean, and that mean `[blocks]`."""
    rows, _ = encoder(told)
    n = len(rows)
    distances = np.zeros((len(encoder.blocks), n, n))
    for block, (_, columns) in zip(distances, encoder.blocks, strict=True):
        part = rows[:, columns].astype(np.float64)
        norm = (part * part).sum(axis=1)
        block += np.maximum(norm[:, None] + norm - 2 * part @ part.T, 0)
    mean = distances.sum(axis=(1, 2)) / max(1, n * (n - 1))
    scale = np.where(mean > 0, mean, 1.0)
    return (distances / scale[:, None, None]).astype(np.float32), scale


# --- kernel --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=FRAMES)
def _kernel(features: Features, weights: _Weights, told: Told, last: int) -> _Matern:
    """Return the kernel of all told; the caller's own numbers are ranked among those of the last refit."""
    return _Matern.of(features.encoder(told, last), weights, told)


@lru_cache(maxsize=8)
def _inverse(features: Features, weights: _Weights, told: Told, last: int) -> Floats:
    """Return the inverse Cholesky factor of all told: at once up to the last refit, from there on row by row.

    That is so whether or not an earlier fit did a part of it: the rounding is the same, and so is a search
    that is resumed.
    """
    kernel = _kernel(features, weights, told, last)
    if len(told) > last:
        before = _kernel(features, weights, told[:-1], last)
        if before.encoder.frame.memory is kernel.encoder.frame.memory:
            row = kernel.among(kernel.rows[-1:], kernel.norms[-1:])[0, :-1]
            return grown(_inverse(features, weights, told[:-1], last), row, weights.noise)
    return inverse_factor(kernel.among(kernel.rows, kernel.norms), weights.noise)


@final
@dataclass(frozen=True, eq=False)
class _Matern(Kernel):
    """The told architectures as rows whose squared distances count as they are; their middle is 0."""

    encoder: Encoder
    columns: Matrix
    middle: Matrix
    outside: Matrix
    rows: Matrix
    norms: Matrix

    @classmethod
    def of(cls, encoder: Encoder, weights: _Weights, told: Told) -> _Matern:
        """Return the rows of the told architectures, each column times the root of its weight."""
        columns = np.zeros(encoder.width, np.float32)
        for (_, part), weight in zip(encoder.blocks, weights.scaled, strict=True):
            columns[part] = np.sqrt(weight)
        rows = encoder(told)[0] * columns
        middle = rows.mean(axis=0)  # away from it single precision would lose small distances
        rows -= middle
        norms = np.einsum("ij,ij->i", rows, rows)
        return cls(encoder, columns, middle, weights.scaled.astype(np.float32), rows, norms)

    def correlation(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return the prior correlation `[m, n]` of m architectures with the n told ones."""
        found, outside = self.encoder(architectures)
        rows = found * self.columns
        rows -= self.middle
        with np.errstate(invalid="ignore"):  # a flag that OpenBLAS may raise for finite numbers
            lost = outside @ self.outside
        return self.among(rows, np.einsum("ij,ij->i", rows, rows) + lost)

    def among(self, rows: Matrix, norms: Matrix) -> Matrix:
        """Return the prior correlation `[m, n]` of rows `[m, d]` with squared norms `[m]`, and the told ones."""
        squared = rows @ self.rows.T
        squared *= np.float32(-2)
        squared += norms[:, None]
        squared += self.norms
        return _matern(squared)


def _matern(squared: Matrix) -> Matrix:
    """Return the Matern-5/2 correlation of squared distances (overwritten)."""
    root = np.sqrt(np.maximum(squared, 0, out=squared) * np.float32(5))
    squared *= np.float32(5 / 3)
    squared += root
    squared += np.float32(1)
    np.exp(np.negative(root, out=root), out=root)
    squared *= root
    return squared
