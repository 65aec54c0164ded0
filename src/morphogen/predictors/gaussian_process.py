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
from functools import lru_cache
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.features import Features, Frame, Matrix
from morphogen.predictors.predictor import Belief, Floats, Model, Predictor, Scale

Architectures: TypeAlias = tuple[Architecture, ...]

GROWTH: Final = 1.08
"""Beyond 30 points the weights are fitted anew whenever there are 8% more."""
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

    features: Features = Features()
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
        frame = self.features.frame(told)
        return _Posterior.of(_factor(frame, weights, told, last), targets)


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


def _matern(squared: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Matern-5/2 correlation of squared distances (overwritten)."""
    root = np.sqrt(np.maximum(squared, 0, out=squared) * np.float32(5))
    squared *= np.float32(5 / 3)
    squared += root
    squared += np.float32(1)
    np.exp(np.negative(root, out=root), out=root)
    squared *= root
    return squared


def _distances(frame: Frame, architectures: Architectures) -> tuple[NDArray[np.float32], Floats]:
    """Return the scaled squared distances `[blocks, n, n]`, and the scale of each block."""
    rows, _ = frame.encode(architectures)
    distances = np.zeros((len(frame.blocks), len(rows), len(rows)))
    for block, (_, columns) in zip(distances, frame.blocks, strict=True):
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


@lru_cache(maxsize=64)
def _weights(settings: GaussianProcess, told: Architectures, targets: tuple[float, ...]) -> _Weights:
    """Return the weights for all that was told. A function of its arguments: the chain of refits is part of it."""
    n, frame = len(told), settings.features.frame(told)
    count = len(frame.blocks)
    centre = np.log([1 / count] * count + [NOISE])
    at = centre
    if n > 2:
        before = _refit_at(n - 1)
        last = _weights(settings, told[:before], _ranked(np.array(targets[:before])))
        at = np.log([*last.blocks, last.noise])
    known = np.array(targets)
    if n > settings.tuned:
        chosen = best_and_spread(known, settings.tuned)
        told, known = tuple(told[i] for i in chosen), known[chosen]
    distances, scale = _distances(frame, told)
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


def _loss(at: Floats, centre: Floats, distances: NDArray[np.float32], targets: Floats) -> float:
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


# --- posterior: the Cholesky factor grows by a row a point between refits ----------------------------------------------


@final
@dataclass(frozen=True, eq=False)
class _Factor:
    """Inverse Cholesky factor `[n, n]` of the kernel matrix, and the scaled rows it belongs to."""

    frame: Frame
    columns: NDArray[np.float32]
    outside: NDArray[np.float32]
    rows: Matrix
    norms: NDArray[np.float32]
    inverse: Floats

    def correlation(self, architectures: Sequence[Architecture]) -> NDArray[np.float32]:
        """Return the prior correlation `[m, n]` of m architectures with the n told ones."""
        found, outside = self.frame.encode(architectures)
        rows = found * self.columns
        norms = np.einsum("ij,ij->i", rows, rows) + outside @ self.outside
        squared = rows @ self.rows.T
        squared *= np.float32(-2)
        squared += norms[:, None]
        squared += self.norms
        return _matern(squared)


@lru_cache(maxsize=8)
def _factor(frame: Frame, weights: _Weights, told: Architectures, last: int) -> _Factor:
    """Return the factor for all told: from scratch up to the last refit, from there on row by row."""
    from scipy.linalg import solve_triangular

    per_block = np.array(weights.blocks) / np.array(weights.scale)
    columns = np.zeros(frame.width, np.float32)
    for (_, part), weight in zip(frame.blocks, per_block, strict=True):
        columns[part] = math.sqrt(weight)
    rows = frame.encode(told)[0] * columns
    norms = np.einsum("ij,ij->i", rows, rows)
    squared = norms[:, None] + norms - 2 * rows @ rows.T
    kernel = _matern(squared).astype(np.float64)
    np.fill_diagonal(kernel, 1 + weights.noise)
    factor = np.linalg.cholesky(kernel)
    inverse = solve_triangular(factor, np.eye(len(told)), lower=True, check_finite=False)
    return _Factor(frame, columns, per_block.astype(np.float32), rows, norms, inverse)


@final
@dataclass(frozen=True, eq=False)
class _Posterior(Model):
    factor: _Factor
    mean: float
    variance: float
    dual: NDArray[np.float32]
    ones: NDArray[np.float32]
    certainty: float
    inverse: NDArray[np.float32]

    @classmethod
    def of(cls, factor: _Factor, targets: Floats) -> _Posterior:
        """Return the posterior of the latent function, given the targets."""
        inverse = factor.inverse
        white = inverse @ np.stack([targets, np.ones(len(targets))], axis=1)
        mean, variance = _closed_form(white)
        dual = inverse.T @ (white[:, 0] - mean * white[:, 1])
        return cls(
            factor,
            mean,
            variance,
            dual.astype(np.float32),
            (inverse.T @ white[:, 1]).astype(np.float32),
            float(white[:, 1] @ white[:, 1]),
            inverse.T.astype(np.float32),
        )

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return mean and standard deviation of the latent function: of the score without its noise."""
        correlation = self.factor.correlation(architectures)
        white = correlation @ self.inverse
        explained = np.einsum("ij,ij->i", white, white).astype(np.float64)
        unsure = (1 - (correlation @ self.ones).astype(np.float64)) ** 2 / self.certainty
        left = np.maximum(1 - explained, 1e-6) + unsure
        mean = self.mean + (correlation @ self.dual).astype(np.float64)
        return Belief(mean, np.sqrt(self.variance * left))
