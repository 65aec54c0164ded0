"""Architectures as classes: one a part of the derivation, each with a forward pass that says what it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar, final

from morphogen.architecture import Architecture, Primitive, Topology
from morphogen.graph import Graph
from morphogen.networks.cells import Cell
from morphogen.networks.layers import Chain
from morphogen.networks.operations import VANISHING, operation
from morphogen.networks.source.code import Call, Class, Width
from morphogen.networks.source.layers import (
    Place,
    Written,
    below,
    camel,
    in_row,
    operation_step,
    outward,
    placed,
    snake,
)
from morphogen.networks.source.wiring import Term, Value, Wiring, forward, of_graph, simplified

PartT = TypeVar("PartT")
Path: TypeAlias = tuple[int, ...]

FEW: Final = 4
"""A row of at most so many plain operations is called by their names."""

ABOUT: Final = {
    "chain": "its parts one after the other",
    "residual": "a way through and a shortcut, summed",
    "branch": "parallel ways through, summed",
    "cell": "each node sums operations on the nodes before it",
}


class Assembled(NamedTuple):
    """The inside of a class: its attributes, the lines of its forward pass, and what leaves it."""

    fields: tuple[tuple[str, Written], ...]
    forward: tuple[str, ...]
    after: Place


def assembled(
    wiring: Wiring[PartT],
    inputs: Sequence[str],
    places: Sequence[Place],
    write: Callable[[PartT, Place], Written],
) -> Assembled:
    """Return the parts of a wiring as attributes; `places` are those of the inputs, inside the class."""
    found = list(places)
    steps: dict[PartT, Written] = {}
    for value in wiring.values:
        after = []
        for part, reads in value.terms:
            if part is None:
                after.append(found[reads])
            else:
                steps[part] = write(part, found[reads])
                after.append(steps[part].after)
        found.append(_lined_up(after) if value.joins else after[0])
    names = numbered([step.attribute for step in steps.values()])
    lines = forward(wiring, dict(zip(steps, names, strict=True)), inputs)
    after_all = found[0] if wiring.output is None else found[wiring.output]
    return Assembled(tuple(zip(names, steps.values(), strict=True)), lines, after_all)


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names, with numbers where several are equal."""
    counts = Counter(names)
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(f"{name}_{seen[name]}" if counts[name] > 1 else name)
    return unique


def _lined_up(places: Sequence[Place]) -> Place:
    """Return what several maps are when they are joined along the channels."""
    first = places[0]
    channels = sum(place.shape.channels for place in places)
    widths = {place.width.name: sum(p.width.factor for p in places) for place in places}
    width = Width(*next(iter(widths.items()))) if len(widths) == 1 else Width("", channels)
    return Place(first.shape._replace(channels=channels), width, first.flat, first.named)


