"""Features of architectures that isomorphic twins share, as columns that the training architectures decide.

All are read from the simplified graph, where identities and zeros are resolved and what lies on no
input-output path is gone. On NAS-Bench-201 that is worth more than the choice of a model.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.graph_batch import Codes, batches
from morphogen.predictors.graph_features import COUNTED, STATISTICS, Reading, mix, path_statistics

Block: TypeAlias = Literal[
    "counts", "places", "pairs", "paths", "wl", "shortest", "longest", "ways", "sizes", "spans"
]
Matrix: TypeAlias = NDArray[np.float32]
Given: TypeAlias = Callable[[Sequence[Architecture]], NDArray[np.float64]]

MOST_SETS: Final = 63
"""Sets of operations that are told apart: all where there are as few, else the small and the large ones."""
MOST_LABELS: Final = 31
"""Operations that the sets are made of; the most frequent where there are more."""
MOST_PARTS: Final = 2
"""An architecture of more independent parts than this has no path statistics."""
KEPT: Final = 1 << 17
"""Architectures that are remembered before the memory begins anew."""


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
    and to the output. pairs: operations that feed each other. paths: input-output paths as sequences of
    operations. wl: neighbourhoods of growing radius. shortest, longest, ways, sizes, spans: statistics of the
    paths within each set of operations (after GRAF, Kadlecova et al. 2024), see `path_statistics`. given: a function, such as `Columns`, to numbers
    that the caller has for each architecture.
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
        return Encoder(_frame_of(self.blocks, tuple(architectures)), self.given, tuple(known))


EVERY_BLOCK: Final = Features(
    ("counts", "places", "pairs", "paths", "shortest", "longest", "ways", "sizes", "spans")
)
"""What trees read: they choose for themselves."""


@lru_cache(maxsize=64)
def _frame_of(blocks: tuple[Block, ...], architectures: tuple[Architecture, ...]) -> Frame:
    counted = _memory(blocks, b"", 0)
    at = counted.find(architectures)
    codes = np.concatenate([counted.codes[i] for i in at])
    labels = np.concatenate([counted.labels[i] for i in at])
    known, times = np.unique(labels, return_counts=True)
    frequent = np.sort(known[np.argsort(-times, kind="stable")[:MOST_LABELS]])
    parts = max(counted.parts[i] for i in at)
    return _frame(blocks, np.unique(codes).tobytes(), frequent.tobytes(), parts)


# --- what is known of single architectures, whatever the columns ---------------------------------------------------


@final
class Memory:
    """What was read of architectures: codes and times of counted parts, labels, number of parts, path statistics."""

    def __init__(self, blocks: tuple[Block, ...], labels: Codes, parts: int) -> None:
        self.blocks = blocks
        self.statistics = tuple(b for b in blocks if b in STATISTICS) if parts and len(labels) else ()
        self.operations = labels
        self.sets = sets_of(len(labels))
        self.count = parts
        self.generation = 0
        self._clear()

    def _clear(self) -> None:
        self.generation += 1
        self.place: dict[Architecture, int] = {}
        self.codes: list[Codes] = []
        self.times: list[Matrix] = []
        self.labels: list[Codes] = []
        self.parts: list[int] = []
        self.rows: dict[str, Matrix] = {
            name: np.zeros((0, self.count * STATISTICS[name] * len(self.sets)), np.float32)
            for name in self.statistics
        }

    def find(self, architectures: Sequence[Architecture]) -> list[int]:
        """Return where each architecture stands; those not seen before are read."""
        try:
            return [self.place[a] for a in architectures]
        except KeyError:
            if len(self.place) > KEPT:
                self._clear()
            self._read([a for a in dict.fromkeys(architectures) if a not in self.place])
            return [self.place[a] for a in architectures]

    def _read(self, architectures: Sequence[Architecture]) -> None:
        n, known = len(architectures), len(self.codes)
        rows: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
        codes: list[Codes] = [np.zeros(0, np.uint64)]
        label_rows, labels = list(rows), list(codes)
        parts = np.zeros(n, np.intp)
        statistics = {
            name: np.zeros((n, self.count, STATISTICS[name], len(self.sets)), np.float32)
            for name in self.rows
        }
        for batch in batches(architectures):
            reading = Reading.of(batch)
            np.maximum.at(parts, batch.owner, batch.part + 1)
            for number, block in enumerate(self.blocks):
                if block in COUNTED:
                    row, code = COUNTED[block](reading)
                    rows.append(batch.owner[row])
                    codes.append(
                        np.uint64(number << 59) | (mix(code, batch.part[row].astype(np.uint64)) >> np.uint64(5))
                    )
            row, vertex = np.nonzero(reading.working)
            label_rows.append(batch.owner[row])
            labels.append(batch.labels[row, vertex])
            if self.statistics:
                found = path_statistics(reading, self.operations, self.sets)
                used = batch.part < self.count
                for name, array in statistics.items():
                    array[batch.owner[used], batch.part[used]] = found[name][used]
        self._split(rows, codes, n, self.codes, self.times)
        self._split(label_rows, labels, n, self.labels, None)
        self.parts += parts.tolist()
        for name, array in statistics.items():
            self.rows[name] = _put(self.rows[name], known, array.reshape(n, -1))
        self.place.update(zip(architectures, range(known, known + n), strict=True))

    @staticmethod
    def _split(
        rows: list[NDArray[np.intp]], codes: list[Codes], n: int, into: list[Codes], times: list[Matrix] | None
    ) -> None:
        """Append the distinct codes of each of n rows to `into`, and how often they occur to `times`."""
        row, code = np.concatenate(rows), np.concatenate(codes)
        order = np.lexsort((code, row))
        row, code = row[order], code[order]
        first = np.ones(len(row), bool)
        first[1:] = (row[1:] != row[:-1]) | (code[1:] != code[:-1])
        at = np.flatnonzero(first)
        cuts = np.searchsorted(row[at], np.arange(1, n))
        into += np.split(code[at], cuts)
        if times is not None:
            times += np.split(np.diff(np.append(at, len(row))).astype(np.float32), cuts)


@lru_cache(maxsize=16)
def _memory(blocks: tuple[Block, ...], labels: bytes, parts: int) -> Memory:
    return Memory(blocks, np.frombuffer(labels, np.uint64), parts)


def _put(array: Matrix, first: int, rows: Matrix) -> Matrix:
    """Return `array` with `rows` from row `first` on; grown where it is too short."""
    end = first + len(rows)
    if end > len(array):
        grown = np.zeros((max(256, 2 * end), array.shape[1]), np.float32)
        grown[:first] = array[:first]
        array = grown
    array[first:end] = rows
    return array


# --- columns -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _frame(blocks: tuple[Block, ...], vocabulary: bytes, labels: bytes, parts: int) -> Frame:
    memory = _memory(blocks, labels, parts if parts <= MOST_PARTS else 0)
    return Frame(memory, np.frombuffer(vocabulary, np.uint64))


@final
class Frame:
    """The columns of a fit. `blocks`: the name and the columns of each block; `width`: the number of columns."""

    def __init__(self, memory: Memory, vocabulary: Codes) -> None:
        self.memory = memory
        self.vocabulary = vocabulary
        self.blocks: list[tuple[str, slice]] = []
        self.width = 0
        counted: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
        for number, block in enumerate(memory.blocks):
            if block in STATISTICS:
                width = memory.rows[block].shape[1] if block in memory.rows else 0
            else:
                width = int((vocabulary >> np.uint64(59) == number).sum())
                counted.append(np.arange(self.width, self.width + width))
            self.blocks.append((block, slice(self.width, self.width + width)))
            self.width += width
        self._columns = np.concatenate(counted)
        self._generation = 0

    def encode(self, architectures: Sequence[Architecture]) -> tuple[Matrix, Matrix]:
        """Return rows `[n, width]`, and `[n, blocks]`: the squared norm of counted parts that have no column.

        These are parts that no training architecture has.
        """
        at = np.array(self.memory.find(architectures))
        if self._generation != self.memory.generation:
            self._generation = self.memory.generation
            self._known = np.zeros(0, bool)
            self._rows = np.zeros((0, self.width), np.float32)
            self._outside = np.zeros((0, len(self.blocks)), np.float32)
        size = len(self.memory.codes)
        if len(self._known) < size:
            grown = max(256, 2 * size)
            for name in ("_known", "_rows", "_outside"):
                old = getattr(self, name)
                new = np.zeros((grown, *old.shape[1:]), old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)
        fresh = np.unique(at[~self._known[at]])
        if len(fresh):
            self._fill(fresh)
        return self._rows[at], self._outside[at]

    def _fill(self, at: NDArray[np.intp]) -> None:
        memory = self.memory
        codes = np.concatenate([memory.codes[i] for i in at])
        times = np.concatenate([memory.times[i] for i in at])
        row = np.repeat(at, [len(memory.codes[i]) for i in at])
        column = np.searchsorted(self.vocabulary, codes)
        known = np.zeros(len(codes), bool)
        inside = column < len(self.vocabulary)
        known[inside] = self.vocabulary[column[inside]] == codes[inside]
        self._rows[row[known], self._columns[column[known]]] = times[known]
        block = (codes >> np.uint64(59)).astype(np.intp)
        np.add.at(self._outside, (row[~known], block[~known]), times[~known] ** 2)
        for name, columns in self.blocks:
            if name in memory.rows:
                self._rows[at, columns] = memory.rows[name][at]
        self._known[at] = True


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


@lru_cache(maxsize=64)
def sets_of(labels: int) -> NDArray[np.bool_]:
    """Return sets of `labels` operations as rows `[s, labels]`: all that are not empty, or the small and the large."""
    everything = tuple(range(labels))
    if 2**labels <= MOST_SETS + 1:
        chosen = [s for size in range(1, labels + 1) for s in itertools.combinations(everything, size)]
    else:
        singles = [(i,) for i in everything]
        others = [tuple(j for j in everything if j != i) for i in everything]
        chosen = [everything, *singles, *others, *itertools.combinations(everything, 2)][:MOST_SETS]
    sets = np.zeros((len(chosen), labels), bool)
    for row, members in enumerate(chosen):
        sets[row, list(members)] = True
    return sets
