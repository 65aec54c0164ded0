"""Fronts, crowding and the unbeaten, against the definitions by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphogen.analysis.dominance import crowding, dominates, fronts, staircase, unbeaten

Row = tuple[float, ...]


def vectors(most: int = 14) -> st.SearchStrategy[list[Row]]:
    """Small whole numbers: many ties, many equal rows."""
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(st.tuples(*[st.integers(-3, 3).map(float)] * width), min_size=1, max_size=most)
    )


def beats(one: Row, other: Row) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True)) and one != other


def constrained_beats(one: tuple[Row, float], other: tuple[Row, float]) -> bool:
    """Constrained domination, as it is defined in section VI of the paper."""
    if one[1] == 0 and other[1] == 0:
        return beats(one[0], other[0])
    return one[1] < other[1]


@settings(max_examples=40)
@given(vectors())
def test_dominance_is_its_definition(rows: list[Row]) -> None:
    found = dominates(rows)
    assert found.tolist() == [[beats(one, other) for other in rows] for one in rows]


@settings(max_examples=40)
@given(vectors(), st.data())
def test_fronts_are_peeled_one_by_one(rows: list[Row], data: st.DataObject) -> None:
    broken = st.sampled_from([0.0, 0.0, 0.5, 0.5, 2.0])
    violations = data.draw(st.lists(broken, min_size=len(rows), max_size=len(rows)))
    left, expected = set(range(len(rows))), []
    told = list(zip(rows, violations, strict=True))
    while left:
        front = {n for n in left if not any(constrained_beats(told[other], told[n]) for other in left)}
        expected.append(sorted(front))
        left -= front
    assert [front.tolist() for front in fronts(rows, violations)] == expected


@settings(max_examples=40)
@given(vectors())
def test_the_unbeaten_are_the_first_front(rows: list[Row]) -> None:
    assert unbeaten(rows).tolist() == fronts(rows)[0].tolist()


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(-3, 3).map(float)] * 2), max_size=14))
def test_a_staircase_is_the_front_of_two_each_pair_once(pairs: list[Row]) -> None:
    steps = staircase([cost for cost, _ in pairs], [score for _, score in pairs]).tolist()
    front = {place for place, one in enumerate(pairs) if not any(beats_at_cost(o, one) for o in pairs)}
    assert [pairs[place] for place in steps] == sorted({pairs[place] for place in front})
    assert steps == [pairs.index(pairs[place]) for place in steps], "of equal pairs the first"


def beats_at_cost(one: Row, other: Row) -> bool:
    return beats((-one[0], one[1]), (-other[0], other[1]))


@settings(max_examples=40)
@given(vectors())
def test_crowding_is_the_cuboid_of_the_paper(rows: list[Row]) -> None:
    expected = [0.0] * len(rows)
    for axis in range(len(rows[0])):
        order = sorted(range(len(rows)), key=lambda n: rows[n][axis])
        expected[order[0]] = expected[order[-1]] = math.inf
        span = rows[order[-1]][axis] - rows[order[0]][axis]
        for before, here, after in zip(order, order[1:], order[2:], strict=False):
            if span:
                expected[here] += (rows[after][axis] - rows[before][axis]) / span
    assert crowding(rows).tolist() == pytest.approx(expected)


def test_a_textbook_front() -> None:
    rows = [(1, 5), (2, 4), (3, 3), (2, 2), (4, 1), (1, 1)]
    assert [front.tolist() for front in fronts(rows)] == [[0, 1, 2, 4], [3], [5]]
    assert crowding(rows[:3]).tolist() == [math.inf, 2.0, math.inf]
    assert fronts(np.empty((0, 2))) == []


def test_a_list_of_numbers_is_no_list_of_vectors() -> None:
    with pytest.raises(ValueError, match=r"fronts need scores \[n, objectives\], got the shape \(3,\)"):
        fronts([1.0, 2.0, 3.0])
