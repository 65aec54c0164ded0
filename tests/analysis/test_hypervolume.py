"""Hypervolume: against boxes counted by hand and by cells, and what it takes where moocore is missing."""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphogen.analysis.hypervolume import Box, MissingMoocore, frontier_of, hypervolume_of_trials
from morphogen.goals import Constraint, Objectives
from morphogen.records import Estimate, Failure, Metric, Proposal, Trial
from morphogen.spaces.space import Space

SPACE = Space.from_text("NET -> chain(OP, OP, OP)\nOP -> a | b | c\n")
UP, DOWN = Metric("accuracy"), Metric("latency", maximize=False)


def trials(*values: tuple[float, float] | None | str) -> list[Trial]:
    """A trial for each pair of accuracy and latency; None is pending, a text is why it failed."""
    found = []
    for number, value in enumerate(values):
        trial = Trial(number, Proposal(SPACE.unrank(number)))
        if isinstance(value, str):
            trial = trial.told(Estimate(failure=Failure("E", value)))
        elif value is not None:
            trial = trial.told(Estimate(dict(zip(("accuracy", "latency"), value, strict=True))))
        found.append(trial)
    return found


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=8))
def test_the_volume_is_what_cells_count(rows: list[tuple[int, int, int]]) -> None:
    box = Box((0, 0, 0), (4, 4, 4))
    inside = sum(
        any(all(a > c for a, c in zip(row, cell, strict=True)) for row in rows)
        for cell in product(range(4), repeat=3)
    )
    assert box.hypervolume(rows) == pytest.approx(inside / 64)
    grown = box.growth(rows)
    assert grown.tolist() == pytest.approx([box.hypervolume(rows[: n + 1]) for n in range(len(rows))])


def test_the_box_is_from_the_worst_to_the_best() -> None:
    box = Box.of([(1.0, -9.0), (3.0, -1.0), (2.0, np.nan)])
    assert box == Box((1.0, -9.0), (3.0, -1.0))
    assert box.hypervolume([(3.0, -1.0)]) == 1
    assert box.hypervolume([(2.0, -5.0)]) == 0.25
    assert box.hypervolume([(9.0, 9.0)]) == 1  # better than the box is not more than all of it
    assert box.hypervolume(np.empty((0, 2))) == 0


def test_an_objective_in_which_all_are_alike_does_not_count() -> None:
    box = Box.of([(1.0, 5.0), (3.0, 5.0), (2.0, 5.0)])
    assert box.hypervolume([(2.0, 5.0)]) == 0.5


def test_a_table_of_holes_has_no_box() -> None:
    with pytest.raises(ValueError, match="needs a point with finite scores"):
        Box.of([(np.nan, 1.0)])


def test_the_volume_of_trials_grows_with_the_feasible_ones() -> None:
    told = trials((0.5, 10), None, "broken", (0.9, 30), (0.4, 20), (0.7, 4), (0.1, 1))
    goal = Objectives((UP, DOWN), (Constraint("latency", "<=", 20),))
    grown = hypervolume_of_trials(told, goal)
    # Feasible are (0.5, 10), (0.4, 20), (0.7, 4), (0.1, 1): the box is 0.1 to 0.7 and 20 to 1.
    first, last = 4 / 6 * 10 / 19, 16 / 19
    assert grown.tolist() == pytest.approx([first, first, first, first, first, last, last])
    assert [trial.number for trial in frontier_of(told, goal)] == [5, 6]
    assert [trial.number for trial in frontier_of(told, Objectives((UP, DOWN)))] == [3, 5, 6]
    assert hypervolume_of_trials(told[1:3], goal).tolist() == [0, 0]
    assert frontier_of(told[1:3], goal) == ()


def test_two_searches_share_a_box() -> None:
    goal, box = Objectives((UP, DOWN)), Box((0.0, -100.0), (1.0, 0.0))
    assert hypervolume_of_trials(trials((0.5, 50)), goal, box).tolist() == [0.25]


def test_without_moocore_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moocore", None)
    with pytest.raises(MissingMoocore, match=r'need moocore: pip install "morphogen\[pareto\]"'):
        Box((0, 0), (1, 1)).hypervolume([(0.5, 0.5)])
    assert Box((0,), (1,)).hypervolume([(0.5,)]) == 0.5  # of one objective it is the best value
