"""Directed acyclic graphs of operations, and their canonical form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Terms: TypeAlias = tuple[int, ...]
"""What an edge carries: the vertices whose outputs are summed (with multiplicity). The empty tuple is zero."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations on vertices, in topological order, each applied to the sum of its predecessors.

    `labels[v]` names vertex v; the first `inputs` vertices are the inputs and carry no operation.
    `predecessors[v]` lists the vertices summed before operation v (a vertex that stands twice is added
    twice). `output` lists the vertices summed into the result; it is empty where no input reaches the output.
    """

    inputs: int
    labels: tuple[str, ...]
    predecessors: tuple[Terms, ...]
    output: Terms

    @property
    def connected(self) -> bool:
        """Whether the result depends on an input at all."""
        return bool(self.output)

    @property
    def operations(self) -> int:
        """Number of operations, without the inputs."""
        return len(self.labels) - self.inputs

    def certificate(self) -> str:
        """Return a text that two graphs share exactly if they are isomorphic (labels and input order respected)."""
        return _canonical(self)[0]

    def canonical(self) -> Graph:
        """Return the isomorphic graph that all graphs with this certificate share, vertex for vertex."""
        colors = _canonical(self)[1]
        order = sorted(range(len(self.labels)), key=colors.__getitem__)
        return Graph(
            self.inputs,
            tuple(self.labels[v] for v in order),
            tuple(tuple(sorted([colors[p] for p in self.predecessors[v]])) for v in order),
            tuple(sorted([colors[p] for p in self.output])),
        )


class GraphBuilder:
    """Grows a graph from its inputs; zero and identity vanish while it grows."""

    def __init__(self, inputs: int = 1) -> None:
        self.inputs = inputs
        self.labels = [f"input{i}" for i in range(inputs)]
        self.predecessors: list[Terms] = [() for _ in range(inputs)]

    def operation(self, label: str, terms: Terms) -> Terms:
        """Apply operation `label` to the sum of `terms`; an operation on nothing is nothing."""
        if not terms:
            return ()
        self.labels.append(label)
        self.predecessors.append(terms)
        return (len(self.labels) - 1,)

    def finish(self, output: Terms) -> Graph:
        """Return the graph of what reaches `output`; everything else is dropped."""
        predecessors = self.predecessors
        needed = bytearray(len(predecessors))
        for vertex in output:
            needed[vertex] = 1
        for vertex in range(len(predecessors) - 1, -1, -1):
            if needed[vertex]:
                for source in predecessors[vertex]:
                    needed[source] = 1
        for vertex in range(self.inputs):
            needed[vertex] = 1
        if all(needed):
            return Graph(self.inputs, tuple(self.labels), tuple(predecessors), tuple(sorted(output)))
        place = {}
        for vertex, keep in enumerate(needed):
            if keep:
                place[vertex] = len(place)
        return Graph(
            self.inputs,
            tuple(self.labels[v] for v in place),
            tuple(tuple(sorted(place[p] for p in predecessors[v])) for v in place),
            tuple(sorted(place[v] for v in output)),
        )


# --- canonical form: colour refinement, then individualisation where symmetric vertices remain -------------------


def _canonical(graph: Graph) -> tuple[str, list[int]]:
    """Return the certificate and the place of each vertex in it (the output comes last)."""
    predecessors = [*graph.predecessors, graph.output]
    size = len(predecessors)
    labels = [*graph.labels, "output"]
    successors: list[list[int]] = [[] for _ in range(size)]
    level = [0] * size
    for vertex, sources in enumerate(predecessors):
        for source in sources:
            successors[source].append(vertex)
            if level[source] >= level[vertex]:
                level[vertex] = level[source] + 1
    # Level first, so that canonical order is a topological order and the text reads as a program.
    level[-1] = size
    first = [(level[v], labels[v]) for v in range(size)]
    rank = {signature: i for i, signature in enumerate(sorted(set(first)))}
    colors = _refine([rank[s] for s in first], len(rank), predecessors, successors)
    return _smallest(colors, labels, predecessors, successors)


def _refine(
    colors: list[int],
    classes: int,
    predecessors: Sequence[Sequence[int]],
    successors: Sequence[Sequence[int]],
) -> list[int]:
    """Split colour classes by the colours around each vertex until nothing changes (Weisfeiler and Leman)."""
    size = len(colors)
    while classes < size:
        signatures = [
            (
                colors[v],
                tuple(sorted([colors[p] for p in predecessors[v]])),
                tuple(sorted([colors[s] for s in successors[v]])),
            )
            for v in range(size)
        ]
        ordered = sorted(set(signatures))
        if len(ordered) == classes:
            break
        classes = len(ordered)
        rank = {signature: i for i, signature in enumerate(ordered)}
        colors = [rank[s] for s in signatures]
    return colors


def _smallest(
    colors: list[int],
    labels: list[str],
    predecessors: Sequence[Sequence[int]],
    successors: Sequence[Sequence[int]],
) -> tuple[str, list[int]]:
    """Return the smallest text over all ways to break the remaining symmetries, and the places that give it.

    Two vertices of one class whose greedy descents end in equal texts are images of each other under an
    automorphism, so only one of them needs a full descent: symmetric networks stay cheap.
    """
    members = _symmetric(colors)
    if not members:
        return _text(colors, labels, predecessors), colors
    best, tried = ("", colors), set[str]()
    for vertex in members:
        split = _individualize(colors, vertex, predecessors, successors)
        greedy = split
        while rest := _symmetric(greedy):
            greedy = _individualize(greedy, rest[0], predecessors, successors)
        text = _text(greedy, labels, predecessors)
        if text in tried:
            continue
        tried.add(text)
        found = _smallest(split, labels, predecessors, successors)
        best = found if not best[0] else min(best, found)
    return best


def _symmetric(colors: list[int]) -> list[int]:
    """Return the vertices of the first colour class with more than one member, or nothing."""
    classes: dict[int, list[int]] = {}
    for vertex, color in enumerate(colors):
        classes.setdefault(color, []).append(vertex)
    if len(classes) == len(colors):
        return []
    return classes[min(color for color, members in classes.items() if len(members) > 1)]


def _individualize(
    colors: list[int], vertex: int, predecessors: Sequence[Sequence[int]], successors: Sequence[Sequence[int]]
) -> list[int]:
    split = [2 * color for color in colors]
    split[vertex] -= 1
    rank = {color: i for i, color in enumerate(sorted(set(split)))}
    return _refine([rank[c] for c in split], len(rank), predecessors, successors)


def _text(colors: list[int], labels: list[str], predecessors: Sequence[Sequence[int]]) -> str:
    order = sorted(range(len(colors)), key=colors.__getitem__)
    return " ".join(
        f"{labels[v]}[{','.join(map(str, sorted([colors[p] for p in predecessors[v]])))}]" for v in order
    )
