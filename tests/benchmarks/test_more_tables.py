"""The smaller tables: published counts and optima, every row inside the space, one row an architecture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from morphogen.benchmarks import (
    ECNAS101,
    Benchmark,
    NASBench201,
    NASBenchGraph,
    TransBench101Macro,
    ecnas101,
    nasbench_graph,
    transbench101_macro,
)
from morphogen.benchmarks.nasbench201 import ALSO, from_official
from morphogen.estimators.table import TableError
from morphogen.records import Proposal
from morphogen.spaces import neighbours

RNG = np.random.default_rng(0)


def check_rows(benchmark: Benchmark, size: int, networks: int) -> None:
    rows = benchmark.estimator.rows
    assert len(rows) == size == benchmark.space.count()
    assert sorted(rows.values()) == list(range(size))
    assert all(architecture in benchmark.space for architecture in rows)
    assert len({architecture.key for architecture in rows}) == networks


def test_the_macro_space_is_exactly_the_benchmark_s(data: Path) -> None:
    check_rows(TransBench101Macro("jigsaw", data), 3_256, 3_256)


def test_the_best_networks_of_the_macro_tasks(data: Path) -> None:
    published = {
        "autoencoder": 0.749, "class_object": 47.42, "class_scene": 57.41, "jigsaw": 97.02,
        "normal": 0.644, "room_layout": -0.582, "segmentsemantic": 94.86,
    }  # fmt: skip
    for task, value in published.items():
        assert TransBench101Macro(task, data).best()[1] == pytest.approx(value, abs=0.006)


def test_a_macro_network_is_read() -> None:
    assert str(transbench101_macro.from_official("(1,2,4,3)")) == (
        "chain(block, block_wide, block_wide_down, block_down, identity)"
    )
    middle = transbench101_macro.from_official("(1,2,4,3,1)")
    assert str(middle).endswith("block_down, chain(block, identity))")
    long = transbench101_macro.from_official("(1,2,4,3,1,2)")
    assert str(long).endswith("block_down, chain(block, block_wide))")
    for text in ("", "(1,2,3)", "(1,2,3,5)", "1,2,4,3"):
        with pytest.raises(TableError, match="four to six blocks"):
            transbench101_macro.from_official(text)


def test_a_macro_network_has_those_with_one_block_more_or_less_beside_it() -> None:
    space = transbench101_macro.transbench101_macro()
    middle = transbench101_macro.from_official("(1,2,4,3,1)")
    near = set(neighbours(space, middle))
    assert {transbench101_macro.from_official(f"(1,2,4,3,1,{last})") for last in (1, 2, 3, 4)} <= near
    assert {transbench101_macro.from_official(text) for text in ("(1,2,4,3)", "(1,2,4,3,2)")} <= near


def test_the_graph_space_is_exactly_the_benchmark_s(data: Path) -> None:
    """Link patterns and operations as the benchmark codes them; architectures share a row if isomorphic."""
    benchmark = NASBenchGraph("cora", folder=data)
    rows = benchmark.estimator.rows
    assert len(rows) == 53_056 == benchmark.space.count() and set(rows.values()) == set(range(26_206))
    assert len(benchmark.estimator) == 26_206
    assert all(architecture in benchmark.space for architecture in list(rows)[::9])
    some = [benchmark.space.unrank(number) for number in range(0, 53_056, 13)]
    assert all(architecture in rows for architecture in some)
    rowed = {rows[architecture] for architecture in some}
    assert len({architecture.key for architecture in some}) == len(rowed)
    twins = [architecture for architecture, row in rows.items() if row in list(rowed)[:200]]
    assert len(twins) > 200 and len({architecture.key for architecture in twins}) == 200


def test_a_graph_network_has_every_other_code_beside_it() -> None:
    space = nasbench_graph.nasbench_graph()
    network = nasbench_graph.from_official(6, (0, 2, 1, 3))
    near = set(neighbours(space, network))
    assert len(near) == 8 + 4 * 8
    assert {nasbench_graph.from_official(link, (0, 2, 1, 3)) for link in range(9) if link != 6} <= near
    assert nasbench_graph.from_official(6, (8, 2, 1, 3)) in near
    shortcut = nasbench_graph.from_official(6, (8, 2, 8, 3))  # node 3 would be the raw input
    assert shortcut not in space


def test_the_best_graph_networks(data: Path) -> None:
    cora, arxiv = NASBenchGraph("cora", "test", data), NASBenchGraph("arxiv", "test", data)
    assert [cora.best()[1], arxiv.best()[1]] == pytest.approx([83.1, 72.4], abs=0.06)
    values = cora.estimator.estimate(Proposal(cora.best()[0]), RNG).values
    assert set(values) == {"test", "latency", "parameters"}


def test_swapped_branches_are_one_graph_network(data: Path) -> None:
    """0012 is two chains of two: (gat, gcn) and (gin, cheb), in either order."""
    one, two = nasbench_graph.from_official(3, (0, 2, 1, 3)), nasbench_graph.from_official(3, (2, 0, 3, 1))
    other = nasbench_graph.from_official(3, (0, 2, 3, 1))
    rows = NASBenchGraph("cora", folder=data).estimator.rows
    assert one != two and one.key == two.key and rows[one] == rows[two]
    assert one.key != other.key and rows[one] != rows[other]
    with pytest.raises(TableError, match="no codes"):
        nasbench_graph.from_official(9, (0, 0, 0, 0))


def test_the_small_cells_of_nasbench101(data: Path) -> None:
    benchmark = ECNAS101(4, folder=data)
    check_rows(benchmark, 423, 91)
    by_key: dict[str, set[float]] = {}
    for architecture, row in benchmark.estimator.rows.items():
        by_key.setdefault(architecture.key, set()).add(float(benchmark.estimator.column()[row]))
    assert all(len(values) == 1 for values in by_key.values()), "isomorphic cells have equal values"
    estimate = benchmark.estimator.estimate(Proposal(benchmark.best()[0]), RNG)
    assert set(estimate.values) == {"validation", "energy", "parameters"} and estimate.cost > 60


def test_a_small_cell_is_read() -> None:
    straight = ecnas101.from_official([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [-1, 0, -2], 4)
    longer = ecnas101.from_official([[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0] * 4], [-1, 2, 0, -2], 4)
    assert straight.key == longer.key, "a vertex that leads nowhere is pruned"
    with pytest.raises(TableError, match="are not the labels"):
        ecnas101.from_official([[0, 1], [0, 0]], [-2, -1], 4)


def test_latency_and_parameters_are_further_metrics(data: Path) -> None:
    assert len(ALSO) == 28
    benchmark = NASBench201("cifar10", folder=data, also=ALSO)
    first = from_official(
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    )
    values = benchmark.estimator.estimate(Proposal(first), RNG).values
    assert set(values) == {"validation", *ALSO}
    assert values["latency_eyeriss"] == pytest.approx(3.6456, abs=1e-4)
    assert values["parameters"] == pytest.approx(0.129306, abs=1e-6)
    assert benchmark.best("latency_eyeriss")[1] == benchmark.estimator.column("latency_eyeriss").min()


def test_wrong_words_are_refused() -> None:
    for made, words in (
        (lambda: TransBench101Macro("cora"), "no dataset 'cora'; there are autoencoder"),
        (lambda: NASBenchGraph("proteins"), "no dataset 'proteins'"),
        (lambda: NASBenchGraph("cora", "score"), "no objective 'score'"),
        (lambda: ECNAS101(7), "4 or 5 vertices, not 7"),
        (lambda: ECNAS101(4, "score"), "no objective 'score'"),
        (lambda: NASBench201(also=("latency",)), "no measure 'latency'"),
    ):
        with pytest.raises(ValueError, match=words):
            made()
