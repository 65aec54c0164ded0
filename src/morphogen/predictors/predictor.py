"""The contract of a predictor: what will an architecture score, judging from those that were scored?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.architecture import Architecture

Floats: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float32]


class PredictorError(ValueError):
    """Data that nothing can be learnt from; the message names the row."""


@final
@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of n architectures, on the scale of `Scale`.

    mean, spread `[n]`: expectation and standard deviation of what each is worth. noise: standard deviation of
    one evaluation around that, as far as a predictor tells them apart; else it is in the spread.
    """

    mean: Floats
    spread: Floats
    noise: float = 0.0

    def interval(self, level: float = 0.9) -> tuple[Floats, Floats]:
        """Return lower and upper ends `[n]` between which one evaluation lies with probability `level`."""
        from scipy.special import ndtri

        reach = float(ndtri(0.5 + level / 2)) * np.sqrt(self.spread**2 + self.noise**2)
        return self.mean - reach, self.mean + reach


@final
@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of every belief: normal scores of ranks (van der Waerden 1952).

    The i-th smallest of n known scores stands at the standard normal quantile of (i - 1/2) / n, equal scores
    at the mean of their ranks; between two known scores it is linear. So beliefs do not depend on the unit of
    the scores, failed networks far below the rest do no harm, and 1.64 is better than 95% of what is known.
    """

    scores: Floats
    places: Floats

    @classmethod
    def of(cls, scores: Floats) -> Scale:
        """Return the scale on which `scores[n]` are standard normal."""
        return cls(*_steps(scores))

    def __call__(self, scores: ArrayLike) -> Floats:
        """Return where `scores[n]` stand; what is beyond the known scores stands at the nearest of them."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.places)


def _steps(scores: Floats) -> tuple[Floats, Floats]:
    from scipy.special import ndtri  # not at the top: `import morphogen` stays light

    known, times = np.unique(scores, return_counts=True)
    return known, np.asarray(ndtri((np.cumsum(times) - times / 2) / len(scores)), dtype=np.float64)


class Model(ABC):
    """What a predictor has learnt; immutable."""

    @abstractmethod
    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        """Return what is expected of n >= 1 architectures; isomorphic ones get equal beliefs."""


@final
@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted predictor: what it learnt, and the scale it learnt on."""

    model: Model
    scale: Scale

    def predict(self, architectures: Sequence[Architecture]) -> Belief:
        """Return mean `[n]` and spread `[n]` of what each architecture will score, on `scale`."""
        if not architectures:
            return Belief(np.zeros(0), np.zeros(0))
        with one_thread():
            return self.model.belief(architectures)


class Predictor(ABC):
    """Settings of a predictor, as a frozen dataclass that only stores.

    A fit is a function of its arguments: the same architectures and scores in the same order with an equal
    generator give the same beliefs, whatever was fitted before.
    """

    @abstractmethod
    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn `targets[n]` (standard normal, larger is better) of n >= 1 architectures."""

    @final
    def fit(
        self, architectures: Sequence[Architecture], scores: ArrayLike, rng: np.random.Generator
    ) -> Fitted:
        """Learn from n architectures and their `scores[n]`, of which larger is better.

        Raises:
            PredictorError: no architecture, scores of another number, or a score that is not a finite number.
        """
        values = np.asarray(scores, dtype=np.float64)
        if values.shape != (len(architectures),):
            raise PredictorError(
                f"{len(architectures)} architectures need as many scores, got {values.shape}"
            )
        if not len(values):
            raise PredictorError("nothing to learn from: give at least one architecture and its score")
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise PredictorError(
                f"score {row} is {values[row]} ({architectures[row]}); leave failed architectures out"
            )
        scale = Scale.of(values)
        with one_thread():
            return Fitted(self.learn(tuple(architectures), scale(values), rng), scale)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra use one thread: on matrices of some hundred rows more threads take several times longer."""
    libraries = _linear_algebra()
    before = [library.get_num_threads() for library in libraries]
    try:
        for library in libraries:
            library.set_num_threads(1)
        yield
    finally:
        for library, threads in zip(libraries, before, strict=True):
            library.set_num_threads(threads)


@cache
def _linear_algebra() -> Sequence[Any]:
    import scipy.linalg  # noqa: F401  # so that its library is loaded, and found
    from threadpoolctl import ThreadpoolController

    # Each library by itself: the limits of threadpoolctl ask for versions and settings, a millisecond each time.
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
