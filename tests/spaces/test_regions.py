"""Regions: part of a space, which is a space again."""

from __future__ import annotations

import math

import pytest

from morphogen.architecture import Architecture
from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError, mutate, neighbours
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201

CELL = "stack(cell({}))"


def operations(*names: str) -> list[Architecture]:
    return [cell201().read(name) for name in names]


def test_positions_take_their_candidates_and_all_else_stays_free() -> None:
    region = cell201().region({(0, 0): operations("zero", "conv3x3"), (0, 5): operations("identity")})
    assert region.count() == 2 * 1 * 5**4
    for a in region.enumerate():
        assert str(a.at((0, 0))) in ("zero", "conv3x3")
        assert str(a.at((0, 5))) == "identity"
        assert a in cell201()
    # Each is there once, and all that fit are there.
    fitting = [
        a
        for a in cell201().enumerate()
        if str(a.at((0, 0))) in ("zero", "conv3x3") and str(a.at((0, 5))) == "identity"
    ]
    assert set(region.enumerate()) == set(fitting)


def test_around_an_architecture_all_else_is_fixed() -> None:
    here = cell201().parse(CELL.format("zero, identity, conv1x1, conv3x3, avg_pool, identity"))
    candidates = operations("zero", "identity", "conv1x1")
    region = cell201().region({(0, 1): candidates, (0, 2): candidates}, at=here)
    assert region.count() == 9
    assert {str(a.at((0, 3))) for a in region.enumerate()} == {"conv3x3"}
    assert here in region
    assert region.name == "cell201 region"


def test_a_region_keeps_constraints_and_depth() -> None:
    space = Space.from_text(
        "NET -> residual(OP, OP, OP) | chain(NET, OP)\nOP -> zero | identity | down\n"
        "require downsampling(down)\nrequire connected\ndepth 3\n"
    )
    here = space.parse("residual(down, identity, down)")
    parts = [space.read(name) for name in ("zero", "identity", "down")]
    region = space.region({(0,): parts, (2,): parts}, at=here)
    assert set(region.enumerate()) == {
        here.replace((0,), parts[i]).replace((2,), parts[j])
        for i, j in ((0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 2))
    }
    assert region.grammar.depth == 3


def test_a_region_is_a_space_like_any_other() -> None:
    space, rng = hierarchical201(), stream(0)
    here = space.sample(rng)
    cells = [d.path for d in space.decisions(here) if d.nonterminal == "CELL"][:3]
    parts = [space.sample(rng) for _ in range(4)]
    candidates = {path: [here.at(path), *(found(space, part) for part in parts)] for path in cells}
    region = space.region(candidates, at=here)
    assert region.count() == 5 ** len(cells)
    assert region.rank(here) == 0
    assert len(list(neighbours(region, here))) == 4 * len(cells)
    for a in (region.sample(rng), mutate(region, here, rng)):
        assert space.contains(a)
        assert all(a.at(path) in candidates[path] for path in cells)
    assert Space.from_text(str(region.grammar)).fingerprint == region.fingerprint


def found(space: Space, a: Architecture) -> Architecture:
    """Return the first cell of an architecture."""
    return next(a.at(d.path) for d in space.decisions(a) if d.nonterminal == "CELL")


def test_a_region_of_a_region() -> None:
    ops = operations("zero", "identity", "conv1x1", "conv3x3")
    first = cell201().region({(0, 0): ops, (0, 1): ops})
    second = first.region({(0, 0): ops[:2], (0, 2): ops[2:]})
    assert second.count() == 2 * 4 * 2 * 5**3
    third = second.region({(0, 0): ops[:1]}, at=second.unrank(0))
    assert third.count() == 1
    assert all(a in first for a in second.enumerate())