@final
@dataclass(frozen=True)
class Blocks:
    """Writes the graphs of one network by the derivations they come from.

    parts: for each graph its derivation, and the path to it from the root of the architecture. symbols: for
    paths the nonterminals that were replaced there; they name the classes.
    """

    parts: Mapping[Graph, tuple[Architecture, Path]]
    symbols: Mapping[Path, str]

    def __call__(self, cell: Cell, place: Place) -> list[Written]:
        """Return the parts of a cell: one class, the parts of the row that it is, none for the identity."""
        part, path = self.parts.get(cell.graph, (None, ()))
        joins = any(operation(label).joins for label in cell.graph.labels[cell.graph.inputs :])
        if part is None or joins or not isinstance(part.terminal, Topology):
            return [self.flat("Cell", ABOUT["cell"], cell, place)]
        old = _vertices(part, path)
        wiring = self._wiring(part, path)
        if not wiring.parts and wiring.output == 0:
            return []
        if not (wiring.straight and path == ()):
            return [self._block(part, path, place, old)]
        row = []
        for child in wiring.parts:
            row.append(self._child(part, path, child, place, old))
            place = row[-1].after
        return row

    def flat(self, base: str, about: str, cell: Cell, place: Place) -> Written:
        """Return a cell of one input as one class of operations, whatever it comes from."""
        inner = place.inside()
        inside = self.operations(cell, ("x",), (inner,))
        fields = tuple((name, step.call) for name, step in inside.fields)
        module = Class(base, about, ((inner.argument, "int"),) if fields else (), fields, inside.forward)
        call = Call(module, (place.width,) if fields else ())
        return Written(call, outward(inside.after, place), placed(inside.fields), snake(base))

    def operations(self, cell: Cell, inputs: Sequence[str], places: Sequence[Place]) -> Assembled:
        """Return the operations of a cell in their canonical order, which is that of its module."""
        graph = cell.graph.canonical()
        joins = [operation(label).joins for label in graph.labels[graph.inputs :]]

        def write(vertex: int, place: Place) -> Written:
            step = operation_step(graph.labels[vertex], place, self)
            assert step is not None, graph.labels[vertex]
            return below(step, f"operations.{vertex - graph.inputs}")

        idle = {label for label in graph.labels[graph.inputs :] if operation(label).layer == Chain()}
        return assembled(of_graph(graph, joins, idle), inputs, places, write)

    def _wiring(self, part: Architecture, path: Path) -> Wiring[Path]:
        """Return what a topology sums where; a part is known by its path, and what does nothing is none."""
        assert isinstance(part.terminal, Topology)
        sums: list[list[Term[Path]]] = [[] for _ in range(part.terminal.sink)]
        for number, ((source, target), child) in enumerate(zip(part.terminal.edges, part.args, strict=True)):
            graph = child.graph
            idle = isinstance(child.terminal, Primitive) and (
                child.terminal.name in VANISHING or operation(child.terminal.name).layer == Chain()
            )
            if idle or not graph.operations:
                copies = 1 if graph.operations else len(graph.output)
                sums[target - 1] += [Term(None, source - 1)] * copies
            else:
                sums[target - 1].append(Term((*path, number), source - 1))
        values = [Value(tuple(terms)) for terms in sums[1:]]
        return simplified(1, values, part.terminal.sink - 1)

    def _block(self, part: Architecture, path: Path, place: Place, old: Mapping[Path, str]) -> Written:
        """Return a part of the derivation as one class; the part inside where there is only one."""
        wiring = self._wiring(part, path)
        if wiring.straight and len(wiring.parts) == 1:
            return self._child(part, path, wiring.parts[0], place, old)
        inner = place.inside()
        inside = assembled(
            wiring, ("x",), (inner,), lambda child, where: self._child(part, path, child, where, old)
        )
        base = camel(self.symbols.get(path, part.terminal.name))
        attribute = snake(base)
        about = ABOUT.get(part.terminal.name, f"{part.terminal.name}: {ABOUT['cell']}")
        if wiring.straight:
            plain = [part.at(child[len(path) :]).terminal for child in wiring.parts]
            if len(plain) <= FEW and all(isinstance(terminal, Primitive) for terminal in plain):
                base = "".join(camel(terminal.name) for terminal in plain)
                words = [terminal.name.removeprefix("bare_").replace("_", " ") for terminal in plain]
                about = ", ".join(words)
            parts = [step for _, step in inside.fields]
            return in_row(base, about, parts, inner, place)._replace(attribute=attribute)
        fields = tuple((name, step.call) for name, step in inside.fields)
        module = Class(base, about, ((inner.argument, "int"),) if fields else (), fields, inside.forward)
        call = Call(module, (place.width,) if fields else ())
        return Written(call, outward(inside.after, place), placed(inside.fields), attribute)

    def _child(
        self, parent: Architecture, above: Path, path: Path, place: Place, old: Mapping[Path, str]
    ) -> Written:
        child = parent.at(path[len(above) :])
        if isinstance(child.terminal, Topology):
            return self._block(child, path, place, old)
        step = operation_step(child.terminal.name, place, self)
        assert step is not None
        return below(step, old[path])


def _vertices(part: Architecture, path: Path) -> dict[Path, str]:
    """Return for the path of each operation that is left in the graph of `part` its name in the module."""
    graph = part.graph
    places = graph.places()
    found = {}
    for vertex, label in enumerate(_tagged(part, path).graph.labels):  # the same graph, but for the labels
        _, mark, words = label.partition("@")
        if mark:
            place = tuple(int(word) for word in words.split(".") if word)
            found[place] = f"operations.{places[vertex] - graph.inputs}"
    return found


def _tagged(part: Architecture, path: Path) -> Architecture:
    """Return the architecture with its path behind the name of each operation."""
    if isinstance(part.terminal, Primitive) and part.terminal.name not in VANISHING:
        return Architecture(Primitive(f"{part.terminal.name}@{'.'.join(map(str, path))}"))
    return Architecture(part.terminal, tuple(_tagged(a, (*path, i)) for i, a in enumerate(part.args)))
