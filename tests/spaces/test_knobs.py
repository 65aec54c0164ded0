"""Knobs of a space: its places and their levels, and architectures with some of them set."""

from __future__ import annotations

import pytest

from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.knobs import ABSENT, knobs, readings, settled

SPACE = Space.from_text(
    "NET -> chain(A, B) | a\nA -> a | b | residual(C, identity)\nB -> c | d\nC -> e | f\n"
)


def test_places_and_levels_are_found() -> None:
    found = {knob.path: set(knob.levels) for knob in knobs(SPACE)}
    assert found == {
        (): {"chain", "a"},
        (0,): {"a", "b", "residual", ABSENT},
        (1,): {"c", "d", ABSENT},
        (0, 0): {"e", "f", ABSENT},
        (0, 1): {"identity", ABSENT},
    }
    assert [knob.path for knob in knobs(cell201())] == [(0, edge) for edge in range(6)]


@pytest.mark.parametrize("space", [SPACE, cell201(), digits_small(), hierarchical201()])
def test_every_level_of_a_sample_is_known(space: Space) -> None:
    rng = stream(0)
    networks = [space.sample(rng) for _ in range(40)]
    listed = knobs(space)
    for row, network in zip(readings(listed, networks), networks, strict=True):
        for knob, level in zip(listed, row, strict=True):
            if knob.levels[level] != ABSENT:
                assert network.at(knob.path).terminal.name == knob.levels[level]


def test_settled_architectures_have_the_levels_and_keep_the_constraints() -> None:
    space = digits_small()
    fixed = {(1,): "max_pool_down", (0,): "residual", (0, 0, 1): "zero"}
    seen = set()
    for number in range(20):
        made = settled(space, fixed, stream(number))
        assert made is not None and made in space
        assert {path: made.at(path).terminal.name for path in fixed} == fixed
        seen.add(made)
    assert len(seen) == 20


def test_settled_architectures_are_drawn_from_all_of_the_level() -> None:
    found = {str(settled(SPACE, {(): "chain", (0,): "residual"}, stream(n))) for n in range(60)}
    assert found == {f"chain(residual({c}, identity), {b})" for c in "ef" for b in "cd"}


def test_a_level_that_cannot_be_is_none() -> None:
    assert settled(cell201(), {(0, 1): "conv7x7"}, stream(0)) is None
