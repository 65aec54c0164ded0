"""A region as layers: fixed parts are cells as in any network, what is left to choose are mixtures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from morphogen.architecture import Architecture, Constructor, Terminal, Topology, graph_of
from morphogen.networks.cells import Cell
from morphogen.networks.layers import Layer
from morphogen.networks.shapes import FREE, Cost, Shape, ShapeError
from morphogen.networks.skeleton import NORMALIZED
from morphogen.spaces.space import Path, Space
from morphogen.supernet.mixing import Gate, Mixture, SupernetError
from morphogen.supernet.wiring import Wiring

if TYPE_CHECKING:
    from torch import nn

FRAMED: Final = ("stack", *NORMALIZED)
"""Skeletons that can be put round choices; the cells of a `darts_stack` read two inputs, which no choice does."""

MOST_PARTS: Final = 20_000
"""Parts beyond which a region is refused: a grammar that recurs deeply unfolds without end."""


class Part(Layer):
    """What a nonterminal of the region becomes; `nothing` where nothing comes out whatever goes in."""

    nothing: bool = False

    def gates(self) -> Iterator[Gate]:
        """Yield the choices in it, the outer ones first."""
        return iter(())


@final
@dataclass(frozen=True, eq=False)
class Fixed(Part):
    """A part without a choice: the cell that any network of it has."""

    architecture: Architecture

    @property
    def cell(self) -> Cell:
        """The layer."""
        return Cell(graph_of(self.architecture.terminal, self.architecture.args))

    @property
    def nothing(self) -> bool:  # type: ignore[override]
        return not self.cell.graph.connected

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return self.cell.measure(shape)

    def module(self, shape: Shape) -> nn.Module:
        return self.cell.module(shape)


@final
@dataclass(frozen=True, eq=False)
class Wired(Part):
    """A topology with a choice on at least one of its edges."""

    terminal: Topology
    parts: tuple[Part, ...]
    name: str

    def gates(self) -> Iterator[Gate]:
        for part in self.parts:
            yield from part.gates()

    def shapes(self, shape: Shape) -> tuple[list[Shape | None], Cost]:
        """Return the shape at each node, None where nothing arrives, and the cost."""
        nodes: list[Shape | None] = [None] * (self.terminal.sink + 1)
        nodes[1], total = shape, FREE
        for (source, target), part in zip(self.terminal.edges, self.parts, strict=True):
            read = nodes[source]
            if read is None or part.nothing:
                continue
            out, cost = part.measure(read)
            total += cost
            if nodes[target] not in (None, out):
                raise ShapeError(
                    f"{self.terminal.name} adds maps of {nodes[target]} and {out} at node {target}"
                )
            nodes[target] = out
        return nodes, total

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        nodes, total = self.shapes(shape)
        return nodes[-1] or shape, total

    def module(self, shape: Shape) -> nn.Module:
        nodes, _ = self.shapes(shape)
        built = []
        for (source, _), part in zip(self.terminal.edges, self.parts, strict=True):
            read = nodes[source]
            built.append(None if read is None or part.nothing else part.module(read))
        return Wiring(self.name, self.terminal.edges, built)


@final
@dataclass(frozen=True, eq=False)
class Mixed(Part):
    """A choice among candidates; all that let anything through must give maps of one shape.

    normalize: each candidate's output is divided by its root mean square, image by image. partial: only the
    first 1 / partial of the channels pass the candidates, then all are shuffled (PC-DARTS).
    """

    gate: Gate
    parts: tuple[Part, ...]
    normalize: bool = False
    partial: int = 1

    @property
    def nothing(self) -> bool:  # type: ignore[override]
        return all(part.nothing for part in self.parts)

    def gates(self) -> Iterator[Gate]:
        yield self.gate
        for part in self.parts:
            yield from part.gates()

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        inside = self._inside(shape)
        found, total = None, FREE
        for name, part in zip(self.gate.candidates, self.parts, strict=True):
            if part.nothing:
                continue
            out, cost = part.measure(inside)
            total += cost
            if found not in (None, out):
                raise SupernetError(
                    f"choice {self.gate.name}: candidate {name} gives maps of {out}, others of {found}; "
                    "the candidates of one position must agree"
                )
            found = out
        if self.partial > 1 and found not in (None, inside):
            raise SupernetError(
                f"choice {self.gate.name}: partial channels need candidates that keep the shape"
            )
        return (shape if self.partial > 1 else found or shape), total

    def module(self, shape: Shape) -> nn.Module:
        self.measure(shape)
        inside = self._inside(shape)
        built = [None if part.nothing else part.module(inside) for part in self.parts]
        return Mixture(self.gate, built, self.normalize, self.partial)

    def _inside(self, shape: Shape) -> Shape:
        if shape.channels % self.partial:
            raise SupernetError(
                f"1/{self.partial} of {shape.channels} channels is no whole number; take a multiple"
            )
        return shape._replace(channels=shape.channels // self.partial)


def compile_region(
    space: Space, *, normalize: bool = False, partial: int = 1
) -> tuple[str, tuple[Part, ...]]:
    """Return the root of a region's networks and the part of each of its graphs.

    Raises:
        SupernetError: the root is itself a choice among skeletons, a DARTS cell, or a grammar that unfolds
            into too many parts.
    """
    compiled = space.compiled
    count = 0

    def part(symbol: int, room: int | None, path: Path, above: str) -> Part:
        nonlocal count
        count += 1
        if count > MOST_PARTS:
            raise SupernetError(
                f"{space.name} unfolds into over {MOST_PARTS:,} parts; "
                "narrow it by space.region, or bound its depth"
            )
        choices = compiled.symbols[symbol].choices
        open_ = [c for i, c in enumerate(choices) if space.table.shares(symbol, i, room)]
        inside = None if room is None else room - 1
        name = above + ".".join(map(str, path))
        built = [
            apply(
                choice.terminal,
                tuple(
                    part(child, inside, (*path, i), f"{name}:{n}/" if len(open_) > 1 else above)
                    for i, child in enumerate(choice.children)
                ),
                name,
            )
            for n, choice in enumerate(open_)
        ]
        if len(built) == 1:
            return built[0]
        texts = tuple(
            str(p.architecture) if isinstance(p, Fixed) else str(c.source.pattern)
            for p, c in zip(built, open_, strict=True)
        )
        return Mixed(Gate(name or "root", path, texts), tuple(built), normalize, partial)

    def apply(terminal: Terminal, parts: tuple[Part, ...], name: str) -> Part:
        if all(isinstance(p, Fixed) for p in parts):
            return Fixed(Architecture(terminal, tuple(p.architecture for p in parts)))  # type: ignore[attr-defined]
        if not isinstance(terminal, Topology):
            raise SupernetError(f"a choice inside {terminal.name} cannot be mixed; fix it by space.region")
        return Wired(terminal, parts, name)

    root = compiled.symbols[compiled.root].choices
    if len(root) == 1 and isinstance(root[0].terminal, Constructor):
        inside = None if compiled.room is None else compiled.room - 1
        parts = tuple(part(child, inside, (i,), "") for i, child in enumerate(root[0].children))
        name = root[0].terminal.name
        if name not in FRAMED and not all(isinstance(p, Fixed) for p in parts):
            raise SupernetError(f"a {name} cannot hold choices; known are {', '.join(FRAMED)} and graphs")
        return name, parts
    if any(isinstance(choice.terminal, Constructor) for choice in root):
        raise SupernetError(f"{space.name} chooses among skeletons; fix one by space.region")
    return "graph", (part(compiled.root, compiled.room, (), ""),)


def matches(part: Part, architecture: Architecture) -> bool:
    """Whether `architecture` is one of those that the part can become."""
    if isinstance(part, Fixed):
        return part.architecture == architecture
    if isinstance(part, Mixed):
        return any(matches(candidate, architecture) for candidate in part.parts)
    assert isinstance(part, Wired)
    return part.terminal == architecture.terminal and all(map(matches, part.parts, architecture.args))


def chosen(part: Part, choice: Mapping[str, int]) -> Architecture:
    """Return the architecture that a part becomes where each gate takes candidate `choice[gate.name]`."""
    if isinstance(part, Fixed):
        return part.architecture
    if isinstance(part, Mixed):
        return chosen(part.parts[choice[part.gate.name]], choice)
    assert isinstance(part, Wired)
    return Architecture(part.terminal, tuple(chosen(p, choice) for p in part.parts))
