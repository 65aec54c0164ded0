"""`times`, `ordered` and `no_bypass`: what they let through, counted by hand and by trying everything."""

from __future__ import annotations

from collections import Counter
from math import comb

import pytest

from morphogen.seeding import stream
from morphogen.spaces.grammar import GrammarError
from morphogen.spaces.moves import mutate, neighbours
from morphogen.spaces.space import Space

FREE = "NET -> chain(OP, OP, OP, OP)\nOP -> a | b | c\n"
PAIR = "topology pair: 1-2 1-2\nNET -> pair(OP, OP)\nOP -> a | b | c | d\nrequire ordered(pair, 1, 2)\n"
TWO_CHAINS = "topology two: 1-2 1-3 2-4 3-4\nNET -> two(OP, OP, OP, OP)\nOP -> a | b | c\n"
TWO_CHAINS += "require ordered(two, 1, 2, 3, 4)\n"

BYPASSED = "topology two: 1-2 1-3 2-4 3-4\nNET -> two(OP, OP, OP, OP)\nOP -> a | b | identity\n"
BYPASSED += "require no_bypass\n"


@pytest.mark.parametrize(("fewest", "most"), [(0, 0), (1, 1), (1, 3), (2, 4), (0, 4)])
def test_times_counts_several_operations_together(fewest: int, most: int) -> None:
    """Of four places k hold a or b, the others c."""
    space = Space.from_text(f"{FREE}require times(a, b, {fewest}, {most})\n")
    assert space.count() == sum(comb(4, k) * 2**k for k in range(fewest, most + 1))
    for architecture in space.enumerate():
        held = Counter(str(part) for part in architecture.args)
        assert fewest <= held["a"] + held["b"] <= most


def test_ordered_keeps_one_of_each_pair_of_twins() -> None:
    space = Space.from_text(PAIR)
    assert space.count() == 4 * 5 // 2
    assert len({architecture.key for architecture in space.enumerate()}) == space.count()


def test_a_tie_is_broken_by_the_next_pair() -> None:
    space = Space.from_text(TWO_CHAINS)
    assert space.count() == 9 * 10 // 2, "pairs of chains of two"
    free = Space.from_text(TWO_CHAINS.partition("require")[0])
    assert {architecture.key for architecture in space.enumerate()} == {a.key for a in free.enumerate()}


def test_no_path_of_identities_is_a_bypass() -> None:
    """Of two chains of two beside each other neither is two identities; of a residual the shortcut is none."""
    assert Space.from_text(BYPASSED).count() == (9 - 1) ** 2
    residual = "NET -> residual(OP, OP, OP)\nOP -> a | identity | zero\nrequire no_bypass\n"
    assert Space.from_text(residual).count() == (9 - 1) * 2
    parts = "constructor pair 2\nNET -> pair(PART, PART)\nPART -> chain(OP, OP) | OP\nOP -> a | identity\n"
    assert Space.from_text(f"{parts}require no_bypass\n").count() == (3 + 1) ** 2


@pytest.mark.parametrize("text", [PAIR, TWO_CHAINS, BYPASSED, f"{FREE}require times(a, b, 1, 3)\n"])
def test_moves_stay_inside(text: str) -> None:
    space, rng = Space.from_text(text), stream(0)
    assert Space.from_text(str(space.grammar)).fingerprint == space.fingerprint
    for architecture in space.enumerate():
        assert space.unrank(space.rank(architecture)) == architecture
        assert mutate(space, architecture, rng) in space
        assert all(near in space for near in neighbours(space, architecture))


def test_what_is_left_out_is_said() -> None:
    space = Space.from_text(PAIR)
    with pytest.raises(ValueError, match=r"breaks `require ordered\(pair, 1, 2\)`"):
        space.parse("pair(b, a)")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("times(a)", "names, fewest and most"),
        ("times(a, 3, 1)", "names, fewest and most"),
        ("times(1, 3)", "names, fewest and most"),
        ("ordered(pair)", "pairs of rising places"),
        ("ordered(pair, 1)", "pairs of rising places"),
        ("ordered(pair, 2, 1)", "pairs of rising places"),
        ("ordered(1, 2)", "pairs of rising places"),
        ("no_bypass(a)", "write `require no_bypass`, without arguments"),
        ("often(a)", "times and ordered"),
    ],
)
def test_wrong_words(line: str, words: str) -> None:
    with pytest.raises(GrammarError, match=words):
        Space.from_text(f"{FREE}require {line}\n")
