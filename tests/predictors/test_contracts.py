"""The contract of predictors, held against the whole catalogue."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from morphogen import catalog
from morphogen.predictors.predictor import Predictor
from morphogen.testing import predictors

# What makes a predictor quick enough for the tests; as many as its contract needs.
MADE: dict[str, dict[str, Any]] = {
    "random_forest": {"trees": 30, "folds": 3},
    "extra_trees": {"trees": 30, "folds": 3},
    "boosting": {"rounds": 60, "folds": 3},
    "mlp_ensemble": {"folds": 3},
    "pairwise_ranker": {"folds": 3},
    "graph_network": {"folds": 3, "width": 24},
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
