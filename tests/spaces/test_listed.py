"""A listed space is its list: nothing else is in it, nothing twice, and a long one is read at once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.grammar import GrammarError, SpaceError
from morphogen.spaces.listed import listed
from morphogen.spaces.moves import mutate, neighbours
from morphogen.spaces.space import Space

WHOLE = darts_cell()
CELLS = [WHOLE.sample(np.random.default_rng(seed)) for seed in range(400)]


def test_the_space_is_the_list() -> None:
    space = listed(CELLS, "some")
    assert list(space.enumerate()) == CELLS and space.count() == 400 and space.name == "some"
    assert [space.rank(cell) for cell in CELLS] == list(range(400))
    assert all(space.parse(str(cell)) == cell for cell in CELLS[:20])
    others = [WHOLE.sample(np.random.default_rng(seed)) for seed in range(1_000, 1_100)]
    assert not any(other in space for other in others)
    with pytest.raises(SpaceError, match="is not in some"):
        space.check(others[0])
    assert listed(CELLS).fingerprint == space.fingerprint != listed(CELLS[::-1]).fingerprint


def test_moves_pick_another_of_the_list() -> None:
    space, rng = listed(CELLS), np.random.default_rng(0)
    moved = {mutate(space, CELLS[0], rng) for _ in range(100)}
    assert CELLS[0] not in moved and moved < set(CELLS) and len(moved) > 50
    assert set(neighbours(space, CELLS[0])) == set(CELLS[1:])
    drawn = [space.rank(space.sample(rng)) for _ in range(4_000)]
    assert np.bincount(drawn, minlength=400).max() < 30, "all are as likely"


def test_nothing_stands_there_twice() -> None:
    with pytest.raises(GrammarError, match="lists darts_stack.* twice"):
        listed([*CELLS, CELLS[5]])
    with pytest.raises(SpaceError, match="needs at least one architecture"):
        listed([])


def test_a_long_list_costs_no_square() -> None:
    """Each is compared with its like only: 22 s for 1,218 cells before, 0.4 s now."""
    times = []
    for count in (100, 400):
        begun = time.process_time()
        listed(CELLS[:count])
        times.append(time.process_time() - begun)
    assert times[1] < 8 * times[0], "four times as many cost about four times as much"


def test_a_list_beside_other_rules_is_still_ambiguous() -> None:
    """A fixed tree that a nonterminal derives too is found, whichever stands first."""
    fixed, free = "chain(conv3x3, conv1x1)", "chain(OP, conv1x1)"
    for one, two in ((fixed, free), (free, fixed)):
        with pytest.raises(GrammarError, match="in two ways"):
            Space.from_text(f"NET -> {one} | {two}\nOP -> conv3x3 | avg_pool\n")
    many = " | ".join(
        f"chain({first}, {second})" for first in ("a", "b", "c", "d") for second in ("x", "y", "z")
    )
    space = Space.from_text(f"NET -> {many} | chain(OP, w)\nOP -> a | b\n")
    assert space.count() == 14
    assert [space.rank(space.parse(text)) for text in ("chain(d, z)", "chain(b, w)")] == [11, 13]
    assert not any(space.read(text) in space for text in ("chain(c, w)", "chain(x, a)", "chain(a, w, w)"))
    with pytest.raises(GrammarError, match="in two ways"):
        Space.from_text(f"NET -> {many} | chain(OP, z)\nOP -> a | b\n")
