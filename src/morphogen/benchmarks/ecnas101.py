"""EC-NAS (Bakhtiarifard et al. 2022): NAS-Bench-101's cells of at most four or five vertices, with their energy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations, product
from pathlib import Path
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.cell101 import cell101
from morphogen.spaces.space import Space

FILE: Final = "ecnas_nb101_small.parquet"

COLUMNS: Final = {"validation": "val_acc", "test": "test_acc"}
"""Our objectives -> what the table's columns, which are fractions, begin with."""

EPOCHS: Final = {4: (1, 4), 5: (2, 4)}
"""After how many epochs of its training a cell of so many vertices was looked at."""

OPERATIONS: Final = ("conv3x3", "conv1x1", "max_pool")
"""Our operations by the codes of the table, 0 to 2; -1 is the input, -2 the output."""

EDGES: Final = 9
"""The most edges of a cell of NAS-Bench-101."""


def from_official(adjacency: Sequence[Sequence[int]], labels: Sequence[int], vertices: int) -> Architecture:
    """Return a cell of `cell101(vertices)` from its matrix and labels; vertices that it lacks are not wired.

    Raises:
        TableError: labels that are not input, operations, output.
    """
    last = len(labels) - 1
    if not 1 <= last < vertices or labels[0] != -1 or labels[-1] != -2 or set(labels[1:-1]) - {0, 1, 2}:
        raise TableError(f"{list(labels)} are not the labels of a cell of at most {vertices} vertices")
    wired, codes = _padded(adjacency, labels, vertices)
    parts = []
    for vertex in range(1, vertices):
        parts += ["identity" if wired[source, vertex] else "zero" for source in range(vertex)]
        parts += [OPERATIONS[codes[vertex - 1]]] if vertex < vertices - 1 else []
    return cell101(vertices).parse(f"stack(cell101({', '.join(parts)}))")


