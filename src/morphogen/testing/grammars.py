"""Random grammars for property tests: nested patterns, unit productions, weights, recursion, constraints.

Needs hypothesis (`pip install hypothesis`)::

    @hypothesis.given(morphogen.testing.grammars.grammars())
    def test_my_move(text):
        space = Space.from_text(text)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Space

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

NONTERMINALS: Final = ("NET", "STAGE", "CELL", "OP")

OPERATIONS: Final = ("zero", "identity", "conv3x3", "conv1x1", "avg_pool", "resblock")

TOPOLOGIES: Final = {
    "chain": (1, 2, 3),
    "branch": (1, 2, 3),
    "residual": (2, 3),
    "cell": (1, 3),
    "diamond": (4,),
    "bypass": (3,),
}
"""Topologies and the numbers of arguments that they are given."""

DECLARED: Final = {
    "diamond": "topology diamond: 1-2 1-3 2-4 3-4",
    "bypass": "topology bypass: 1-2 1-3 2-3",
    "pair": "constructor pair 2",
}

CONSTRAINTS: Final = (
    "connected",
    "no_bypass",
    "downsampling(resblock)",
    "downsampling(resblock, 1)",
    "at_most(conv3x3, 2)",
    "at_most(identity, 1)",
    "times(conv3x3, avg_pool, 1, 3)",
)

REFUSED: Final = (
    "derives the same architecture in two ways",
    "twice; to make it likelier",
    "is empty",
    "no architecture fits into depth",
)
"""What a random grammar may rightly be refused for."""


def grammars(*, constructors: bool = True) -> SearchStrategy[str]:
    """Return a hypothesis strategy for texts of sound grammars; without `constructors`, all are one graph.

    Texts that a space rightly refuses, such as ambiguous ones, are left out; any other refusal is raised as an
    `AssertionError`.
    """
    try:
        import hypothesis
        from hypothesis import strategies as st
    except ImportError:
        raise ImportError("random grammars need hypothesis: pip install hypothesis") from None

    def pattern(draw: DrawFn, alone: tuple[str, ...], refs: tuple[str, ...], nesting: int) -> str:
        """A pattern of `refs`, or one of them `alone`: a nonterminal must not derive itself for nothing."""
        kinds = ["operation", *["ref"] * (2 * bool(alone)), *["topology"] * (2 * bool(nesting))]
        kind = draw(st.sampled_from(kinds))
        if kind == "operation":
            return draw(st.sampled_from(OPERATIONS))
        if kind == "ref":
            return draw(st.sampled_from(alone))
        name = draw(st.sampled_from(sorted(TOPOLOGIES)))
        count = draw(st.sampled_from(TOPOLOGIES[name]))
        return f"{name}({', '.join(pattern(draw, refs, refs, nesting - 1) for _ in range(count))})"

    def first(draw: DrawFn, number: int, names: tuple[str, ...]) -> list[str]:
        """Alternatives of nonterminal `number` that end, and that lead to the next one."""
        if number + 1 == len(names):
            return draw(st.lists(st.sampled_from(OPERATIONS), min_size=2, max_size=5, unique=True))
        following = names[number + 1]
        other = pattern(draw, names[number + 1 :], names[number + 1 :], 1)
        forms = [
            f"chain({following}, {following}, {other})",
            f"cell({following}, {other}, {following})",
            f"branch({other}, {following})",
            following,
        ]
        if constructors and number == 0:
            forms.append(f"pair({other}, {following})")
        return [draw(st.sampled_from(forms))]

    @st.composite
    def texts(draw: DrawFn) -> str:
        names = NONTERMINALS[draw(st.integers(0, len(NONTERMINALS) - 2)) :]
        recursive = draw(st.booleans())
        lines = []
        for number, name in enumerate(names):
            below = names[number + 1 :]
            alternatives = first(draw, number, names)
            for _ in range(draw(st.integers(0, 3))):
                alternatives.append(pattern(draw, below, names if recursive else below, 2))
            weighted = [
                f"{text} [{draw(st.integers(2, 5))}]" if draw(st.booleans()) else text
                for text in dict.fromkeys(alternatives)
            ]
            lines.append(f"{name} -> {' | '.join(weighted)}")
        for constraint in draw(st.lists(st.sampled_from(CONSTRAINTS), max_size=2, unique=True)):
            lines.append(f"require {constraint}")
        if recursive or draw(st.booleans()):
            lines.append(f"depth {draw(st.integers(2, 5))}")
        lines += [line for name, line in DECLARED.items() if any(f"{name}(" in rule for rule in lines)]
        text = "\n".join(lines) + "\n"
        try:
            Space.from_text(text)
        except SpaceError as error:
            if any(reason in str(error) for reason in REFUSED):
                hypothesis.reject()
            raise AssertionError(f"a sound grammar was refused: {error}\n{text}") from error
        return text

    return texts()
