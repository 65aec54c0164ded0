"""An architecture, level by level: the graph of each part, in which the parts below are boxes with names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from string import ascii_uppercase
from typing import Final, Literal, NamedTuple, final

from morphogen.architecture import Architecture, Constructor, DartsCell, Pair, Primitive, Topology
from morphogen.spaces.space import Space

MOST: Final = 12
"""Parts that are drawn of a level."""

INLINE: Final = 3
"""Operations in a row that stand in one box."""

Kind = Literal["end", "sum", "part", "convolution", "pooling", "other"]


class Node(NamedTuple):
    """A vertex: a box with lines of text, the input or output, or a sum, which has no text."""

    lines: tuple[str, ...]
    kind: Kind


@final
@dataclass(frozen=True)
class Diagram:
    """A part: its name, what it is made by, and its graph; vertices in topological order."""

    name: str
    made_by: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    note: str = ""


@final
@dataclass(frozen=True)
class Level:
    """The different parts of one depth of the hierarchy, and how many more there are."""

    diagrams: tuple[Diagram, ...]
    left_out: int = 0


def levels(space: Space, architecture: Architecture) -> tuple[Level, ...]:
    """Return the levels of an architecture, the whole first; a part is drawn once, where it is met first."""
    naming = _Naming(space, architecture)
    found: list[Level] = []
    path, whole = naming.unwrapped((), architecture)
    around = [architecture.at(path[:depth]).terminal.name for depth in range(len(path))]
    parts: dict[str, tuple[tuple[int, ...], Architecture]] = {str(whole): (path, whole)}
    known = set(parts)
    while parts:
        drawn, below = [], dict[str, tuple[tuple[int, ...], Architecture]]()
        for place, part in parts.values():
            drawn.append(_drawn(naming, place, part))
            for deeper, child in naming.children(place, part):
                if str(child) not in known and not in_a_box(child):
                    below.setdefault(str(child), (deeper, child))
        if around and not found:
            drawn[0] = replace(drawn[0], made_by=" in ".join([drawn[0].made_by, *around[::-1]]))
        found.append(Level(tuple(drawn[:MOST]), max(0, len(drawn) - MOST)))
        known |= below.keys()
        parts = below
    alone = {f"{family} A": family for family, known in naming.letters.items() if len(known) == 1}
    return tuple(Level(tuple(_renamed(d, alone) for d in level.diagrams), level.left_out) for level in found)


def _renamed(diagram: Diagram, names: dict[str, str]) -> Diagram:
    nodes = (
        node._replace(lines=tuple(names.get(line, line) for line in node.lines)) for node in diagram.nodes
    )
    return replace(diagram, name=names.get(diagram.name, diagram.name), nodes=tuple(nodes))


def drawn_part(space: Space, architecture: Architecture, path: tuple[int, ...]) -> Diagram:
    """Return the graph of the part of an architecture that stands at `path`."""
    naming = _Naming(space, architecture)
    return _drawn(naming, *naming.unwrapped(path, architecture.at(path)))


@dataclass
class _Naming:
    """Names of parts: the nonterminal that they were derived from, and a letter for each different one."""

    space: Space
    architecture: Architecture
    nonterminals: dict[tuple[int, ...], str] = field(init=False)
    letters: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = self.space.decisions(self.architecture)
        # Of several rules that lead through each other at one place, the outermost names it.
        self.nonterminals = {decision.path: decision.nonterminal for decision in reversed(found)}

    def name(self, path: tuple[int, ...], part: Architecture) -> str:
        family = self.nonterminals.get(path, part.terminal.name)
        known = self.letters.setdefault(family, {})
        return f"{family} {known.setdefault(str(part), _letter(len(known)))}"

    def unwrapped(self, path: tuple[int, ...], part: Architecture) -> tuple[tuple[int, ...], Architecture]:
        """Return what a part with one argument holds; such a part has no graph of its own."""
        while len(part.args) == 1 and not isinstance(part.terminal, DartsCell | Pair):
            path, part = (*path, 0), part.args[0]
        return path, part

    def children(
        self, path: tuple[int, ...], part: Architecture
    ) -> Iterator[tuple[tuple[int, ...], Architecture]]:
        for index, child in enumerate(part.args):
            place, inner = self.unwrapped((*path, index), child)
            if isinstance(inner.terminal, Pair):
                yield from self.children(place, inner)
            else:
                yield place, inner


def _letter(number: int) -> str:
    """Return A ... Z, AA, AB ..."""
    high, low = divmod(number, 26)
    return (_letter(high - 1) if high else "") + ascii_uppercase[low]


def in_a_box(part: Architecture) -> bool:
    """Whether a part is one operation, or a few in a row, so that a box holds it."""
    if not part.args:
        return True
    plain = isinstance(part.terminal, Topology) and part.terminal.name == "chain"
    return plain and len(part.args) <= INLINE and not any(_simple(arg).args for arg in part.args)


def _simple(part: Architecture) -> Architecture:
    while len(part.args) == 1:
        part = part.args[0]
    return part


def _kind(name: str) -> Kind:
    for kind, words in {"convolution": ("conv", "linear", "block"), "pooling": ("pool",)}.items():
        if any(word in name for word in words):
            return kind  # type: ignore[return-value]
    return "other"


# --- the graph of one part ------------------------------------------------------------------------------------------


@dataclass
class _Sketch:
    """A graph that grows; vertices may be dropped and passed over before it is numbered."""

    nodes: dict[int, Node] = field(default_factory=dict)
    edges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, *lines: str, kind: Kind) -> int:
        self.nodes[len(self.nodes)] = Node(lines, kind)
        return len(self.nodes) - 1

    def finish(
        self, starts: set[int], end: int, *, whole: bool
    ) -> tuple[tuple[Node, ...], tuple[tuple[int, int], ...]]:
        """Return what lies on a path from a start to the end; a sum of one thing is passed over unless `whole`."""
        forth, back = _reached(self.edges, starts), _reached([(t, s) for s, t in self.edges], {end})
        kept = (forth & back) | starts | {end}
        edges = [(s, t) for s, t in self.edges if s in kept and t in kept]
        for vertex in list(kept):
            into = [e for e in edges if e[1] == vertex]
            out = [e for e in edges if e[0] == vertex]
            if not whole and self.nodes[vertex].kind == "sum" and len(into) == len(out) == 1:
                kept.remove(vertex)
                edges = [e for e in edges if vertex not in e] + [(into[0][0], out[0][1])]
        order = _topological(kept, edges)
        place = {vertex: number for number, vertex in enumerate(order)}
        return tuple(self.nodes[v] for v in order), tuple(sorted((place[s], place[t]) for s, t in edges))


def _reached(edges: list[tuple[int, int]], starts: set[int]) -> set[int]:
    found, todo = set(starts), list(starts)
    while todo:
        at = todo.pop()
        for source, target in edges:
            if source == at and target not in found:
                found.add(target)
                todo.append(target)
    return found


def _topological(vertices: set[int], edges: list[tuple[int, int]]) -> list[int]:
    waiting = {v: sum(t == v for _, t in edges) for v in vertices}
    order: list[int] = []
    ready = sorted(v for v in vertices if not waiting[v])
    while ready:
        at = ready.pop(0)
        order.append(at)
        for _, target in (e for e in edges if e[0] == at):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def _drawn(naming: _Naming, path: tuple[int, ...], part: Architecture) -> Diagram:
    terminal, name = part.terminal, naming.name(path, part)
    children = [naming.unwrapped((*path, index), child) for index, child in enumerate(part.args)]
    sketch, note, bare = _Sketch(), "", False
    both = isinstance(terminal, DartsCell)
    starts = {sketch.add(*(("two cells", "before") if both else ("input",)), kind="end")}
    if both:
        starts.add(sketch.add("the cell", "before", kind="end"))
        end = _darts(sketch, part)
    elif isinstance(terminal, Topology):
        alike = {str(child) for _, child in children}
        bare = len(alike) == 1 and not children[0][1].args and terminal.sink < len(children)
        end = _topology(sketch, naming, terminal, children, bare=bare)
        note = f"on each edge: {alike.pop()}" if bare else ""
    elif isinstance(terminal, Constructor):
        end = starts.copy().pop()
        note = "" if terminal.name.endswith("chain") else f"the parts of {terminal.name}, not in a row"
        for place, child in children:
            box = _box(sketch, naming, place, child)
            sketch.edges.append((end, box))
            end = box
        if note:
            nodes = tuple(sketch.nodes.values())[1:]
            return Diagram(name, terminal.name, nodes, (), note)
        output = sketch.add("output", kind="end")
        sketch.edges.append((end, output))
        end = output
    else:
        box = _box(sketch, naming, path, part)
        end = sketch.add("output", kind="end")
        sketch.edges += [(0, box), (box, end)]
    nodes, edges = sketch.finish(starts, end, whole=bare)
    if not any(target == len(nodes) - 1 for _, target in edges):
        note = "nothing reaches its output"
    return Diagram(name, terminal.name, nodes, edges, note)


def _box(sketch: _Sketch, naming: _Naming, path: tuple[int, ...], part: Architecture) -> int:
    if not part.args:
        return sketch.add(part.terminal.name, kind=_kind(part.terminal.name))
    if in_a_box(part):
        lines = [_simple(arg).terminal.name for arg in part.args]
        return sketch.add(*lines, kind=_kind(" ".join(lines)))
    return sketch.add(naming.name(path, part), kind="part")


def _topology(
    sketch: _Sketch,
    naming: _Naming,
    terminal: Topology,
    children: list[tuple[tuple[int, ...], Architecture]],
    *,
    bare: bool,
) -> int:
    """Draw nodes as sums and what is on the edges as boxes; identities are lines, zeros are not there."""
    sums = {1: 0} | {node: sketch.add(kind="sum") for node in range(2, terminal.sink)}
    sums[terminal.sink] = sketch.add("output", kind="end")
    for (source, target), (path, child) in zip(terminal.edges, children, strict=True):
        if isinstance(child.terminal, Primitive) and child.terminal.name == "zero":
            continue
        if bare or (isinstance(child.terminal, Primitive) and child.terminal.name == "identity"):
            sketch.edges.append((sums[source], sums[target]))
            continue
        box = _box(sketch, naming, path, child)
        sketch.edges += [(sums[source], box), (box, sums[target])]
    return sums[terminal.sink]


def _darts(sketch: _Sketch, part: Architecture) -> int:
    states = [0, 1]
    for pair in part.args:
        terminal = pair.terminal
        assert isinstance(terminal, Pair)
        total = sketch.add(kind="sum")
        for operation, state in zip(pair.args, (terminal.first, terminal.second), strict=True):
            if operation.terminal.name == "identity":
                sketch.edges.append((states[state], total))
            elif operation.terminal.name != "zero":
                box = sketch.add(operation.terminal.name, kind=_kind(operation.terminal.name))
                sketch.edges += [(states[state], box), (box, total)]
        states.append(total)
    end = sketch.add("all sums joined", kind="end")
    sketch.edges += [(state, end) for state in states[2:]]
    return end
