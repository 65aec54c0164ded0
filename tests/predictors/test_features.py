"""The features of graphs: they say what they claim to say, and are blind to notation."""

from __future__ import annotations

import gc
import itertools
from collections import Counter
from typing import Final

import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.graph import Graph
from morphogen.predictors.features import EVERY_BLOCK, Columns, Features
from morphogen.predictors.frame import FRAMES, Frame, sets_of
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.predictors.graph_batch import ABSENT, GraphBatch, batches, code_of
from morphogen.predictors.graph_features import COUNTED, STATISTICS, Reading, path_statistics
from morphogen.seeding import stream
from morphogen.spaces.cell101 import cell101
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.encodings import graphs
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.space import Space
from morphogen.testing.predictors import twins

MACRO = Space.from_text(
    "NET -> chain(B, B) | chain(B, B, B) | residual(B, chain(B, B), identity)\n"
    "B -> b_wide | b_down | b_wide_down",
    "macro",
)
NESTED = Space.from_text(
    "NET -> chain(CELL, CELL) | residual(CELL, CELL, identity)\nCELL -> cell(OP, OP, OP)\n"
    "OP -> zero | identity | chain(ACT, CONV)\nACT -> relu | mish\nCONV -> conv1x1 | conv3x3",
    "nested",
)
SPACES = [cell201(), cell101(5, 7), NESTED]


def drawn(space: Space, count: int) -> list[Architecture]:
    rng = stream(0, "drawn")
    return [space.sample(rng) for _ in range(count)]


def paths_of(graph: Graph) -> Counter[tuple[str, ...]]:
    """List all input-output paths, one by one."""

    def ending(vertex: int) -> list[tuple[str, ...]]:
        if vertex < graph.inputs:
            return [()]
        return [(*p, graph.labels[vertex]) for s in graph.predecessors[vertex] for p in ending(s)]

    return Counter(path for vertex in graph.output for path in ending(vertex))


WORDS: Final = {
    "conv1x1": ("conv", "1x1"),
    "conv3x3": ("conv", "3x3"),
    "avg_pool": ("avg", "pool"),
    "b_wide": ("b", "wide"),
    "b_down": ("b", "down"),
    "b_wide_down": ("b", "wide", "down"),
}


def histories_of(graph: Graph) -> list[tuple[str, tuple[tuple[str, int], ...]]]:
    """List of each operation the words that stand before it, from all ways to it one by one."""

    def before(vertex: int) -> list[Counter[str]]:
        if vertex < graph.inputs:
            return [Counter()]
        ways = [way for source in graph.predecessors[vertex] for way in before(source)]
        return [way + Counter(WORDS[graph.labels[vertex]]) for way in ways]

    found = []
    for vertex in range(graph.inputs, len(graph.labels)):
        most: Counter[str] = Counter()
        for way in before(vertex):
            most |= way
        most -= Counter(WORDS[graph.labels[vertex]])
        found.append((graph.labels[vertex], tuple(sorted((+most).items()))))
    return found


def renewed(architecture: Architecture) -> Architecture:
    """Return an equal architecture that was not met before."""
    return Architecture(architecture.terminal, architecture.args)


def single(architecture: Architecture) -> tuple[GraphBatch, Reading]:
    (batch,) = batches([architecture])
    return batch, Reading.of(batch)


@pytest.mark.parametrize("space", [cell201(), cell101(5, 7), MACRO], ids=lambda space: space.name)
def test_path_statistics_are_those_of_the_listed_paths(space: Space) -> None:
    for architecture in drawn(space, 40):
        (graph,) = graphs(architecture)
        names = sorted(set(graph.labels[graph.inputs :]))
        if not names:
            continue
        sets = sets_of(len(names))
        codes = np.array([code_of(name) for name in names], np.uint64)
        found = path_statistics(single(architecture)[1], codes, sets)
        paths = paths_of(graph)
        for column, chosen in enumerate(sets):
            inside = {name for name, is_in in zip(names, chosen, strict=True) if is_in}
            lengths = {len(p): n for p, n in paths.items() if inside.issuperset(p)}
            ways = sum(n for p, n in paths.items() if inside.issuperset(p))
            used = [sum(label in inside for label in p) for p in paths]
            total = sum(sum(label in inside for label in p) * n for p, n in paths.items())
            own = [v for v, label in enumerate(graph.labels) if label in inside]
            expected = {
                "shortest": [1 / (1 + min(lengths)) if lengths else 0],
                "longest": [1 + max(lengths) if lengths else 0],
                "ways": [np.log1p(ways)],
                "sizes": [
                    len(own),
                    sum(min(graph.predecessors[v]) < graph.inputs for v in own),
                    sum(v in own for v in graph.output),
                ],
                "spans": [max(used, default=0), min(used, default=0), np.log1p(total)],
            }
            for name in STATISTICS:
                assert found[name][0, :, column] == pytest.approx(expected[name], rel=1e-5), (name, inside)


