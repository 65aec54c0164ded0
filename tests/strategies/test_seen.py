"""The set of what was asked, and how something unseen is found."""

from __future__ import annotations

import pickle
import time

import pytest

from morphogen.seeding import stream
from morphogen.spaces import Space, mutate
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.seen import Seen, Unique
from morphogen.testing.strategies import planted, search

TWINS = Space.from_text("NET -> branch(OP, OP)\nOP -> a | b | identity\n", "twins")


def test_what_counts_as_the_same() -> None:
    one, two = TWINS.parse("branch(a, b)"), TWINS.parse("branch(b, a)")
    for unique, found in (
        (Unique.NETWORK, [True, True]),
        (Unique.ARCHITECTURE, [True, False]),
        (Unique.NOTHING, [False, False]),
    ):
        seen = Seen(unique).add(one)
        assert [one in seen, two in seen] == found


def test_adding_makes_a_new_set() -> None:
    empty = Seen(Unique.NETWORK)
    one = empty.add(TWINS.unrank(0))
    assert (len(empty), len(one)) == (0, 1)
    assert one.add(TWINS.unrank(0)) == one
    assert empty != one
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError):
        hash(one)


def test_all_networks_are_found_and_then_none() -> None:
    seen, keys = Seen(Unique.NETWORK), set()
    while (a := seen.fresh(TWINS, stream(0, len(keys)), TWINS.sample)) is not None:
        assert a.key not in keys
        keys.add(a.key)
        seen = seen.add(a)
    assert keys == {a.key for a in TWINS.enumerate()}
    assert len(keys) == 6


def test_a_repeat_is_moved_on() -> None:
    """Where an architecture is drawn again and again, its unseen surroundings are what is left to find."""
    start = cell201().unrank(4000)
    seen = Seen(Unique.ARCHITECTURE).add(start)
    found = seen.fresh(
        cell201(), stream(0), lambda rng: start, lambda repeat, rng: mutate(cell201(), repeat, rng)
    )
    assert found is not None
    assert found != start


def test_an_architecture_without_neighbours_is_left() -> None:
    space = Space.from_text(
        "NET -> chain(OP, OP)\nOP -> down | a\nrequire downsampling(down, 1)\n", "two of them"
    )
    start = space.unrank(0)
    seen = Seen(Unique.NETWORK).add(start)
    assert seen.fresh(space, stream(0), lambda rng: mutate(space, start, rng)) == space.unrank(1)
    seen = seen.add(space.unrank(1))
    assert seen.fresh(space, stream(0), lambda rng: mutate(space, start, rng)) is None


def test_the_set_costs_the_same_however_large_it_is() -> None:
    space, rng = hierarchical201(), stream(0)
    small = Seen(Unique.ARCHITECTURE, (f"name {n}" for n in range(10)))
    large = Seen(Unique.ARCHITECTURE, (f"name {n}" for n in range(100_000)))
    fresh = [space.sample(rng) for _ in range(200)]
    times = []
    for seen in (small, large):
        best = float("inf")
        for _ in range(5):
            begun, grown = time.process_time(), seen
            for a in fresh:
                grown = grown.add(a)
            best = min(best, time.process_time() - begun)
        times.append(best)
    assert times[1] < 10 * times[0]


def test_random_search_draws_as_it_is_told() -> None:
    space = Space.from_text("NET -> a [8] | b | branch(OP, OP)\nOP -> c | d | e\n")
    uniform, weighted = (
        [
            str(search(RandomSearch(over=over), space, planted, 1, seed=seed)[0].architecture)
            for seed in range(300)
        ]
        for over in ("architectures", "productions")
    )
    assert weighted.count("a") / 300 == pytest.approx(0.8, abs=0.08)
    assert uniform.count("a") / 300 == pytest.approx(1 / 11, abs=0.06)
