"""Encodings: shapes, ranks, what isomorphic architectures share, and the Weisfeiler-Lehman kernel by hand."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError, mutate
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.encodings import (
    Vocabulary,
    adjacency,
    graphs,
    one_hot,
    operation_counts,
    path_features,
    wl_features,
)
from morphogen.spaces.hierarchical201 import hierarchical201


def samples(space: Space, count: int) -> list[Architecture]:
    rng = stream(0)
    return [space.sample(rng) for _ in range(count)]


def twins() -> list[tuple[Architecture, Architecture]]:
    """Return pairs of cells that are one network, written in two ways."""
    groups: dict[str, list[Architecture]] = {}
    for a in samples(cell201(), 1500):
        groups.setdefault(a.key, []).append(a)
    return [(one, two) for one, two, *_ in (g for g in groups.values() if len(set(g)) > 1) if one != two]


# --- one-hot ------------------------------------------------------------------------------------------------


def test_one_hot_has_a_column_an_alternative_and_full_rank() -> None:
    listed = samples(cell201(), 400)
    array = one_hot(cell201(), listed)
    assert array.shape == (400, 6 * 5)
    assert set(np.unique(array)) == {0, 1}
    assert (array.sum(axis=1) == 6).all()
    # Within each of six blocks the columns sum to one: 6 x 4 free directions and the constant.
    assert np.linalg.matrix_rank(array) == 6 * 4 + 1
    assert len(np.unique(array, axis=0)) == len(set(listed))


def test_one_hot_tells_all_architectures_of_a_nested_space_apart() -> None:
    space = Space.from_text("NET -> chain(B, OP) | B\nB -> OP | branch(OP, OP)\nOP -> a | b [2]\n")
    listed = list(space.enumerate())
    array = one_hot(space, listed)
    assert len(np.unique(array, axis=0)) == len(listed) == space.count()
    # NET with the alternatives of a lone B; B and OP below chain; two OPs below a branch there, and two below
    # one at the root, of which the second stands where chain has its OP.
    assert array.shape == (len(listed), (1 + 3) + (3 + 2) + (2 + 2) + 2)


def test_one_hot_within_a_depth_and_a_region() -> None:
    space = Space.from_text("NET -> chain(NET, OP) | OP\nOP -> a | b\ndepth 3\n")
    listed = list(space.enumerate())
    assert len(np.unique(one_hot(space, listed), axis=0)) == len(listed)
    region = cell201().region({(0, 0): [cell201().read("zero"), cell201().read("identity")]})
    assert one_hot(region, samples(region, 3)).shape == (3, 2 + 5 * 5)


def test_one_hot_refuses_what_is_too_wide_and_what_is_outside() -> None:
    with pytest.raises(SpaceError, match="too many for one-hot columns"):
        wide = Space.from_text(
            "NET -> chain(NET, NET, NET, NET) | branch(NET, NET, NET, NET) | a\ndepth 10\n"
        )
        one_hot(wide, [])
    with pytest.raises(SpaceError, match="is not in cell201"):
        one_hot(cell201(), [darts_cell().unrank(0)])


# --- counts and paths ---------------------------------------------------------------------------------------


def test_operation_counts() -> None:
    texts = {
        "stack(cell(conv3x3, zero, conv3x3, zero, zero, avg_pool))": [1, 0, 2],
        "stack(cell(identity, identity, identity, identity, identity, identity))": [0, 0, 0],
        "stack(cell(conv1x1, conv3x3, zero, conv1x1, zero, zero))": [0, 1, 0],  # the rest leads nowhere
    }
    array = operation_counts(cell201(), [cell201().parse(text) for text in texts])
    assert array.tolist() == [[float(n) for n in row] for row in texts.values()]
    assert cell201().operations == ("avg_pool", "conv1x1", "conv3x3", "identity", "zero")


def test_paths() -> None:
    space = Space.from_text("NET -> residual(OP, OP, OP)\nOP -> zero | identity | a | b\n")
    texts = {
        "residual(a, b, identity)": {("input0", "a", "b"): 1, ("input0",): 1},
        "residual(identity, a, a)": {("input0", "a"): 2},
        "residual(identity, identity, identity)": {("input0",): 2},
        "residual(zero, a, zero)": {},
    }
    assert path_features([space.parse(text) for text in texts]) == [Counter(f) for f in texts.values()]


def test_paths_are_counted_as_a_product_of_matrices() -> None:
    for a in samples(digits_small(), 20):
        graph = a.graph
        size = len(graph.labels) + 1
        matrix = np.zeros((size, size), dtype=object)
        for vertex, terms in enumerate([*graph.predecessors, graph.output]):
            for source in terms:
                matrix[source, vertex] += 1
        total, power = 0, np.eye(size, dtype=object)
        for _ in range(size):
            power = power.dot(matrix)
            total += power[0, -1]
        assert sum(path_features([a])[0].values()) == total


def test_too_many_paths_are_refused() -> None:
    text = "a"
    for _ in range(18):
        text = f"chain(branch(a, b), {text})"
    a = cell201().read(text)
    with pytest.raises(SpaceError, match="too many paths"):
        path_features([a])


# --- what isomorphic architectures share ----------------------------------------------------------------------


def test_isomorphic_architectures_have_equal_rows() -> None:
    pairs = twins()
    assert len(pairs) > 100
    ones, twos = [one for one, _ in pairs], [two for _, two in pairs]
    assert (operation_counts(cell201(), ones) == operation_counts(cell201(), twos)).all()
    assert path_features(ones) == path_features(twos)
    assert wl_features(ones) == wl_features(twos)
    matrices, labels = adjacency([*ones, *twos])
    assert (matrices[: len(pairs)] == matrices[len(pairs) :]).all()
    assert (labels[: len(pairs)] == labels[len(pairs) :]).all()
    assert (one_hot(cell201(), ones) != one_hot(cell201(), twos)).any(axis=1).all()


# --- Weisfeiler-Lehman --------------------------------------------------------------------------------------


def by_hand(a: Architecture, rounds: int) -> Counter[str]:
    """Relabel a networkx graph; the colour of a vertex is the text of all it has seen."""
    found: Counter[str] = Counter()
    for number, graph in enumerate(graphs(a)):
        net = nx.MultiDiGraph()
        for vertex, label in enumerate([*graph.labels, "output"]):
            net.add_node(vertex, color=label)
        for vertex, terms in enumerate([*graph.predecessors, graph.output]):
            net.add_edges_from((source, vertex) for source in terms)
        for turn in range(rounds + 1):
            found.update(f"{number} {turn} {color}" for _, color in net.nodes(data="color"))
            into = {v: sorted(net.nodes[u]["color"] for u, _ in net.in_edges(v)) for v in net}
            out = {v: sorted(net.nodes[u]["color"] for _, u in net.out_edges(v)) for v in net}
            for v in net:
                net.nodes[v]["color"] = f"({net.nodes[v]['color']} {into[v]} {out[v]})"
    return found


@pytest.mark.parametrize("space", [cell201(), digits_small(), darts_cell()], ids=lambda space: space.name)
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_the_weisfeiler_lehman_kernel(space: Space, rounds: int) -> None:
    listed = samples(space, 6)
    listed += [mutate(space, a, stream(1)) for a in listed]
    ours = wl_features(listed, rounds)
    theirs = [by_hand(a, rounds) for a in listed]
    for i in range(len(listed)):
        for j in range(len(listed)):
            kernel = sum(times * ours[j][name] for name, times in ours[i].items())
            assert kernel == sum(times * theirs[j][name] for name, times in theirs[i].items())
    array = Vocabulary.of(ours).array(ours)
    assert (array @ array.T).diagonal().tolist() == [sum(n * n for n in f.values()) for f in ours]


def test_a_vocabulary_leaves_out_what_it_does_not_know() -> None:
    known, other = wl_features(samples(cell201(), 2), 1)
    vocabulary = Vocabulary.of([known])
    array = vocabulary.array([known, other])
    assert array.shape == (2, len(known))
    assert array[0].sum() == sum(known.values())
    assert array[1].sum() == sum(n for name, n in other.items() if name in known)
    assert Vocabulary.of([known, other]).names == Vocabulary.of([other, known]).names


# --- adjacency ----------------------------------------------------------------------------------------------


def test_adjacency_is_padded_and_topological() -> None:
    listed = [
        cell201().parse("stack(cell(conv3x3, zero, conv1x1, identity, zero, identity))"),
        cell201().parse("stack(cell(zero, zero, zero, identity, zero, zero))"),
    ]
    matrices, labels = adjacency(listed)
    assert labels.tolist() == [["input0", "conv3x3", "conv1x1", "output"], ["input0", "output", "", ""]]
    assert matrices.shape == (2, 4, 4)
    assert matrices[0].tolist() == [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert matrices[1].sum() == 1
    assert matrices[1, 0, 1] == 1
    doubled, _ = adjacency([cell201().parse("stack(cell(identity, identity, zero, zero, conv3x3, conv3x3))")])
    assert doubled[0, 0, 1] == doubled[0, 0, 2] == 1


def test_adjacency_of_two_cells_is_two_blocks() -> None:
    a = samples(darts_cell(), 1)[0]
    matrices, labels = adjacency([a])
    sizes = [len(part.graph.labels) + 1 for part in a.args]
    assert matrices.shape == (1, sum(sizes), sum(sizes))
    assert not matrices[0, : sizes[0], sizes[0] :].any()
    assert not matrices[0, sizes[0] :, : sizes[0]].any()
    assert labels[0].tolist().count("output") == 2
    assert (np.tril(matrices[0]) == 0).all()


def test_nothing_is_encoded_as_nothing() -> None:
    matrices, labels = adjacency([])
    assert (matrices.shape, labels.shape) == ((0, 0, 0), (0, 0))
    assert one_hot(cell201(), []).shape == (0, 30)
    assert path_features([]) == wl_features([]) == []


def test_large_architectures_have_features() -> None:
    listed = samples(hierarchical201(), 3)
    features = wl_features(listed)
    for a, found in zip(listed, features, strict=True):
        assert sum(found.values()) == 3 * (len(a.graph.labels) + 1)
    assert operation_counts(hierarchical201(), listed).sum() == sum(a.graph.operations for a in listed)
