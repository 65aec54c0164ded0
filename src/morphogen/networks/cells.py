"""A graph of operations as a layer: shapes are inferred vertex by vertex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, final

from morphogen.graph import Graph, Terms
from morphogen.networks.layers import Layer
from morphogen.networks.operations import Operation, operation
from morphogen.networks.shapes import FREE, Cost, Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


class Step(NamedTuple):
    """One vertex at work: its operation and the map that it reads."""

    operation: Operation
    shape: Shape


@final
@dataclass(frozen=True, slots=True)
class Cell(Layer):
    """A graph between maps. Where no path leads to the output it gives zeros of the first input's shape."""

    graph: Graph

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        """Return the shape that comes out and the cost, where every input of the graph reads the same map."""
        return self.measure_all((shape,) * self.graph.inputs)

    def measure_all(self, shapes: Sequence[Shape]) -> tuple[Shape, Cost]:
        """Return the shape that comes out and the cost for one shape an input.

        Raises:
            ShapeError: names the vertex whose operation cannot take what it reads.
        """
        steps, out = self._steps(shapes)
        total = FREE
        for step in steps:
            total += _measured(*step)[1]
        return out, total

    def module(self, shape: Shape) -> nn.Module:
        """Return the torch module, where every input of the graph reads the same map."""
        return self.module_all((shape,) * self.graph.inputs)

    def module_all(self, shapes: Sequence[Shape]) -> nn.Module:
        """Return the torch module for one shape an input; its vertices are made in canonical order."""
        from morphogen.networks import modules

        graph = self.graph.canonical()
        steps, _ = Cell(graph)._steps(shapes)
        joins = tuple(step.operation.joins for step in steps)
        return modules.Cell(graph, joins, [step.operation.layer.module(step.shape) for step in steps])

    @property
    def halvings(self) -> int:
        """How often the map is halved on the path that halves it most."""
        depth = [0] * len(self.graph.labels)
        for vertex in range(self.graph.inputs, len(depth)):
            before = max(depth[source] for source in self.graph.predecessors[vertex])
            depth[vertex] = before + operation(self.graph.labels[vertex]).layer.halvings
        return max((depth[source] for source in self.graph.output), default=0)

    def _steps(self, inputs: Sequence[Shape]) -> tuple[list[Step], Shape]:
        graph = self.graph
        shapes = list(inputs)
        steps = []
        for vertex in range(graph.inputs, len(graph.labels)):
            worker = operation(graph.labels[vertex])
            shape = self._gathered(vertex, graph.predecessors[vertex], shapes, worker.joins)
            steps.append(Step(worker, shape))
            try:
                shapes.append(_measured(worker, shape)[0])
            except ShapeError as error:
                raise type(error)(f"{self._name(vertex)} got {shape}: {error}") from error
        out = self._gathered(None, graph.output, shapes, False) if graph.output else inputs[0]
        return steps, out

    def _gathered(self, vertex: int | None, terms: Terms, shapes: Sequence[Shape], joins: bool) -> Shape:
        """Return the shape of the sum (or the join) of what `vertex` reads; None stands for the output."""
        first = shapes[terms[0]]
        channels = first.channels
        for term in terms[1:]:
            shape = shapes[term]
            if shape != first and not (joins and shape[1:] == first[1:]):
                reader = "the output" if vertex is None else self._name(vertex)
                raise ShapeError(
                    f"{reader} {'joins' if joins else 'adds'} "
                    f"{first} of {self._name(terms[0])} and {shape} of {self._name(term)}: "
                    f"parallel branches must {'downsample alike' if joins else 'downsample and widen alike'}"
                )
            channels += shape.channels
        return first._replace(channels=channels) if joins else first

    def _name(self, vertex: int) -> str:
        if vertex < self.graph.inputs:
            return "the input" if self.graph.inputs == 1 else f"input {vertex + 1}"
        return f"{self.graph.labels[vertex]} (vertex {vertex})"


@lru_cache(maxsize=4096)
def _measured(worker: Operation, shape: Shape) -> tuple[Shape, Cost]:
    return worker.layer.measure(shape)
