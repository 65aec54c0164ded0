"""What random search reaches on a known table, in closed form: the yardstick of sample efficiency."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def expected_best(values: ArrayLike, queries: Sequence[int]) -> NDArray[np.float64]:
    """Return the expected best of n values drawn without replacement, for each n of `queries` [q].

    With the N values in ascending order, the best of n is among the first k with probability C(k, n) / C(N,
    n); this is the exact mean of random search that repeats nothing.

    Raises:
        ValueError: no values, one that is not finite, or more draws than values.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    count = len(ordered)
    if not count or not np.isfinite(ordered).all():
        raise ValueError("the expected best needs values, all of them finite")
    places = np.arange(count, 0, -1)
    found = []
    for n in queries:
        if not 1 <= n <= count:
            raise ValueError(f"{n} draws without replacement from {count} values")
        # C(k - 1, n) / C(k, n) = (k - n) / k, from the largest k down; 0 once fewer than n values are left.
        shares = np.concatenate([[1.0], np.cumprod(np.maximum(places - n, 0) / places)])
        found.append(float(-np.diff(shares) @ ordered[::-1]))
    return np.array(found)
