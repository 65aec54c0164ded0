"""Whatever is wrong with a grammar is said with the line, the column and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from morphogen.spaces import GrammarError, Space, SpaceError

SYNTAX = [
    ("NET -> a | $\n", 1, 12, "got `$` where a name or a nonterminal"),
    ("NET -> a\n  OP b\n", 2, 6, "expected `->` after a nonterminal, got `b`"),
    ("NET -> chain(a, b\n", 1, 18, "got the end of the text where `)` or `,`"),
    ("NET -> chain(a, b))\n", 1, 19, "got `)`"),
    ("NET ->\n", 1, 7, "got the end of the text"),
    ("NET -> a |\nOP -> b\n", 2, 4, "got `->`"),
    ("net -> a\n", 1, 1, "got `net` where a rule (`NAME -> ...`, its name in upper case) was expected"),
    ("NET -> a & b\n", 1, 10, "or `[` or `|` or a rule (`NAME -> ...`, its name in upper case) was expected"),
    ("NET -> a [x]\n", 1, 11, "got `x` where a number was expected"),
    ("NET -> a\ndepth x\n", 2, 7, "got `x` where a number was expected"),
    ("topology x 1-2\nNET -> x(a)\n", 1, 12, "got `1` where `:` was expected"),
    ("NET -> a(\n", 1, 10, "got the end of the text"),
]

STATEMENTS = [
    ("NET -> a [0]\n", 1, 11, "a weight must be at least 1"),
    ("\n# nothing\n\n", 1, 1, "a grammar needs at least one rule"),
    ("NET -> a\nNET -> b\n", 2, 1, "NET is defined twice (first in line 1)"),
    ("start NET\nstart NET\nNET -> a\n", 2, 7, "start is given twice"),
    ("depth 3\nNET -> a\ndepth 4\n", 3, 1, "depth is given twice"),
    ("start NIT\nNET -> a\n", 1, 7, "NIT has no rule; did you mean NET?"),
    ("NET -> a\ndepth 0\n", 2, 1, "depth must be at least 1"),
    ("NET -> a\n  require conected\n", 2, 3, "there is no constraint conected; there are connected"),
    ("NET -> a\nrequire connected(a)\n", 2, 1, "write `require connected`, without arguments"),
    ("NET -> a\nrequire at_most(3, a)\n", 2, 1, "write `require at_most(conv3x3, 4)`"),
    ("NET -> a\nrequire downsampling(2)\n", 2, 1, "write `require downsampling(resblock)`"),
]

TERMINALS = [
    ("NET -> a\ntopology chain: 1-2\n", 2, 10, "chain is there already"),
    ("topology x: 1-2\ntopology x: 1-2\nNET -> x(a)\n", 2, 10, "x is there already"),
    ("NET -> a\ntopology x: 2-1\n", 2, 10, "edge 2-1 must go from a smaller to a larger number"),
    ("topology x: 1-2 2-3 1-2\nNET -> x(a, a, a)\n", 1, 10, "edge 1-2 must stand before the edges that"),
    ("topology x: 1-2 1-4\nNET -> x(a, a)\n", 1, 10, "node 2 lies on no path from node 1 to node 4"),
    ("constructor c 0\nNET -> c\n", 1, 13, "c: a constructor needs at least one part"),
    ("topology x: 1-2 2-3\nNET -> a | x(a)\n", 2, 12, "x takes 2 arguments, got 1"),
    ("NET -> chain(a, cell(a, a))\n", 1, 17, "cell takes 1, 3, 6, 10, 15 ... arguments"),
    ("NET -> residual(a)\n", 1, 8, "residual takes the parts of its main path and then the shortcut"),
    ("NET -> stack(a, b)\n", 1, 8, "stack takes 1 arguments, got 2"),
    ("NET -> pair_0_1(a)\n", 1, 8, "pair_0_1 takes 2 arguments, got 1"),
    ("NET -> chain\n", 1, 8, "chain needs arguments, such as chain(A, B)"),
    ("NET -> chian(a, b)\n", 1, 8, "chian takes no arguments; did you mean chain?"),
    ("NET -> 3x3(b)\n", 1, 8, "declare it: `topology 3x3: 1-2 2-3` or `constructor 3x3 1`"),
]

MEANING = [
    ("NET -> chain(STGE, b)\nSTAGE -> a\n", 1, 14, "STGE has no rule; did you mean STAGE?"),
    ("NET -> a\nSTAGE -> b\n", 2, 1, "STAGE cannot be reached from NET"),
    ("NET -> A | x\nA -> chain(A, b)\n", 2, 1, "A never ends: each of its alternatives needs A again"),
    ("NET -> chain(NET, x) | A\nA -> chain(NET)\n", 1, 1, "NET never ends"),
    (
        "NET -> x | chain(A, A)\nA -> chain(C) | chain(A, x)\nC -> branch(B, x)\nB -> chain(branch(C))\n",
        3,
        1,
        "C never ends: each of its alternatives needs C again",
    ),
    ("NET -> A | x\nA -> B\nB -> A | y\n", 3, 6, "A derives itself without building anything"),
    ("NET -> x\n  | chain(NET, y)\n", 1, 1, "the space is infinite: NET can stand inside itself again"),
    ("NET -> x | y | x\n", 1, 16, "NET lists x twice; to make it likelier give it a weight instead: `x [2]`"),
    (
        "NET -> A | B\nA -> chain(x, OP)\nB -> chain(OP, y)\nOP -> x | y\n",
        3,
        6,
        "NET derives the same architecture in two ways, by `chain(x, OP)` and by `chain(OP, y)`",
    ),
    ("NET -> OP | LAYER\nOP -> x | y\nLAYER -> y | z\n", 3, 10, "NET lists y twice"),
    (
        "NET -> chain(chain(a))\ndepth 2\n",
        1,
        1,
        "no architecture fits into depth 2; the smallest needs depth 3",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), [*SYNTAX, *STATEMENTS, *TERMINALS, *MEANING])
def test_errors_have_a_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(GrammarError) as raised:
        Space.from_text(text)
    error = raised.value
    assert (error.line, error.column) == (line, column)
    assert words in error.message
    assert str(error) == f"line {line}, column {column}: {error.message}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NET -> chain(zero, a)\nrequire connected\n", "none satisfies connected; add an alternative"),
        (
            "NET -> chain(a, a)\nrequire at_most(a, 1)\nrequire connected\n",
            "none satisfies at_most(a, 1) and connected",
        ),
        ("NET -> residual(a, a, b)\nrequire downsampling(b, 1)\n", "satisfies downsampling(b, 1)"),
    ],
)
def test_empty_spaces_are_refused(text: str, words: str) -> None:
    with pytest.raises(SpaceError, match="empty") as raised:
        Space.from_text(text)
    assert words in str(raised.value)


def test_ambiguity_is_looked_for_in_recursion() -> None:
    """Both rules derive chain(x, x), at a depth that no comparison of their texts shows."""
    text = "NET -> A | B\nA -> chain(A, x) | chain(x, x)\nB -> chain(C, x)\nC -> chain(B, x) | x\ndepth 9\n"
    with pytest.raises(GrammarError, match="derives the same architecture in two ways"):
        Space.from_text(text)
    sound = text.replace("C -> chain(B, x) | x", "C -> chain(B, x) | y")
    assert Space.from_text(sound).count() > 10


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    file = tmp_path / "mine.grammar"
    file.write_text("NET -> chain(OP, OP)\nOP -> a | b\n")
    space = Space.from_file(file)
    assert (space.name, space.count()) == ("mine", 4)
    file.write_text("NET -> a\nNET -> b\n")
    with pytest.raises(GrammarError, match=r"mine\.grammar: NET is defined twice") as raised:
        Space.from_file(file)
    assert (raised.value.line, raised.value.column) == (2, 1)
    with pytest.raises(SpaceError, match="cannot read the grammar file"):
        Space.from_file(tmp_path / "nowhere")
    file.write_bytes(b"NET -> \xff\n")
    with pytest.raises(SpaceError, match="not a text file in UTF-8"):
        Space.from_file(file)


def test_comments_and_order_do_not_matter() -> None:
    plain = Space.from_text("NET -> chain(OP, OP)\nOP -> a | b [2]\n")
    noisy = Space.from_text(
        "# first\nstart NET # the start\nOP -> a # one\n  | b [2]\n\nNET->chain(OP,OP)#\n"
    )
    assert [str(a) for a in plain.enumerate()] == [str(a) for a in noisy.enumerate()]
    assert plain.fingerprint != Space.from_text("NET -> chain(OP, OP)\nOP -> a | b\n").fingerprint
