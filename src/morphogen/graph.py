"""Directed acyclic graphs of operations, and their canonical form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Terms: TypeAlias = tuple[int, ...]
"""What an edge carries: the vertices whose outputs are summed, with multiplicity; the empty tuple is zero."""


MANY: Final = 32
"""So many copies of one vertex are one `sum` vertex; nested identities would else multiply without bound."""


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
        """Return a text that graphs share exactly if isomorphic (labels and input order respected)."""
        return _canonical(self)[0]

    def places(self) -> list[int]:
        """Return where each vertex stands in the canonical graph (the output comes last)."""
        return _canonical(self)[1]

    def canonical(self) -> Graph:
        """Return the isomorphic graph that all graphs with this certificate share, vertex for vertex."""
        colors = self.places()
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
        self._sums: dict[int, int] = {}

    def operation(self, label: str, terms: Terms) -> Terms:
        """Apply operation `label` to the sum of `terms`; an operation on nothing is nothing."""
        if not terms:
            return ()
        self.labels.append(label)
        self.predecessors.append(terms if len(terms) == 1 else tuple(sorted(terms)))
        return (len(self.labels) - 1,)

    def join(self, one: Terms, two: Terms) -> Terms:
        """Return the sum of two sums; exact, and the same for every order in which terms are joined."""
        terms = tuple(sorted(one + two))
        return terms if len(terms) < MANY else self._carried(Counter(terms))

    def _carried(self, counts: Counter[int]) -> Terms:
        # A multiplicity is a numeral to the base MANY: its digits are the vertex, its sum, the sum's sum ...
        vertex = 0
        while vertex < len(self.labels):
            copies, rest = divmod(counts[vertex], MANY)
            if copies:
                if vertex not in self._sums:
                    (self._sums[vertex],) = self.operation("sum", (vertex,) * MANY)
                counts[vertex] = rest
                counts[self._sums[vertex]] += copies
            vertex += 1
        return tuple(sorted(counts.elements()))

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
        place: dict[int, int] = {}
        for vertex, keep in enumerate(needed):
            if keep:
                place[vertex] = len(place)
        return Graph(
            self.inputs,
            tuple(self.labels[v] for v in place),
            tuple(tuple(sorted(place[p] for p in predecessors[v])) for v in place),
            tuple(sorted(place[v] for v in output)),
        )


# --- canonical form: colour refinement, then parts that nothing uneven joins, at last individualisation -----


def _canonical(graph: Graph) -> tuple[str, list[int]]:
    """Return the certificate and the place of each vertex in it (the output comes last)."""
    predecessors = [*graph.predecessors, graph.output]
    size = len(predecessors)
    labels = [*graph.labels, "output"]
    level = [0] * size
    for vertex, sources in enumerate(predecessors):
        for source in sources:
            if level[source] >= level[vertex]:
                level[vertex] = level[source] + 1
    # Level first, so that canonical order is a topological order and the text reads as a program.
    level[-1] = size
    levels: dict[int, list[int]] = {}
    for vertex, height in enumerate(level):
        levels.setdefault(height, []).append(vertex)
    places, start = [0] * size, 0
    for height in sorted(levels):  # what a vertex sums stands below it and has its place already
        if len(levels[height]) == 1:
            places[levels[height][0]] = start
        else:
            signed = sorted(
                [(labels[v], sorted([places[p] for p in predecessors[v]]), v) for v in levels[height]]
            )
            for index, (label, into, vertex) in enumerate(signed):
                same = index and (label, into) == signed[index - 1][:2]
                places[vertex] = places[signed[index - 1][2]] if same else start + index
        start += len(levels[height])
    order = _arrange(_refine(places, predecessors), predecessors)
    for place, vertex in enumerate(order):
        places[vertex] = place
    text = " ".join(
        [f"{labels[v]}[{','.join(map(str, sorted([places[p] for p in predecessors[v]])))}]" for v in order]
    )
    return text, places


def _classes(colors: Sequence[int]) -> dict[int, list[int]]:
    """Return the vertices of each colour."""
    classes: dict[int, list[int]] = {}
    for vertex, color in enumerate(colors):
        classes.setdefault(color, []).append(vertex)
    return classes


def _refine(colors: list[int], predecessors: Sequence[Sequence[int]]) -> list[int]:
    """Split colour classes by the colours around each vertex until nothing changes (Weisfeiler and Leman).

    The colour of a class is at least the number of vertices of smaller colours, and leaves room for its
    members: a class can split while all others keep their colours. Changes `colors` and returns it.
    """
    mixed = [members for members in _classes(colors).values() if len(members) > 1]
    if not mixed:
        return colors
    successors: list[list[int]] = [[] for _ in colors]
    for vertex, sources in enumerate(predecessors):
        for source in sources:
            successors[source].append(vertex)
    changed = True
    while changed:
        splits, whole = [], []
        for members in mixed:
            around: dict[tuple[Terms, Terms], list[int]] = {}
            for v in members:
                into = tuple(sorted([colors[p] for p in predecessors[v]]))
                out = tuple(sorted([colors[s] for s in successors[v]]))
                around.setdefault((into, out), []).append(v)
            if len(around) > 1:
                splits.append(around)
            else:
                whole.append(members)
        changed = bool(splits)
        for around in splits:
            color = None
            for signature in sorted(around):
                members = around[signature]
                color = colors[members[0]] if color is None else color
                for vertex in members:
                    colors[vertex] = color
                color += len(members)
                if len(members) > 1:
                    whole.append(members)
        mixed = whole
    return colors


def _arrange(
    colors: Sequence[int], predecessors: Sequence[Sequence[int]], *, greedy: bool = False
) -> list[int]:
    """Return the vertices in an order that all isomorphic coloured graphs share; `colors` must be refined.

    Where all vertices of one class send equally many edges to all of another, the colours alone tell these
    edges. Without them the graph falls into parts, and equal parts may change places: symmetric networks,
    which have many such parts, stay cheap. Only a part that does not fall apart is searched: each vertex of
    one class in turn is told apart from the others, and the smallest form counts. Two of them whose greedy
    descents (first vertex first) end in equal forms are images of each other: one of the two is searched.
    """
    order = sorted(range(len(colors)), key=colors.__getitem__)
    classes = _classes(colors)
    if len(classes) == len(colors):
        return order
    uneven = _without_even(colors, classes, predecessors)
    parts = _parts(uneven)
    found = []
    if len(parts) > 1:
        for part in parts:
            here = {vertex: i for i, vertex in enumerate(part)}
            sources = [[here[p] for p in uneven[v]] for v in part]
            within = _arrange([colors[v] for v in part], sources, greedy=greedy)
            order = [part[i] for i in within]
            found.append((_form(order, colors, uneven), order))
        place = {
            v: (colors[v], rank, i)
            for rank, (_, order) in enumerate(sorted(found))
            for i, v in enumerate(order)
        }
        return sorted(place, key=place.__getitem__)
    first = min(color for color, members in classes.items() if len(members) > 1)
    tried = set[Form]()
    for vertex in classes[first]:
        split = [color + (color == first and v != vertex) for v, color in enumerate(colors)]
        refined = _refine(split, uneven)
        order = _arrange(refined, uneven, greedy=True)
        if greedy:
            return order
        form = _form(order, colors, uneven)
        if form not in tried:
            tried.add(form)
            order = _arrange(refined, uneven)
            found.append((_form(order, colors, uneven), order))
    return min(found)[1]


Form: TypeAlias = tuple[tuple[int, Terms], ...]


def _form(order: Sequence[int], colors: Sequence[int], predecessors: Sequence[Sequence[int]]) -> Form:
    """Return what a coloured graph looks like in this order of its vertices."""
    place = {vertex: i for i, vertex in enumerate(order)}
    return tuple((colors[v], tuple(sorted([place[p] for p in predecessors[v]]))) for v in order)


def _without_even(
    colors: Sequence[int], classes: dict[int, list[int]], predecessors: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Return the predecessors without the edges between classes that join all their pairs equally often."""
    joined: dict[tuple[int, int], Counter[tuple[int, int]]] = {}
    for vertex, sources in enumerate(predecessors):
        for source in sources:
            joined.setdefault((colors[source], colors[vertex]), Counter())[source, vertex] += 1
    even = {
        (one, two)
        for (one, two), pairs in joined.items()
        if len(pairs) == len(classes[one]) * len(classes[two]) and len(set(pairs.values())) == 1
    }
    return [
        [source for source in sources if (colors[source], colors[vertex]) not in even]
        for vertex, sources in enumerate(predecessors)
    ]


def _parts(predecessors: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the vertices of each connected part."""
    part = list(range(len(predecessors)))
    members = [[vertex] for vertex in part]
    for vertex, sources in enumerate(predecessors):
        for source in sources:
            one, two = part[source], part[vertex]
            if one != two:
                for moved in members[one]:
                    part[moved] = two
                members[two] += members[one]
                members[one] = []
    return [found for found in members if found]
