"""The space of chains of DAGs: exact counts, canonical representatives, modules against their definition."""

from __future__ import annotations

from itertools import combinations, permutations, product

import networkx as nx
import numpy as np
import pytest

from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError, mutate
from morphogen.spaces.dag_chain import adjacency, bits_of, dag_chain, dags, features, module


@pytest.mark.parametrize(("vertices", "count"), [(1, 1), (2, 2), (3, 6), (4, 31), (5, 302), (6, 5984)])
def test_there_are_as_many_dags_as_known(vertices: int, count: int) -> None:
    assert len(dags(vertices)) == len(set(dags(vertices))) == count


@pytest.mark.parametrize("vertices", [2, 3, 4])
def test_every_dag_has_one_representative(vertices: int) -> None:
    def graph(bits: str) -> nx.DiGraph:
        return nx.DiGraph(adjacency(bits, vertices).astype(int))

    for one, two in combinations(dags(vertices), 2):
        assert not nx.is_isomorphic(graph(one), graph(two)), (one, two)
    for pairs in product("01", repeat=vertices * (vertices - 1) // 2):
        other = adjacency("".join(pairs), vertices)
        twins = {
            "".join("01"[int(bit)] for bit in moved[np.triu_indices(vertices, 1)])
            for order in permutations(range(vertices))
            if not np.tril(moved := other[np.ix_(order, order)]).any()
        }
        assert max(twins) in dags(vertices)


def test_a_module_is_the_dag_with_an_operation_on_each_edge() -> None:
    assert module("110", 3, "op").terminal.edges == ((1, 2), (1, 3), (2, 4), (3, 4))  # type: ignore[attr-defined]
    assert module("011", 3, "op").terminal.edges == ((1, 2), (1, 2), (2, 3))  # type: ignore[attr-defined]
    assert module("000", 3, "op").terminal.edges == ((1, 2), (1, 2), (1, 2))  # type: ignore[attr-defined]
    assert module("101", 3, "op").graph.predecessors == ((), (0,), (1,), (2,))


def test_few_dags_are_the_same_network() -> None:
    keys = [len({module(bits, n, "op").key for bits in dags(n)}) for n in (2, 3, 4, 5)]
    assert keys == [2, 6, 31, 280]


def test_a_chain_counts_its_modules_independently() -> None:
    assert dag_chain(2, 4, 4).count() == 31**2
    assert dag_chain().count() == (2 + 6 + 31 + 302) ** 3
    assert dag_chain(2, 6, 6).count() == 5984**2


@pytest.mark.parametrize("modules", ["mlp", "conv"])
def test_a_chain_is_a_space_like_any_other(modules: str) -> None:
    space = dag_chain(2, 4, 3, modules)  # type: ignore[arg-type]
    again = Space.from_text(str(space.grammar), space.name)
    assert again.fingerprint == space.fingerprint
    one = space.sample(stream(0))
    assert again.parse(str(one)) == one
    two = mutate(space, one, stream(1))
    assert two in space
    assert two != one
    region = space.region({(0,): [one.args[0], two.args[1]], (1,): [one.args[1]]}, at=one)
    assert region.count() == len({one.args[0], two.args[1]})


def test_modules_have_features_of_one_length() -> None:
    part = module("101", 3, "op")
    assert bits_of(part) == (3, "101")
    found = features(part)
    assert found is not None
    assert found.tolist() == [1, 0, 0, 0, 0, 1, *[0] * 9, 0, 0, 1, 0, 0, 0]
    assert len({len(features(module(bits, n, "op"))) for n in (2, 4, 6) for bits in dags(n)[:3]}) == 1  # type: ignore[arg-type]
    assert features(part.args[0]) is None


def test_impossible_chains_are_refused() -> None:
    with pytest.raises(SpaceError, match="1 to 6 vertices, got 7"):
        dags(7)
    with pytest.raises(SpaceError, match="no chain has 0 modules"):
        dag_chain(0)
