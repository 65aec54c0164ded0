"""The contract of a benchmark: a space in which the truth is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.benchmarks.own_table import read_own_table
from morphogen.estimators.table import Table
from morphogen.spaces.space import Space


class Benchmark(ABC):
    """A space and an exact estimator over a real table; every row of the table is inside the space."""

    @property
    @abstractmethod
    def space(self) -> Space:
        """The space that the table covers."""

    @property
    @abstractmethod
    def estimator(self) -> Table:
        """The table; its first metric is what a search improves, its `queries` count the looks."""

    def best(self, metric: str | None = None) -> tuple[Architecture, float]:
        """Return the best row of the table and its value; by the first metric unless another is named."""
        table = self.estimator
        values = table.column(metric)
        declared = next(m for m in table.metrics if metric in (None, m.name))
        row = int(np.nanargmax(values) if declared.maximize else np.nanargmin(values))
        architecture = next(a for a, place in table.rows.items() if place == row)
        return architecture, float(values[row])

    @staticmethod
    def from_table(
        path: str | Path,
        *,
        space: Space,
        objective: str,
        architecture: str = "architecture",
        maximize: bool = True,
        seconds: str | None = None,
        also: Sequence[str] = (),
        partial: bool = False,
    ) -> OwnTable:
        """Return your own table as a benchmark: a Parquet or CSV file with a row for each architecture.

        space: what is searched. objective: the column that is improved; larger is better if `maximize`.
        architecture: the column of their texts, as the space writes them. seconds: the column of what an
        estimate costs. also: columns of further metrics, of which less is better. partial: some architectures
        of the space may have no row; asking for one of them is then an estimate that fails.

        Isomorphic architectures may each have a row; the same text twice is an error.

        Raises:
            BadTable: what cannot be used, with its row (1 is the first below the names of the columns) and
                the fix; nothing is dropped silently.
            MissingData: there is no such file, or pyarrow is needed to read it.
        """
        table = read_own_table(
            Path(path),
            space,
            objective,
            architecture=architecture,
            maximize=maximize,
            seconds=seconds,
            also=also,
            partial=partial,
        )
        return OwnTable(space, table)


@final
@dataclass(frozen=True)
class OwnTable(Benchmark):
    """A space and a table over it; `Benchmark.from_table` makes one of a file."""

    covered: Space
    table: Table

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self.covered

    @property
    def estimator(self) -> Table:
        """The table."""
        return self.table
