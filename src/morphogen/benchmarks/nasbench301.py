"""A sample of NAS-Bench-301 (Siems et al. 2020): cells of DARTS on four data sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, final

from morphogen.architecture import Architecture, Terminal
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.darts_cell import NODES, darts_cell
from morphogen.spaces.listed import listed
from morphogen.spaces.space import Space

FILE: Final = "zc_nasbench301.parquet"

DATASETS: Final = {"cifar10": 1218, "ninapro": 199, "scifar100": 199, "svhn": 199}
"""The data sets with the number of cells of which a value is known; scifar100 is CIFAR-100 with scrambled pixels."""

OPERATIONS: Final = (
    "max_pool",
    "avg_pool",
    "identity",
    "sep_conv3x3",
    "sep_conv5x5",
    "dil_conv3x3",
    "dil_conv5x5",
)
"""Our operations by the codes of the table, 0 to 6."""


def from_official(text: str) -> Architecture:
    """Read a pair of cells from the table's own text: eight (input, operation) pairs each, two for each node.

    Raises:
        TableError: a text that is not of that form.
    """
    try:
        cells = json.loads(text.replace("(", "[").replace(")", "]"))
        if [len(pairs) for pairs in cells] != [2 * NODES] * 2:
            raise ValueError(f"there are two cells of {2 * NODES} pairs each")
        known = _terminals()
        return Architecture(
            known["darts_stack"], tuple(Architecture(known["darts_cell"], _cell(c)) for c in cells)
        )
    except (ValueError, TypeError, LookupError) as error:
        raise TableError(f"{text!r} is not a pair of DARTS cells: {error!r}") from None


def _cell(pairs: Sequence[tuple[int, int]]) -> tuple[Architecture, ...]:
    nodes = (sorted(pairs[2 * node : 2 * node + 2]) for node in range(NODES))
    return tuple(_node(node, *one, *two) for node, (one, two) in enumerate(nodes))


@cache
def _node(node: int, first: int, one: int, second: int, two: int) -> Architecture:
    if not (0 <= first < second < node + 2 and min(one, two) >= 0):
        raise ValueError(f"node {node} cannot take the operations {one} and {two} from {first} and {second}")
    leaves = tuple(Architecture(_terminals()[OPERATIONS[code]]) for code in (one, two))
    return Architecture(_terminals()[f"pair_{first}_{second}"], leaves)


@cache
def _terminals() -> dict[str, Terminal]:
    return {terminal.name: terminal for terminal in darts_cell().grammar.terminals()}


@final
@dataclass(frozen=True)
class NASBench301(Benchmark):
    """The table of one data set: validation accuracy in per cent of some cells of `darts_cell`.

    dataset: "cifar10" (1,218 cells; these values are the predictions of that benchmark's surrogate model, not
    trainings), "ninapro", "scifar100" or "svhn" (199 cells each). folder: where the file lies,
    `MORPHOGEN_DATA` unless told. Training seconds are not in the table, so an estimate costs nothing.

    The space is the list of these cells, a drop of the 10^18 of `darts_cell`: whoever searches may pick any
    of them, but hardly ever finds one of its neighbours beside it. So local search and evolution are no better
    than random search here; it is predictors that the table tells apart.

    Raises, when it is first used:
        MissingData: the file is not there, or pyarrow is not.
    """

    dataset: str = "cifar10"
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise ValueError(
                f"NAS-Bench-301 has no dataset {self.dataset!r}; there are {', '.join(DATASETS)}"
            )

    @property
    def space(self) -> Space:
        """The cells of the table, read when it is first asked for."""
        path = data_file(FILE, self.folder)
        return _space(path, self.dataset)

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        path = data_file(FILE, self.folder)
        columns = read_columns(path, ["dataset", "val_accuracy"])
        values = columns["val_accuracy"][columns["dataset"] == self.dataset]
        rows = {cell: row for row, cell in enumerate(_cells(path, self.dataset))}
        return Table(f"nasbench301 {self.dataset}", rows, {Metric("validation", unit="%"): values})


@cache
def _space(path: Path, dataset: str) -> Space:
    return listed(_cells(path, dataset), f"nasbench301_{dataset}")


@cache
def _cells(path: Path, dataset: str) -> tuple[Architecture, ...]:
    """Return the cells of a data set, in the order of their rows."""
    columns = read_columns(path, ["dataset", "arch"])
    return tuple(map(from_official, columns["arch"][columns["dataset"] == dataset]))
