"""Performance without training: scores of the network at initialization (Abdelfattah et al., 2021)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.networks.building import build, cost
from morphogen.networks.data import ImageData
from morphogen.networks.operations import require_operations
from morphogen.networks.scores.score import SCORES, find
from morphogen.networks.scores.undefined import UndefinedScore
from morphogen.networks.shapes import ShapeError
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal
from morphogen.seeding import stream
from morphogen.spaces.space import Space

if TYPE_CHECKING:
    from morphogen.networks.network import Network
    from morphogen.networks.scores.probe import Probe

SIZES: Final = ("parameters", "multiply_adds")
"""Scores that need no network: its exact cost. They are the baseline that every other one must beat."""


@final
@dataclass(frozen=True)
class ZeroCost(Estimator):
    """Scores fresh networks on one minibatch; what a proposal's fidelity leaves open is as set here.

    data: the images; the minibatch is the beginning of the training split, the same for all architectures.
    scores: names of `morphogen.networks.scores.SCORES`, `parameters` or `multiply_adds`; the first one is
    what a search improves. channels (of the first stage), cells (a stage), batch_size: as in `Fidelity`; the
    defaults are those of NAS-Bench-201. device: auto, cpu, cuda or mps.

    Every metric is to be maximized, sizes too: here each number stands for the quality that it predicts. A
    score without a finite value (a network that ignores its images) is a failed estimate.

    As features of a predictor take `features`, as warm start of a strategy `score`.
    """

    data: ImageData
    scores: tuple[str, ...] = ("naswot", "synflow", "parameters")
    channels: int = 16
    cells: int = 5
    batch_size: int = 32
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.scores or len(set(self.scores)) < len(self.scores):
            raise ValueError(f"scores are one or more names, each once, got {self.scores}")
        for name in self.scores:
            if name not in SIZES:
                find(name, SIZES)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(Metric(name) for name in self.scores)

    @property
    def deterministic(self) -> bool:
        """Whether it runs on a CPU, or needs no network."""
        if set(self.scores) <= set(SIZES):
            return True
        from morphogen.networks.batches import resolve

        return resolve(self.device).type == "cpu"

    @property
    def fingerprint(self) -> str:
        fields = ("scores", "channels", "cells", "batch_size")
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in fields)
        return f"zero_cost({settings}) on {self.data.name} {self.data.fingerprint}"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Score one architecture with weights from `rng`.

        Raises:
            ShapeError: the images are too small for the architecture.
            UnknownOperation: the architecture names an operation that does not exist.
        """
        begun = time.perf_counter()
        values = {}
        for name, value in self._values(proposal.architecture, proposal.fidelity, rng):
            if isinstance(value, UndefinedScore):
                failure = Failure(type(value).__name__, f"{name}: {value}")
                return Estimate(cost=time.perf_counter() - begun, failure=failure)
            values[name] = value
        return Estimate(values, time.perf_counter() - begun)

    def features(self, architectures: Sequence[Architecture], seed: int = 0) -> NDArray[np.float64]:
        """Return the scores of n architectures [n, scores], NaN where one has no value.

        All networks draw their weights from one seed; isomorphic architectures have equal rows.
        """
        rows = np.full((len(architectures), len(self.scores)), np.nan)
        for row, architecture in zip(rows, architectures, strict=True):
            try:
                found = dict(self._values(architecture, Fidelity(), stream(seed, "zero_cost")))
            except ShapeError:
                continue
            row[:] = [math.nan if isinstance(value, UndefinedScore) else value for value in found.values()]
        return rows

    def score(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the first score of n architectures [n], minus infinity where it has no value."""
        return np.nan_to_num(replace(self, scores=self.scores[:1]).features(architectures)[:, 0], nan=-np.inf)

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Score one narrow network of `space`.

        Raises:
            UnknownOperation: the space names operations that do not exist.
            ShapeError: no architecture of a few fits the images.
        """
        require_operations(space.operations, space.name)
        for attempt in range(1, _REHEARSED + 1):
            try:
                # A score without a value is no reason to stop: the next architecture may have one.
                dict(self._values(space.sample(rng), Fidelity(channels=4, cells=1).over(fidelity), rng))
                return
            except ShapeError as error:
                if attempt == _REHEARSED:
                    raise ShapeError(f"{error} (so for {attempt} architectures of {space.name})") from error

    def _values(
        self, architecture: Architecture, fidelity: Fidelity, rng: np.random.Generator
    ) -> Iterator[tuple[str, float | UndefinedScore]]:
        """Yield each score with its value, or why there is none."""
        data = self.data.at(fidelity.resolution)
        of = (architecture, data.shape, len(data.classes))
        channels, cells = fidelity.channels or self.channels, fidelity.cells or self.cells
        seed = int(rng.integers(2**62))
        exact = cost(*of, channels=channels, cells=cells)
        known = {"parameters": exact.parameters, "multiply_adds": exact.multiply_adds}
        probe: Probe | None = None
        for name in self.scores:
            if name in known:
                yield name, known[name]
                continue
            if probe is None:
                network = build(*of, channels=channels, cells=cells, seed=seed)
                probe = self._probe(network, data, fidelity.batch_size or self.batch_size, seed)
            yield name, _measured(name, probe)

    def _probe(self, network: Network, data: ImageData, count: int, seed: int) -> Probe:
        import torch

        from morphogen.networks.batches import batches_of, resolve
        from morphogen.networks.scores.probe import Probe

        device = resolve(self.device)
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        images, labels = batches_of(data, device).plain(torch.from_numpy(data.train[:count].copy()))
        return Probe(network, images, labels, seed)


_REHEARSED: Final = 5


def _measured(name: str, probe: Probe) -> float | UndefinedScore:
    from morphogen.networks.scores.probe import one_thread

    with one_thread():
        try:
            return SCORES[name].load()(probe)
        except UndefinedScore as error:
            return error
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):  # torch's words
                raise
            return UndefinedScore(
                "a batch normalization reads one number a channel: take a larger batch_size or larger images"
            )
