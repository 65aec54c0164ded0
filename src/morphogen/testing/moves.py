"""Checks of the moves in a space: mutation, neighbours, distance, crossover."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import Final

from morphogen.seeding import stream
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.moves import cross, distance, mutate, neighbours, self_cross
from morphogen.spaces.space import Space
from morphogen.testing.check import Check, mutant, named, samples
from morphogen.testing.constraints import terminals

EVERYTHING: Final = 1 << 62


def checks(space: Space) -> tuple[Check, ...]:
    """Return all checks of the moves in a space; those of `testing.spaces` contain them."""
    found = (
        mutants_differ_and_stay_inside,
        neighbours_are_symmetric,
        distance_is_a_metric,
        crossing_stays_inside,
        swapping_stays_inside,
    )
    return named(found, space)


def mutants_differ_and_stay_inside(space: Space) -> None:
    """A mutant is another architecture of the space; its parent stays as it is."""
    rng = stream(0, "mutate")
    for a in samples(space):
        before = pickle.dumps(a)
        try:
            child = mutate(space, a, rng)
        except SpaceError:
            other = next(neighbours(space, a, limit=EVERYTHING), None)
            assert other is None, f"{a} could not be mutated, but {other} is its neighbour"
            continue
        assert child != a, f"{a} was mutated into itself"
        assert space.contains(child), f"{a} was mutated into {child}, which is not in {space.name}"
        assert pickle.dumps(a) == before, f"{a} was changed by mutating it"


def neighbours_are_symmetric(space: Space) -> None:
    """Neighbours are distinct, differ from the architecture, lie in the space, and have it as a neighbour."""
    # Where no decision has others inside its alternatives, neighbours differ in one decision exactly.
    flat = all(len(s.choices) == 1 or not any(c.children for c in s.choices) for s in space.compiled.symbols)
    rng = stream(0, "neighbours")
    for a in samples(space, 3):
        listed = list(islice(neighbours(space, a), 500))
        assert len(set(listed)) == len(listed), f"{a} has a neighbour twice"
        assert a not in listed, f"{a} is its own neighbour"
        for place in rng.permutation(len(listed))[:6]:
            other = listed[place]
            assert space.contains(other), f"{other}, a neighbour of {a}, is not in {space.name}"
            apart = distance(space, a, other)
            assert apart == 1 if flat else apart >= 1, f"{a} and its neighbour {other} are {apart} apart"
            assert a in neighbours(space, other), f"{other} is a neighbour of {a}, but not the reverse"


def distance_is_a_metric(space: Space) -> None:
    """Distance is symmetric, 0 for equals only, and no way round is shorter."""
    rng = stream(0, "distance")
    near = [mutant(space, a, rng) for a in samples(space)]
    for one, two, three in zip(samples(space), near, near[1:], strict=False):
        direct = distance(space, one, three)
        round_about = distance(space, one, two) + distance(space, two, three)
        assert direct <= round_about, f"from {one} to {three} it is shorter by way of {two}"
        assert distance(space, three, one) == direct, f"from {three} back to {one} it is another distance"
        assert (direct == 0) == (one == three), f"{one} and {three} are {direct} apart"
        assert distance(space, one, one) == 0, f"{one} is apart from itself"


def crossing_stays_inside(space: Space) -> None:
    """A child lies in the space and is its mother, or neither parent; equal parents have no other child."""
    rng = stream(0, "cross")
    listed = samples(space)
    for mother, father in zip(listed, listed[1:], strict=False):
        before = pickle.dumps((mother, father))
        for anywhere in (False, True):
            child = cross(space, mother, father, rng, anywhere=anywhere)
            assert space.contains(child), f"{mother} and {father} have {child}, not in {space.name}"
            assert child != father or mother == father, f"{mother} and {father} have the father as child"
            same = cross(space, mother, mother, rng, anywhere=anywhere)
            assert same == mother, f"{mother} crossed with itself gave {same}"
        assert pickle.dumps((mother, father)) == before, f"{mother} and {father} were changed by crossing"


def swapping_stays_inside(space: Space) -> None:
    """Self-crossover stays in the space and keeps every terminal."""
    rng = stream(0, "swap")
    for a in samples(space):
        child = self_cross(space, a, rng)
        assert space.contains(child), f"{a} was self-crossed into {child}, not in {space.name}"
        assert terminals(child) == terminals(a), f"{a} lost or won terminals when it became {child}"
