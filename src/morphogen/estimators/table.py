"""A table as an estimator: the value of an architecture is looked up, and every look is counted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Fidelity, Metric, Proposal

NOTHING: Final = Fidelity()


class TableError(LookupError):
    """A question that a table cannot answer."""


@final
class Table(Estimator):
    """Looks up measured values; an estimate reads the row of its architecture and no other.

    name: what the table is called in errors and journals. rows: the row of each architecture. columns: the
    values [rows] of each metric, the one to be improved first. seconds: what the training of each row took
    [rows]; it is the cost of an estimate. fidelity: at which the values were measured; proposals may ask for
    it, and for no other. `queries` counts the estimates in this process.

    Raises:
        ValueError: no columns, or one that does not have a value for each row.
    """

    def __init__(
        self,
        name: str,
        rows: Mapping[Architecture, int],
        columns: Mapping[Metric, ArrayLike],
        *,
        seconds: ArrayLike | None = None,
        fidelity: Fidelity = Fidelity(),
    ) -> None:
        self.name = name
        self.rows = rows
        self.fidelity = fidelity
        self.queries = 0
        self._columns = {metric: _column(name, metric.name, v, len(rows)) for metric, v in columns.items()}
        self._seconds = (
            np.zeros(len(rows)) if seconds is None else _column(name, "seconds", seconds, len(rows))
        )
        if not columns:
            raise ValueError(f"{name}: a table needs a column")

    def __repr__(self) -> str:
        return f"<table {self.name}: {len(self.rows)} rows, {', '.join(m.name for m in self.metrics)}>"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """One a column."""
        return tuple(self._columns)

    @property
    def fingerprint(self) -> str:
        """The name and a digest of all values."""
        digest = hashlib.blake2b(digest_size=8)
        for metric, values in self._columns.items():
            digest.update(f"{metric} {self.fidelity}".encode())
            digest.update(values.tobytes())
        return f"Table({self.name}, {digest.hexdigest()})"

    def column(self, metric: str | None = None) -> NDArray[np.float64]:
        """Return all values of a metric [rows], not counted as queries; for truth, never for a search."""
        names = {known.name: known for known in self._columns}
        if metric is not None and metric not in names:
            raise TableError(f"{self.name} has {', '.join(names)}, not {metric}")
        return self._columns[self.metrics[0] if metric is None else names[metric]]

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Return the row of the proposal's architecture; raise `TableError` where there is none."""
        self.queries += 1
        row = self.rows.get(proposal.architecture)
        if row is None:
            raise TableError(f"{self.name} has no row for {proposal.architecture}")
        if proposal.fidelity != NOTHING and proposal.fidelity.over(self.fidelity) != self.fidelity:
            asked, known = proposal.fidelity.to_json(), self.fidelity.to_json()
            raise TableError(f"{self.name} was measured at {known or 'one fidelity'}, it cannot tell {asked}")
        values = {metric.name: float(column[row]) for metric, column in self._columns.items()}
        for metric, value in values.items():
            if not math.isfinite(value):
                raise TableError(f"{self.name} has no {metric} for {proposal.architecture}")
        return Estimate(values, cost=float(self._seconds[row]))


def _column(table: str, name: str, values: ArrayLike, rows: int) -> NDArray[np.float64]:
    column = np.array(values, dtype=np.float64)
    if column.shape != (rows,):
        raise ValueError(
            f"{table}: {name} must have one value for each of {rows} rows, got the shape {column.shape}"
        )
    column.flags.writeable = False
    return column
