"""Which choices matter: functional analysis of variance of a random forest (Hutter et al. 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.architecture import Architecture
from morphogen.spaces.knobs import Knob, Levels, knobs, readings
from morphogen.spaces.space import Space

Floats = NDArray[np.float64]

TREES: Final = 32
"""Trees of a forest unless told otherwise."""

COLUMNS: Final = 0.7
"""The part of the columns among which a split is sought, as in the fANOVA package."""


@final
@dataclass(frozen=True, slots=True)
class Importance:
    """The share of a forest's variance that each knob explains alone: mean and spread over the trees.

    What the shares lack of 1 is due to knobs acting together.
    """

    knobs: tuple[Knob, ...]
    shares: tuple[float, ...]
    spreads: tuple[float, ...]

    @property
    def ranked(self) -> tuple[tuple[Knob, float], ...]:
        """Knobs with their shares, the most important first."""
        pairs = zip(self.knobs, self.shares, strict=True)
        return tuple(sorted(pairs, key=lambda pair: -pair[1]))


@final
@dataclass(frozen=True, eq=False)
class _Tree:
    """A tree as boxes: the value of each leaf, and which levels of which knob lead to it [leaves, levels]."""

    values: Floats
    boxes: NDArray[np.bool_]


@final
@dataclass(frozen=True, eq=False)
class Forest:
    """A random forest over the grid of some knobs, with exact means over the grid.

    weights: of the levels of each knob, one after the other, of sum 1 for each knob; the grid is their
    product. Each tree cuts the grid into boxes, so every mean is a finite sum (Hutter et al. 2014, algorithm
    2); nothing is sampled.
    """

    knobs: tuple[Knob, ...]
    weights: Floats
    trees: tuple[_Tree, ...]
    starts: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        sizes = [len(knob.levels) for knob in self.knobs]
        object.__setattr__(self, "starts", np.cumsum([0, *sizes[:-1]]).astype(np.intp))

    def within(self, fixed: Mapping[int, int]) -> Self:
        """Return the same forest over a smaller grid: knob number -> its only level."""
        weights = self.weights.copy()
        for knob, level in fixed.items():
            weights[self._of(knob)] = 0
            weights[self.starts[knob] + level] = 1
        return type(self)(self.knobs, weights, self.trees)

    def predict(self, rows: Levels) -> Floats:
        """Return the mean prediction of the trees for levels [n, knobs], as [n]."""
        chosen = np.asarray(rows) + self.starts
        total = np.zeros(len(chosen))
        for tree in self.trees:
            inside = np.ones((len(chosen), len(tree.values)), dtype=bool)
            for column in chosen.T:
                inside &= tree.boxes[:, column].T
            total += inside @ tree.values
        return total / len(self.trees)

    def marginal(self, knob: int) -> Floats:
        """Return the mean prediction [levels] at each level of a knob, over all else of the grid."""
        each = [self._marginal(tree, self._parts(tree), knob) for tree in self.trees]
        return np.asarray(np.mean(each, axis=0))

    def importance(self) -> Importance:
        """Return the first-order importance of each knob; trees without any variance say nothing.

        Raises:
            ValueError: no tree varies over the grid, so there is nothing to explain.
        """
        rows = []
        for tree in self.trees:
            parts = self._parts(tree)
            sizes = parts.prod(axis=1)
            mean = float(tree.values @ sizes)
            variance = float((tree.values - mean) ** 2 @ sizes)
            if variance > 1e-12 * max(1.0, mean**2):
                rows.append([self._explained(tree, parts, k) / variance for k in range(len(self.knobs))])
        if not rows:
            raise ValueError("there is nothing to explain: the forest predicts one value everywhere")
        shares = np.asarray(rows)
        return Importance(self.knobs, tuple(shares.mean(axis=0).tolist()), tuple(shares.std(axis=0).tolist()))

    def _of(self, knob: int) -> slice:
        return slice(self.starts[knob], self.starts[knob] + len(self.knobs[knob].levels))

    def _parts(self, tree: _Tree) -> Floats:
        """Return the part of the levels of each knob that lead to each leaf [leaves, knobs]."""
        return np.asarray(np.add.reduceat(tree.boxes * self.weights, self.starts, axis=1))

    def _marginal(self, tree: _Tree, parts: Floats, knob: int) -> Floats:
        others = np.delete(parts, knob, axis=1).prod(axis=1)
        return np.asarray((tree.values * others) @ tree.boxes[:, self._of(knob)])

    def _explained(self, tree: _Tree, parts: Floats, knob: int) -> float:
        if tree.boxes[:, self._of(knob)].all():  # no split is about it
            return 0.0
        marginal, weights = self._marginal(tree, parts, knob), self.weights[self._of(knob)]
        return float(weights @ (marginal - weights @ marginal) ** 2)


def grow(
    listed: Sequence[Knob],
    rows: Levels,
    scores: ArrayLike,
    rng: np.random.Generator,
    *,
    trees: int = TREES,
    columns: float = COLUMNS,
) -> Forest:
    """Fit a random forest to the scores [n] of levels [n, knobs]; over the grid all levels count alike.

    A knob whose levels are numbers is one ordered column, any other has a column for each level.

    Raises:
        ValueError: no knobs, fewer than two rows, scores that are not finite or all equal.
    """
    targets = np.asarray(scores, dtype=np.float64)
    if not listed:
        raise ValueError("there are no knobs: a space in which nothing is left to choose has no importances")
    if len(targets) < 2 or not np.isfinite(targets).all():
        raise ValueError(f"importances need two finite scores or more, got {targets.tolist()[:5]}")
    if np.ptp(targets) == 0:
        raise ValueError(f"there is nothing to explain: all {len(targets)} scores are {targets[0]:g}")
    from sklearn.ensemble import RandomForestRegressor

    codes = [_code(knob) for knob in listed]
    matrix = np.concatenate([code[rows[:, j]] for j, code in enumerate(codes)], axis=1)
    forest = RandomForestRegressor(
        trees, max_features=columns, random_state=int(rng.integers(2**31)), n_jobs=1
    ).fit(matrix, targets)
    weights = np.concatenate([np.full(len(knob.levels), 1 / len(knob.levels)) for knob in listed])
    return Forest(tuple(listed), weights, tuple(_boxed(tree.tree_, codes) for tree in forest.estimators_))


def decisions(
    space: Space,
    architectures: Sequence[Architecture],
    scores: ArrayLike,
    rng: np.random.Generator,
    *,
    trees: int = TREES,
) -> Importance:
    """Return which choices of a space matter for the scores [n] of n of its architectures.

    Raises:
        ValueError: as `grow` does.
    """
    listed = knobs(space)
    return grow(listed, readings(listed, architectures), scores, rng, trees=trees).importance()


def _code(knob: Knob) -> Floats:
    """Return the columns of each level [levels, columns]."""
    numbers = knob.numbers
    return np.eye(len(knob.levels)) if numbers is None else np.array(numbers)[:, None]


def _boxed(tree: Any, codes: Sequence[Floats]) -> _Tree:
    """Return the boxes of a scikit-learn tree, by walking down from the root with the levels that go along."""
    columns = [(knob, column) for knob, code in enumerate(codes) for column in range(code.shape[1])]
    starts = np.cumsum([0, *(len(code) for code in codes)])
    values, boxes = [], []
    todo = [(0, np.ones(starts[-1], dtype=bool))]
    while todo:
        node, box = todo.pop()
        if tree.children_left[node] < 0:
            values.append(float(tree.value[node].item()))
            boxes.append(box)
            continue
        knob, column = columns[tree.feature[node]]
        # scikit-learn compares in single precision.
        left = codes[knob][:, column].astype(np.float32) <= tree.threshold[node]
        for child, goes in ((tree.children_left[node], left), (tree.children_right[node], ~left)):
            inside = box.copy()
            inside[starts[knob] : starts[knob + 1]] &= goes
            todo.append((int(child), inside))
    return _Tree(np.array(values), np.array(boxes))
