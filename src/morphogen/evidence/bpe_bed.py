"""Varied small networks and training recipes for the evidence on cheap recipes, and how they are trained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture, Constructor
from morphogen.networks.building import build, cost
from morphogen.networks.data import ImageData
from morphogen.records import Fidelity
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.dag_chain import dags, module

Sized: TypeAlias = tuple[Architecture, int]
"""An architecture and its width."""

CONVOLUTIONAL: Final = """
NET -> chain(B) | chain(B, B) | chain(D, B) | chain(B, D, B) | chain(D, B, B) | chain(D, B, D, B)
B -> O | residual(O, identity) | chain(W, A) | chain(W, batch_norm, A)
O -> conv1x1 | conv3x3 | conv5x5 | depthwise3x3 | avg_pool
W -> bare_conv1x1 | bare_conv3x3 | bare_depthwise3x3
A -> relu | hardswish | mish
D -> conv3x3_down | max_pool_down
"""

WIDTHS: Final = ((4, 8, 16), (4, 8, 16, 32, 64))
"""Of the first stage of convolutional networks, and of perceptrons."""

BATCH: Final = 64
RATE: Final = 0.01

LIMITS: Final = (10, 30, 100)
"""A recipe may cost one so-many-th of full training."""

TRIALS: Final = 40
"""Recipes of a search: five knobs, a round of eight for each."""

KNOBS: Final[Mapping[str, Sequence[float]]] = {
    "epochs": (1, 2, 4, 8),
    "fraction": (0.1, 0.25, 1.0),
    "resolution": (4, 8),
    "batch_size": (16, 64, 256),
    "learning_rate": (0.01, 0.03),
}

WORK: Final = {16: 3.2, 64: 1.0, 256: 0.45}
"""What an image costs in batches of that size, about; measured seconds decide later."""

DEAREST: Final = 1 / 7
"""Recipes that cost more than this part of full training, about, are not trained."""


@final
@dataclass(frozen=True)
class Bed:
    """How much is trained.

    networks: convolutional ones, perceptrons. references: of them that a search sees. epochs: of full training.
    seeds: of the truth.
    """

    networks: tuple[int, int] = (36, 28)
    references: int = 40
    epochs: int = 24
    seeds: int = 3
    knobs: tuple[tuple[str, tuple[float, ...]], ...] = tuple((n, tuple(v)) for n, v in KNOBS.items())
    trials: int = TRIALS
    limits: tuple[int, ...] = LIMITS

    @classmethod
    def small(cls) -> Bed:
        """Return a bed that is trained in seconds; what is found on it means nothing."""
        few = {"fraction": (0.1, 0.25), "batch_size": (16, 64), "resolution": (8,)}
        knobs = tuple((name, tuple(few.get(name, values[:1]))) for name, values in KNOBS.items())
        return cls((6, 5), 5, 2, 2, knobs, 4, (3,))

    @property
    def recipes(self) -> tuple[Fidelity, ...]:
        """The recipes that cost little enough; of those that take the same steps, one."""
        names, values = zip(*self.knobs, strict=True)
        found: dict[tuple[float | None, ...], Fidelity] = {}
        for chosen in product(*values):
            recipe = Fidelity(**dict(zip(names, chosen, strict=True)))
            assert recipe.epochs and recipe.fraction and recipe.batch_size
            size = min(recipe.batch_size, round(recipe.fraction * 1151))
            if recipe.epochs * recipe.fraction * WORK[recipe.batch_size] <= DEAREST * self.epochs:
                found.setdefault((*chosen[:3], size, recipe.learning_rate), recipe)
        return tuple(found.values())

    @property
    def full(self) -> Fidelity:
        """Full training."""
        return Fidelity(epochs=self.epochs, fraction=1.0, batch_size=BATCH, learning_rate=RATE)


def pool(bed: Bed, name: str = "pool") -> list[Sized]:
    """Return varied networks: convolutional ones and perceptrons, shuffled; by another name there are others."""
    space, rng = Space.from_text(CONVOLUTIONAL, "small"), stream(0, name)
    found: dict[tuple[Architecture, int], None] = {}
    while len(found) < bed.networks[0]:
        found[space.sample(rng), int(rng.choice(WIDTHS[0]))] = None
    while len(found) < sum(bed.networks):
        sizes = rng.integers(2, 4, size=int(rng.integers(1, 4)))
        parts = tuple(
            module(dags(size)[int(rng.integers(len(dags(size))))], size, "linear_relu")
            for size in sizes.tolist()
        )
        root = Constructor("mlp_chain", len(parts))
        found[Architecture(root, parts), int(rng.choice(WIDTHS[1]))] = None
    everything = list(found)
    return [everything[place] for place in rng.permutation(len(everything))]


@final
@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains networks on images; the stream of each training follows from its name and the network's number."""

    data: ImageData
    networks: Sequence[Sized]

    def __call__(self, which: int, fidelity: Fidelity, *name: Any, test: bool = False) -> tuple[float, float]:
        """Return the negative loss, on the validation or the test split, and the seconds of training alone."""
        from morphogen.networks.training import Diverged, Recipe, fit, score

        architecture, width = self.networks[which]
        data, rng = self.data.at(fidelity.resolution), stream(0, *name, which)
        classes = len(data.classes)
        network = build(architecture, data.shape, classes, channels=width, seed=int(rng.integers(2**62)))
        recipe = Recipe(
            epochs=fidelity.epochs or 1,
            batch_size=fidelity.batch_size or BATCH,
            learning_rate=fidelity.learning_rate,
            optimizer="adamw",
            shift=False,
            device="cpu",
            stop=fidelity.stop or 1.0,
        )
        begun = time.process_time()
        try:
            fit(network, data, data.part(fidelity.fraction or 1.0), None, recipe, rng)
        except Diverged:
            return -1e9, time.process_time() - begun
        seconds = time.process_time() - begun
        loss = score(network, data, data.test if test else data.validation, "cpu")[1]
        return -min(loss, 1e9), seconds

    @property
    def parameters(self) -> NDArray[np.float64]:
        """The size of each network [networks]."""
        data = self.data
        sizes = [
            cost(a, data.shape, len(data.classes), channels=width).parameters for a, width in self.networks
        ]
        return np.array(sizes, dtype=np.float64)
