"""The contract of estimators, held against the whole catalogue on a small space and small images."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from morphogen import catalog
from morphogen.estimators.estimator import Estimator
from morphogen.estimators.training import Training
from morphogen.networks.data import ImageData, from_arrays
from morphogen.recipes import recipe_space
from morphogen.records import Fidelity
from morphogen.spaces.space import Space
from morphogen.testing import estimators

SPACE = Space.from_text(
    "NET -> stack(CELL)\nCELL -> cell(OP, OP, OP)\nOP -> identity | conv1x1 | conv3x3 | avg_pool", "small"
)
CHEAP = Fidelity(epochs=2, channels=4, cells=1, batch_size=16)


@cache
def images() -> ImageData:
    """Return images of two classes that a network can tell apart: one is brighter."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    return from_arrays(rng.integers(0, 150, (80, 1, 8, 8)) + 100 * labels[:, None, None, None], labels)


def references() -> dict[str, Any]:
    """Return references of the small space, and the number of their convolutions as the truth."""
    rng = np.random.default_rng(0)
    cells = tuple(dict.fromkeys(SPACE.sample(rng) for _ in range(8)))
    truth = tuple(str(cell).count("conv") + 0.1 * number for number, cell in enumerate(cells))
    training = Training(images(), device="cpu")
    return {"estimator": training, "references": cells, "truth": truth, "score": "loss", "resamples": 50}


# What each estimator of the catalogue is made with; a new one with other needs says so here.
MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "training": lambda: {"data": images(), "device": "cpu"},
    "zero_cost": lambda: {"data": images()},
    "fade": lambda: {"data": images(), "supernets": 2},
    "darts": lambda: {"data": images()},
    "rank_agreement": references,
}

# Where its proposals come from, for an estimator of something else than networks.
SPACES: dict[str, Space] = {
    "rank_agreement": recipe_space({"epochs": [1, 3], "fraction": [0.5, 1], "learning_rate": [0.1, 0.02]}),
}


@cache
def estimator(entry: catalog.Entry) -> Estimator:
    made: Estimator = entry.load()(**MADE.get(entry.name, dict)())
    return made


CASES = [
    pytest.param(check, id=f"{entry.name}: {name}")
    for entry in catalog.entries("estimator")
    for name, check in estimators.checks(estimator(entry), SPACES.get(entry.name, SPACE), fidelity=CHEAP)
]


@pytest.mark.parametrize("check", CASES)
def test_estimators(check: Callable[[], None]) -> None:
    check()
