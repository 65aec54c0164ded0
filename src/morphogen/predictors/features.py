"""Features of architectures that isomorphic twins share, as columns that the training architectures decide.

All are read from the simplified graph, where identities and zeros are resolved and what lies on no
input-output path is gone. On NAS-Bench-201 that is worth more than the choice of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.frame import Block, Frame, frame_of
from morphogen.predictors.predictor import Matrix

Given: TypeAlias = Callable[[Sequence[Architecture]], NDArray[np.float64]]
"""n architectures -> numbers `[n, d]` that the caller has for them, NaN where one is missing."""


@final
@dataclass(frozen=True, eq=False)
class Columns:
    """Numbers that the caller has for each network: zero-cost scores, the first points of a learning curve.

    values: key of the architecture -> `width` numbers; NaN, or a key that is not there, where one is missing.
    """

    values: Mapping[str, Sequence[float]]
    width: int

    def __call__(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return the numbers `[n, width]`."""
        missing = (np.nan,) * self.width
        return np.array([self.values.get(a.key, missing) for a in architectures], dtype=np.float64)


@final
@dataclass(frozen=True)
class Features:
    """Which blocks of columns a model reads.

    counts: each operation, and the size of the graph. places: operations with their distance from the input,
    and to the output. pairs: operations that feed each other. histories: operations with what a map has gone
    through before them, by the words of their names. paths: input-output paths as sequences of operations. wl0
    to wl3: neighbourhoods of that radius (Weisfeiler and Leman). shortest, longest, ways, sizes, spans:
    statistics of the paths within each set of operations (after GRAF, Kadlecova et al. 2024), see
    `path_statistics`; all of them but sizes are left out where no training architecture has two paths. given:
    a function, such as `Columns`, to numbers that the caller has for each architecture.
    """

    blocks: tuple[Block, ...] = ("counts", "paths", "shortest", "longest", "ways", "sizes", "spans")
    given: Given | None = None

    def encoder(self, architectures: Sequence[Architecture], ranked: int | None = None) -> Encoder:
        """Return the columns that occur in the training architectures.

        ranked: how many of them, from the first on, the caller's numbers are ranked among; all unless said.
        """
        known: list[NDArray[np.float64]] = []
        if self.given is not None:
            numbers = self.given(architectures[:ranked])
            known = [np.sort(column[~np.isnan(column)]) for column in numbers.T]
        return Encoder(frame_of(self.blocks, tuple(architectures)), self.given, tuple(known))


EVERY_BLOCK: Final = Features(
    ("counts", "places", "pairs", "paths", "shortest", "longest", "ways", "sizes", "spans")
)
"""What trees read: they choose for themselves."""


@final
@dataclass(frozen=True, eq=False)
class Encoder:
    """The columns of a fit: those of its frame, then the caller's numbers as ranks among the training values."""

    frame: Frame
    given: Given | None
    known: tuple[NDArray[np.float64], ...]

    @property
    def blocks(self) -> list[tuple[str, slice]]:
        """The name and the columns of each block."""
        last = (("given", slice(self.frame.width, self.width)),) if self.known else ()
        return [*self.frame.blocks, *last]

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.frame.width + 2 * len(self.known)

    def rows(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return rows `[n, width]`."""
        return self(architectures)[0]

    def __call__(self, architectures: Sequence[Architecture]) -> tuple[Matrix, Matrix]:
        """Return rows `[n, width]`, and `[n, blocks]`: the squared norm of counted parts that have no column.

        A number that the caller does not have stands in the middle, and a second column says so.
        """
        rows, outside = self.frame.encode(architectures)
        if self.given is None:
            return rows, outside
        columns = []
        for column, known in zip(self.given(architectures).T, self.known, strict=True):
            missing = np.isnan(column)
            below = np.searchsorted(known, column, side="left") + np.searchsorted(known, column, side="right")
            columns += [np.where(missing, 0.5, below / (2 * max(1, len(known)))), missing]
        given = np.stack(columns, axis=1).astype(np.float32)
        return np.hstack([rows, given]), np.pad(outside, ((0, 0), (0, 1)))
