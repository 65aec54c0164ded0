"""Many simplified graphs as padded arrays; flat topologies become arrays without building a graph each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture, Constructor, Topology
from morphogen.graph import Graph

Codes = NDArray[np.uint64]

ABSENT: Final = 0
"""The code of a place where a graph has no vertex."""


@lru_cache(maxsize=1 << 14)
def code_of(label: str) -> int:
    """Return the code (63 bits, not 0) that stands for a label in every process."""
    code = int.from_bytes(hashlib.blake2b(label.encode(), digest_size=8).digest(), "little") >> 1 | 1
    _LABELS[code] = label
    return code


_LABELS: Final[dict[int, str]] = {}
"""The label of each code that was made."""


@lru_cache(maxsize=1 << 14)
def words_of(code: int) -> frozenset[int]:
    """Return codes of the words of the label that a code was made of: of `block_wide_down` block, wide and down."""
    label = _LABELS[code]
    return frozenset(map(code_of, re.findall(r"[^\W\d_]+|\d+(?:x\d+)*", label) or [label]))


OUTPUT: Final = code_of("output")


@final
@dataclass(frozen=True, slots=True)
class GraphBatch:
    """n graphs of at most v vertices, inputs first, the output last, each vertex after its sources.

    labels `[n, v]`: codes, `ABSENT` where there is no vertex. sources `[v, s, n]`: the vertices that are
    summed, one a slot (a vertex that is added twice fills two slots), v where the slot is empty. inputs `[n]`:
    their number. ends `[n]`: the output's place. owner, part `[n]`: the row of the architecture that the graph
    belongs to, and which of its independent parts it is.
    """

    labels: Codes
    sources: NDArray[np.intp]
    inputs: NDArray[np.intp]
    ends: NDArray[np.intp]
    owner: NDArray[np.intp]
    part: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.labels)


def batches(architectures: Sequence[Architecture], *, cells: int = 1 << 19) -> Iterator[GraphBatch]:
    """Yield the graphs of all parts of all architectures, like sizes together, about `cells` vertices at most."""
    flat: dict[Topology, list[tuple[int, int, Architecture]]] = {}
    nested: list[tuple[int, int, Graph]] = []
    for owner, architecture in enumerate(architectures):
        for number, part in enumerate(parts_of(architecture)):
            if isinstance(part.terminal, Topology) and not any(a.args for a in part.args):
                flat.setdefault(part.terminal, []).append((owner, number, part))
            else:
                nested.append((owner, number, part.graph))
    for topology, rows in flat.items():
        step = max(1, cells // (len(topology.edges) + 2))
        for i in range(0, len(rows), step):
            yield _flat(topology, rows[i : i + step])
    nested.sort(key=lambda row: len(row[2].labels))
    while nested:
        size = len(nested[-1][2].labels) + 1
        step = max(1, cells // size)
        yield _padded(nested[-step:], size)
        del nested[-step:]


def parts_of(architecture: Architecture) -> tuple[Architecture, ...]:
    """Return the independent parts of an architecture: the arguments of a constructor, else itself."""
    if isinstance(architecture.terminal, Constructor):
        return tuple(part for argument in architecture.args for part in parts_of(argument))
    return (architecture,)


def _padded(rows: Sequence[tuple[int, int, Graph]], size: int) -> GraphBatch:
    slots = max(1, max(len(s) for _, _, g in rows for s in (*g.predecessors, g.output)))
    labels = np.full((len(rows), size), ABSENT, np.uint64)
    sources = np.full((size, slots, len(rows)), size, np.intp)
    for i, (_, _, graph) in enumerate(rows):
        end = len(graph.labels)
        labels[i, : end + 1] = [*map(code_of, graph.labels), OUTPUT]
        for v, terms in enumerate((*graph.predecessors, graph.output)):
            sources[v, : len(terms), i] = terms
    return GraphBatch(
        labels,
        sources,
        np.array([g.inputs for _, _, g in rows]),
        np.array([len(g.labels) for _, _, g in rows]),
        np.array([owner for owner, _, _ in rows]),
        np.array([part for _, part, _ in rows]),
    )


def _flat(topology: Topology, rows: Sequence[tuple[int, int, Architecture]]) -> GraphBatch:
    """Resolve zeros and identities of cells that differ in their primitives only; vertex 1 + e is edge e."""
    edges, n = topology.edges, len(rows)
    names = {a.terminal.name for _, _, part in rows for a in part.args}
    coded = {name: code_of(name) for name in names}
    operations = np.array(
        [[coded[a.terminal.name] for a in part.args] for _, _, part in rows], np.uint64
    ).reshape(n, len(edges))
    identity = operations == code_of("identity")
    working = ~identity & (operations != code_of("zero"))
    # terms[node][i, u]: how often node sums vertex u; the same for what each vertex reads, the output last.
    terms = np.zeros((topology.sink + 1, n, len(edges) + 1), np.int64)
    terms[1, :, 0] = 1
    reads = np.zeros((len(edges) + 2, n, len(edges) + 1), np.int64)
    for e, (source, target) in enumerate(edges):
        here = terms[source]
        live = working[:, e] & here.any(axis=1)
        reads[1 + e] = here * live[:, None]
        terms[target] += here * identity[:, e, None]
        terms[target, :, 1 + e] += live
    reads[-1] = terms[topology.sink]
    needed = reads[-1] > 0
    for e in range(len(edges) - 1, -1, -1):
        reads[1 + e] *= needed[:, 1 + e, None]
        needed |= reads[1 + e] > 0
    labels = np.full((n, len(edges) + 2), ABSENT, np.uint64)
    labels[:, 0], labels[:, -1] = code_of("input0"), OUTPUT
    labels[:, 1:-1] = np.where(needed[:, 1:], operations, ABSENT)
    owner, part = np.array([row[:2] for row in rows]).T
    full = np.full(n, 1)
    return GraphBatch(labels, _slots(reads), full, full * (len(edges) + 1), owner, part)


def _slots(reads: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return slots `[v, s, n]` of multiplicities `[v, n, u]`."""
    size, n, _ = reads.shape
    vertex, row, source = np.nonzero(reads)
    repeated = np.repeat(np.arange(len(vertex)), reads[vertex, row, source])
    vertex, row, source = vertex[repeated], row[repeated], source[repeated]
    group = vertex * n + row  # sorted, as nonzero walks in this order
    slot = np.arange(len(group)) - np.searchsorted(group, group)
    slots = np.full((size, int(slot.max(initial=0)) + 1, n), size, np.intp)
    slots[vertex, slot, row] = source
    return slots
