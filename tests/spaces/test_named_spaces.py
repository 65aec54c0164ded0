"""What is known of the named spaces: exact counts, and what every network of them has in common."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.graph import Graph
from morphogen.seeding import stream
from morphogen.spaces import Connected, Space, SpaceError, brief, cross, mutate, self_cross
from morphogen.spaces.cell101 import cell101
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.flat201 import flat201
from morphogen.spaces.hierarchical201 import hierarchical201


def test_cell201() -> None:
    assert cell201().count() == 5**6 == 15_625
    assert cell201().require(Connected()).count() == 15_284
    connected = [a for a in cell201().enumerate() if a.args[0].graph.connected]
    assert len(connected) == 15_284
    # By pairwise comparison with networkx no two of these are isomorphic, and all others are to one of them.
    assert len({a.key for a in cell201().enumerate()}) == 5_425


def test_flat201() -> None:
    space = flat201()
    assert space.count() == 15_284
    with pytest.raises(SpaceError, match="it breaks `require connected`"):
        space.parse("stack(cell(zero, zero, identity, zero, identity, conv3x3))")
    assert {str(a) for a in space.enumerate()} < {str(a) for a in cell201().enumerate()}


def hierarchical(operations: int) -> int:
    """Multiply out the grammar of hierarchical201, with this many ways to choose an operation."""
    cell = operations**6
    c = cell**2 + 2 * cell**3
    down = 2 * cell + cell**2
    d1 = c**2 * down + c**3 * down + c**2 * down**2
    d0 = c**2 * cell + c**3 * cell + c**2 * cell**2
    return 2 * d1**2 * d0 + d1**2 * d0**2


def test_hierarchical201_has_the_published_numbers() -> None:
    blocks = 3 * 3 * 3
    space = hierarchical201()
    weighted, distinct = space.count(weighted=True), space.count()
    assert weighted == hierarchical(3 + 2 * blocks)
    assert distinct == hierarchical(3 + blocks)
    assert len(str(weighted)) == 447
    assert round(math.log10(weighted), 2) == 446.09
    assert round(math.log10(distinct), 2) == 375.85
    assert (brief(weighted), brief(distinct)) == ("10^446.09", "10^375.85")


def halvings(graph: Graph) -> set[int]:
    """Return how many operations of stride 2 stand on the paths from input to output."""
    met: list[set[int]] = []
    for label, terms in zip(graph.labels, graph.predecessors, strict=True):
        before = set().union(*(met[v] for v in terms)) if terms else {0}
        met.append({n + (label == "resblock") for n in before})
    return set().union(*(met[v] for v in graph.output))


def test_every_path_of_hierarchical201_halves_twice() -> None:
    space, rng = hierarchical201(), stream(0)
    drawn: list[Architecture] = []
    for i in range(60):
        drawn.append(space.sample(rng, over="productions" if i % 2 else "architectures"))
    for _ in range(100):
        one, two = (drawn[int(rng.integers(len(drawn)))] for _ in range(2))
        drawn += [mutate(space, one, rng), self_cross(space, two, rng)]
        drawn.append(cross(space, one, two, rng, anywhere=True))
    graphs = [a.graph for a in drawn]
    assert {n for graph in graphs if graph.connected for n in halvings(graph)} == {2}
    assert sum(graph.connected for graph in graphs) > 300


def test_halvings_sees_paths_that_differ() -> None:
    graph = cell201().read("residual(resblock, resblock, chain(conv3x3, resblock))").graph
    assert halvings(graph) == {1, 2}


def test_darts_cell() -> None:
    assert darts_cell().count() == (180 * 7**8) ** 2
    # Two distinct states among the two inputs and the earlier nodes: 1 x 3 x 6 x 10 wirings.
    wirings = math.prod(math.comb(node + 2, 2) for node in range(4))
    assert wirings == 180
    for a in (darts_cell().sample(stream(0, n)) for n in range(20)):
        for cell in a.args:
            assert cell.graph.inputs == 2
            assert cell.graph.labels.count("sum") == 4


def test_digits_small() -> None:
    # A three-edge cell is cut where the direct edge is zero and one of the two others is.
    block = 7**3 - (7**2 - 6**2)
    # The shortcut of a residual stage is open, so its blocks may be cut.
    stage = block + block**2 + (7**3) ** 2
    assert digits_small().count() == 3 * stage**2 + 3**2 * stage**3


@pytest.mark.parametrize(("vertices", "cells"), [(3, 7), (4, 91), (5, 2_532)])
def test_cell101_has_as_many_networks_as_the_benchmark(vertices: int, cells: int) -> None:
    space = cell101(vertices)
    assert len({a.key for a in space.enumerate()}) == cells


def drawn_cell(space: Space, vertices: int, matrix: list[list[int]], labels: list[int]) -> Architecture:
    """Return a cell of the benchmark's tables, its last vertex as our last one and the gap in between empty."""
    names = {0: "conv3x3", 1: "conv1x1", 2: "max_pool"}
    last = len(labels) - 1
    place = {**{v: v for v in range(last)}, vertices - 1: last}
    parts = []
    for target in range(1, vertices):
        for source in range(target):
            both = source in place and target in place
            parts.append("identity" if both and matrix[place[source]][place[target]] else "zero")
        if target < vertices - 1:
            parts.append(names[labels[target]] if target < last else "max_pool")
    return space.parse(f"stack(cell101({', '.join(parts)}))")


@pytest.mark.parametrize(("name", "vertices", "cells"), [("4V9E", 4, 91), ("5V9E", 5, 2_532)])
def test_cell101_holds_the_cells_of_the_benchmark(name: str, vertices: int, cells: int, data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the table is a parquet file")
    space = cell101(vertices)
    keys: dict[str, str] = {}
    columns = ["space", "hash", "adjacency", "labels"]
    table = parquet.read_table(data / "ecnas_nb101_small.parquet", columns=columns)
    for row in table.to_pylist():
        if row["space"] == name and row["hash"] not in keys:
            a = drawn_cell(space, vertices, json.loads(row["adjacency"]), json.loads(row["labels"]))
            keys[row["hash"]] = a.key
    assert len(keys) == len(set(keys.values())) == cells
    assert set(keys.values()) == {a.key for a in space.enumerate()}


def test_cell101_needs_an_inner_vertex() -> None:
    with pytest.raises(SpaceError, match="at least 3 vertices"):
        cell101(2)


def test_cell101_bounds_its_edges() -> None:
    space = cell101()
    assert space.name == "cell101"
    for a in (space.sample(stream(0, n)) for n in range(100)):
        assert str(a).count("identity") <= 9
        graph = a.args[0].graph
        assert graph.connected
        assert graph.operations <= 5
    fewer, all_of_them = (cell101(4, edges) for edges in (3, 6))
    assert fewer.count() < all_of_them.count()
    assert np.mean([str(a).count("identity") for a in all_of_them.enumerate()]) > 3