@pytest.mark.parametrize("space", [cell201(), MACRO], ids=lambda space: space.name)
def test_counted_parts_are_those_of_the_graph(space: Space) -> None:
    for architecture in drawn(space, 60):
        (graph,) = graphs(architecture)
        _, reading = single(architecture)
        times = {
            name: sorted(Counter(block(reading)[1].tolist()).values()) for name, block in COUNTED.items()
        }
        edges = [(graph.labels[s], graph.labels[v]) for v, p in enumerate(graph.predecessors) for s in p] + [
            (graph.labels[s], "output") for s in graph.output
        ]
        assert times["pairs"] == sorted(Counter(edges).values())
        assert times["paths"] == sorted(paths_of(graph).values())
        assert times["histories"] == sorted(Counter(histories_of(graph)).values())
        assert times["wl0"] == sorted(Counter([*graph.labels, "output"]).values())


def test_flat_cells_are_read_as_their_graphs_are() -> None:
    """The quick way for flat topologies and the slow way by graphs agree on all cells of a smaller space."""
    space = Space.from_text(
        "NET -> cell(OP, OP, OP, OP, OP, OP)\nOP -> zero | identity | conv1x1 | conv3x3", "four"
    )
    cells = drawn(space, 300)
    (quick,) = batches(cells)
    for row, cell in enumerate(cells):
        graph = cell.graph
        kept = np.flatnonzero(quick.labels[row] != ABSENT)
        assert len(kept) == len(graph.labels) + 1
        place = {vertex: i for i, vertex in enumerate(kept)}
        read = [
            tuple(sorted(place[s] for s in quick.sources[v, :, row] if s < quick.labels.shape[1]))
            for v in kept
        ]
        again = Graph(
            1, graph.labels[:1] + tuple(map(str, quick.labels[row, kept[1:-1]])), tuple(read[:-1]), read[-1]
        )
        coded = Graph(
            1,
            (graph.labels[0], *(str(code_of(n)) for n in graph.labels[1:])),
            graph.predecessors,
            graph.output,
        )
        assert again.certificate() == coded.certificate()


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_isomorphic_architectures_have_equal_features(space: Space) -> None:
    pairs = twins(space)
    encoder = EVERY_BLOCK.encoder(drawn(space, 30))
    one, two = (encoder.rows([pair[side] for pair in pairs]) for side in (0, 1))
    assert np.array_equal(one, two)


def test_other_networks_have_other_features() -> None:
    """Of all distinct cells of the space, the features tell nearly all apart."""
    cells = {a.key: a for a in drawn(cell201(), 1500)}
    rows = EVERY_BLOCK.encoder([*cells.values()]).rows([*cells.values()])
    assert len(np.unique(rows, axis=0)) > 0.99 * len(cells)


def test_columns_do_not_depend_on_what_was_read_before() -> None:
    cells = drawn(cell201(), 80)
    features = Features(("counts", "paths", "pairs"))
    before = features.encoder(cells[:10]).rows(cells)
    features.encoder(cells).rows(drawn(hierarchical201(), 2))
    again = features.encoder([Architecture(a.terminal, a.args) for a in cells[:10]]).rows(cells)
    assert np.array_equal(before, again)


def test_what_has_no_column_keeps_its_norm() -> None:
    """Rows and the norms outside of them hold all counts, whichever architectures decide the columns."""
    cells = drawn(cell201(), 60)
    features = Features(("counts", "pairs"))
    few, outside = features.encoder(cells[:3])(cells)
    everything, nothing = features.encoder(cells)(cells)
    assert not nothing.any()
    assert outside.any()
    assert (few**2).sum(axis=1) + outside.sum(axis=1) == pytest.approx((everything**2).sum(axis=1))


