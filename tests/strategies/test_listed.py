"""A list is asked in its order; a whole space is never written down to be asked."""

from __future__ import annotations

import pytest

from morphogen.architecture import ArchitectureError
from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.strategies.listed import Listed
from morphogen.testing.strategies import SCORE, planted, search

SPACE = Space.from_text("NET -> chain(OP, OP)\nOP -> a | b\nrequire at_most(a, 1)\n", "pairs")


def test_texts_and_architectures_in_their_order() -> None:
    listed = Listed(("chain(b, b)", SPACE.parse("chain(a, b)"), "chain(b, b)"))
    events = search(listed, SPACE, planted, 10)
    assert [str(t.architecture) for t in events if t.pending] == ["chain(b, b)", "chain(a, b)", "chain(b, b)"]


def test_a_list_several_times() -> None:
    for listed in (Listed(("chain(b, b)", "chain(a, b)"), times=2), Listed(times=2)):
        asked = [str(t.architecture) for t in search(listed, SPACE, planted, 10) if t.pending]
        assert asked == 2 * asked[: len(asked) // 2] and len(set(asked)) == len(asked) // 2
    with pytest.raises(ValueError, match="once or more"):
        Listed(times=0)


def test_without_a_list_the_whole_space() -> None:
    events = search(Listed(), SPACE, planted, 10)
    assert [t.architecture for t in events if t.pending] == list(SPACE.enumerate())
    state = Listed().start(cell201(), SCORE)
    first = Listed().ask(state, stream(0))
    assert first is not None
    assert first.architecture == cell201().unrank(0)


def test_a_space_beyond_all_lists() -> None:
    events = search(Listed(), hierarchical201(), planted, 5)
    assert [hierarchical201().rank(t.architecture) for t in events if t.pending] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("chain(a, a)", SpaceError, r"chain\(a, a\) is not in pairs: it breaks `require at_most\(a, 1\)`"),
        ("chain(a, c)", SpaceError, "it has no c"),
        ("chain(a", ArchitectureError, "the text ends before"),
    ],
)
def test_what_is_not_in_the_space_is_named(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Listed(("chain(a, b)", text)).start(SPACE, SCORE)
