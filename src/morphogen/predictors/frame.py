"""Columns of features that the training architectures decide, and the memory of what was read of each architecture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.graph_batch import Codes, batches
from morphogen.predictors.graph_features import (
    COUNTED,
    OF_SEVERAL,
    STATISTICS,
    Reading,
    mix,
    path_statistics,
)
from morphogen.predictors.predictor import Matrix

Block: TypeAlias = Literal[
    "counts",
    "places",
    "pairs",
    "histories",
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

MOST_SETS: Final = 63
"""Sets of operations that are told apart: all where there are as few, else the small and the large ones."""
MOST_LABELS: Final = 31
"""Operations that the sets are made of; the most frequent where there are more."""
MOST_PARTS: Final = 2
"""An architecture of more independent parts than this has no path statistics."""
FRAMES: Final = 3
"""Sets of columns whose rows are remembered. On large spaces nearly every architecture that is told brings columns of
its own, so that the rows of more would fill the machine's memory.
"""
KEPT: Final = 1 << 17
"""Architectures that are remembered before the memory begins anew."""
KEPT_PARTS: Final = 1 << 23
"""Counted parts that are remembered before it does, in all; some thousand architectures of a thousand operations."""


# --- what is known of single architectures, whatever the columns ---------------------------------------------------


@final
class Memory:
    """What was read of architectures. Row i belongs to the i-th that was met.

    counted: numbers of its counted parts (into `codes`), and how often each occurs. labels: numbers of its
    operations (into `names`). count: how many independent parts it has. forked: whether anything in it reads a
    sum, so that it has more than one path. rows: its path statistics.
    """

    def __init__(
        self, blocks: tuple[Block, ...], statistics: tuple[Block, ...], operations: Codes, parts: int
    ) -> None:
        self.blocks = blocks
        self.statistics = statistics
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
        self.counted, self.labels = Ragged(), Ragged()
        self.count: list[int] = []
        self.forked: list[bool] = []
        self.rows: dict[str, Matrix] = {
            name: np.zeros((0, self.most_parts * STATISTICS[name] * len(self.sets)), np.float32)
            for name in self.statistics
        }

    def find(self, architectures: Sequence[Architecture]) -> NDArray[np.intp]:
        """Return the row of each architecture; those not met before are read."""
        try:
            return np.array([*map(self.met.__getitem__, map(id, architectures))], np.intp)
        except KeyError:
            if len(self.objects) > KEPT or self.counted.used > KEPT_PARTS:
                self._clear()
            unmet = [a for a in architectures if id(a) not in self.met]
            if fresh := [a for a in dict.fromkeys(unmet) if a not in self.place]:
                self._read(fresh)
            self.met.update((id(a), self.place[a]) for a in unmet)
            self.objects += unmet
            return np.array([self.met[id(a)] for a in architectures], np.intp)

    def _read(self, architectures: Sequence[Architecture]) -> None:
        n, known = len(architectures), len(self.count)
        nothing = np.zeros(0, np.intp), np.zeros(0, np.uint64)
        counted, labels = [nothing], [nothing]
        count, forked = np.zeros(n, np.intp), np.zeros(n, bool)
        statistics = {
            name: np.zeros((n, self.most_parts, STATISTICS[name], len(self.sets)), np.float32)
            for name in self.rows
        }
        for batch in batches(architectures):
            reading = Reading.of(batch)
            np.maximum.at(count, batch.owner, batch.part + 1)
            terms = (batch.sources < batch.labels.shape[1]).sum(axis=1)
            forked[batch.owner[(terms > 1).any(axis=0)]] = True
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
        self.counted.add(*_distinct(counted, n, self.codes))
        self.labels.add(*_distinct(labels, n, self.names))
        self.count += count.tolist()
        self.forked += forked.tolist()
        for name, array in statistics.items():
            self.rows[name] = _roomy(self.rows[name], known + n)
            self.rows[name][known : known + n] = array.reshape(n, -1)
        self.place.update(zip(architectures, range(known, known + n), strict=True))


def _distinct(
    found: Sequence[tuple[NDArray[np.intp], Codes]], n: int, numbers: Numbers
) -> tuple[NDArray[np.intp], NDArray[np.intp], Matrix]:
    """Return for n rows how many distinct codes each has; the numbers of these; how often each occurs."""
    row, code = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((code, row))
    row, code = row[order], code[order]
    first = np.ones(len(row), bool)
    first[1:] = (row[1:] != row[:-1]) | (code[1:] != code[:-1])
    at = np.flatnonzero(first)
    times = np.diff(np.append(at, len(row))).astype(np.float32)
    return np.bincount(row[at], minlength=n), numbers.of(code[at]), times


@final
class Ragged:
    """Rows of different lengths behind each other: numbers, and how often each occurs."""

    def __init__(self) -> None:
        self.rows = self.used = 0
        self.start = self.length = np.zeros(0, np.intp)
        self.numbers = np.zeros(0, np.intp)
        self.times: Matrix = np.zeros(0, np.float32)

    def add(self, length: NDArray[np.intp], numbers: NDArray[np.intp], times: Matrix) -> None:
        """Add rows of these lengths."""
        rows, used = self.rows + len(length), self.used + len(numbers)
        self.start, self.length = _roomy(self.start, rows), _roomy(self.length, rows)
        self.numbers, self.times = _roomy(self.numbers, used), _roomy(self.times, used)
        self.start[self.rows : rows] = self.used + np.cumsum(length) - length
        self.length[self.rows : rows] = length
        self.numbers[self.used : used] = numbers
        self.times[self.used : used] = times
        self.rows, self.used = rows, used

    def of(self, at: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp], Matrix]:
        """Return the entries of rows: which row of `at`, number, times."""
        length = self.length[at]
        behind = np.cumsum(length)
        place = np.arange(int(behind[-1]) if len(at) else 0)
        place += np.repeat(self.start[at] - behind + length, length)
        return np.repeat(np.arange(len(at)), length), self.numbers[place], self.times[place]


@final
class Numbers:
    """Small numbers for codes, in the order in which they are met."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}

    def of(self, codes: Codes) -> NDArray[np.intp]:
        """Return the number of each code."""
        known = self.known
        return np.array([known.setdefault(code, len(known)) for code in codes.tolist()], np.intp)

    def codes(self, numbers: NDArray[np.intp]) -> Codes:
        """Return the distinct codes of some numbers, sorted: the same whatever was met before."""
        used = np.zeros(len(self.known), bool)
        used[numbers] = True
        return np.sort(np.fromiter(self.known, np.uint64, len(self.known))[used])


