"""The skeleton of DARTS: cells that read the two cells before them (Liu et al., 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

from morphogen.graph import Graph, GraphBuilder, Terms
from morphogen.networks.cells import Cell
from morphogen.networks.layers import FactorizedReduce, Layer
from morphogen.networks.operations import HALVED, operation, relu_conv_norm, strided
from morphogen.networks.shapes import FREE, Cost, Shape

if TYPE_CHECKING:
    from torch import nn


class Stage(NamedTuple):
    """One cell at its place: the maps it reads, how each is brought to one shape first, and the cell."""

    reads: tuple[Shape, ...]
    prepare: tuple[Layer, ...]
    cell: Cell

    @property
    def prepared(self) -> tuple[Shape, ...]:
        """The shapes that reach the cell."""
        return tuple(layer.measure(shape)[0] for layer, shape in zip(self.prepare, self.reads, strict=True))

    def measure(self) -> tuple[Shape, Cost]:
        """Return the shape that leaves the cell, and the cost with the preparation."""
        out, total = self.cell.measure_all(self.prepared)
        for layer, shape in zip(self.prepare, self.reads, strict=True):
            total += layer.measure(shape)[1]
        return out, total


@final
@dataclass(frozen=True, slots=True)
class DartsStack(Layer):
    """`cells` normal cells a stage; between stages a reduction cell halves the map and doubles the channels.

    Both inputs of a cell pass a ReLU, a 1x1 convolution and batch norm, or a factorized reduction where the
    older one is still larger. A cell may also have one input: the cell before it.
    """

    normal: Graph
    reduce: Graph
    channels: int
    cells: int
    stages: int

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        total = FREE
        for stage in self.placed(shape):
            shape, cost = stage.measure()
            total += cost
        return shape, total

    def module(self, shape: Shape) -> nn.Module:
        from morphogen.networks import modules

        return modules.Cascade(
            [
                modules.PreparedCell(
                    [layer.module(read) for layer, read in zip(stage.prepare, stage.reads, strict=True)],
                    stage.cell.module_all(stage.prepared),
                )
                for stage in self.placed(shape)
            ]
        )

    @property
    def halvings(self) -> int:
        return sum(cell.halvings for cell, _ in self._plan())

    def _plan(self) -> list[tuple[Cell, int]]:
        """Return the cells in order, each with its number of channels."""
        plan = []
        reduce = Cell(reduction(self.reduce))
        for stage in range(self.stages):
            channels = self.channels * 2**stage
            if stage:
                plan.append((reduce, channels))
            plan.extend([(Cell(self.normal), channels)] * self.cells)
        return plan

    def placed(self, shape: Shape) -> Iterator[Stage]:
        """Yield the cells in order, each with what it reads, where maps of `shape` come in."""
        before = last = shape
        for cell, channels in self._plan():
            reads = (before, last)[-cell.graph.inputs :]
            prepare = tuple(
                relu_conv_norm(1, channels=channels) if read[1:] == last[1:] else FactorizedReduce(channels)
                for read in reads
            )
            stage = Stage(reads, prepare, cell)
            yield stage
            before, last = last, stage.measure()[0]


def reduction(graph: Graph) -> Graph:
    """Return the graph with stride 2 on everything that reads an input, as in the reduction cell of DARTS.

    An operation with a window takes the stride itself; before any other, and on a plain skip, a factorized
    reduction is put.
    """
    builder = GraphBuilder(graph.inputs)
    place = list(range(graph.inputs))

    def halved(terms: Terms) -> Terms:
        return tuple(
            builder.operation("factorized_reduce", (term,))[0] if term < graph.inputs else place[term]
            for term in terms
        )

    for vertex in range(graph.inputs, len(graph.labels)):
        label, terms = graph.labels[vertex], graph.predecessors[vertex]
        if terms[-1] < graph.inputs and strided(operation(label)):
            place.extend(builder.operation(label + HALVED, terms))
        else:
            place.extend(builder.operation(label, halved(terms)))
    return builder.finish(halved(graph.output))
