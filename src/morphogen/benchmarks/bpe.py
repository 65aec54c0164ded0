"""The 32 training recipes of budgeted performance estimation, each measured on 100 cells (Zheng et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.agreement import kendall, spearman
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.recipes import recipe_of
from morphogen.records import Fidelity, Metric
from morphogen.spaces.listed import listed
from morphogen.spaces.space import Space

Floats = NDArray[np.float64]

TRIALS: Final = "bpe_trials.parquet"
ACCURACIES: Final = "bpe_accuracies.parquet"

SETTINGS: Final = {
    "epochs": "epoch",
    "resolution": "image_size",
    "channels": "channels",
    "cells": "n_layers",
    "batch_size": "batchsize",
    "learning_rate": "learning_rate",
    "precision": "fp",
    "cutout": "cutout_len",
}
"""Our names of the eight knobs and the columns of the table. Here `cells` are those of the whole network."""

FRACTIONAL: Final = ("learning_rate",)

HOURS: Final = "stored_meantime_gpu_hours_"


@final
@dataclass(frozen=True)
class BPE(Benchmark):
    """How well each of 32 cheap recipes ranks DARTS cells as full training on CIFAR-10 does.

    cells: numbers (0 to 99) of the cells that are ranked, all unless told. within: GPU hours a cell; dearer
    recipes are left out. objective: "spearman" or "kendall"
    of the recipe's accuracies with those after full training; the other, and `gpu_hours`, the mean GPU hours
    a cell, are told too. Recipes are the architectures of the space; what each trains by is its
    `recipes.fidelity_of`. An estimate costs the GPU seconds of training all ranked cells. folder: where the
    files lie, `MORPHOGEN_DATA` unless told.

    The hours are the authors', from different machines; two of them do not fit the others.

    Raises, when it is first used:
        MissingData: a file is not there, or pyarrow is not.
    """

    cells: tuple[int, ...] = ()
    within: float = math.inf
    objective: str = "spearman"
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        if self.objective not in ("spearman", "kendall"):
            raise ValueError(f"BPE has no objective {self.objective!r}; there are spearman, kendall")
        if self.cells and (len(set(self.cells)) < 3 or not set(self.cells) <= set(range(100))):
            raise ValueError(
                f"BPE ranks three cells or more, of 0 to 99, got {len(set(self.cells))} of {min(self.cells)} "
                f"to {max(self.cells)}"
            )
        if not self.within > 0:
            raise ValueError(f"BPE has no recipe within {self.within} GPU hours; the cheapest takes 0.0359")

    @cached_property
    def trials(self) -> tuple[int, ...]:
        """The authors' numbers (1 to 32) of the recipes that are not left out."""
        hours = read_columns(data_file(TRIALS, self.folder), [HOURS])[HOURS]
        kept = tuple((np.flatnonzero(hours <= self.within) + 1).tolist())
        if not kept:
            raise TableError(f"no recipe takes at most {self.within} GPU hours; the cheapest {hours.min()}")
        return kept

    @cached_property
    def recipes(self) -> tuple[Fidelity, ...]:
        """The recipes, in the order of the trials."""
        columns = read_columns(data_file(TRIALS, self.folder), ["trial", *SETTINGS.values()])
        if columns["trial"].tolist() != list(range(1, 33)):
            raise TableError(f"{TRIALS}: the trials are not 1 to 32 in their order")
        return tuple(self._recipe(columns, trial - 1) for trial in self.trials)

    @staticmethod
    def _recipe(columns: Mapping[str, Any], row: int) -> Fidelity:
        given = {setting: columns[name][row].item() for setting, name in SETTINGS.items()}
        whole = {setting: int(value) for setting, value in given.items() if setting not in FRACTIONAL}
        return Fidelity(**given | whole)

    @cached_property
    def space(self) -> Space:
        """The space of these recipes and no others."""
        return listed(map(recipe_of, self.recipes), "bpe")

    @cached_property
    def full(self) -> Floats:
        """Accuracy in per cent of each ranked cell after full training [cells]."""
        return np.asarray(self._ranked("full_accuracy")[0])

    @cached_property
    def cheap(self) -> Floats:
        """Accuracy in per cent of each ranked cell by each recipe [recipes, cells]."""
        return self._ranked(*(f"trial_{trial:02d}" for trial in self.trials))

    @cached_property
    def hours(self) -> Floats:
        """Mean GPU hours a cell of each recipe [recipes]."""
        hours = read_columns(data_file(TRIALS, self.folder), [HOURS])[HOURS].astype(np.float64)
        return np.asarray(hours[np.array(self.trials) - 1])

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        measures = {"spearman": spearman, "kendall": kendall}
        names: Sequence[str] = sorted(measures, key=lambda name: name != self.objective)
        return Table(
            "bpe",
            {recipe_of(recipe): row for row, recipe in enumerate(self.recipes)},
            {
                **{Metric(n): measures[n](self.cheap, self.full[None]) for n in names},
                Metric("gpu_hours", maximize=False, unit="h"): self.hours,
            },
            seconds=self.hours * 3600 * len(self.full),
        )

    def _ranked(self, *names: str) -> Floats:
        columns = _read(data_file(ACCURACIES, self.folder))
        values = np.stack([columns[name] for name in names])
        return np.asarray(values[:, list(self.cells)] if self.cells else values)


@cache
def _read(path: Path) -> Mapping[str, Floats]:
    names = ["full_accuracy", *(f"trial_{trial:02d}" for trial in range(1, 33))]
    return {name: values.astype(np.float64) for name, values in read_columns(path, names).items()}