Array = TypeVar("Array", bound=np.generic)


def _roomy(array: NDArray[Array], rows: int) -> NDArray[Array]:
    """Return `array` with zeros below, so that it has `rows` rows and seldom needs to grow."""
    if rows <= len(array):
        return array
    grown = np.zeros((max(256, 2 * rows), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


@lru_cache(maxsize=2 * FRAMES)
def _memory(
    blocks: tuple[Block, ...], statistics: tuple[Block, ...], operations: bytes, parts: int
) -> Memory:
    return Memory(blocks, statistics, np.frombuffer(operations, np.uint64), parts)


# --- columns -------------------------------------------------------------------------------------------------------


def frame_of(blocks: tuple[Block, ...], architectures: tuple[Architecture, ...]) -> Frame:
    """Return the columns that occur in the training architectures."""
    return _frame(blocks, *_columns(blocks, architectures))


Decided: TypeAlias = tuple[bytes, tuple[Block, ...], bytes, int]
"""Codes of counted parts, blocks of statistics, codes of operations, and how many parts."""


@lru_cache(maxsize=64)
def _columns(blocks: tuple[Block, ...], architectures: tuple[Architecture, ...]) -> Decided:
    """Return what decides the columns."""
    # It is the same in every memory of these blocks; the last one has most likely met the architectures.
    memory = _LAST.get(blocks) or _memory(blocks, (), b"", 0)
    at = memory.find(architectures)
    _, labels, _ = memory.labels.of(at)
    operations = memory.names.codes(labels)
    if len(operations) > MOST_LABELS:
        codes = np.fromiter(memory.names.known, np.uint64)
        known, times = np.unique(codes[labels], return_counts=True)
        operations = np.sort(known[np.argsort(-times, kind="stable")[:MOST_LABELS]])
    vocabulary = memory.codes.codes(memory.counted.of(at)[1])
    parts = max(memory.count[i] for i in at)
    statistics: tuple[Block, ...] = ()
    if parts <= MOST_PARTS and len(operations):
        several = any(memory.forked[i] for i in at)
        statistics = tuple(b for b in blocks if b in STATISTICS and (several or b not in OF_SEVERAL))
    return vocabulary.tobytes(), statistics, operations.tobytes(), parts if statistics else 0


@lru_cache(maxsize=FRAMES)
def _frame(
    blocks: tuple[Block, ...],
    vocabulary: bytes,
    statistics: tuple[Block, ...],
    operations: bytes,
    parts: int,
) -> Frame:
    memory = _LAST[blocks] = _memory(blocks, statistics, operations, parts)
    return Frame(memory, np.frombuffer(vocabulary, np.uint64))


_LAST: Final[dict[tuple[Block, ...], Memory]] = {}


@final
class Frame:
    """The columns of a fit. `blocks`: the name and the columns of each block; `width`: the number of columns.

    Statistics of several paths are left out where no training architecture has two.
    """

    def __init__(self, memory: Memory, vocabulary: Codes) -> None:
        self.memory = memory
        self.vocabulary = vocabulary
        self.blocks: list[tuple[str, slice]] = []
        self.width = 0
        counted: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
        self._place = np.zeros(len(memory.blocks), np.intp)  # of a counted block, among those of the fit
        for number, block in enumerate(memory.blocks):
            if block in memory.rows:
                width = memory.rows[block].shape[1]
            elif block in STATISTICS:
                continue
            else:
                self._place[number] = len(self.blocks)
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
        if (size := len(self.memory.count)) > len(self._known):
            self._known, self._rows, self._outside = (
                _roomy(array, size) for array in (self._known, self._rows, self._outside)
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
            self._block = self._place[(codes >> np.uint64(59)).astype(np.intp)]
        row, part, times = memory.counted.of(at)
        column = self._column[part]
        known = column >= 0
        self._rows[at[row[known]], column[known]] = times[known]
        other = ~known
        place = row[other] * len(self.blocks) + self._block[part[other]]
        lost = np.bincount(place, times[other] ** 2, len(at) * len(self.blocks))
        self._outside[at] = lost.reshape(len(at), len(self.blocks))
        for name, columns in self.blocks:
            if name in memory.rows:
                self._rows[at, columns] = memory.rows[name][at]
        self._known[at] = True


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
