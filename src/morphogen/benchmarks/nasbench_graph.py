"""NAS-Bench-Graph (Qin et al. 2022): 26,206 graph networks on eight node-classification data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture, Terminal
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import BadTable, data_file, package_file, read_columns
from morphogen.benchmarks.pickles import read_pickle
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.space import Space

FILE: Final = "nasbench_graph.parquet"

PACKAGE: Final = "nas-bench-graph"
"""Ships the same table as pickles."""

DATASETS: Final = ("arxiv", "citeseer", "computers", "cora", "cs", "photo", "physics", "pubmed")
"""Those on which all networks were trained; of proteins there are 2,021 only."""

COLUMNS: Final = {"validation": "valid_perf", "test": "perf"}
"""Our objectives -> the table's columns, which are fractions."""

NETWORKS: Final = 26_206
"""Different networks, each a row."""

LINKS: Final = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
"""The link patterns by their codes: the input of each of the four nodes, 0 is the raw input."""

OPERATIONS: Final = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "identity")
"""Our operations by the codes of the table, 0 to 8."""

IDENTITY: Final = OPERATIONS.index("identity")

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
NET -> links0000(OP, OP, OP, OP) | links0001(OP, OP, OP, OP) | links0011(OP, OP, OP, OP)
    | links0012(OP, OP, OP, OP) | links0013(OP, OP, OP, OP) | links0111(OP, OP, OP, OP)
    | links0112(OP, OP, OP, OP) | links0122(OP, OP, OP, OP) | links0123(OP, OP, OP, OP)
OP -> arma | cheb | fc | gat | gcn | gin | graph | identity | sage
require no_bypass
"""

Shape: TypeAlias = tuple[int, ...]
"""A node that is no identity: its operation and the sorted numbers of its readers; or those of the input's."""

Ways: TypeAlias = tuple[tuple[int, int, bool], ...]
"""Of each node, the last first: its place from 1, the node that it reads, whether nothing reads it."""

OUTPUT: Final = -1
"""The output, as what reads a node."""


@cache
def nasbench_graph() -> Space:
    """The 26,206 networks, in 53,056 ways; a topology is called after the input of each of its four nodes.

    A node that leads nowhere further is part of the output. The benchmark leaves out raw inputs there (their
    size differs), so no path of identities leads to the output: such a network is another one without it.
    """
    return Space.from_text(GRAMMAR, "nasbench_graph")


@cache
def _terminals() -> dict[str, Terminal]:
    return {terminal.name: terminal for terminal in nasbench_graph().grammar.terminals()}


@cache
def _leaves() -> tuple[Architecture, ...]:
    return tuple(Architecture(_terminals()[name]) for name in OPERATIONS)


def from_official(link: int, operations: Sequence[int]) -> Architecture:
    """Return the network of a link pattern and four operations, all as the table's codes.

    Whether the benchmark has such a network is not looked at.

    Raises:
        TableError: a code that there is not.
    """
    if not (0 <= link < len(LINKS) and all(0 <= code < len(OPERATIONS) for code in operations)):
        raise TableError(f"link {link} and operations {operations} are no codes of NAS-Bench-Graph")
    leaves = _leaves()
    return Architecture(_terminals()[f"links{LINKS[link]}"], tuple([leaves[code] for code in operations]))


def _ways(links: str) -> tuple[Ways, list[tuple[int, ...]]]:
    """Return of a link pattern its nodes, the last first, and the nodes on each way to the output."""
    sources = tuple(map(int, links))
    paths: list[tuple[int, ...]] = [()]
    for node, source in enumerate(sources, 1):
        paths.append((*paths[source], node - 1))
    ways = tuple((node, sources[node - 1], node not in sources) for node in (4, 3, 2, 1))
    return ways, [paths[node] for node, _, last in ways if last]


def _shape(ways: Ways, operations: Sequence[int], numbers: dict[Shape, int]) -> Shape:
    """Return what is equal for isomorphic networks: identities are gone, and readers are in no order."""
    read: list[list[int]] = [[], [], [], [], []]
    for node, source, last in ways:
        readers = read[node]
        if last:
            readers.append(OUTPUT)
        if operations[node - 1] == IDENTITY:
            read[source] += readers
        else:
            readers.sort()
            read[source].append(numbers.setdefault((operations[node - 1], *readers), len(numbers)))
    return tuple(sorted(read[0]))


