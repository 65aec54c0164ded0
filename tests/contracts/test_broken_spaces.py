"""Each checker of spaces and moves finds what it is there for: broken ones are planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from faults import PLAIN, failing, leaving

from morphogen.architecture import Architecture
from morphogen.spaces import moves
from morphogen.spaces.space import Space
from morphogen.testing import moves as testing_moves
from morphogen.testing import spaces

TWINS = "NET -> branch(OP, OP, OP)\nOP -> identity | conv3x3 | avg_pool | conv1x1\n"
CONSTRAINED = PLAIN + "require connected\nrequire at_most(conv3x3, 1)\n"
HALVING = "NET -> residual(OP, OP, OP)\nOP -> conv3x3 | resblock\nrequire downsampling(resblock)\n"
DEEP = "NET -> chain(NET, OP) | OP\nOP -> identity | conv3x3\ndepth 3\n"
WEIGHTED = "NET -> chain(OP, OP)\nOP -> conv3x3 [5] | identity | zero\n"


class Elsewhere(Space):
    """Samples from another space."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        return Space.from_text("NET -> chain(OP, OP)\nOP -> conv3x3 | identity\n").sample(rng)


class Stubborn(Space):
    """Always gives the architecture that comes first."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        return self.unrank(0)


class Restless(Space):
    """Gives another architecture every time, whatever the stream."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
        return self.unrank(self.__dict__["calls"] % self.count())


class Uneven(Space):
    """Draws productions where it should draw architectures, and the reverse."""

    def sample(self, rng: np.random.Generator, *, over: Any = "architectures") -> Architecture:
        other = "architectures" if over == "productions" else "productions"
        return super().sample(rng, over=other)  # type: ignore[arg-type]


class Generous(Space):
    """Counts one more than there are."""

    def count(self, *, weighted: bool = False) -> int:
        return super().count(weighted=weighted) + 1


class Unconstrained(Space):
    """Forgets its constraints when it samples and moves."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        free = replace(self.grammar, constraints=(), depth=None if "NET(" in str(self.grammar) else 9)
        return Space(free).sample(rng)


class Anonymous(Space):
    """Has a fingerprint of its own in every process."""

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return str(hash(str(self.grammar)))


class Silent(Space):
    """Tells no decision."""

    def decisions(self, architecture: Architecture) -> tuple[Any, ...]:
        return ()


class Wide(Space):
    """Its regions are the whole space."""

    def region(self, candidates: Any, *, at: Architecture | None = None) -> Space:
        return Space(self.grammar)

    def decisions(self, architecture: Architecture) -> tuple[Any, ...]:
        return Space(self.grammar).decisions(architecture)


class Shifted(Space):
    """Ranks one too low."""

    def rank(self, architecture: Architecture) -> int:
        return (super().rank(architecture) - 1) % self.count()


class Verbose(Space):
    """Reads all texts as one architecture."""

    def parse(self, text: str) -> Architecture:
        return self.unrank(0)


BROKEN_SPACES = [
    (spaces.samples_are_inside, Elsewhere, PLAIN, "is not in"),
    (spaces.texts_are_read_back, Verbose, PLAIN, "came back as"),
    (spaces.the_same_stream_draws_the_same, Restless, PLAIN, "equal streams differ"),
    (spaces.ranks_are_a_bijection, Shifted, PLAIN, "has rank"),
    (spaces.counting_is_enumerating, Generous, PLAIN, "65 counted"),
    (spaces.uniform_sampling_is_uniform, Stubborn, PLAIN, "chi-square"),
    (spaces.uniform_sampling_is_uniform, Uneven, WEIGHTED, "chi-square"),
    (spaces.productions_are_drawn_by_weight, Uneven, WEIGHTED, "chi-square"),
    (spaces.a_space_is_the_same_everywhere, Anonymous, PLAIN, "another space"),
    (spaces.constraints_hold, Unconstrained, CONSTRAINED, "breaks `require"),
    (spaces.constraints_hold, Unconstrained, HALVING, "breaks `require downsampling"),
    (spaces.recursion_ends_at_the_bound, Unconstrained, DEEP, "deep, over 3"),
    (spaces.decisions_tell_the_architecture, Silent, PLAIN, "share their decisions"),
    (spaces.regions_are_spaces, Wide, PLAIN, "the region at"),
    (spaces.every_operation_is_known, Space, "NET -> conv3x3 | teleport\n", "teleport"),
]


@pytest.mark.parametrize(("check", "kind", "text", "words"), BROKEN_SPACES)
def test_broken_spaces_are_found(
    check: Callable[[Space], None], kind: type[Space], text: str, words: str
) -> None:
    assert words in failing(check, kind.from_text(text))
    if kind is not Space:
        check(Space.from_text(text))


BROKEN_MOVES = [
    (testing_moves.mutants_differ_and_stay_inside, "mutate", lambda space, a, rng: a, "into itself"),
    (testing_moves.mutants_differ_and_stay_inside, "mutate", leaving, "which is not in"),
    (testing_moves.neighbours_are_symmetric, "neighbours", lambda s, a: [a], "its own neighbour"),
    (
        testing_moves.neighbours_are_symmetric,
        "neighbours",
        lambda s, a: [x for x in moves.neighbours(s, a) if x > a],
        "not the reverse",
    ),
    (
        testing_moves.neighbours_are_symmetric,
        "neighbours",
        lambda s, a: [y for x in moves.neighbours(s, a) for y in moves.neighbours(s, x) if y != a],
        "twice",
    ),
    (testing_moves.distance_is_a_metric, "distance", lambda s, a, b: moves.distance(s, a, b) ** 3, "shorter"),
    (testing_moves.distance_is_a_metric, "distance", lambda s, a, b: int(a > b), "another distance"),
    (testing_moves.distance_is_a_metric, "distance", lambda s, a, b: 0, "apart"),
    (testing_moves.crossing_stays_inside, "cross", leaving, "not in"),
    (testing_moves.crossing_stays_inside, "cross", lambda s, a, b, rng, anywhere: b, "the father as child"),
    (testing_moves.swapping_stays_inside, "self_cross", lambda s, a, rng: s.sample(rng), "terminals"),
]


@pytest.mark.parametrize(("check", "move", "broken", "words"), BROKEN_MOVES)
def test_broken_moves_are_found(
    check: Callable[[Space], None],
    move: str,
    broken: Callable[..., Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = Space.from_text(PLAIN)
    check(space)
    monkeypatch.setattr(testing_moves, move, broken)
    assert words in failing(check, space)


def test_a_certificate_that_reads_the_order_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    space = Space.from_text(TWINS)
    spaces.certificates_ignore_the_order_of_vertices(space)
    monkeypatch.setattr("morphogen.graph.Graph.certificate", lambda graph: str(graph))
    assert "another certificate" in failing(spaces.certificates_ignore_the_order_of_vertices, space)
