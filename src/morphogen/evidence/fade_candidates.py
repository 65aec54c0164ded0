"""Sets of candidates for test beds of FaDE: modules drawn by number, and a few made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, TypeAlias

import numpy as np

from morphogen.architecture import Architecture, Primitive, Topology
from morphogen.seeding import stream
from morphogen.spaces.dag_chain import adjacency, dags, module

Candidates: TypeAlias = tuple[tuple[Architecture, ...], ...]


def modules(row: Sequence[tuple[int, str]], operation: str = "linear_relu") -> tuple[Architecture, ...]:
    """Return the modules of DAGs given by their vertices and bits, with one operation on all edges."""
    return tuple(module(bits, size, operation) for size, bits in row)


PILOT_DAGS: Final = ((6, "100001000100101"), (2, "1"), (4, "111000"), (5, "1" * 10), (3, "000"))
"""A path of six vertices, one of two, a fork, a full DAG, three lone vertices."""

PILOT: Final = modules(PILOT_DAGS)
"""The candidates of the pilot."""


def _dag(rng: np.random.Generator) -> tuple[int, str]:
    """Draw a DAG: two to five vertices with equal probability, then its bits."""
    size = int(rng.integers(2, 6))
    return size, dags(size)[int(rng.integers(len(dags(size))))]


def random_rows(seed: int, depth: int, candidates: int = 5, operation: str = "linear_relu") -> Candidates:
    """Return random DAGs of two to five vertices (the number uniform, then the DAG), different at each position."""
    rng = stream(seed, "candidates")
    rows = []
    for _ in range(depth):
        row: dict[tuple[int, str], None] = {}
        while len(row) < candidates:
            row[_dag(rng)] = None
        rows.append(modules(tuple(row), operation))
    return tuple(rows)


@cache
def by_length() -> dict[int, dict[int, tuple[str, ...]]]:
    """Return the DAGs of two to six vertices by the operations on the longest way through their modules, and size."""
    found: dict[int, dict[int, tuple[str, ...]]] = {}
    for size in range(2, 7):
        for bits in dags(size):
            level = [0] * size
            for source, target in np.argwhere(adjacency(bits, size)).tolist():
                level[target] = max(level[target], level[source] + 1)
            row = found.setdefault(1 + max(level), {})
            row[size] = (*row.get(size, ()), bits)
    return found


def stretched_rows(seed: int, depth: int, candidates: int = 5) -> Candidates:
    """Return random DAGs (the size uniform, then the DAG) whose longest ways differ: five lengths out of six."""
    rng, table = stream(seed, "stretched"), by_length()
    rows = []
    for _ in range(depth):
        row = []
        for length in sorted(rng.choice(len(table), size=candidates, replace=False) + 1):
            size = sorted(table[length])[int(rng.integers(len(table[length])))]
            row.append((size, table[length][size][int(rng.integers(len(table[length][size])))]))
        rows.append(modules(row))
    return tuple(rows)


KINDS: Final = ("conv3x3_relu", "conv3x3_relu", "conv1x1_relu", "conv1x1_relu", "avg_pool")
"""What all edges of a module hold, where modules are of one kind each."""


def kind_rows(seed: int, depth: int) -> Candidates:
    """Return random DAGs of two to five vertices, each with one operation on all edges: see `KINDS`."""
    rng = stream(seed, "kinds")
    rows = []
    for _ in range(depth):
        row: dict[Architecture, None] = {}
        while len(row) < len(KINDS):
            size, bits = _dag(rng)
            row[module(bits, size, KINDS[len(row)])] = None
        rows.append(tuple(row))
    return tuple(rows)


def _convolutions(name: str, edges: str, operations: str) -> Architecture:
    """Return a module from its edges `1-2 2-3` and one letter an edge: c and i are 3x3 and 1x1, p is pooling."""
    ends = [edge.split("-") for edge in edges.split()]
    named = {"c": "conv3x3_relu", "i": "conv1x1_relu", "p": "avg_pool"}
    parts = tuple(Architecture(Primitive(named[letter])) for letter in operations)
    return Architecture(Topology(name, tuple((int(s), int(t)) for s, t in ends)), parts)


VARIED: Final = (
    _convolutions("one", "1-2", "c"),
    _convolutions("six", "1-2 2-3 3-4 4-5 5-6 6-7", "cccccc"),
    _convolutions("fork", "1-2 1-3 1-4 2-5 3-5 4-5", "cccccc"),
    _convolutions("points", "1-2 2-3 3-4", "iii"),
    _convolutions("pools", "1-2 2-3 3-4", "ppi"),
)
"""A 3x3 convolution; six in a row; a fork of six; three 1x1 in a row; two poolings and a 1x1 convolution."""
