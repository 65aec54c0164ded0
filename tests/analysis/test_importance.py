"""fANOVA against brute force over the grid, on forests that scikit-learn grew, and where the answer is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from morphogen.analysis.importance import Forest, decisions, grow
from morphogen.recipes import recipe_space
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.knobs import Knob, knobs, readings

KNOBS = (
    Knob((0,), ("epochs_8", "epochs_1", "epochs_30")),  # numbers, not in their order
    Knob((1,), ("relu", "tanh", "silu", "sigmoid")),
    Knob((2,), ("skip", "")),
)
GRID = np.array(list(product(range(3), range(4), range(2))))


def forest(seed: int, rows: int = 15) -> tuple[Forest, np.ndarray, np.ndarray]:
    rng = stream(seed)
    seen = GRID[rng.permutation(len(GRID))[:rows]]
    scores = rng.normal(size=rows)
    return grow(KNOBS, seen, scores, stream(seed, "forest")), seen, scores


@pytest.mark.parametrize("seed", range(4))
def test_the_boxes_are_the_forest_of_scikit_learn(seed: int) -> None:
    grown, seen, scores = forest(seed)
    number = {0: [8.0, 1.0, 30.0]}

    def columns(rows: np.ndarray) -> np.ndarray:
        ordered = np.array(number[0])[rows[:, :1]]
        return np.concatenate([ordered, np.eye(4)[rows[:, 1]], np.eye(2)[rows[:, 2]]], axis=1)

    state = int(stream(seed, "forest").integers(2**31))
    theirs = RandomForestRegressor(32, max_features=0.7, random_state=state).fit(columns(seen), scores)
    assert grown.predict(GRID) == pytest.approx(theirs.predict(columns(GRID)), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fixed", [{}, {1: 2}, {0: 1, 2: 0}])
def test_importances_and_marginals_are_exact(seed: int, fixed: dict[int, int]) -> None:
    grown = forest(seed)[0].within(fixed)
    here = GRID[[all(row[knob] == level for knob, level in fixed.items()) for row in GRID]]
    shares = []
    for tree in grown.trees:
        values = Forest(grown.knobs, grown.weights, (tree,)).predict(here)
        if values.var() < 1e-12:
            continue
        means = [
            [values[here[:, k] == level].mean() for level in sorted(set(here[:, k]))]
            for k in range(len(KNOBS))
        ]
        shares.append([np.var(levels) / values.var() for levels in means])
    found = grown.importance()
    assert found.shares == pytest.approx(np.mean(shares, axis=0), abs=1e-12)
    assert found.spreads == pytest.approx(np.std(shares, axis=0), abs=1e-12)
    assert all(found.shares[knob] == 0 for knob in fixed)
    predicted = grown.predict(here)
    for k in range(len(KNOBS)):
        for level in sorted(set(here[:, k])):
            assert grown.marginal(k)[level] == pytest.approx(predicted[here[:, k] == level].mean(), abs=1e-12)


def test_shares_of_an_additive_score_sum_to_one_and_have_its_order() -> None:
    worth = 3.0 * np.array([0.2, 0.0, 1.0])[GRID[:, 0]] + np.array([0.0, 0.1, 0.4, 1.0])[GRID[:, 1]]
    found = grow(KNOBS, GRID, worth, stream(0), trees=64, columns=1.0).importance()
    exact = np.array([np.var([0.6, 0, 3.0]), np.var([0, 0.1, 0.4, 1.0]), 0.0])
    assert found.shares == pytest.approx(exact / exact.sum(), abs=0.05)
    assert sum(found.shares) <= 1 + 1e-9
    assert [knob.name for knob, _ in found.ranked] == ["epochs", "1", "2"]


def test_what_acts_only_together_has_no_share_of_its_own() -> None:
    odd = np.array([1.0, -1.0, 1.0, -1.0])[GRID[:, 1]] * np.array([1.0, -1.0])[GRID[:, 2]]
    rows = np.repeat(GRID, 4, axis=0)  # so that every bootstrap sample sees all of the grid, and trees get it
    found = grow(KNOBS, rows, np.repeat(odd, 4), stream(0), columns=1.0).importance()
    assert sum(found.shares) < 0.1


def test_decisions_of_an_architecture_space() -> None:
    """The last edge of the cell decides; conv3x3 there is good."""
    rng, space = stream(1), cell201()
    cells = [space.sample(rng) for _ in range(300)]
    scores = [float(cell.at((0, 5)).terminal.name == "conv3x3") + 0.1 * rng.normal() for cell in cells]
    found = decisions(space, cells, scores, stream(2))
    assert found.ranked[0][0].path == (0, 5)
    assert found.ranked[0][1] > 0.7 and found.ranked[1][1] < 0.1


def test_a_deep_space_has_importances_too() -> None:
    rng, space = stream(1), hierarchical201()
    networks = [space.sample(rng, over="productions") for _ in range(60)]
    scores = [float(a.args[0].terminal.name == "residual") + 0.2 * rng.normal() for a in networks]
    assert decisions(space, networks, scores, stream(2)).ranked[0][0].path == (0,)


def test_nothing_to_explain_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to explain: all 4 scores are 0.5"):
        grow(KNOBS, GRID[:4], [0.5] * 4, stream(0))
    with pytest.raises(ValueError, match="two finite scores or more"):
        grow(KNOBS, GRID[:2], [0.5, np.nan], stream(0))
    with pytest.raises(ValueError, match="nothing is left to choose"):
        grow((), np.empty((3, 0), dtype=int), [1.0, 2.0, 3.0], stream(0))
    with pytest.raises(ValueError, match="one value everywhere"):
        forest(0)[0].within({0: 0, 1: 0, 2: 0}).importance()


def test_recipes_are_read_as_levels() -> None:
    space = recipe_space({"epochs": [1, 4], "fraction": [0.25, 1.0]})
    listed = knobs(space)
    assert [knob.name for knob in listed] == ["epochs", "fraction"]
    assert listed[1].numbers == (0.25, 1.0)
    rows = readings(listed, list(space.enumerate()))
    assert rows.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
