"""What stands round the searched part of a network: stem, stages and head, as its root says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, final

from morphogen.architecture import Architecture, Constructor
from morphogen.graph import Graph
from morphogen.networks.cells import Cell
from morphogen.networks.darts import DartsStack
from morphogen.networks.dense import BiasedConv, Dense, Flatten, PoolBy, RootMeanSquare
from morphogen.networks.layers import Chain, Classifier, Conv, Layer
from morphogen.networks.operations import BATCH_NORM, RELU, RESBLOCK
from morphogen.networks.shapes import Cost, Indivisible, Shape, ShapeError

STAGES: Final = 3
"""Stages of both stacks; the map halves between them."""

ROOTS: Final = {
    "stack": 1,
    "darts_stack": 2,
    "graph": 1,
    "mlp_chain": None,
    "conv_chain": None,
    "map_chain": None,
}
"""The kinds of skeletons and the number of graphs that each is made of; None is any number."""


MAP: Final = 4
"""Side of the maps in a `map_chain`."""


@final
@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """All that determines a network but its weights; plain values, without torch.

    root: the skeleton. `stack` is that of NAS-Bench-201 (Dong and Yang 2020): a stem, three stages of
    `cells` cells with a residual block between stages, a head of batch norm, ReLU, average, linear.
    `darts_stack` is that of DARTS (Liu et al. 2019): a stem of three times the channels, three stages of
    `cells` normal cells with a reduction cell between stages, average, linear. `graph` is the graph between
    NAS-Bench-201's stem and head. `mlp_chain` and `conv_chain` are those of FaDE (Neumeyer et al. 2024):
    modules one after the other, between linear layers of `channels` features, or each after a convolution
    and before a pooling; what leaves a module is normalized image by image. `map_chain` is a chain of modules
    on maps of 4x4, to which a first convolution brings the image, pooled once behind the last module. graphs:
    the cell; or normal and reduction cell; or the graph; or the modules. inputs: the shape of an image.
    channels: width of the first stage, in a `conv_chain` of the last one. cells: per stage; a `graph` or a
    chain does not read it.
    """

    root: str
    graphs: tuple[Graph, ...]
    inputs: Shape
    classes: int
    channels: int = 16
    cells: int = 1

    def __post_init__(self) -> None:
        if not self.graphs or ROOTS.get(self.root, -1) not in (None, len(self.graphs)):
            known = ", ".join(f"{root} of {count or 'any number'}" for root, count in ROOTS.items())
            raise ValueError(
                f"no skeleton is called {self.root} of {len(self.graphs)} graphs; known are {known}"
            )
        for name, value in (
            *zip(("channels of the image", "height", "width"), self.inputs, strict=True),
            *((name, getattr(self, name)) for name in ("classes", "channels", "cells")),
        ):
            if not (isinstance(value, int) and value >= 1):
                raise ValueError(f"a network needs {name} to be a positive whole number, got {value!r}")

    @classmethod
    def of(
        cls,
        architecture: Architecture,
        inputs: Sequence[int],
        classes: int,
        *,
        channels: int = 16,
        cells: int = 1,
    ) -> Self:
        """Return the network of `architecture` on images of shape `inputs` (channels, height, width)."""
        if len(inputs) != 3:
            raise ValueError(f"inputs are (channels, height, width) of an image, got {tuple(inputs)}")
        if isinstance(architecture.terminal, Constructor):
            root, graphs = architecture.terminal.name, tuple(part.graph for part in architecture.args)
        else:
            root, graphs = "graph", (architecture.graph,)
        return cls(root, graphs, Shape(*inputs), classes, channels, cells)

    def measure(self) -> tuple[Shape, Cost]:
        """Return the shape of the logits and the cost, by inferring every shape.

        Raises:
            ShapeError: the input is too small, or branches that meet have different shapes.
        """
        network = Chain(self.parts())
        try:
            return network.measure(self.inputs)
        except Indivisible as error:
            raise ShapeError(
                f"{error}; the architecture downsamples {network.halvings} times but an input of "
                f"{self.inputs.height}x{self.inputs.width} allows {self.inputs.halvings}: "
                "take larger images or fewer downsamplings"
            ) from error

    def cost(self) -> Cost:
        """Return the exact cost."""
        return self.measure()[1]

    def parts(self) -> tuple[Layer, Layer, Layer]:
        """Return stem, body and head."""
        if self.root == "darts_stack":
            normal, reduce = self.graphs
            body: Layer = DartsStack(normal, reduce, self.channels, self.cells, STAGES)
            return Chain((Conv(3, channels=3 * self.channels), BATCH_NORM)), body, Classifier(self.classes)
        layers = [Cell(graph) for graph in self.graphs]
        if self.root in NORMALIZED:
            return frame(self.root, [Chain((c, RootMeanSquare())) for c in layers], *self.sizes)
        return frame(self.root, layers, *self.sizes)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Classes, channels and cells, as `frame` takes them."""
        return self.classes, self.channels, self.cells

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        graphs = [
            {
                "inputs": graph.inputs,
                "labels": list(graph.labels),
                "predecessors": [list(terms) for terms in graph.predecessors],
                "output": list(graph.output),
            }
            for graph in self.graphs
        ]
        plain = {
            "inputs": list(self.inputs),
            "classes": self.classes,
            "channels": self.channels,
            "cells": self.cells,
        }
        return {"root": self.root, "graphs": graphs, **plain}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError where it is something else."""
        return cls(
            root=record["root"],
            graphs=tuple(_graph(graph) for graph in record["graphs"]),
            inputs=Shape(*record["inputs"]),
            **{name: record[name] for name in ("classes", "channels", "cells")},
        )


NORMALIZED: Final = ("mlp_chain", "conv_chain", "map_chain")
"""Roots whose parts are normalized image by image before the next layer reads them."""


def frame(
    root: str, searched: Sequence[Layer], classes: int, channels: int, cells: int
) -> tuple[Layer, Layer, Layer]:
    """Return stem, body and head round the searched layers of a root other than `darts_stack`."""
    body: Layer
    if root == "mlp_chain":
        stem = Chain((Flatten(), Dense(channels), RELU))
        return stem, Chain(tuple(searched)), Chain((Dense(classes), Flatten()))
    if root == "conv_chain":
        factors, width, rows = poolings(len(searched)), channels, list[Layer]()
        for place in range(len(searched) - 1, -1, -1):
            conv = BiasedConv(channels=width)
            rows = [conv, searched[place], PoolBy(factors[place]), *rows]
            width = max(1, width // factors[place])
        return Chain(), Chain(tuple(rows)), Chain((Flatten(), Dense(classes)))
    if root == "map_chain":
        stem = Chain((BiasedConv(channels=channels, side=MAP), RELU))
        return stem, Chain((*searched, PoolBy(2))), Chain((Flatten(), Dense(classes)))
    if root == "stack":
        stage = (searched[0],) * cells
        body = Chain((*stage, *(RESBLOCK, *stage) * (STAGES - 1)))
    else:
        body = searched[0]
    return (
        Chain((Conv(3, channels=channels), BATCH_NORM)),
        body,
        Chain((BATCH_NORM, RELU, Classifier(classes))),
    )


def poolings(depth: int) -> tuple[int, ...]:
    """Return the pooling factor behind each of `depth` modules, 16 in all.

    The released code draws two of the middle modules of a chain of four or more at random; here they are the
    two that divide it most evenly.
    """
    if depth <= 3:
        return ((4,), (4, 4), (4, 2, 2))[depth - 1]
    halved = {0, depth // 3, depth - 1 - depth // 3, depth - 1}
    return tuple(2 if place in halved else 1 for place in range(depth))


def _graph(record: Mapping[str, Any]) -> Graph:
    labels, predecessors = record["labels"], record["predecessors"]
    graph = Graph(record["inputs"], tuple(labels), tuple(map(tuple, predecessors)), tuple(record["output"]))
    sound = 1 <= graph.inputs <= len(labels) == len(predecessors) and all(
        terms and min(terms) >= 0 and max(terms) < vertex
        for vertex, terms in enumerate([*graph.predecessors, graph.output or (0,)])
        if vertex >= graph.inputs
    )
    if not sound:
        raise ValueError("the graph is not in topological order")
    return graph
