"""EC-NAS (Bakhtiarifard et al. 2022): NAS-Bench-101's cells of at most four or five vertices, with their energy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.records import Fidelity, Metric
from morphogen.spaces.cell101 import cell101
from morphogen.spaces.space import Space

FILE: Final = "ecnas_nb101_small.parquet"

COLUMNS: Final = {"validation": "val_acc_e4", "test": "test_acc_e4"}
"""Our objectives -> the table's columns, which are fractions."""

OPERATIONS: Final = ("conv3x3", "conv1x1", "max_pool")
"""Our operations by the codes of the table, 0 to 2; -1 is the input, -2 the output."""


def from_official(adjacency: Sequence[Sequence[int]], labels: Sequence[int], vertices: int) -> Architecture:
    """Return a cell of `cell101(vertices)` from its matrix and labels; vertices that it lacks are not wired.

    Raises:
        TableError: labels that are not input, operations, output.
    """
    last = len(labels) - 1
    if not 1 <= last < vertices or labels[0] != -1 or labels[-1] != -2 or set(labels[1:-1]) - {0, 1, 2}:
        raise TableError(f"{list(labels)} are not the labels of a cell of at most {vertices} vertices")
    place = {number: number for number in range(last)} | {vertices - 1: last}
    parts = []
    for vertex in range(1, vertices):
        for source in range(vertex):
            wired = vertex in place and source in place and adjacency[place[source]][place[vertex]]
            parts.append("identity" if wired else "zero")
        if vertex < vertices - 1:
            parts.append(OPERATIONS[labels[vertex] if vertex < last else 0])
    return cell101(vertices).parse(f"stack(cell101({', '.join(parts)}))")


@final
@dataclass(frozen=True)
class ECNAS101(Benchmark):
    """Cells of at most `vertices` (4 or 5) vertices, trained on CIFAR-10 for 4 epochs.

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
        value = COLUMNS[self.objective]
        numbers = (value, "train_time_s_e4", "total_energy_kwh", "trainable_params")
        columns = read_columns(data_file(FILE, self.folder), ["space", "adjacency", "labels", *numbers])
        here = columns["space"] == f"{self.vertices}V9E"
        measured = np.stack([columns[name][here].astype(np.float64) for name in numbers], axis=1)
        repeats: dict[str, list[int]] = {}
        graphs = zip(columns["adjacency"][here], columns["labels"][here], strict=True)
        for row, (adjacency, labels) in enumerate(graphs):
            cell = from_official(json.loads(adjacency), json.loads(labels), self.vertices)
            repeats.setdefault(cell.key, []).append(row)
        means = {key: measured[rows].mean(axis=0) for key, rows in repeats.items()}
        rows = {cell: row for row, cell in enumerate(self.space.enumerate())}
        table = np.stack([means[cell.key] for cell in rows])
        return Table(
            f"ecnas101 {self.vertices}",
            rows,
            {
                Metric(self.objective, unit="%"): 100 * table[:, 0],
                Metric("energy", maximize=False, unit="kWh"): table[:, 2],
                Metric("parameters", maximize=False): table[:, 3],
            },
            seconds=table[:, 1],
            fidelity=Fidelity(epochs=4),
        )
