"""The contract of a benchmark: a space in which the truth is known."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from morphogen.architecture import Architecture
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
