"""Gaussian process on blocks of graph features: one product Matern kernel, weights by their posterior mode.

For few points (up to some hundreds) it is the sharpest single model here, and its spread is what an
acquisition needs. Kernel: k(a, b) = s2 Matern-5/2(sum_b w_b d_b(a, b)^2), where d_b^2 is the squared distance
in block b, scaled so that it is 1 for an average pair of training architectures. The weights and the noise
maximise their posterior (log-normal priors); signal variance and mean are in closed form (Rasmussen and
Williams 2006, ch. 2 and 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.features import Encoder, Features, Matrix
from morphogen.predictors.predictor import Belief, Floats, Model, Predictor, Scale

Architectures: TypeAlias = tuple[Architecture, ...]

GROWTH: Final = 1.08
"""Beyond 30 points the weights are fitted anew whenever there are 8% more."""
WEIGHTS: Final = 0.4
"""Prior median of the sum of all weights: a tenth of a correlation is lost over about half the average distance."""
NOISE: Final = 0.05
"""Prior median of the noise variance, as a part of the signal variance."""


@final
@dataclass(frozen=True)
class GaussianProcess(Predictor):
    """An exact Gaussian process; beyond `points` architectures on the best and a spread of the others.

    features: the blocks, each with its own weight. points: most architectures in the kernel matrix. tuned:
    most architectures that the weights are fitted to. sweeps: rounds of the pattern search at each refit,
    which starts from the last one.
    """

    features: Features = Features(("counts", "places", "pairs", "paths", "shortest", "ways", "spans"))
    points: int = 500
    tuned: int = 200
    sweeps: int = 2

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn; a fit uses no randomness, and repeats nothing that an earlier fit of the same beginning did."""
        told = tuple(architectures)
        last = _refit_at(len(told))
        weights = _weights(self, told[:last], _ranked(targets[:last]))
        if len(told) > self.points:
            chosen = best_and_spread(targets, self.points)
            told, targets = tuple(told[i] for i in chosen), targets[chosen]
            last = len(told)
        kernel = _Kernel.of(self.features.encoder(told, last), weights, told)
        return _Posterior.of(kernel, _inverse(self.features, weights, told, last), targets)


def _refit_at(n: int) -> int:
    """Return the largest number of points up to n at which the weights are fitted."""
    if n <= 30:
        return n
    return min(n, math.ceil(30 * GROWTH ** math.floor(math.log(n / 30) / math.log(GROWTH) + 1e-9)))


def _ranked(targets: Floats) -> tuple[float, ...]:
    return tuple(Scale.of(targets)(targets).tolist())


