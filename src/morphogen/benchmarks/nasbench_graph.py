"""NAS-Bench-Graph (Qin et al. 2022): 26,206 graph networks on eight node-classification data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, final

import numpy as np

from morphogen.architecture import Architecture, Terminal
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.space import Space

FILE: Final = "nasbench_graph.parquet"

DATASETS: Final = ("arxiv", "citeseer", "computers", "cora", "cs", "photo", "physics", "pubmed")
"""Those on which all networks were trained; of proteins there are 2,021 only."""

COLUMNS: Final = {"validation": "valid_perf", "test": "perf"}
"""Our objectives -> the table's columns, which are fractions."""

LINKS: Final = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
"""The link patterns by their codes: the input of each of the four nodes, 0 is the raw input."""

OPERATIONS: Final = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "identity")
"""Our operations by the codes of the table, 0 to 8."""

GRAMMAR: Final = """
topology links0000: 1-2 1-2 1-2 1-2
topology links0001: 1-2 1-3 1-3 2-3
topology links0011: 1-2 1-3 2-3 2-3
topology links0012: 1-2 1-3 2-4 3-4
topology links0013: 1-2 1-4 2-3 3-4
topology links0111: 1-2 2-3 2-3 2-3
topology links0112: 1-2 2-3 2-4 3-4
topology links0122: 1-2 2-3 3-4 3-4
topology links0123: 1-2 2-3 3-4 4-5
NET -> links0000(OP, OP, OP, OP) | links0001(OP, OP, OP, OP) | links0011(OP, OP, ANY, ANY)
    | links0012(OP, OP, OP, OP) | links0013(OP, OP, OP, OP)
    | links0111(OP, ANY, ANY, ANY) | links0111(identity, OP, OP, OP)
    | links0112(OP, OP, ANY, OP) | links0112(identity, OP, OP, OP)
    | links0122(OP, OP, ANY, ANY) | links0122(identity, OP, ANY, ANY) | links0122(identity, identity, OP, OP)
    | links0123(OP, OP, OP, OP) | links0123(identity, OP, OP, OP)
    | links0123(identity, identity, OP, OP) | links0123(identity, identity, identity, OP)
OP -> arma | cheb | fc | gat | gcn | gin | graph | sage
ANY -> arma | cheb | fc | gat | gcn | gin | graph | identity | sage
require ordered(links0000, 1, 2)
require ordered(links0000, 2, 3)
require ordered(links0000, 3, 4)
require ordered(links0001, 2, 3)
require ordered(links0011, 3, 4)
require ordered(links0012, 1, 2, 3, 4)
require ordered(links0111, 2, 3)
require ordered(links0111, 3, 4)
require ordered(links0122, 3, 4)
"""

ALIKE: Final = {
    "0000": ((0,), (1,), (2,), (3,)),
    "0001": ((1,), (2,)),
    "0011": ((2,), (3,)),
    "0012": ((0, 2), (1, 3)),
    "0111": ((1,), (2,), (3,)),
    "0122": ((2,), (3,)),
}
"""Branches of a link pattern that may be swapped, as the nodes of each; the space keeps the sorted order."""


@cache
def nasbench_graph() -> Space:
    """All 26,206 networks; a topology is called after the input of each of its four nodes."""
    return Space.from_text(GRAMMAR, "nasbench_graph")


@cache
def _terminals() -> dict[str, Terminal]:
    return {terminal.name: terminal for terminal in nasbench_graph().grammar.terminals()}


def from_official(link: int, operations: Sequence[int]) -> Architecture:
    """Return the network of a link pattern and four operations, all as the table's codes.

    Whether the benchmark has such a network is not looked at.

    Raises:
        TableError: a code that there is not.
    """
    if not (0 <= link < len(LINKS) and all(0 <= code < len(OPERATIONS) for code in operations)):
        raise TableError(f"link {link} and operations {operations} are no codes of NAS-Bench-Graph")
    inputs, names = LINKS[link], [OPERATIONS[code] for code in operations]
    branches = ALIKE.get(inputs, ())
    ordered = sorted([names[node] for node in branch] for branch in branches)
    for branch, parts in zip(branches, ordered, strict=True):
        for node, name in zip(branch, parts, strict=True):
            names[node] = name
    known = _terminals()
    return Architecture(known[f"links{inputs}"], tuple(_leaf(known[name]) for name in names))


_leaf = cache(Architecture)


@final
@dataclass(frozen=True)
class NASBenchGraph(Benchmark):
    """The table of one data set and one objective, "validation" or "test" accuracy in per cent.

    dataset: one of `DATASETS`. folder: where the file lies, `MORPHOGEN_DATA` unless told. Each estimate also
    has `latency` and `parameters`. Training seconds are not in the table, so an estimate costs nothing.

    Raises, when it is first used:
        MissingData: the file is not there, or pyarrow is not.
    """

    dataset: str = "cora"
    objective: str = "validation"
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        for word, name, known in (
            ("dataset", self.dataset, DATASETS),
            ("objective", self.objective, COLUMNS),
        ):
            if name not in known:
                raise ValueError(f"NAS-Bench-Graph has no {word} {name!r}; there are {', '.join(known)}")

    @property
    def space(self) -> Space:
        """Nine link patterns of four operations, no two networks isomorphic."""
        return nasbench_graph()

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        path, value = data_file(FILE, self.folder), COLUMNS[self.objective]
        decisions = ("link", "op1", "op2", "op3", "op4")
        columns = read_columns(path, ["dataset", *decisions, value, "latency_s", "params_m"])
        here = columns["dataset"] == self.dataset
        codes = np.stack([columns[name][here] for name in decisions], axis=1)
        rows = {from_official(link, ops): row for row, (link, *ops) in enumerate(codes.tolist())}
        return Table(
            f"nasbench_graph {self.dataset}",
            rows,
            {
                Metric(self.objective, unit="%"): 100 * columns[value][here].astype(np.float64),
                Metric("latency", maximize=False, unit="s"): columns["latency_s"][here],
                Metric("parameters", maximize=False, unit="M"): columns["params_m"][here],
            },
        )