def _padded(
    adjacency: Sequence[Sequence[int]], labels: Sequence[int], vertices: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return edges [vertices, vertices] and operations [vertices - 2]; vertices that are added are not wired."""
    last = len(labels) - 1
    wired, codes = np.zeros((vertices, vertices), dtype=bool), np.zeros(vertices - 2, dtype=np.int64)
    places = np.array([*range(last), vertices - 1])
    wired[np.ix_(places, places)] = adjacency
    codes[: last - 1] = labels[1:-1]
    return wired, codes


def forms(wired: NDArray[np.bool_], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each cell [cells] that exactly the isomorphic ones share; -1 without a path.

    wired: edges [cells, vertices, vertices]. codes: operations of the inner vertices [cells, vertices - 2].
    Vertices that lie on no path from input to output count for nothing. Quicker than `Architecture.key`,
    which it must agree with: all orders of the inner vertices are tried, of all cells at once.
    """
    vertices = wired.shape[1]
    reached = wired | np.eye(vertices, dtype=bool)
    for _ in range(vertices):
        reached = reached @ reached
    alive = reached[:, 0, :] & reached[:, :, -1]
    wired = wired & alive[:, :, None] & alive[:, None, :]
    codes = np.where(alive[:, 1:-1], codes + 1, 0)
    found = []
    for order in permutations(range(1, vertices - 1)):
        moved = wired[:, (0, *order, vertices - 1)][:, :, (0, *order, vertices - 1)].reshape(len(wired), -1)
        edges = moved @ (1 << np.arange(vertices * vertices, dtype=np.int64))
        found.append(edges * 4 ** len(order) + codes[:, np.array(order) - 1] @ (4 ** np.arange(len(order))))
    return np.where(alive[:, -1], np.min(found, axis=0), -1)


def _cells(vertices: int) -> tuple[list[Architecture], NDArray[np.int64]]:
    """Return all cells of `cell101(vertices)`, and the form of each."""
    pairs = list(combinations(range(vertices), 2))
    graphs = np.array(list(product((False, True), repeat=len(pairs))))
    graphs = graphs[graphs.sum(axis=1) <= EDGES]
    wired = np.zeros((len(graphs), vertices, vertices), dtype=bool)
    wired[:, [one for one, _ in pairs], [two for _, two in pairs]] = graphs
    words = np.array(list(product(range(len(OPERATIONS)), repeat=vertices - 2)))
    wired, codes = np.repeat(wired, len(words), axis=0), np.tile(words, (len(graphs), 1))
    found = forms(wired, codes)
    wired, codes, found = wired[found >= 0], codes[found >= 0], found[found >= 0]
    space = cell101(vertices)
    some = space.unrank(0)
    stack, cell = some.terminal, some.args[0].terminal
    edges, leaves = (space.read("zero"), space.read("identity")), [space.read(name) for name in OPERATIONS]
    columns: list[list[Architecture]] = []
    for vertex in range(1, vertices):
        columns += [[edges[on] for on in wired[:, source, vertex].tolist()] for source in range(vertex)]
        columns += [[leaves[code] for code in codes[:, vertex - 1].tolist()]] if vertex < vertices - 1 else []
    return [Architecture(stack, (Architecture(cell, parts),)) for parts in zip(*columns, strict=True)], found


@final
@dataclass(frozen=True)
class ECNAS101(Benchmark):
    """Cells of at most `vertices` (4 or 5) vertices, trained on CIFAR-10 for 4 epochs, seen at 1 or 2 too.

    objective: "validation" or "test" accuracy in per cent, the mean of repeats. Each estimate also has
    `energy` and `parameters`, and costs its training seconds. folder: where the file lies, `MORPHOGEN_DATA`
    unless told. The 91 or 2,532 cells of the table stand for the 423 or 22,680 labelled ones of the space:
    isomorphic ones have equal values.

    Raises, when it is first used:
        MissingData: the file is not there, or pyarrow is not.
    """

    vertices: int = 5
    objective: str = "validation"
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        if self.vertices not in (4, 5):
            raise ValueError(f"EC-NAS has cells of 4 or 5 vertices, not {self.vertices}")
        if self.objective not in COLUMNS:
            raise ValueError(f"EC-NAS has no objective {self.objective!r}; there are {', '.join(COLUMNS)}")

    @property
    def space(self) -> Space:
        """`cell101` of so many vertices."""
        return cell101(self.vertices)

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        path, epochs = data_file(FILE, self.folder), EPOCHS[self.vertices]
        numbers = [
            *(f"{COLUMNS[self.objective]}_e{epoch}" for epoch in epochs),
            *(f"train_time_s_e{epoch}" for epoch in epochs),
            *(f"energy_kwh_e{epoch}" for epoch in epochs),
            "trainable_params",
        ]
        columns = read_columns(path, ["space", "adjacency", "labels", *numbers])
        here = columns["space"] == f"{self.vertices}V9E"
        measured = np.stack([columns[name][here].astype(np.float64) for name in numbers])
        graphs = [
            _padded(json.loads(adjacency), json.loads(labels), self.vertices)
            for adjacency, labels in zip(columns["adjacency"][here], columns["labels"][here], strict=True)
        ]
        trained = forms(np.stack([wired for wired, _ in graphs]), np.stack([codes for _, codes in graphs]))
        known, place, repeats = np.unique(trained, return_inverse=True, return_counts=True)
        means = np.stack([np.bincount(place, row) for row in measured]) / repeats
        cells, wanted = _cells(self.vertices)
        if lacking := np.flatnonzero(~np.isin(wanted, known)).tolist():
            raise TableError(
                f"{path} has no row for {cells[lacking[0]]} and {len(lacking) - 1:,} other cells"
            )
        table = means[:, np.searchsorted(known, wanted)]
        return Table(
            f"ecnas101 {self.vertices}",
            {cell: row for row, cell in enumerate(cells)},
            {
                Metric(self.objective, unit="%"): 100 * table[0:2],
                Metric("energy", maximize=False, unit="kWh"): table[4:6],
                Metric("parameters", maximize=False): table[6],
            },
            seconds=table[2:4],
            epochs=epochs,
        )
