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
    "counts",
    "places",
    "pairs",
    "paths",
    "wl0",
    "wl1",
    "wl2",
    "wl3",
    "shortest",
    "longest",
    "ways",
    "sizes",
    "spans",
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
    operations. wl0 to wl3: neighbourhoods of that radius (Weisfeiler
    and Leman). shortest, longest, ways, sizes, spans: statistics of the
    paths within each set of operations (after GRAF, Kadlecova et al. 2024), see `path_statistics`. given: a
    function, such as `Columns`, to numbers that the caller has for each architecture.
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


# --- what is known of single architectures, whatever the columns ---------------------------------------------------


@final
class Memory:
    """What was read of architectures. Row i belongs to the i-th that was met.

    parts, times: numbers of its counted parts (into `codes`), and how often each occurs. labels: numbers of
    its operations (into `names`). count: how many independent parts it has. rows: its path statistics.
    """

    def __init__(self, blocks: tuple[Block, ...], operations: Codes, parts: int) -> None:
        self.blocks = blocks
        self.statistics = tuple(b for b in blocks if b in STATISTICS) if parts and len(operations) else ()
        self.operations = operations
        self.sets = sets_of(len(operations))
        self.most_parts = parts
        self.generation = 0
        self._clear()

    def _clear(self) -> None:
        self.generation += 1
        self.place: dict[Architecture, int] = {}
        # The same objects are asked for again and again: found by identity, and so kept alive.
        self.met: dict[int, int] = {}
        self.objects: list[Architecture] = []
        self.codes, self.names = Numbers(), Numbers()
        self.parts: list[NDArray[np.intp]] = []
        self.times: list[Matrix] = []
        self.labels: list[NDArray[np.intp]] = []
        self.count: list[int] = []
        self.rows: dict[str, Matrix] = {
            name: np.zeros((0, self.most_parts * STATISTICS[name] * len(self.sets)), np.float32)
            for name in self.statistics
        }

    def find(self, architectures: Sequence[Architecture]) -> NDArray[np.intp]:
        """Return the row of each architecture; those not met before are read."""
        try:
            return np.array([*map(self.met.__getitem__, map(id, architectures))])
        except KeyError:
            if len(self.place) > KEPT:
                self._clear()
            if len(self.met) > KEPT:
                self.met.clear()
                self.objects.clear()
            if fresh := [a for a in dict.fromkeys(architectures) if a not in self.place]:
                self._read(fresh)
            at = [self.place[a] for a in architectures]
            self.met.update(zip(map(id, architectures), at, strict=True))
            self.objects.extend(architectures)
            return np.array(at)

    def _read(self, architectures: Sequence[Architecture]) -> None:
        n, known = len(architectures), len(self.count)
        nothing = np.zeros(0, np.intp), np.zeros(0, np.uint64)
        counted, labels = [nothing], [nothing]
        count = np.zeros(n, np.intp)
        statistics = {
            name: np.zeros((n, self.most_parts, STATISTICS[name], len(self.sets)), np.float32)
            for name in self.rows
        }
        for batch in batches(architectures):
            reading = Reading.of(batch)
            np.maximum.at(count, batch.owner, batch.part + 1)
            for number, block in enumerate(self.blocks):
                if block in COUNTED:
                    row, code = COUNTED[block](reading)
                    own = mix(code, batch.part[row].astype(np.uint64)) >> np.uint64(5)
                    counted.append((batch.owner[row], np.uint64(number << 59) | own))
            row, vertex = np.nonzero(reading.working)
            labels.append((batch.owner[row], batch.labels[row, vertex]))
            if self.statistics:
                found = path_statistics(reading, self.operations, self.sets)
                used = batch.part < self.most_parts
                for name, array in statistics.items():
                    array[batch.owner[used], batch.part[used]] = found[name][used]
        parts, times = _distinct(counted, n)
        self.parts += map(self.codes.of, parts)
        self.times += times
        self.labels += map(self.names.of, _distinct(labels, n)[0])
        self.count += count.tolist()
        for name, array in statistics.items():
            self.rows[name] = _put(self.rows[name], known, array.reshape(n, -1))
        self.place.update(zip(architectures, range(known, known + n), strict=True))


def _distinct(found: Sequence[tuple[NDArray[np.intp], Codes]], n: int) -> tuple[list[Codes], list[Matrix]]:
    """Return for each of n rows its distinct codes, and how often each occurs."""
    row, code = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((code, row))
    row, code = row[order], code[order]
    first = np.ones(len(row), bool)
    first[1:] = (row[1:] != row[:-1]) | (code[1:] != code[:-1])
    at = np.flatnonzero(first)
    cuts = np.searchsorted(row[at], np.arange(1, n))
    times = np.diff(np.append(at, len(row))).astype(np.float32)
    return np.split(code[at], cuts), np.split(times, cuts)


