"""Performance by training: build the network, train it on images, score it on the validation split."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.networks.building import build, cost
from morphogen.networks.data import ImageData
from morphogen.networks.operations import require_operations
from morphogen.networks.shapes import ShapeError
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal
from morphogen.spaces.space import Space

if TYPE_CHECKING:
    from morphogen.networks.network import Network
    from morphogen.networks.training import Recipe

METRICS: Final = (
    Metric("accuracy"),
    Metric("loss", maximize=False),
    Metric("seconds", maximize=False, unit="s"),
    Metric("parameters", maximize=False),
    Metric("multiply_adds", maximize=False),
)

LATENCY: Final = Metric("latency_ms", maximize=False, unit="ms")
"""What is measured when it is asked for: of one image, on one pinned CPU thread."""


@final
@dataclass(frozen=True)
class Training(Estimator):
    """Trains each architecture from fresh weights; what a proposal's fidelity leaves open is as set here.

    data: the images. epochs, channels (of the first stage), cells (a stage), batch_size, learning_rate (at
    its peak; None is 0.1 for sgd and 0.01 for adamw): as in `Fidelity`. optimizer: SGD with Nesterov
    momentum 0.9, or AdamW. shift: moves training images by up to an eighth of their side. flip: mirrors half
    of them; right for photographs, wrong for digits. device: auto, cpu, cuda or mps. latency: whether
    `latency_ms` is measured, too: the median of 30 passes of one image on one pinned CPU thread.

    Reports accuracy (a fraction) and loss on the validation split after the last epoch, the seconds of
    training, and the size of the network, which is known before; the curve holds each epoch.
    """

    data: ImageData
    epochs: int = 10
    channels: int = 16
    cells: int = 1
    batch_size: int = 64
    learning_rate: float | None = None
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    optimizer: Literal["sgd", "adamw"] = "sgd"
    shift: bool = True
    flip: bool = False
    device: str = "auto"
    latency: bool = False

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (*METRICS, LATENCY) if self.latency else METRICS

    @property
    def deterministic(self) -> bool:
        """Whether it runs on a CPU; there only the times differ between equal estimates."""
        from morphogen.networks.batches import resolve

        return resolve(self.device).type == "cpu"

    @property
    def fingerprint(self) -> str:
        fields = ("epochs", "channels", "cells", "batch_size", "learning_rate", "weight_decay")
        more = ("label_smoothing", "optimizer", "shift", "flip")
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in (*fields, *more))
        return f"training({settings}) on {self.data.name} {self.data.fingerprint}"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Train and validate one architecture; a loss that is not finite is a failed estimate with its curve.

        Raises:
            ShapeError: the images are too small for the architecture.
            UnknownOperation: the architecture names an operation that does not exist.
            ValueError: a cutout, or a precision other than 32, is asked for.
        """
        from morphogen.networks.latency import latency
        from morphogen.networks.training import Diverged, fit

        begun = time.perf_counter()
        fidelity = proposal.fidelity.over(Fidelity.among(self))
        if fidelity.cutout or fidelity.precision not in (None, 32):
            raise ValueError("training masks nothing and takes 32 bits: leave cutout and precision out")
        data = self.data.at(fidelity.resolution)
        network, size = self._build(proposal.architecture, data, fidelity, rng)
        numbers = data.part(fidelity.fraction or 1.0)
        started = time.perf_counter()
        try:
            fitted = fit(network, data, numbers, data.validation, self._recipe(fidelity), rng)
        except Diverged as error:
            failure = Failure(type(error).__name__, str(error))
            return Estimate(cost=time.perf_counter() - begun, curve=error.curve, failure=failure)
        ended = time.perf_counter()
        values = {"accuracy": fitted.accuracy, "loss": fitted.loss, "seconds": ended - started, **size}
        if self.latency:
            values[LATENCY.name] = latency(network, data.shape)
        return Estimate(values, time.perf_counter() - begun, fitted.curve)

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        """Return parameters and multiply-adds, from the shapes alone, without torch.

        Raises:
            ShapeError, UnknownOperation: there is no such network.
        """
        fidelity = proposal.fidelity.over(Fidelity.among(self))
        return self._size(proposal.architecture, self.data.at(fidelity.resolution), fidelity)

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Train one narrow network of `space` for one step.

        Raises:
            UnknownOperation: the space names operations that do not exist.
            ShapeError: no architecture of a few fits the images.
        """
        from morphogen.networks.training import fit

        require_operations(space.operations, space.name)
        narrow = Fidelity(epochs=1, channels=4, cells=1).over(fidelity.over(Fidelity.among(self)))
        data = self.data.at(narrow.resolution)
        for attempt in range(_REHEARSED):
            architecture = space.sample(rng)
            try:
                network, _ = self._build(architecture, data, narrow, rng)
                break
            except ShapeError as error:
                if attempt == _REHEARSED - 1:
                    raise ShapeError(
                        f"{error} (so for {_REHEARSED} architectures of {space.name})"
                    ) from error
        recipe = self._recipe(narrow)
        # A tiny step: one at the full rate can blow up a deep network that a whole training would not.
        recipe = replace(recipe, learning_rate=TINY * recipe.peak)
        fit(network, data, data.train[: recipe.batch_size], data.validation[:2], recipe, rng)

    def _recipe(self, fidelity: Fidelity) -> Recipe:
        from morphogen.networks.training import Recipe

        return Recipe(
            epochs=fidelity.epochs or self.epochs,
            batch_size=fidelity.batch_size or self.batch_size,
            learning_rate=fidelity.learning_rate,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            optimizer=self.optimizer,
            shift=self.shift,
            flip=self.flip,
            device=self.device,
            stop=fidelity.stop or 1.0,
        )

    def _build(
        self, architecture: Architecture, data: ImageData, fidelity: Fidelity, rng: np.random.Generator
    ) -> tuple[Network, dict[str, float]]:
        size = self._size(architecture, data, fidelity)
        channels, cells = fidelity.channels or self.channels, fidelity.cells or self.cells
        of = (architecture, data.shape, len(data.classes))
        return build(*of, channels=channels, cells=cells, seed=int(rng.integers(2**62))), size

    def _size(self, architecture: Architecture, data: ImageData, fidelity: Fidelity) -> dict[str, float]:
        channels, cells = fidelity.channels or self.channels, fidelity.cells or self.cells
        size = cost(architecture, data.shape, len(data.classes), channels=channels, cells=cells)
        return {"parameters": size.parameters, "multiply_adds": size.multiply_adds}


_REHEARSED: Final = 5

TINY: Final = 1e-4
"""By so much the learning rate of a rehearsal is smaller."""


@final
@dataclass(frozen=True)
class Retrained:
    """The winner, trained on training and validation split, and its score on the untouched test split.

    accuracy: a fraction, with its 95% interval (Wilson 1927) over the `tested` images; NaN where the data set
    none aside for a test. seconds: of training.
    """

    network: Network
    accuracy: float
    interval: tuple[float, float]
    loss: float
    tested: int
    seconds: float
    parameters: int
    multiply_adds: int
    curve: tuple[Mapping[str, float], ...]


def retrain(
    architecture: Architecture,
    training: Training,
    rng: np.random.Generator,
    fidelity: Fidelity = Fidelity(),
) -> Retrained:
    """Train `architecture` anew as `training` does, on training and validation split, and test it once.

    Raises:
        Diverged: the loss became infinite or NaN.
    """
    from morphogen.networks.training import fit, score

    fidelity = fidelity.over(Fidelity.among(training))
    data = training.data.at(fidelity.resolution)
    network, size = training._build(architecture, data, fidelity, rng)
    numbers = np.concatenate([data.part(fidelity.fraction or 1.0), data.validation])
    started = time.perf_counter()
    fitted = fit(network, data, numbers, None, training._recipe(fidelity), rng)
    seconds = time.perf_counter() - started
    accuracy, loss, interval = math.nan, math.nan, (0.0, 1.0)
    if data.test.size:
        accuracy, loss = score(network, data, data.test, training.device)
        interval = wilson(round(accuracy * data.test.size), data.test.size)
    sizes = (int(size["parameters"]), int(size["multiply_adds"]))
    return Retrained(network, accuracy, interval, loss, data.test.size, seconds, *sizes, curve=fitted.curve)


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927, eq. 1), 95% unless `z` says otherwise."""
    share, square = successes / trials, z * z / trials
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