def test_names_that_are_taken_are_left_alone() -> None:
    """A grammar may call its own nonterminals as regions call theirs."""
    space = Space.from_text(
        "NET -> chain(Region, Position_0, Position_1)\nRegion -> a | b\nPosition_0 -> Region | c\n"
        "Position_1 -> chain(Position_0) | d\n"
    )
    region = space.region({(0,): [space.read("b")]})
    assert region.count() == space.count() // 2
    assert {a for a in space.enumerate() if str(a.at((0,))) == "b"} == set(region.enumerate())
    nested = space.region({(1,): [space.read("c")]})
    assert {a for a in space.enumerate() if str(a.at((1,))) == "c"} == set(nested.enumerate())


def test_the_whole_architecture_as_a_position() -> None:
    listed = [cell201().unrank(n) for n in (5, 700, 15_000)]
    region = cell201().region({(): listed})
    assert list(region.enumerate()) == listed


def test_candidates_may_be_whole_subtrees() -> None:
    space = Space.from_text("NET -> chain(A, A)\nA -> x | branch(A, A)\ndepth 4\n")
    deep = space.read("branch(branch(x, x), x)")
    region = space.region({(0,): [deep, space.read("x")]})
    assert {str(a.at((0,))) for a in region.enumerate()} == {str(deep), "x"}
    assert region.count() == 2 * space.region({(0,): [deep]}).count()


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        ({}, "at least one position"),
        ({(0, 1): []}, "position 0.1 has no candidate"),
        ({(0, 1): ["zero", "zero"]}, "position 0.1 lists a candidate twice"),
        ({(0, 1): ["relu"]}, "position 0.1: OP does not derive relu"),
        ({(0, 6): ["zero"]}, "position 0.6 is not there: CELL has 6 parts"),
        ({(1,): ["zero"]}, "position 1 is not there: NET has 1 parts"),
        ({(0, 1, 0): ["zero"]}, "position 0.1.0 is not there|several alternatives"),
        (
            {(0,): ["cell(zero, zero, zero, zero, zero, zero)"], (0, 1): ["zero"]},
            "position 0 contains another",
        ),
        ({(): ["zero"]}, "position the root: NET does not derive zero"),
    ],
)
def test_regions_that_cannot_be(candidates: dict[tuple[int, ...], list[str]], words: str) -> None:
    read = {path: [cell201().read(text) for text in texts] for path, texts in candidates.items()}
    with pytest.raises(SpaceError, match=words):
        cell201().region(read)


def test_a_position_behind_a_choice_needs_an_architecture() -> None:
    space = Space.from_text("NET -> chain(OP, OP) | branch(OP, OP)\nOP -> a | b\n")
    parts = [space.read("a")]
    with pytest.raises(SpaceError, match="NET at the root has several alternatives; say which by `at="):
        space.region({(0,): parts})
    region = space.region({(0,): parts}, at=space.parse("branch(b, b)"))
    assert [str(a) for a in region.enumerate()] == ["branch(a, b)"]
    with pytest.raises(SpaceError, match="is not in"):
        space.region({(0,): parts}, at=space.read("chain(a, a, a)"))


def test_a_region_that_no_constraint_allows_is_refused() -> None:
    space = Space.from_text("NET -> chain(OP, OP)\nOP -> zero | a\nrequire connected\n")
    with pytest.raises(SpaceError, match="empty"):
        space.region({(0,): [space.read("zero")]})


def test_decisions_name_positions() -> None:
    space = Space.from_text(
        "NET -> chain(branch(OP, x), REST)\nREST -> OP | chain(OP, OP)\nOP -> a | b | c\n"
    )
    decisions = space.decisions(space.parse("chain(branch(b, x), chain(c, a))"))
    assert [(d.path, d.nonterminal, d.chosen, d.alternatives) for d in decisions] == [
        ((), "NET", 0, 1),
        ((0, 0), "OP", 1, 3),
        ((1,), "REST", 3, 4),  # OP's three alternatives stand for the lone OP
        ((1, 0), "OP", 2, 3),
        ((1, 1), "OP", 0, 3),
    ]
    sizes = [d.alternatives for d in cell201().decisions(cell201().unrank(0)) if d.alternatives > 1]
    assert math.prod(sizes) == cell201().count()
    with pytest.raises(SpaceError, match="is not in"):
        space.decisions(space.read("chain(a, b)"))
