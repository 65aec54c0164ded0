"""Counting, sampling probabilities and membership against a brute-force reading of the grammar."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings

from morphogen.seeding import stream
from morphogen.spaces import ArchitectureError, Grammar, Space, SpaceError, brief
from morphogen.spaces.count import below
from morphogen.spaces.grammar import Call, Pattern, Ref
from morphogen.spaces.text import read_grammar
from morphogen.testing.constraints import satisfies
from morphogen.testing.grammars import grammars

MOST = 1_000


class TooMany(Exception):
    """More texts than are worth writing down."""


def language(grammar: Grammar, pattern: Pattern, depth: int) -> Counter[str]:
    """Write down every text that a pattern derives within a depth, and in how many weighted ways."""
    if isinstance(pattern, Ref):
        (rule,) = (rule for rule in grammar.rules if rule.name == pattern.name)
        found: Counter[str] = Counter()
        for alternative in rule.alternatives:
            for text, ways in language(grammar, alternative.pattern, depth).items():
                found[text] += ways * alternative.weight
        return found
    if depth == 0:
        return Counter()
    name = pattern.terminal.name
    if not pattern.args:
        return Counter({name: 1})
    parts = [language(grammar, part, depth - 1) for part in pattern.args]
    size = 1
    for part in parts:
        size *= len(part)
    if size > MOST:
        raise TooMany
    found = Counter()
    for texts in product(*parts):
        ways = 1
        for text, part in zip(texts, parts, strict=True):
            ways *= part[text]
        found[f"{name}({', '.join(texts)})"] += ways
    return found


def depth_of(grammar: Grammar) -> int:
    return grammar.depth if grammar.depth is not None else 30


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(grammars())
def test_the_space_is_the_language_of_its_grammar(text: str) -> None:
    free = read_grammar("\n".join(line for line in text.split("\n") if not line.startswith("require")))
    try:
        ways = language(free, Ref(free.start), depth_of(free))
    except TooMany:
        assume(False)
    space = Space(free)
    assert {str(a) for a in space.enumerate()} == set(ways)
    assert space.count() == len(ways)
    assert space.count(weighted=True) == sum(ways.values())
    constrained = Space.from_text(text)
    allowed = [a for a in space.enumerate() if all(satisfies(c, a) for c in constrained.grammar.constraints)]
    assert set(constrained.enumerate()) == set(allowed)
    assert [a for a in space.enumerate() if a in constrained] == allowed


def test_weights_count_as_repeats() -> None:
    space = Space.from_text("NET -> chain(OP, OP) [3] | OP\nOP -> a [2] | b | C [5]\nC -> c [4] | d\n")
    assert space.count() == 4**2 + 4
    ways = 2 + 1 + 5 * (4 + 1)
    assert space.count(weighted=True) == 3 * ways**2 + ways


def test_numbers_beyond_floats() -> None:
    """A recursive space with 10^1000 members is counted, numbered and sampled exactly."""
    space = Space.from_text(
        "NET -> chain(NET, NET, NET) | residual(NET, NET, NET) | OP\nOP -> a | b | c | zero\ndepth 7\n"
    )
    count = 4
    for _ in range(6):
        count = 2 * count**3 + 4
    assert space.count() == count
    assert len(str(count)) > 400
    last = space.unrank(count - 1)
    assert space.rank(last) == count - 1
    assert space.unrank(count // 3) == space.unrank(count // 3)
    sample = space.sample(stream(0))
    assert space.unrank(space.rank(sample)) == sample
    assert sample.depth == 7


def test_brief_numbers() -> None:
    assert brief(15_625) == "15,625"
    assert brief(10**12) == "10^12.00"
    assert brief(2 * 10**375) == "10^375.30"


@pytest.mark.parametrize("bound", [1, 2, 3, 1000, 2**63, 2**63 + 1, 10**40])
def test_below_stays_below(bound: int) -> None:
    drawn = [below(bound, stream(0, n)) for n in range(200)]
    assert min(drawn) >= 0
    assert max(drawn) < bound
    assert max(drawn) >= bound // 2
    assert min(drawn) <= bound // 2


def test_constrained_spaces_are_counted_by_hand() -> None:
    text = "NET -> residual(OP, OP, OP)\nOP -> zero | identity | down\n"
    # The shortcut and the longer path, either of them cut, or both with as many halvings.
    path = {0: 1, 1: 2, 2: 1}
    cut = 9 - sum(path.values())
    short = {0: 1, 1: 1}
    agree = sum(n * short.get(halvings, 0) for halvings, n in path.items())
    assert Space.from_text(text + "require connected").count() == 27 - cut
    alike = agree + cut * 3 + sum(path.values())
    assert Space.from_text(text + "require downsampling(down)").count() == alike
    both = agree + cut * 2 + sum(path.values())
    assert Space.from_text(text + "require downsampling(down)\nrequire connected").count() == both
    once = path[1] + path[1] + cut
    assert Space.from_text(text + "require downsampling(down, 1)\nrequire connected").count() == once
    assert Space.from_text(text + "require at_most(down, 1)").count() == 2**3 + 3 * 2**2


def test_a_depth_that_binds_nothing_changes_nothing() -> None:
    free = Space.from_text("NET -> chain(OP, OP)\nOP -> a | b\n")
    bound = Space.from_text("NET -> chain(OP, OP)\nOP -> a | b\ndepth 9\n")
    assert list(map(str, free.enumerate())) == list(map(str, bound.enumerate()))


def test_a_depth_cuts() -> None:
    space = Space.from_text("NET -> chain(NET, OP) | OP\nOP -> a | b\ndepth 3\n")
    assert space.count() == 2 + 4 + 8
    assert space.contains(space.read("chain(chain(a, b), a)"))
    deep = space.read("chain(chain(chain(a, b), a), a)")
    with pytest.raises(SpaceError, match="it is 4 deep, the bound is 3"):
        space.check(deep)


def test_numbers_out_of_range() -> None:
    space = Space.from_text("NET -> a | b\n")
    for number in (-1, 2):
        with pytest.raises(SpaceError, match=f"has architectures 0 to 1, not {number}"):
            space.unrank(number)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("chain(a, a)", SpaceError, "its grammar does not derive it from NET"),
        ("a, b", ArchitectureError, "column 2"),
        ("chain(a", ArchitectureError, "column 8: the text ends before chain\\( is closed"),
        ("chain(a, )", ArchitectureError, "column 9"),
        ("chain(a b, a)", ArchitectureError, "column 8: `b` must follow"),
        ("(a)", ArchitectureError, "column 1: `\\(` must follow a name"),
        ("a)", ArchitectureError, "column 2"),
        ("", ArchitectureError, "there is no architecture"),
        ("a-b", ArchitectureError, "column 2: `-` does not belong"),
        ("chain(a, b, a) a", ArchitectureError, "column 15"),
        ("chain(a, zero, a)", SpaceError, "it has no zero"),
        ("chain(a, A, a)", SpaceError, "it has no A"),
        ("chain(a, bb, a)", SpaceError, "did you mean b"),
        ("b", SpaceError, "does not derive it from NET"),
        ("teleport(a)", ArchitectureError, "teleport takes no arguments"),
    ],
)
def test_texts_that_are_no_architecture(text: str, error: type[Exception], words: str) -> None:
    space = Space.from_text("NET -> chain(OP, OP, OP) | a\nOP -> a | b\n")
    with pytest.raises(error, match=words):
        space.parse(text)


def test_probabilities_by_hand() -> None:
    """Over productions, a nested choice costs probability; over architectures, it does not."""
    space = Space.from_text("NET -> a [2] | chain(OP, OP)\nOP -> b [3] | c\n")
    drawn = Counter(str(space.sample(stream(0, n), over="productions")) for n in range(6000))
    assert drawn["a"] / 6000 == pytest.approx(2 / 3, abs=0.03)
    assert drawn["chain(b, b)"] / 6000 == pytest.approx(1 / 3 * 9 / 16, abs=0.03)
    assert drawn["chain(c, c)"] / 6000 == pytest.approx(1 / 3 * 1 / 16, abs=0.01)
    even = Counter(str(space.sample(stream(0, n))) for n in range(2000))
    assert even["a"] / 2000 == pytest.approx(0.2, abs=0.04)


def test_calls_are_patterns() -> None:
    """Nested patterns and unit productions are read as if they had names of their own."""
    nested = Space.from_text("NET -> chain(branch(OP, OP), X)\nX -> OP | Y\nY -> c\nOP -> a | b\n")
    named = Space.from_text("NET -> chain(B, X)\nB -> branch(OP, OP)\nX -> a | b | c\nOP -> a | b\n")
    assert {str(a) for a in nested.enumerate()} == {str(a) for a in named.enumerate()}
    assert isinstance(nested.grammar.rules[0].alternatives[0].pattern, Call)
