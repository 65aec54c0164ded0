"""How a search went: the best value so far after each query, and what it lacks of the optimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def best_so_far(values: ArrayLike) -> NDArray[np.float64]:
    """Return the running maximum of `values` [..., queries], in the order of the queries."""
    return np.maximum.accumulate(np.asarray(values, dtype=np.float64), axis=-1)


def regret(values: ArrayLike, optimum: float) -> NDArray[np.float64]:
    """Return what the best so far lacks of `optimum`, after each query of `values` [..., queries]."""
    return optimum - best_so_far(values)
