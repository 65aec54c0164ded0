"""Who is beaten by nobody: fronts of vectors of scores, and how crowded a front is (Deb et al. 2002)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def dominates(scores: ArrayLike) -> NDArray[np.bool_]:
    """Return which row of `scores` [n, m] beats which, `[n, n]`: nowhere smaller, somewhere larger."""
    rows = _rows(scores)
    no_less = np.ones((len(rows), len(rows)), dtype=bool)
    larger = np.zeros_like(no_less)
    for column in rows.T:  # one objective at a time: no [n, n, m] in memory
        no_less &= column[:, None] >= column
        larger |= column[:, None] > column
    return no_less & larger


def fronts(scores: ArrayLike, violations: Sequence[float] | None = None) -> list[NDArray[np.intp]]:
    """Return the rows of `scores` [n, m] in fronts: of the first nobody is beaten, of the next only by it, ...

    violations: how far each row is from feasible [n]. Infeasible rows stand behind all feasible ones, a smaller
    violation before a larger one, whatever their scores (constrained domination, Deb et al. 2002, section VI).
    """
    rows = _rows(scores)
    broken = np.zeros(len(rows)) if violations is None else np.asarray(violations, dtype=np.float64)
    feasible = np.flatnonzero(broken == 0)
    beats = dominates(rows[feasible])
    left = beats.sum(axis=0)  # by how many each is beaten; -1 once it stands in a front
    found = []
    while len(front := np.flatnonzero(left == 0)):
        found.append(feasible[front])
        left = left - beats[front].sum(axis=0)
        left[front] = -1
    return [*found, *(np.flatnonzero(broken == value) for value in np.unique(broken[broken > 0]))]


def crowding(scores: ArrayLike) -> NDArray[np.float64]:
    """Return how far the neighbours of each row of a front [n, m] lie apart, summed over the objectives `[n]`.

    Each objective counts in units of its range over the front; its ends have infinitely much room.
    """
    rows = _rows(scores)
    room = np.zeros(len(rows))
    for column in rows.T:
        order = np.argsort(column, kind="stable")
        values = column[order]
        span = values[-1] - values[0] if len(rows) else 0.0
        if span > 0:
            room[order[1:-1]] += (values[2:] - values[:-2]) / span
        room[order[:1]] = room[order[-1:]] = np.inf
    return room


def unbeaten(scores: ArrayLike) -> NDArray[np.intp]:
    """Return the rows of `scores` [n, m] that no other beats, in their order; equal rows all stay."""
    rows = _rows(scores)
    # Whoever beats a row stands before it in this order, so one look at the survivors is enough.
    order = np.lexsort((np.arange(len(rows)), *(-rows[:, ::-1].T)))
    kept = np.empty_like(rows)
    places: list[int] = []
    for place in order.tolist():
        row, count = rows[place], len(places)
        above = (kept[:count] >= row).all(axis=1)
        if not (above & (kept[:count] > row).any(axis=1)).any():
            kept[count] = row
            places.append(place)
    return np.array(sorted(places), dtype=np.intp)


def staircase(costs: ArrayLike, scores: ArrayLike) -> NDArray[np.intp]:
    """Return which pairs `costs` [n], `scores` [n] no other beats, the cheapest first; of equal ones the first."""
    cost, score = np.asarray(costs, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    order = np.lexsort((-score, cost))
    rises = np.diff(np.maximum.accumulate(score[order]), prepend=-np.inf) > 0
    return np.asarray(order[rises])


def _rows(scores: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(scores, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"fronts need scores [n, objectives], got the shape {rows.shape}")
    return rows
