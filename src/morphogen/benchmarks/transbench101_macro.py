"""TransNAS-Bench-101's macro space (Duan et al. 2021): 3,256 networks of four to six blocks on seven tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, final

from morphogen.architecture import Architecture
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.space import Space

FILE: Final = "zc_transbench101_macro.parquet"

TASKS: Final = {
    "autoencoder": "",
    "class_object": "%",
    "class_scene": "%",
    "jigsaw": "%",
    "normal": "",
    "room_layout": "",
    "segmentsemantic": "%",
}
"""The tasks with the unit of their value: accuracy in per cent, else similarity or the negative loss."""

BLOCKS: Final = ("block", "block_wide", "block_down", "block_wide_down")
"""Our blocks by the codes of the table, 1 to 4: plain, doubles channels, halves the map, does both."""

GRAMMAR: Final = """
NET -> chain(BLOCK, BLOCK, BLOCK, BLOCK, TAIL)
TAIL -> identity | chain(BLOCK, LAST)
LAST -> identity | BLOCK
BLOCK -> block | block_wide | block_down | block_wide_down
require times(block_wide, block_wide_down, 1, 3)
require times(block_down, block_wide_down, 1, 4)
"""


@cache
def transbench101_macro() -> Space:
    """All 3,256 networks: channels are doubled one to three times, the map is halved one to four times."""
    return Space.from_text(GRAMMAR, "transbench101_macro")


def from_official(text: str) -> Architecture:
    """Read a network from the table's own text, such as `(1,2,4,3)`; raise `TableError` for any other.

    Whether the benchmark has such a network is not looked at.
    """
    if not re.fullmatch(r"\([1-4](,[1-4]){3,5}\)", text):
        raise TableError(f"{text!r} is not a list of four to six blocks 1 to 4, such as (1,2,4,3)")
    blocks = [BLOCKS[int(code) - 1] for code in text[1:-1].split(",")]
    tail = {4: "identity", 5: f"chain({blocks[-1]}, identity)", 6: f"chain({', '.join(blocks[4:])})"}[
        len(blocks)
    ]
    return transbench101_macro().read(f"chain({', '.join(blocks[:4])}, {tail})")


@final
@dataclass(frozen=True)
class TransBench101Macro(Benchmark):
    """The table of one task, larger is better: the last validation value of each network.

    dataset: the task, one of `TASKS`. folder: where the file lies, `MORPHOGEN_DATA` unless told. Training
    seconds are not in the table, so an estimate costs nothing.

    Raises, when it is first used:
        MissingData: the file is not there, or pyarrow is not.
    """

    dataset: str = "class_scene"
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        if self.dataset not in TASKS:
            raise ValueError(
                f"TransNAS-Bench-101 has no dataset {self.dataset!r}; there are {', '.join(TASKS)}"
            )

    @property
    def space(self) -> Space:
        """Four to six blocks of four types."""
        return transbench101_macro()

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        columns = read_columns(data_file(FILE, self.folder), ["dataset", "arch", "val_accuracy"])
        here = columns["dataset"] == self.dataset
        rows = {from_official(text): row for row, text in enumerate(columns["arch"][here])}
        metric = Metric("validation", unit=TASKS[self.dataset])
        return Table(f"transbench101_macro {self.dataset}", rows, {metric: columns["val_accuracy"][here]})