@cache
def _networks() -> tuple[dict[Architecture, int], NDArray[np.int64]]:
    """Return which network each architecture of the space is, isomorphic ones the same; and so by codes [9, ...]."""
    networks: dict[Shape, int] = {}
    numbers: dict[Shape, int] = {}
    architectures: dict[Architecture, int] = {}
    by_codes = np.full((len(LINKS), *(len(OPERATIONS),) * 4), -1)
    leaves, known = _leaves(), _terminals()
    for link, links in enumerate(LINKS):
        terminal = known[f"links{links}"]
        ways, bypasses = _ways(links)
        for operations in product(range(len(OPERATIONS)), repeat=4):
            if IDENTITY in operations and any(
                all(operations[n] == IDENTITY for n in way) for way in bypasses
            ):
                continue
            network = networks.setdefault(_shape(ways, operations, numbers), len(networks))
            architectures[Architecture(terminal, tuple([leaves[code] for code in operations]))] = network
            by_codes[link, *operations] = network
    return architectures, by_codes


@final
@dataclass(frozen=True)
class NASBenchGraph(Benchmark):
    """The table of one data set and one objective, "validation" or "test" accuracy in per cent.

    dataset: one of `DATASETS`. folder: where the file lies, `MORPHOGEN_DATA` unless told; where it does not lie
    there, the table comes from the package nas-bench-graph, if it is installed. Each estimate also
    has `latency` and `parameters`. Training seconds are not in the table, so an estimate costs nothing.

    Raises, when it is first used:
        MissingData: the file is not there, or pyarrow is not.
        BadTable: the file of the package is not what it was.
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
        """Nine link patterns of four operations; isomorphic architectures share a row."""
        return nasbench_graph()

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        if packaged := package_file(FILE, self.folder, "nas_bench_graph", f"light/{self.dataset}.bench"):
            codes, measured = _read_package(packaged, COLUMNS[self.objective])
        else:
            codes, measured = self._read()
        networks, by_codes = _networks()
        row_of = np.empty(NETWORKS, np.int64)
        row_of[by_codes[tuple(codes.T)]] = np.arange(len(codes))
        rows = dict(zip(networks, row_of[list(networks.values())].tolist(), strict=True))
        return Table(
            f"nasbench_graph {self.dataset}",
            rows,
            {
                Metric(self.objective, unit="%"): 100 * measured[:, 0],
                Metric("latency", maximize=False, unit="s"): measured[:, 1],
                Metric("parameters", maximize=False, unit="M"): measured[:, 2],
            },
        )

    def _read(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return link and operations as codes [rows, 5], and objective, latency and parameters [rows, 3]."""
        decisions, numbers = (
            ("link", "op1", "op2", "op3", "op4"),
            (COLUMNS[self.objective], "latency_s", "params_m"),
        )
        path = data_file(FILE, self.folder, package=PACKAGE)
        columns = read_columns(path, ["dataset", *decisions, *numbers])
        here = columns["dataset"] == self.dataset
        codes = np.stack([columns[name][here] for name in decisions], axis=1)
        return codes, np.stack([columns[name][here].astype(np.float64) for name in numbers], axis=1)


def _read_package(path: Path, value: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return codes and numbers as `_read` does, from a file of the package, by ascending keys."""
    networks = read_pickle(path)
    keys = (
        sorted(networks) if isinstance(networks, dict) and all(type(key) is int for key in networks) else []
    )
    if len(keys) != NETWORKS or not 0 <= keys[0] <= keys[-1] < 10**5:
        raise BadTable(f"{path} does not hold the 26,206 networks; install {PACKAGE} anew")
    measured: list[list[float]] = []
    for key in keys:
        try:
            measured.append([float(networks[key][name]) for name in (value, "latency", "para")])
        except (TypeError, ValueError, LookupError) as error:
            raise BadTable(f"{path}, network {key}: {error!r}; install {PACKAGE} anew") from None
    if len(bad := np.flatnonzero(~np.isfinite(measured).all(axis=1))):
        raise BadTable(
            f"{path}, network {keys[bad[0]]} has a value that is not finite; install {PACKAGE} anew"
        )
    return np.array(keys)[:, None] // 10 ** np.arange(4, -1, -1) % 10, np.array(measured)
