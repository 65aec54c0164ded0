"""Gaussian processes, whatever their kernel: the posterior, and the mode of the kernel's parameters."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.predictor import Belief, Floats, Matrix, Model, Scale

Told: TypeAlias = tuple[Architecture, ...]

EARLY: Final = 30
"""Up to so many points the parameters are fitted at every point."""
GROWTH: Final = 1.15
"""Beyond, they are fitted anew whenever there are 15% more."""
NOISE: Final = 0.1
"""Prior median of the noise variance, as a part of the signal variance."""
LEAST_NOISE: Final = 1e-3
"""Noise below this is as good as none, and single precision would feel it."""


def refit_at(n: int) -> int:
    """Return the largest number of points up to n at which the parameters are fitted."""
    if n <= EARLY:
        return n
    return min(n, math.ceil(EARLY * GROWTH ** math.floor(math.log(n / EARLY, GROWTH) + 1e-9)))


def ranked(targets: Floats) -> tuple[float, ...]:
    """Return the normal scores of targets: those of the first n points do not depend on what came later."""
    return tuple(Scale.of(targets)(targets).tolist())


def best_and_spread(targets: Floats, n: int) -> NDArray[np.intp]:
    """Return n places: the best half, and of the others every so many by rank; in their old order."""
    order = np.argsort(-targets, kind="stable")
    rest = np.linspace(n // 2, len(targets) - 1, n - n // 2).round().astype(np.intp)
    return np.sort(order[np.concatenate([np.arange(n // 2), rest])])


# --- parameters ----------------------------------------------------------------------------------------------------


def mode(likelihood: Callable[[Floats], float], start: Floats, medians: Floats, sweeps: int) -> Floats:
    """Return positive parameters of high posterior, by a pattern search on their logarithms.

    likelihood: negative log likelihood of parameters. Their priors are log-normal with `medians` and standard
    deviation 1 of the logarithm. Each sweep tries a step up and down for each parameter, and halves a step
    that leads nowhere.
    """
    at, centre = np.log(start), np.log(medians)

    def loss(place: Floats) -> float:
        return likelihood(np.exp(place)) + 0.5 * float(((place - centre) ** 2).sum())

    lowest, step = loss(at), np.ones(len(at))
    for _ in range(sweeps):
        for i in range(len(at)):
            for sign in (1, -1):
                trial = at.copy()
                trial[i] += sign * step[i]
                if (found := loss(trial)) < lowest:
                    at, lowest = trial, found
                    break
            else:
                step[i] /= 2
    return np.exp(at)


def negative_log_likelihood(correlation: Matrix, noise: float, targets: Floats) -> float:
    """Return that of targets `[n]` with prior correlation `[n, n]`, up to a constant; mean and variance as fitted."""
    # Called a thousand times in a search: the checks of wrappers would cost as much as the work.
    from scipy.linalg.lapack import dpotrf, dtrtrs

    n = len(targets)
    covariance = correlation.astype(np.float64)
    covariance.flat[:: n + 1] += noise
    factor, failed = dpotrf(covariance.T, lower=1, overwrite_a=1)
    if failed:
        return math.inf
    white, _ = dtrtrs(factor, np.stack([targets, np.ones(n)], axis=1), lower=1)
    return 0.5 * n * math.log(_closed_form(white)[1]) + float(np.log(factor.diagonal()).sum())


def _closed_form(white: Floats) -> tuple[float, float]:
    """Return mean and signal variance of whitened (targets, ones) `[n, 2]`; one unit observation is the prior."""
    mean = float(white[:, 0] @ white[:, 1] / (white[:, 1] @ white[:, 1]))
    rest = white[:, 0] - mean * white[:, 1]
    return mean, (float(rest @ rest) + 1) / (len(rest) + 1)


# --- posterior -----------------------------------------------------------------------------------------------------


def inverse_factor(correlation: Matrix, noise: float) -> Floats:
    """Return the inverse Cholesky factor `[n, n]` of correlation plus noise."""
    from scipy.linalg import solve_triangular

    covariance = correlation.astype(np.float64)
    for more in (0.0, LEAST_NOISE, 10 * LEAST_NOISE, 1.0):
        np.fill_diagonal(covariance, 1 + noise + more)
        try:
            factor = np.linalg.cholesky(covariance)
            break
        except np.linalg.LinAlgError:  # rounding of single precision
            continue
    return np.asarray(solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False))


def grown(inverse: Floats, correlation: Matrix, noise: float) -> Floats:
    """Return the inverse factor with one point more, whose correlation `[n]` with the others is given."""
    n = len(inverse)
    white = inverse @ correlation.astype(np.float64)
    pivot = math.sqrt(max(1 + noise - float(white @ white), noise))  # less is rounding
    larger = np.zeros((n + 1, n + 1))
    larger[:n, :n] = inverse
    larger[n, :n] = (white @ inverse) / -pivot
    larger[n, n] = 1 / pivot
    return larger


class Kernel(ABC):
    """A fitted kernel and the points that were told; the correlation of an architecture with itself is 1."""

    @abstractmethod
    def correlation(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return the prior correlation `[m, n]` of m architectures with the n told ones."""


@final
@dataclass(frozen=True, eq=False)
class Posterior(Model):
    """The latent function after n points: the mean has a flat prior, the signal variance is as fitted."""

    kernel: Kernel
    mean: float
    variance: float
    noise: float
    dual: Matrix
    ones: Matrix
    certainty: float
    inverse: Matrix

    @classmethod
    def of(cls, kernel: Kernel, inverse: Floats, noise: float, targets: Floats) -> Posterior:
        """Return the posterior, given targets `[n]` and the inverse factor of the told points."""
        white = inverse @ np.stack([targets, np.ones(len(targets))], axis=1)
        mean, variance = _closed_form(white)
        dual = inverse.T @ (white[:, 0] - mean * white[:, 1])
        ones = inverse.T @ white[:, 1]
        certainty = float(white[:, 1] @ white[:, 1])
        single = np.float32
        return cls(
            kernel,
            mean,
            variance,
            math.sqrt(variance * noise),
            dual.astype(single),
            ones.astype(single),
            certainty,
            np.asfortranarray(inverse, dtype=single),
        )

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return mean and standard deviation of the latent function, and the noise of an evaluation."""
        from scipy.linalg.blas import strmm

        correlation = self.kernel.correlation(architectures)
        # The inverse factor is triangular: half the work of a product. Transposed, both are as BLAS has them.
        white = strmm(1.0, self.inverse, correlation.T, lower=1)
        explained = np.einsum("ij,ij->j", white, white).astype(np.float64)
        unsure = (1 - (correlation @ self.ones).astype(np.float64)) ** 2 / self.certainty
        spread = np.sqrt(self.variance * (np.maximum(1 - explained, 1e-6) + unsure))
        return Belief(self.mean + (correlation @ self.dual).astype(np.float64), spread, self.noise)
