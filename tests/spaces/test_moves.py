"""What is special about the moves: their distributions, and spaces whose constraints leave little room."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError, cross, distance, mutate, neighbours, self_cross
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.moves import _open

ISOLATED = "NET -> chain(OP, OP)\nOP -> resblock | conv3x3\nrequire downsampling(resblock, 1)\n"


def test_a_cell_has_its_neighbours() -> None:
    rng = stream(0)
    for _ in range(5):
        a = cell201().sample(rng)
        near = list(neighbours(cell201(), a))
        assert len(near) == 6 * 4
        assert {distance(cell201(), a, b) for b in near} == {1}
    a = darts_cell().sample(rng)
    # Eight edges of each cell take six other operations; a node's inputs bring operations with them.
    near = list(neighbours(darts_cell(), a))
    pairs = (1, 3, 6, 10)
    assert len(near) == 2 * (8 * 6 + sum((n - 1) * 49 for n in pairs))


def test_large_decisions_keep_their_parts() -> None:
    """What is below them is not listed; another alternative is a neighbour where it can have the same parts."""
    space = Space.from_text("NET -> A | branch(A, A)\nA -> chain(OP, OP) | OP\nOP -> a | b | c | d\n")
    a = space.parse("branch(a, chain(b, c))")
    parts = (16 + 3) + 4 + (3 + 3)  # the first A, the second, the operations inside it
    assert len(set(neighbours(space, a))) == 20 + parts
    few = list(neighbours(space, a, limit=20))
    assert len(set(few)) == parts
    assert all(b.terminal.name == "branch" for b in few)
    one, two = space.parse("branch(a, b)"), space.parse("chain(a, b)")
    assert two in neighbours(space, one, limit=20) and one in neighbours(space, two, limit=20)
    assert [b for b in neighbours(space, two, limit=3)] == [one]


def test_neighbours_that_keep_their_parts_satisfy_the_constraints() -> None:
    space = Space.from_text(
        "NET -> chain(OP, OP) | branch(OP, OP) | residual(OP, OP, OP)\nOP -> a | b | identity\n"
        "require no_bypass\n"
    )
    short = space.parse("chain(a, identity)")  # beside each other, the identity would lead past the operation
    assert {str(b) for b in neighbours(space, short, limit=3)} == {
        "chain(b, identity)",
        "chain(a, a)",
        "chain(a, b)",
    }
    assert space.parse("branch(a, b)") in neighbours(space, space.parse("chain(a, b)"), limit=3)


def test_mutation_is_uniform_over_decisions_and_alternatives() -> None:
    space = Space.from_text("NET -> chain(OP, FEW, ONE)\nOP -> a | b | c\nFEW -> d | e\nONE -> f\n")
    a = space.parse("chain(a, d, f)")
    drawn = Counter(str(mutate(space, a, stream(0, n))) for n in range(2000))
    assert set(drawn) == {"chain(b, d, f)", "chain(c, d, f)", "chain(a, e, f)"}
    assert drawn["chain(a, e, f)"] / 2000 == pytest.approx(1 / 2, abs=0.05)
    assert drawn["chain(b, d, f)"] / 2000 == pytest.approx(1 / 4, abs=0.05)


def test_the_inside_of_a_mutation_is_drawn_uniformly() -> None:
    space = Space.from_text("NET -> a | branch(OP, OP)\nOP -> b | chain(X, X)\nX -> c | d\n")
    drawn = Counter(str(mutate(space, space.parse("a"), stream(0, n))) for n in range(4000))
    assert len(drawn) == 25
    assert max(drawn.values()) < 2 * min(drawn.values())


def test_a_mutation_that_only_looking_through_finds() -> None:
    """Of 200 decisions one can be changed, and of its alternatives one."""
    parts = ", ".join(["OP"] * 200)
    space = Space.from_text(
        f"NET -> chain({parts}, LAST)\nOP -> a | down\nLAST -> c | d | chain(down, X)\nX -> c | d\n"
        "require downsampling(down, 0)\n"
    )
    a = space.parse(f"chain({', '.join(['a'] * 200)}, c)")
    assert {str(mutate(space, a, stream(0, n)).args[-1]) for n in range(5)} == {"d"}


def test_a_mutation_is_refused_at_once_where_billions_of_parts_break_a_constraint() -> None:
    """One part speaks for all that halve alike; none of 10^30 is tried in vain."""
    big = ", ".join(["X"] * 50)
    space = Space.from_text(
        f"NET -> chain(A, A)\nA -> chain({big}, pool) | branch({big})\nX -> a | b | c | d\n"
        "require downsampling(pool, 1)\n"
    )
    a = space.sample(stream(0))
    for n in range(3):
        b = mutate(space, a, stream(0, n))
        assert space.contains(b)
        assert [part.terminal.name for part in b.args] == [part.terminal.name for part in a.args]


def test_what_cannot_be_mutated_says_so() -> None:
    for text in (ISOLATED, "NET -> chain(a, b)\n"):
        space = Space.from_text(text)
        with pytest.raises(SpaceError, match="no single decision can be changed"):
            mutate(space, space.unrank(0), stream(0))
        assert list(neighbours(space, space.unrank(0))) == []


def test_mutation_within_a_depth() -> None:
    space = Space.from_text("NET -> chain(NET, NET) | a | b\ndepth 4\n")
    a, rng = space.sample(stream(0)), stream(1)
    depths = set()
    for _ in range(200):
        a = mutate(space, a, rng)
        assert a in space
        depths.add(a.depth)
    assert depths == {1, 2, 3, 4}


def test_a_child_takes_one_part() -> None:
    rng = stream(0)
    for _ in range(50):
        mother, father = (cell201().sample(rng) for _ in range(2))
        child = cross(cell201(), mother, father, rng)
        taken = [i for i in range(6) if child.at((0, i)) != mother.at((0, i))]
        if child != mother:
            assert len(taken) == 1 or child.args == father.args
            assert all(child.at((0, i)) == father.at((0, i)) for i in taken)


def test_a_part_from_anywhere() -> None:
    space = Space.from_text("NET -> chain(OP, OP, OP)\nOP -> a | b | c\n")
    mother, father = space.parse("chain(a, a, a)"), space.parse("chain(a, a, b)")
    here = {str(cross(space, mother, father, stream(0, n))) for n in range(50)}
    assert here == {"chain(a, a, a)"}  # taking b at its own place would make the father
    anywhere = {str(cross(space, mother, father, stream(0, n), anywhere=True)) for n in range(50)}
    assert anywhere == {"chain(b, a, a)", "chain(a, b, a)"}


def test_parts_from_another_depth() -> None:
    """Where recursion is bounded, a part moves up and down as far as it fits."""
    space = Space.from_text("NET -> chain(NET, OP) | OP\nOP -> a | b\ndepth 4\n")
    mother, father = space.parse("chain(a, a)"), space.parse("chain(chain(chain(b, b), b), b)")
    children = {cross(space, mother, father, stream(0, n), anywhere=True) for n in range(200)}
    assert {str(child) for child in children} >= {
        "chain(b, a)",
        "chain(a, b)",
        "chain(chain(b, b), a)",
        "chain(chain(chain(b, b), b), a)",
    }
    assert all(child in space for child in children)


def test_self_crossover_swaps() -> None:
    space = Space.from_text("NET -> chain(OP, OP, OP)\nOP -> a | b | c\n")
    a = space.parse("chain(a, b, c)")
    drawn = Counter(str(self_cross(space, a, stream(0, n))) for n in range(900))
    assert set(drawn) == {"chain(b, a, c)", "chain(c, b, a)", "chain(a, c, b)"}
    assert max(drawn.values()) < 1.3 * min(drawn.values())
    same = space.parse("chain(b, b, b)")
    assert self_cross(space, same, stream(0)) == same


def test_self_crossover_never_swaps_a_part_with_its_own_inside() -> None:
    space = Space.from_text("NET -> chain(NET, OP) | OP\nOP -> a | b\ndepth 4\n")
    a = space.parse("chain(chain(a, b), a)")
    for n in range(100):
        b = self_cross(space, a, stream(0, n))
        assert b in space
        assert sorted(letters(b)) == sorted(letters(a))


def letters(a: Architecture) -> str:
    return "".join(c for c in str(a) if c in "ab" and c not in "chain").replace("a", "") + str(
        str(a).count("a")
    )


def test_distance_counts_decisions() -> None:
    space = Space.from_text("NET -> chain(B, B)\nB -> OP | branch(OP, OP)\nOP -> a | b | c\n")
    one = space.parse("chain(a, branch(a, b))")
    for text, wanted in (
        ("chain(a, branch(a, b))", 0),
        ("chain(b, branch(a, b))", 1),
        ("chain(a, branch(c, c))", 2),
        ("chain(a, a)", 3),  # branch, and the two operations in it
        ("chain(branch(a, a), a)", 6),
    ):
        assert distance(space, one, space.parse(text)) == wanted
    with pytest.raises(SpaceError, match="is not in"):
        distance(space, one, space.read("chain(a, b, c)"))


def test_moves_in_the_largest_space() -> None:
    space, rng = hierarchical201(), stream(0)
    a, b = space.sample(rng), space.sample(rng)
    moved = [mutate(space, a, rng), self_cross(space, a, rng)]
    moved += [cross(space, a, b, rng, anywhere=anywhere) for anywhere in (False, True)]
    for child in moved:
        assert child in space
        assert child != a
        assert 0 < distance(space, a, child) <= distance(space, a, b) + distance(space, b, child)
    assert len(set(moved)) == 4
    assert np.isfinite(float(distance(space, a, b)))


@pytest.mark.parametrize("space", [cell201(), hierarchical201(), darts_cell()], ids=lambda space: space.name)
def test_what_is_remembered_of_a_mutant_is_what_it_holds(space: Space) -> None:
    """A resumed search has forgotten it, and must draw the same."""
    architecture, rng, kept = space.sample(stream(0, space.name)), stream(1, space.name), 0
    for _ in range(200):
        architecture = mutate(space, architecture, rng)
        kept += architecture in space.compiled.opened
        form, number = _open(space, architecture)
        assert form.known[number] == architecture
        space.compiled.opened.clear()
        anew, same = _open(space, architecture)
        assert (form.places, number) == (anew.places, same)
    assert kept


def test_a_mutant_that_is_known_by_its_number_is_the_one_that_would_be_built() -> None:
    """Numbers of one form are those of one architecture each."""
    space = cell201()
    remembering, forgetting = stream(3), stream(3)
    one = other = space.sample(stream(2))
    for _ in range(2000):
        one = mutate(space, one, remembering)
        space.compiled.opened, known = {}, space.compiled.opened
        other = mutate(space, other, forgetting)
        space.compiled.opened = known
        assert one == other
        assert one in space
    form, _ = _open(space, one)
    assert len(set(form.known.values())) == len(form.known) > 1000