@final
class Numbers:
    """Small numbers for codes, in the order in which they are met."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}

    def of(self, codes: Codes) -> NDArray[np.intp]:
        """Return the number of each code."""
        known = self.known
        return np.array([known.setdefault(code, len(known)) for code in codes.tolist()], np.intp)

    def codes(self, numbers: Sequence[NDArray[np.intp]]) -> Codes:
        """Return the distinct codes of some numbers, sorted: the same whatever was met before."""
        used = np.zeros(len(self.known), bool)
        used[np.concatenate(numbers)] = True
        return np.sort(np.fromiter(self.known, np.uint64, len(self.known))[used])


def _put(array: Matrix, first: int, rows: Matrix) -> Matrix:
    """Return `array` with `rows` from row `first` on; grown where it is too short."""
    end = first + len(rows)
    if end > len(array):
        grown = np.zeros((max(256, 2 * end), *array.shape[1:]), array.dtype)
        grown[:first] = array[:first]
        array = grown
    array[first:end] = rows
    return array


@lru_cache(maxsize=16)
def _memory(blocks: tuple[Block, ...], operations: bytes, parts: int) -> Memory:
    return Memory(blocks, np.frombuffer(operations, np.uint64), parts)


# --- columns -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _frame_of(blocks: tuple[Block, ...], architectures: tuple[Architecture, ...]) -> Frame:
    memory = _memory(blocks, b"", 0)
    at = memory.find(architectures)
    labels = [memory.labels[i] for i in at]
    operations = memory.names.codes(labels)
    if len(operations) > MOST_LABELS:
        codes = np.fromiter(memory.names.known, np.uint64)
        known, times = np.unique(codes[np.concatenate(labels)], return_counts=True)
        operations = np.sort(known[np.argsort(-times, kind="stable")[:MOST_LABELS]])
    vocabulary = memory.codes.codes([memory.parts[i] for i in at])
    parts = max(memory.count[i] for i in at)
    return _frame(blocks, vocabulary.tobytes(), operations.tobytes(), parts if parts <= MOST_PARTS else 0)


@lru_cache(maxsize=16)
def _frame(blocks: tuple[Block, ...], vocabulary: bytes, operations: bytes, parts: int) -> Frame:
    return Frame(_memory(blocks, operations, parts), np.frombuffer(vocabulary, np.uint64))


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
        self._forget()

    def _forget(self) -> None:
        self._generation = self.memory.generation
        self._known = np.zeros(0, bool)
        self._rows = np.zeros((0, self.width), np.float32)
        self._outside = np.zeros((0, len(self.blocks)), np.float32)
        # Of each number of a counted part: its column (-1 where it has none) and its block.
        self._column = self._block = np.zeros(0, np.intp)

    def encode(self, architectures: Sequence[Architecture]) -> tuple[Matrix, Matrix]:
        """Return rows `[n, width]`, and `[n, blocks]`: the squared norm of counted parts that have no column.

        These are parts that no training architecture has.
        """
        at = self.memory.find(architectures)
        if self._generation != self.memory.generation:
            self._forget()
        if len(self._known) < len(self.memory.count):
            room = max(256, 2 * len(self.memory.count))
            self._known = np.resize(np.append(self._known, np.zeros(room, bool)), room)
            self._rows = _put(
                self._rows, len(self._rows), np.zeros((room - len(self._rows), self.width), np.float32)
            )
            self._outside = _put(
                self._outside,
                len(self._outside),
                np.zeros((room - len(self._outside), len(self.blocks)), np.float32),
            )
        if not self._known[at].all():
            self._fill(np.unique(at[~self._known[at]]))
        return self._rows[at], self._outside[at]

    def _fill(self, at: NDArray[np.intp]) -> None:
        memory = self.memory
        if len(self._column) < len(memory.codes.known):
            codes = np.fromiter(memory.codes.known, np.uint64, len(memory.codes.known))
            place = np.searchsorted(self.vocabulary, codes)
            here = np.append(self.vocabulary, np.uint64(0))[place] == codes
            self._column = np.where(here, np.append(self._columns, -1)[place], -1)
            self._block = (codes >> np.uint64(59)).astype(np.intp)
        parts = [memory.parts[i] for i in at]
        times = np.concatenate([memory.times[i] for i in at])
        row = np.repeat(at, [len(part) for part in parts])
        part = np.concatenate(parts)
        column = self._column[part]
        known = column >= 0
        self._rows[row[known], column[known]] = times[known]
        np.add.at(self._outside, (row[~known], self._block[part[~known]]), times[~known] ** 2)
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
