"""What graphs have to tell a predictor: counted parts, and statistics of the paths within sets of operations.

Everything is invariant: isomorphic graphs give equal numbers. Codes of counted parts are the same in every
process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.predictors.graph_batch import ABSENT, Codes, GraphBatch, words_of

Parts: TypeAlias = tuple[NDArray[np.intp], Codes]
"""Counted parts of a batch: the row and the code of each occurrence."""

MOST_PATHS: Final = 256
"""A graph with more input-output paths than this has no paths counted."""


def mix(*codes: Codes | int) -> Codes:
    """Return one code for a sequence of codes (the finalizer of SplitMix64, Steele et al. 2014)."""
    mixed = np.zeros(1, np.uint64)
    for code in codes:
        mixed = (mixed ^ np.asarray(code, np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return mixed


@final
@dataclass(frozen=True)
class Reading:
    """A batch with what several blocks need of it: who is an operation, who reads whom, and the distances."""

    batch: GraphBatch
    working: NDArray[np.bool_]
    reader: NDArray[np.intp]
    row: NDArray[np.intp]
    source: NDArray[np.intp]
    after: NDArray[np.int64]
    before: NDArray[np.int64]

    @classmethod
    def of(cls, batch: GraphBatch) -> Reading:
        """Read a batch. after `[n, v]`: longest way from an input; before: to the output, in terms."""
        n, size = batch.labels.shape
        working = batch.labels != ABSENT
        working &= np.arange(size) >= batch.inputs[:, None]
        working[np.arange(n), batch.ends] = False
        after = np.zeros((n, size), np.int64)
        before = np.zeros((n, size), np.int64)
        reader, slot, row = np.nonzero(batch.sources < size)
        source = batch.sources[reader, slot, row]
        starts = np.searchsorted(reader, np.arange(size + 1))
        for v in range(size):
            here = slice(starts[v], starts[v + 1])
            np.maximum.at(after[:, v], row[here], after[row[here], source[here]] + 1)
        for v in range(size - 1, -1, -1):
            here = slice(starts[v], starts[v + 1])
            np.maximum.at(before, (row[here], source[here]), before[row[here], v] + 1)
        return cls(batch, working, reader, row, source, after, before)


def counts(reading: Reading) -> Parts:
    """Count each operation, all operations, all terms of sums, and the operations on the longest path."""
    batch = reading.batch
    row, vertex = np.nonzero(reading.working)
    deep = np.maximum(reading.after[np.arange(len(batch)), batch.ends] - 1, 0)
    rows = np.concatenate([row, row, reading.row, np.repeat(np.arange(len(batch)), deep)])
    sizes = np.repeat(np.arange(1, 4, dtype=np.uint64), [len(row), len(reading.row), int(deep.sum())])
    return rows, np.concatenate([batch.labels[row, vertex], sizes])


def places(reading: Reading) -> Parts:
    """Count each operation with its longest distance from the input, and with that to the output."""
    row, vertex = np.nonzero(reading.working)
    label = reading.batch.labels[row, vertex]
    after = mix(label, 1, reading.after[row, vertex].astype(np.uint64))
    before = mix(label, 2, reading.before[row, vertex].astype(np.uint64))
    return np.concatenate([row, row]), np.concatenate([after, before])


def pairs(reading: Reading) -> Parts:
    """Count each operation with one that feeds it."""
    labels = reading.batch.labels
    return reading.row, mix(labels[reading.row, reading.source], labels[reading.row, reading.reader])


def histories(reading: Reading) -> Parts:
    """Count each operation with what a map has gone through before it, in no order.

    That is how often each word of the names of operations stands before it, at most, on a way from an input. So
    a kernel can tell a convolution before the second halving of a map from one behind it, wherever the two
    stand, and whether or not what halved it did more than that.
    """
    batch = reading.batch
    n, size = batch.labels.shape
    row, vertex = np.nonzero(reading.working)
    label = batch.labels[row, vertex]
    seen = mix(label, 3)
    starts = np.searchsorted(reading.reader, np.arange(size + 1))
    kinds = np.unique(label)
    named = [words_of(kind) for kind in kinds.tolist()]
    for word in sorted(frozenset().union(*named)):
        saying = kinds[[word in words for words in named]]
        most = np.zeros((n, size), np.int64)
        own = (reading.working & np.isin(batch.labels, saying)).astype(np.int64)
        for v in range(size):
            here = slice(starts[v], starts[v + 1])
            rows, source = reading.row[here], reading.source[here]
            np.maximum.at(most[:, v], rows, most[rows, source] + own[rows, source])
        times = most[row, vertex]
        # A sum of mixed codes stands for a multiset.
        seen = np.where(times > 0, seen + mix(word, times.astype(np.uint64)), seen)
    return row, seen


def paths(reading: Reading) -> Parts:
    """Count the input-output paths, each as the sequence of its operations; nothing where there are too many."""
    batch = reading.batch
    n, size = batch.labels.shape
    ways = np.zeros((size + 1, n))
    for v in range(size):
        ways[v] = (v < batch.inputs) + sum(ways[slot, np.arange(n)] for slot in batch.sources[v])
    kept = np.flatnonzero(ways[batch.ends, np.arange(n)] <= MOST_PATHS)
    # known[v]: rows and codes of the paths that end in vertex v
    found: list[Parts] = []
    position = np.full(n, -1)
    position[kept] = np.arange(len(kept))
    nothing = (np.zeros(0, np.intp), np.zeros(0, np.uint64))
    table: list[Parts] = []
    for v in range(size):
        start = np.flatnonzero((v < batch.inputs) & (position >= 0))
        rows, codes = [start], [batch.labels[start, v]]
        for slot in batch.sources[v]:
            for u in np.unique(slot[kept]) if len(kept) else ():
                if u == size:
                    continue
                reads = np.zeros(n, bool)
                reads[kept] = slot[kept] == u
                at, code = table[u]
                taken = reads[at]
                rows.append(at[taken])
                is_end = batch.ends[at[taken]] == v
                codes.append(np.where(is_end, code[taken], mix(code[taken], batch.labels[at[taken], v])))
        table.append((np.concatenate(rows), np.concatenate(codes)))
        at, code = table[v]
        done = batch.ends[at] == v
        found.append((at[done], code[done]))
    return tuple(map(np.concatenate, zip(nothing, *found, strict=True)))  # type: ignore[return-value]


def neighbourhoods(radius: int) -> Callable[[Reading], Parts]:
    """Return the block that counts the surroundings of radius `radius` of every vertex, inputs and output too."""

    def counted(reading: Reading) -> Parts:
        row, vertex = np.nonzero(reading.batch.labels != ABSENT)
        seen = reading.batch.labels
        for turn in range(1, radius + 1):
            below, above = np.zeros_like(seen), np.zeros_like(seen)
            # A sum of mixed codes stands for a multiset.
            np.add.at(below, (reading.row, reading.reader), mix(seen[reading.row, reading.source], turn))
            np.add.at(above, (reading.row, reading.source), mix(seen[reading.row, reading.reader], turn))
            seen = mix(seen, below, above)
        return row, seen[row, vertex]

    return counted


COUNTED: Final[dict[str, Callable[[Reading], Parts]]] = {
    "counts": counts,
    "places": places,
    "pairs": pairs,
    "histories": histories,
    "paths": paths,
    **{f"wl{radius}": neighbourhoods(radius) for radius in range(4)},
}


# --- path statistics within sets of operations (after GRAF, Kadlecova et al. 2024) ------------------------------------

STATISTICS: Final = {"shortest": 1, "longest": 1, "ways": 1, "sizes": 3, "spans": 3}
"""The blocks of path statistics, and how many numbers each has for a set."""

OF_SEVERAL: Final = ("shortest", "longest", "ways", "spans")
"""Those that on a single path say what its operations are, once more: there they are in the way of other blocks."""


def path_statistics(
    reading: Reading, labels: Codes, sets: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """Return for each graph and each set of operations (`sets[s, l]`: `labels[l]` is in set s) arrays `[n, k, s]`.

    Of the input-output paths whose operations are all in the set: shortest, 1 / (1 + length) of the shortest;
    longest, 1 + length of the longest; ways, log(1 + their number); 0 where there is none. sizes: operations of
    the set, those among them that read an input, and how often they stand in the output. spans: the largest and
    the smallest number of operations of the set on any input-output path, and log(1 + their sum over all paths).
    Where nothing reaches the output all are 0.
    """
    batch = reading.batch
    n, size = batch.labels.shape
    s = len(sets)
    rows = np.arange(n)
    order = np.argsort(labels)
    place = order[np.minimum(np.searchsorted(labels, batch.labels, sorter=order), len(labels) - 1)]
    kind = np.where(reading.working & (labels[place] == batch.labels), place, len(labels))
    member = np.concatenate([sets.T, np.zeros((1, s), bool)]).astype(np.float32)

    far = np.float32(1e9)
    # Of the paths to a vertex: shortest, - longest within the set; least, - most operations of the set; then
    # number within the set, sum of operations of the set, number of all. Empty slots point at the last row.
    least = np.full((size + 1, n, 4 * s), far, np.float32)
    total = np.zeros((size + 1, n, 2 * s + 1), np.float32)
    sizes = np.zeros((n, 3, s), np.float32)
    empty = (batch.sources == size).all(axis=2)
    for v in range(size):
        is_input = v < batch.inputs
        own = member[kind[:, v]]
        low, sums = least[v], total[v]
        low[is_input] = 0
        sums[is_input, :s] = 1
        sums[is_input, -1] = 1
        reads = np.zeros(n, bool)
        for slot in np.flatnonzero(~empty[v]):
            source = batch.sources[v, slot]
            np.minimum(low, least[source, rows], out=low)
            sums += total[source, rows]
            reads |= source < batch.inputs
        outside = reading.working[:, v, None] & (own == 0)
        low += np.concatenate([own, -own, own, -own], axis=1)
        low[:, : 2 * s][np.concatenate([outside, outside], axis=1)] = far
        sums[:, :s][outside] = 0
        sums[:, s:-1] += own * sums[:, -1:]
        sizes[:, 0] += own
        sizes[:, 1] += own * reads[:, None]
    for slot in batch.sources[batch.ends, :, rows].T:
        sizes[:, 2] += np.where((slot < size)[:, None], member[kind[rows, np.minimum(slot, size - 1)]], 0)
    low, sums = least[batch.ends, rows], total[batch.ends, rows]
    within, live = sums[:, :s] > 0, sums[:, -1:] > 0
    spans = [live * -low[:, 3 * s :], live * low[:, 2 * s : 3 * s], np.log1p(sums[:, s:-1])]
    return {
        "shortest": (within / (1 + np.where(within, low[:, :s], 0)))[:, None],
        "longest": (within * (1 - low[:, s : 2 * s]))[:, None],
        "ways": np.log1p(sums[:, None, :s]),
        "sizes": sizes,
        "spans": np.stack(spans, axis=1),
    }
