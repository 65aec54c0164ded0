"""The contract of predictors, held against the whole catalogue."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from morphogen import catalog
from morphogen.architecture import Architecture
from morphogen.predictors.predictor import Belief, Model, Predictor
from morphogen.predictors.stacked import Schedule
from morphogen.testing import predictors

# What makes a predictor quick enough for the tests; as many as its contract needs.
SHORT = Schedule(steps=60, rate=0.02)
MADE: dict[str, dict[str, Any]] = {
    "random_forest": {"trees": 24, "folds": 3},
    "extra_trees": {"trees": 24, "folds": 3},
    "boosting": {"rounds": 40, "folds": 3},
    "mlp_ensemble": {"folds": 3, "schedule": SHORT},
    "pairwise_ranker": {"folds": 3, "schedule": SHORT},
    "graph_network": {"folds": 2, "width": 24, "schedule": SHORT},
}


def small(name: str) -> Predictor:
    kind = catalog.find("predictor", name).load()
    if name == "rank_ensemble":
        return kind(members=(small("gaussian_process"), small("boosting")))  # type: ignore[no-any-return]
    return kind(**MADE.get(name, {}))  # type: ignore[no-any-return]


def cases() -> list[Any]:
    found = []
    for entry in catalog.entries("predictor"):
        needs = entry.name in {"boosting", "rank_ensemble"} and find_spec("lightgbm") is None
        marks = [pytest.mark.skip(reason="LightGBM is not installed")] if needs else []
        found += [
            pytest.param(check, id=f"{entry.name}: {name}", marks=marks)
            for name, check in predictors.checks(small(entry.name))
        ]
    return found


@pytest.mark.parametrize("check", cases())
def test_predictor(check: Callable[[], None]) -> None:
    check()


# --- the checks can fail ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flawed(Predictor):
    """Nearest neighbour by operation counts, with one flaw."""

    flaw: str

    def learn(self, architectures: Sequence[Architecture], targets: Any, rng: np.random.Generator) -> Model:
        if self.flaw == "crashes on one point" and len(targets) == 1:
            raise IndexError("one point")
        if self.flaw == "counts its fits":
            targets = targets + 1e-3 * next(FITS)
        return Nearest(self.flaw, tuple(architectures), targets)


FITS = itertools.count()


@dataclass(frozen=True, eq=False)
class Nearest(Model):
    flaw: str
    told: tuple[Architecture, ...]
    targets: Any

    def belief(self, architectures: Sequence[Architecture]) -> Belief:
        def place(architecture: Architecture) -> Any:
            text = str(architecture) if self.flaw == "reads the text" else architecture.certificate
            return np.array([text.count(name) for name in ("conv1x1", "conv3x3", "avg_pool", "identity")])

        known = np.stack([place(a) for a in self.told])
        apart = np.stack([((place(a) - known) ** 2).sum(axis=1) for a in architectures])
        weight = np.exp(-apart.astype(float)) + 1e-9
        mean = weight @ self.targets / weight.sum(axis=1)
        if self.flaw == "learns nothing":
            mean = 0 * mean
        if self.flaw == "one too few":
            mean = mean[1:]
        spread = np.full(
            len(mean), {"too sure": 1e-3, "never sure": 5.0, "below zero": -1.0}.get(self.flaw, 0.9)
        )
        return Belief(mean, spread)


@pytest.mark.parametrize(
    ("flaw", "caught"),
    [
        ("", set()),
        ("learns nothing", {"it learns"}),
        ("too sure", {"intervals hold what they should"}),
        ("never sure", {"intervals hold what they should"}),
        ("reads the text", {"isomorphic architectures get the same belief"}),
        ("crashes on one point", {"one and two points are enough"}),
        (
            "counts its fits",
            {"the same generator gives the same beliefs", "what was fitted before does not matter"},
        ),
    ],
)
def test_a_flaw_is_caught(flaw: str, caught: set[str]) -> None:
    found = set()
    for name, check in predictors.checks(Flawed(flaw)):
        try:
            check()
        except (AssertionError, IndexError):
            found.add(name)
    assert found == caught


@pytest.mark.parametrize("flaw", ["below zero", "one too few"])
def test_an_unsound_belief_is_caught(flaw: str) -> None:
    checks = dict(predictors.checks(Flawed(flaw)))
    with pytest.raises(AssertionError):
        checks["beliefs have the shape of the question"]()
