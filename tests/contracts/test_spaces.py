"""The contract of spaces and moves, held against every space of the catalogue and random grammars."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from morphogen import catalog
from morphogen.spaces.space import Space
from morphogen.testing import spaces
from morphogen.testing.grammars import grammars

CASES = [
    pytest.param(check, id=f"{entry.name}: {name}")
    for entry in catalog.entries("space")
    for name, check in spaces.checks(entry.load()(), images=True)
]

# Chi-square tests draw many architectures, and the one with other processes starts some: fewer grammars for them.
HEAVY = (spaces.uniform_sampling_is_uniform, spaces.productions_are_drawn_by_weight)
PROCESSES = spaces.a_space_is_the_same_everywhere


@pytest.mark.parametrize("check", CASES)
def test_named_spaces(check: Callable[[], None]) -> None:
    check()


def names(*checks: Callable[[Space], None]) -> set[str]:
    return {check.__name__.replace("_", " ") for check in checks}


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(grammars())
def test_random_grammars(text: str) -> None:
    for name, check in spaces.checks(Space.from_text(text)):
        if name not in names(*HEAVY, PROCESSES):
            check()


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(grammars())
def test_sampling_of_random_grammars(text: str) -> None:
    for name, check in spaces.checks(Space.from_text(text)):
        if name in names(*HEAVY):
            check()


RECURSIVE = """
NET -> chain(NET, OP) [2] | residual(NET, NET, OP) | OP
OP -> zero | identity | conv3x3 [3] | resblock
require connected
require downsampling(resblock, 1)
depth 4
"""


@pytest.mark.parametrize(
    "check",
    [pytest.param(check, id=name) for name, check in spaces.checks(Space.from_text(RECURSIVE), images=True)],
)
def test_recursion_weights_and_constraints_at_once(check: Callable[[], None]) -> None:
    check()