def best_and_spread(targets: Floats, n: int) -> NDArray[np.intp]:
    """Return n places: the best half, and of the others every so many by rank; in their old order."""
    order = np.argsort(-targets, kind="stable")
    rest = np.linspace(n // 2, len(targets) - 1, n - n // 2).round().astype(np.intp)
    return np.sort(order[np.concatenate([np.arange(n // 2), rest])])


# --- kernel --------------------------------------------------------------------------------------------------------


def _matern(squared: Matrix) -> Matrix:
    """Return the Matern-5/2 correlation of squared distances (overwritten)."""
    root = np.sqrt(np.maximum(squared, 0, out=squared) * np.float32(5))
    squared *= np.float32(5 / 3)
    squared += root
    squared += np.float32(1)
    np.exp(np.negative(root, out=root), out=root)
    squared *= root
    return squared


def _distances(encoder: Encoder, architectures: Architectures) -> tuple[Matrix, Floats]:
    """Return the scaled squared distances `[blocks, n, n]`, and the scale of each block."""
    rows, _ = encoder(architectures)
    distances = np.zeros((len(encoder.blocks), len(rows), len(rows)))
    for block, (_, columns) in zip(distances, encoder.blocks, strict=True):
        part = rows[:, columns].astype(np.float64)
        norm = (part * part).sum(axis=1)
        block += np.maximum(norm[:, None] + norm - 2 * part @ part.T, 0)
    pairs = max(1, len(rows) * (len(rows) - 1))
    mean = distances.sum(axis=(1, 2)) / pairs
    scale = np.where(mean > 0, mean, 1.0)
    return (distances / scale[:, None, None]).astype(np.float32), scale


# --- weights: posterior mode, by a pattern search that goes on from the last refit ------------------------------------


@final
@dataclass(frozen=True)
class _Weights:
    """The fitted kernel: weight of each block (by its name), squared distance that counts as 1, noise variance."""

    blocks: tuple[float, ...]
    scale: tuple[float, ...]
    noise: float

    @cached_property
    def scaled(self) -> tuple[float, ...]:
        """What a squared distance counts in each block."""
        return tuple(w / s for w, s in zip(self.blocks, self.scale, strict=True))


@lru_cache(maxsize=64)
def _weights(settings: GaussianProcess, told: Architectures, targets: tuple[float, ...]) -> _Weights:
    """Return the weights for all that was told. A function of its arguments: the chain of refits is part of it."""
    n, encoder = len(told), settings.features.encoder(told)
    count = len(encoder.blocks)
    centre = np.log([WEIGHTS / count] * count + [NOISE])
    at = centre
    if n > 2:
        before = _refit_at(n - 1)
        last = _weights(settings, told[:before], _ranked(np.array(targets[:before])))
        at = np.log([*last.blocks, last.noise])
    known = np.array(targets)
    if n > settings.tuned:
        chosen = best_and_spread(known, settings.tuned)
        told, known = tuple(told[i] for i in chosen), known[chosen]
    distances, scale = _distances(encoder, told)
    lowest = _loss(at, centre, distances, known)
    step = np.ones(len(at))
    for _ in range(settings.sweeps if n > 1 else 0):
        for i in range(len(at)):
            for sign in (1, -1):
                trial = at.copy()
                trial[i] += sign * step[i]
                loss = _loss(trial, centre, distances, known)
                if loss < lowest:
                    at, lowest = trial, loss
                    break
            else:
                step[i] /= 2
    found = np.exp(at)
    return _Weights(tuple(found[:-1].tolist()), tuple(scale.tolist()), float(found[-1]))


def _loss(at: Floats, centre: Floats, distances: Matrix, targets: Floats) -> float:
    """Return the negative log posterior of log weights and log noise, up to a constant."""
    from scipy.linalg import solve_triangular

    n = len(targets)
    weights = np.exp(at).astype(np.float32)
    kernel = _matern(np.tensordot(weights[:-1], distances, 1)).astype(np.float64)
    kernel[np.diag_indices(n)] += math.exp(at[-1])
    try:
        factor = np.linalg.cholesky(kernel)
    except np.linalg.LinAlgError:
        return math.inf
    white = solve_triangular(
        factor, np.stack([targets, np.ones(n)], axis=1), lower=True, check_finite=False
    )
    _, variance = _closed_form(white)
    prior = 0.5 * float(((at - centre) ** 2).sum())
    return 0.5 * n * math.log(variance) + float(np.log(np.diag(factor)).sum()) + prior


def _closed_form(white: Floats) -> tuple[float, float]:
    """Return mean and signal variance of whitened (targets, ones) `[n, 2]`; one unit observation is the prior."""
    mean = float(white[:, 0] @ white[:, 1] / (white[:, 1] @ white[:, 1]))
    rest = white[:, 0] - mean * white[:, 1]
    return mean, (float(rest @ rest) + 1) / (len(rest) + 1)


# --- posterior: the inverse Cholesky factor grows by a row a point between refits ----------------------------------------


@lru_cache(maxsize=8)
def _inverse(features: Features, weights: _Weights, told: Architectures, last: int) -> Floats:
    """Return the inverse Cholesky factor of the kernel matrix of all told.

    It is made at once up to the last refit and from there on row by row, whether or not an earlier fit did so
    already: the rounding is the same, and so is a search that is resumed.
    """
    from scipy.linalg import solve_triangular

    n, encoder = len(told), features.encoder(told, last)
    kernel = _Kernel.of(encoder, weights, told)
    if n <= last or features.encoder(told[:-1], last).frame.memory is not encoder.frame.memory:
        covariance = kernel.among(kernel.rows, kernel.norms).astype(np.float64)
        np.fill_diagonal(covariance, 1 + weights.noise)
        factor = np.linalg.cholesky(covariance)
        return solve_triangular(factor, np.eye(n), lower=True, check_finite=False)
    known = _inverse(features, weights, told[:-1], last)
    white = known @ kernel.among(kernel.rows[-1:], kernel.norms[-1:])[0, :-1].astype(np.float64)
    pivot = math.sqrt(max(1 + weights.noise - float(white @ white), 1e-9))
    grown = np.zeros((n, n))
    grown[:-1, :-1] = known
    grown[-1, :-1] = (white @ known) / -pivot
    grown[-1, -1] = 1 / pivot
    return grown


@final
@dataclass(frozen=True, eq=False)
class _Kernel:
    """The told architectures as rows whose squared distances count as they are."""

    encoder: Encoder
    columns: Matrix
    outside: Matrix
    rows: Matrix
    norms: Matrix

    @classmethod
    def of(cls, encoder: Encoder, weights: _Weights, told: Architectures) -> _Kernel:
        """Return the rows of the told architectures, each column times the root of its weight."""
        columns = np.zeros(encoder.width, np.float32)
        for (_, part), weight in zip(encoder.blocks, weights.scaled, strict=True):
            columns[part] = math.sqrt(weight)
        rows = encoder(told)[0] * columns
        norms = np.einsum("ij,ij->i", rows, rows)
        return cls(encoder, columns, np.array(weights.scaled, np.float32), rows, norms)

    def correlation(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return the prior correlation `[m, n]` of m architectures with the n told ones."""
        found, outside = self.encoder(architectures)
        rows = found * self.columns
        return self.among(rows, np.einsum("ij,ij->i", rows, rows) + outside @ self.outside)

    def among(self, rows: Matrix, norms: Matrix) -> Matrix:
        """Return the prior correlation `[m, n]` of rows `[m, d]` with squared norms `[m]`, and the told ones."""
        squared = rows @ self.rows.T
        squared *= np.float32(-2)
        squared += norms[:, None]
        squared += self.norms
        return _matern(squared)


@final
@dataclass(frozen=True, eq=False)
class _Posterior(Model):
    kernel: _Kernel
    mean: float
    variance: float
    dual: Matrix
    ones: Matrix
    certainty: float
    inverse: Matrix

    @classmethod
    def of(cls, kernel: _Kernel, inverse: Floats, targets: Floats) -> _Posterior:
        """Return the posterior of the latent function, given the targets."""
        white = inverse @ np.stack([targets, np.ones(len(targets))], axis=1)
        mean, variance = _closed_form(white)
        dual = inverse.T @ (white[:, 0] - mean * white[:, 1])
        return cls(
            kernel,
            mean,
            variance,
            dual.astype(np.float32),
            (inverse.T @ white[:, 1]).astype(np.float32),
            float(white[:, 1] @ white[:, 1]),
            inverse.T.astype(np.float32),
        )

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return mean and standard deviation of the latent function: of the score without its noise."""
        correlation = self.kernel.correlation(architectures)
        white = correlation @ self.inverse
        explained = np.einsum("ij,ij->i", white, white).astype(np.float64)
        unsure = (1 - (correlation @ self.ones).astype(np.float64)) ** 2 / self.certainty
        left = np.maximum(1 - explained, 1e-6) + unsure
        mean = self.mean + (correlation @ self.dual).astype(np.float64)
        return Belief(mean, np.sqrt(self.variance * left))
