"""A table as an estimator: the value of an architecture is looked up, and every look is counted."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
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

    name: what the table is called in errors and journals. rows: the row of each architecture; isomorphic ones
    may share a row. columns: the values [rows] of each metric, the one to be improved first. seconds: what the
    training of each row took [rows]; it is the cost of an estimate. fidelity: at which the values were measured;
    proposals may ask for it, and for no other. `queries` counts the estimates in this process.

    epochs: after how many epochs there are values, in ascending order; the last is the whole training. Then
    proposals may ask for any of them; columns are [epochs, rows], or [rows] where epochs change nothing, and
    seconds are [epochs, rows], each from the start. Where the epochs are 1, 2, 3, ... an estimate has the
    learning curve of what changes, up to the one that was asked for.

    Raises:
        ValueError: no columns, or one that does not have a value for each row; epochs out of order.
    """

    def __init__(
        self,
        name: str,
        rows: Mapping[Architecture, int],
        columns: Mapping[Metric, ArrayLike],
        *,
        seconds: ArrayLike | None = None,
        fidelity: Fidelity = Fidelity(),
        epochs: Sequence[int] = (),
    ) -> None:
        if not columns:
            raise ValueError(f"{name}: a table needs a column")
        if any(early >= late for early, late in pairwise((0, *epochs))):
            raise ValueError(f"{name}: epochs must be positive and ascend, got {tuple(epochs)}")
        self.name = name
        self.rows = rows
        self.epochs = tuple(epochs)
        self.fidelity = replace(fidelity, epochs=epochs[-1]) if epochs else fidelity
        self.queries = 0
        shape = (max(1, len(epochs)), len(set(rows.values())))
        self._columns = {
            metric: _column(name, metric.name, values, shape) for metric, values in columns.items()
        }
        self._changing = [metric.name for metric, values in columns.items() if np.ndim(values) == 2]
        if seconds is None:
            seconds = np.zeros(shape)
        elif np.ndim(seconds) == 1 and len(epochs) > 1:
            raise ValueError(f"{name}: seconds need a row for each of the epochs {self.epochs}")
        self._seconds = _column(name, "seconds", seconds, shape)

    def __repr__(self) -> str:
        return f"<table {self.name}: {len(self)} rows, {', '.join(m.name for m in self.metrics)}>"

    def __len__(self) -> int:
        """The number of rows."""
        return len(next(iter(self._columns.values()))[0])

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """One a column."""
        return tuple(self._columns)

    @property
    def fingerprint(self) -> str:
        """The name and a digest of all values."""
        digest = hashlib.blake2b(digest_size=8)
        for metric, values in self._columns.items():
            digest.update(f"{metric} {self.fidelity}{self.epochs or ''}".encode())
            digest.update(values.tobytes())
        return f"Table({self.name}, {digest.hexdigest()})"

    def column(self, metric: str | None = None, *, epochs: int | None = None) -> NDArray[np.float64]:
        """Return all values of a metric [rows], not counted as queries; for truth, never for a search.

        epochs: after how many; after the whole training unless told.
        """
        names = {known.name: known for known in self._columns}
        if metric is not None and metric not in names:
            raise TableError(f"{self.name} has {', '.join(names)}, not {metric}")
        columns = self._columns[self.metrics[0] if metric is None else names[metric]]
        return np.asarray(columns[self._stop(Fidelity(epochs=epochs))])

    def scores(self) -> NDArray[np.float64]:
        """Return the first metric of all rows [rows], signed so that larger is better; never for a search."""
        return self.column() if self.metrics[0].maximize else -self.column()

    def only(self, architectures: Iterable[Architecture]) -> Table:
        """Return a copy, with no queries yet, in which all other rows are NaN: the control of what is seen."""
        known = np.isin(np.arange(len(self)), [self.rows[a] for a in architectures if a in self.rows])
        other = copy.copy(self)
        other.queries = 0
        other._columns = {metric: np.where(known, column, np.nan) for metric, column in self._columns.items()}
        other._seconds = np.where(known, self._seconds, np.nan)
        return other

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Return the row of the proposal's architecture; raise `TableError` where there is none."""
        self.queries += 1
        row = self.rows.get(proposal.architecture)
        if row is None:
            raise TableError(f"{self.name} has no row for {proposal.architecture}")
        stop = self._stop(proposal.fidelity)
        values = {metric.name: float(column[stop, row]) for metric, column in self._columns.items()}
        for metric, value in values.items():
            if not math.isfinite(value):
                raise TableError(f"{self.name} has no {metric} for {proposal.architecture}")
        return Estimate(values, cost=float(self._seconds[stop, row]), curve=self._curve(stop, row))

    def _stop(self, asked: Fidelity) -> int:
        """Return which of the epochs is meant."""
        if asked == NOTHING:
            return -1
        whole = asked.over(self.fidelity)
        if asked.epochs in self.epochs and replace(whole, epochs=self.epochs[-1]) == self.fidelity:
            return self.epochs.index(asked.epochs)
        if whole == self.fidelity:
            return -1
        known = self.fidelity.to_json() | ({"epochs": self.epochs} if len(self.epochs) > 1 else {})
        raise TableError(
            f"{self.name} was measured at {known or 'one fidelity'}, it cannot tell {asked.to_json()}"
        )

    def _curve(self, stop: int, row: int) -> tuple[dict[str, float], ...]:
        if not self.epochs or self.epochs[-1] != len(self.epochs):
            return ()
        last, named = self.epochs[stop], {metric.name: c for metric, c in self._columns.items()}
        curves = zip(*(named[name][:last, row].tolist() for name in self._changing), strict=True)
        return tuple(dict(zip(self._changing, point, strict=True)) for point in curves)


def _column(table: str, name: str, values: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    column = np.array(values, dtype=np.float64)
    if column.shape not in (shape, shape[1:]):
        raise ValueError(
            f"{table}: {name} must have one value for each of {shape[1]} rows, got the shape {column.shape}"
        )
    column.flags.writeable = False
    return np.broadcast_to(column, shape)
