"""Architectures as arrays: one-hot decisions, operation counts, paths, adjacency, Weisfeiler-Lehman features.

Encoders return dense arrays with one row an architecture. Those that read the graph give isomorphic
architectures equal rows; the one-hot encoding reads the derivation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture, Constructor
from morphogen.graph import Graph
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Path, Space, walk

Floats = NDArray[np.float64]

WIDEST = 200_000
"""Columns beyond which a one-hot encoding is refused, and paths beyond which a path encoding is."""


@final
@dataclass(frozen=True)
class Vocabulary:
    """The columns of a feature encoding; what is not in it is left out."""

    names: tuple[Hashable, ...]

    @classmethod
    def of(cls, features: Iterable[Counter[Hashable]]) -> Vocabulary:
        """Return all features that occur, in a fixed order."""
        return cls(tuple(sorted({name for counter in features for name in counter}, key=repr)))

    def array(self, features: Sequence[Counter[Hashable]]) -> Floats:
        """Return counts `[n, columns]`."""
        column = {name: i for i, name in enumerate(self.names)}
        array = np.zeros((len(features), len(column)))
        for row, counter in enumerate(features):
            for name, times in counter.items():
                if name in column:
                    array[row, column[name]] = times
        return array


def one_hot(space: Space, architectures: Sequence[Architecture]) -> Floats:
    """Return `[n, decisions]`: a column for each alternative of each place where the grammar leaves a choice.

    Raises:
        SpaceError: a space with too many places (use Weisfeiler-Lehman features there).
    """
    columns = {name: i for i, name in enumerate(_places(space))}
    array = np.zeros((len(architectures), len(columns)))
    for row, architecture in enumerate(architectures):
        space.check(architecture)
        for path, symbol, chosen, _ in walk(space, architecture):
            column = columns.get((path, symbol, chosen))
            if column is not None:
                array[row, column] = 1
    return array


def _places(space: Space) -> list[tuple[Path, int, int]]:
    compiled = space.compiled
    found: dict[tuple[Path, int, int], None] = {}
    seen: set[tuple[Path, int]] = {((), compiled.root)}
    todo: list[tuple[Path, int, int | None]] = [((), compiled.root, compiled.room)]
    while todo:
        path, symbol, room = todo.pop()
        choices = compiled.symbols[symbol].choices
        for index, choice in enumerate(choices):
            if not space.table.shares(symbol, index, room):
                continue
            if len(choices) > 1:
                found[path, symbol, index] = None
            for position, child in enumerate(choice.children):
                place = ((*path, position), child)
                if place not in seen:
                    seen.add(place)
                    todo.append((*place, None if room is None else room - 1))
        if len(found) > WIDEST:
            raise SpaceError(
                f"{space.name} has over {WIDEST:,} alternatives in all places: too many for one-hot columns"
            )
    return sorted(found)


def operation_counts(space: Space, architectures: Sequence[Architecture]) -> Floats:
    """Return `[n, operations]`: how often each of `space.operations` stands in the simplified graph."""
    names = [name for name in space.operations if name not in ("identity", "zero")]
    return Vocabulary(tuple(names)).array([Counter(_labels(a)) for a in architectures])


def _labels(architecture: Architecture) -> list[Hashable]:
    return [label for graph in graphs(architecture) for label in graph.labels[graph.inputs :]]


def graphs(architecture: Architecture) -> tuple[Graph, ...]:
    """Return the graph of an architecture; of a constructor, the graphs of its parts in order."""
    if isinstance(architecture.terminal, Constructor):
        return tuple(graph for part in architecture.args for graph in graphs(part))
    return (architecture.graph,)


def _features(read: Callable[[Graph], Counter[Hashable]]) -> Callable[[Architecture], Counter[Hashable]]:
    def features(architecture: Architecture) -> Counter[Hashable]:
        parts = graphs(architecture)
        if len(parts) == 1:
            return read(parts[0])
        return Counter({(i, name): n for i, part in enumerate(parts) for name, n in read(part).items()})

    return features


def _graph_paths(graph: Graph) -> Counter[Hashable]:
    ways: list[Counter[Hashable]] = []
    for vertex, label in enumerate(graph.labels):
        here: Counter[Hashable] = Counter()
        if vertex < graph.inputs:
            here[(label,)] = 1
        for source in graph.predecessors[vertex]:
            for path, times in ways[source].items():
                here[(*path, label)] += times  # type: ignore[misc]
        if len(here) > WIDEST:
            raise SpaceError("too many paths for a path encoding; use Weisfeiler-Lehman features")
        ways.append(here)
    total: Counter[Hashable] = Counter()
    for vertex in graph.output:
        total.update(ways[vertex])
    return total


def path_features(architectures: Sequence[Architecture]) -> list[Counter[Hashable]]:
    """Return for each architecture its input-output paths, as sequences of labels, with multiplicity."""
    return [_features(_graph_paths)(a) for a in architectures]


def wl_features(architectures: Sequence[Architecture], rounds: int = 2) -> list[Counter[Hashable]]:
    """Return Weisfeiler-Lehman features: each vertex's label, then the labels round it, `rounds` times.

    The inner product of two counters is the Weisfeiler-Lehman kernel (Shervashidze et al. 2011). The
    neighbourhood of a vertex is what flows into it and what it flows into, told apart.
    """

    def read(graph: Graph) -> Counter[Hashable]:
        predecessors = [*graph.predecessors, graph.output]
        successors: list[list[int]] = [[] for _ in predecessors]
        for vertex, sources in enumerate(predecessors):
            for source in sources:
                successors[source].append(vertex)
        labels: list[Hashable] = [*graph.labels, "output"]
        found: Counter[Hashable] = Counter((0, label) for label in labels)
        for turn in range(1, rounds + 1):
            labels = [
                (
                    label,
                    tuple(sorted([labels[p] for p in predecessors[v]], key=repr)),
                    tuple(sorted([labels[s] for s in successors[v]], key=repr)),
                )
                for v, label in enumerate(labels)
            ]
            found.update((turn, label) for label in labels)
        return found

    return [_features(read)(a) for a in architectures]


def adjacency(architectures: Sequence[Architecture]) -> tuple[Floats, NDArray[np.str_]]:
    """Return matrices `[n, v, v]` and labels `[n, v]` of the simplified graphs, inputs first, output last.

    Entry `[i, a, b]` says how often vertex b sums vertex a. Smaller graphs are padded with zeros and empty
    labels. Vertices stand in canonical order, which is topological; parts of a constructor follow each other.
    """
    listed = [[graph.canonical() for graph in graphs(architecture)] for architecture in architectures]
    size = max((sum(len(g.labels) + 1 for g in parts) for parts in listed), default=0)
    matrices = np.zeros((len(listed), size, size))
    labels = [[""] * size for _ in listed]
    for row, parts in enumerate(listed):
        first = 0
        for graph in parts:
            for vertex, sources in enumerate([*graph.predecessors, graph.output]):
                labels[row][first + vertex] = [*graph.labels, "output"][vertex]
                for source in sources:
                    matrices[row, first + source, first + vertex] += 1
            first += len(graph.labels) + 1
    return matrices, np.array(labels, dtype=np.str_).reshape(len(listed), size)