def test_two_parts_have_columns_of_their_own() -> None:
    cells = drawn(darts_cell(), 40)
    swapped = [Architecture(a.terminal, a.args[::-1]) for a in cells]
    rows = EVERY_BLOCK.encoder([*cells, *swapped]).rows([*cells, *swapped])
    assert not np.array_equal(rows[: len(cells)], rows[len(cells) :])


def test_given_numbers_become_ranks_and_may_be_missing() -> None:
    cells = list({a.key: a for a in drawn(cell201(), 30)}.values())
    values = {a.key: [float(i) ** 3, -1e8 if i % 2 else np.inf] for i, a in enumerate(cells[:20])}
    encoder = Features((), Columns(values, 2)).encoder(cells[:10])
    rows = encoder.rows(cells)
    assert rows.shape == (len(cells), 4)
    assert rows[:10, 0] == pytest.approx((np.arange(10) + 0.5) / 10)
    assert (rows[10:20, 0] == 1).all()
    assert rows[:20, 1].max() == 0
    assert (rows[20:, 1] == 1).all()
    assert (rows[20:, 0] == 0.5).all()
    assert np.isfinite(rows).all()


def test_sets_are_all_where_there_are_few_labels() -> None:
    for labels in range(1, 7):
        rows = {tuple(row) for row in sets_of(labels).tolist()}
        assert rows == {r for r in itertools.product((False, True), repeat=labels) if any(r)}
    assert len(sets_of(31)) == 63
    assert sets_of(31).any(axis=1).all()


def test_a_memory_that_begins_anew_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = drawn(cell201(), 300)
    features = Features(("counts", "pairs", "histories", "shortest"))
    encoder = features.encoder(cells[:20])
    rows, outside = encoder(cells)
    monkeypatch.setattr("morphogen.predictors.frame.KEPT_PARTS", 100)
    for start in range(0, 300, 50):  # each slice is more than the memory holds
        again, lost = encoder([renewed(a) for a in cells[start : start + 50]])
        assert np.array_equal(again, rows[start : start + 50])
        assert np.array_equal(lost, outside[start : start + 50])
    assert len(encoder.frame.memory.count) <= 100
    assert np.array_equal(features.encoder(cells[:20]).rows(cells), rows)


MIXED = Space.from_text(
    "NET -> chain(B, B, B) | residual(B, identity)\nB -> conv1x1 | conv3x3 | avg_pool", "mixed"
)


def test_statistics_of_several_paths_wait_for_a_network_that_has_them() -> None:
    chains = [
        MIXED.read(f"chain({a}, {b}, conv1x1)")
        for a in ("conv1x1", "conv3x3")
        for b in ("avg_pool", "conv3x3")
    ]
    forked = MIXED.read("residual(conv3x3, identity)")
    features = Features(("shortest", "counts", "ways", "sizes", "pairs"))
    alone, both = features.encoder(chains), features.encoder([*chains, forked])
    assert [name for name, _ in alone.blocks] == ["counts", "sizes", "pairs"]
    assert [name for name, _ in both.blocks] == ["shortest", "counts", "ways", "sizes", "pairs"]
    plain = Features(("counts", "sizes", "pairs")).encoder(chains)
    for found, expected in zip(alone([*chains, forked]), plain([*chains, forked]), strict=True):
        assert np.array_equal(found, expected)
    assert alone([forked])[1].shape == (1, 3)


def test_a_process_goes_on_when_blocks_come_in() -> None:
    """Weights belong to the names of blocks: a refit begins with those that the last one had."""
    told = [
        MIXED.read(f"chain({a}, {b}, {c})")
        for a, b, c in itertools.product(("conv1x1", "avg_pool"), repeat=3)
    ]
    told.append(MIXED.read("residual(conv3x3, identity)"))
    for n in range(3, 10):
        belief = GaussianProcess().fit(told[:n], [float(i % 4) for i in range(n)], stream(n)).predict(told)
        assert np.isfinite(belief.mean).all()
        assert (belief.spread > 0).all()


def frames() -> list[object]:
    return [found for found in gc.get_objects() if type(found) is Frame]


def test_rows_of_few_sets_of_columns_are_kept() -> None:
    """On large spaces each architecture that is told brings new columns: what is kept of the old ones is bounded."""
    told = drawn(hierarchical201(), 12)
    before = len(frames())
    for n in range(3, 13):
        GaussianProcess().fit(told[:n], [float(i) for i in range(n)], stream(n)).predict(told)
    gc.collect()
    assert len(frames()) - before <= 2 * FRAMES
