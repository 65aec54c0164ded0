"""A supernet: all architectures of a finite region in one network that shares their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn

from morphogen.architecture import Architecture, Primitive, graph_of
from morphogen.networks import modules
from morphogen.networks.layers import Chain, Layer
from morphogen.networks.network import Network
from morphogen.networks.shapes import Cost, Indivisible, Shape, ShapeError
from morphogen.networks.skeleton import NORMALIZED, NetworkSpec, frame
from morphogen.spaces.space import Space
from morphogen.supernet.mixing import Gate, Mixture, SupernetError, Whole
from morphogen.supernet.relaxation import Weights, only
from morphogen.supernet.slots import (
    Fixed,
    Mixed,
    Part,
    Wired,
    chosen,
    compile_region,
    matches,
)
from morphogen.supernet.wiring import Wiring


@final
@dataclass(frozen=True, eq=False)
class _Place(Layer):
    """A searched part at its place in the skeleton."""

    part: Part
    normalize: bool

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return self.part.measure(shape)

    def module(self, shape: Shape) -> nn.Module:
        return Whole(self.part, self.part.module(shape), self.part.measure(shape)[0], self.normalize)


@final
class Supernet(nn.Module):
    """The network of a region: where the region leaves a choice stands a mixture of the candidates.

    A region without any choice is the network of its architecture, weight for weight and bit for bit. The
    weights of mixtures are not parameters: `mix` sets them before a pass.

    Args:
        space: a region, or a whole space that is small enough.
        inputs, classes, channels, cells, seed: as in `networks.build`.
        normalize: divides what each candidate gives by its root mean square, image by image (chains of
            modules do so anyway).
        partial: only the first 1 / partial of the channels pass the candidates (PC-DARTS).
        affine: whether batch norms of candidates learn a scale and a shift; a scale can undo a candidate's
            weight in the mixture, so DARTS has none.

    Raises:
        SupernetError: candidates of different shapes, or a region that cannot be mixed.
        ShapeError: images that are too small.
    """

    def __init__(
        self,
        space: Space,
        inputs: Sequence[int],
        classes: int,
        *,
        channels: int = 16,
        cells: int = 1,
        seed: int = 0,
        normalize: bool = False,
        partial: int = 1,
        affine: bool = True,
    ) -> None:
        super().__init__()
        self.space = space
        self.root, self.parts = compile_region(space, normalize=normalize, partial=partial)
        self.build = {"inputs": tuple(inputs), "classes": classes, "channels": channels, "cells": cells}
        self.equal = not normalize and partial == 1
        sample = space.unrank(0)
        spec = NetworkSpec.of(sample, inputs, classes, channels=channels, cells=cells)
        if all(isinstance(part, Fixed) for part in self.parts):
            stem, body, head = spec.parts()
        else:
            if self.root in NORMALIZED:  # each candidate, not their mixture: no scale may reach the logits
                self.parts = tuple(
                    replace(p, normalize=True) if isinstance(p, Mixed) else p for p in self.parts
                )
            after = [self.root in NORMALIZED and not isinstance(part, Mixed) for part in self.parts]
            rows = [_Place(part, norm) for part, norm in zip(self.parts, after, strict=True)]
            stem, body, head = frame(self.root, rows, *spec.sizes)
        try:
            _, self.cost = Chain((stem, body, head)).measure(spec.inputs)
        except Indivisible as error:
            raise ShapeError(f"{error}: take larger images or a region that downsamples less") from error
        gates: dict[int, Gate] = {}
        for part in self.parts:
            for gate in part.gates():
                gates[id(gate)] = gate
        self.gates = tuple(gates.values())
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.stem = stem.module(spec.inputs)
            shape, _ = stem.measure(spec.inputs)
            self.body = body.module(shape)
            shape, _ = body.measure(shape)
            self.head = head.module(shape)
        if not affine:
            for mixture in (m for m in self.modules() if isinstance(m, Mixture)):
                for norm in (m for m in mixture.modules() if isinstance(m, nn.BatchNorm2d)):
                    norm.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[n, c, h, w]` to logits `[n, classes]`, mixed as told by `mix`."""
        return self.head(self.body(self.stem(x)))  # type: ignore[no-any-return]

    def mix(self, weights: Mapping[str, Weights]) -> None:
        """Set the weights of every choice for the passes to come."""
        set_weights(self.gates, weights)

    def architecture(self, choice: Mapping[str, int]) -> Architecture:
        """Return the architecture in which the gate of each name takes its chosen candidate."""
        parts = tuple(chosen(part, choice) for part in self.parts)
        if self.root == "graph":
            return parts[0]
        return Architecture(self.space.unrank(0).terminal, parts)

    @property
    def nodes(self) -> dict[str, tuple[str, int]]:
        """For each gate that is an edge: the node it leads into, and its place among the edges there."""
        found: dict[str, tuple[str, int]] = {}
        for part in self.parts:
            _find_nodes(part, found)
        return found

    def choice(self, architecture: Architecture) -> dict[str, int]:
        """Return the candidate that each gate takes for `architecture`; gates off its path are left out."""
        args = (architecture,) if self.root == "graph" else architecture.args
        found: dict[str, int] = {}
        for part, inside in zip(self.parts, args, strict=True):
            if not matches(part, inside):
                raise SupernetError(f"{architecture} is not in {self.space.name}")
            _choose(part, inside, found)
        return found

    def select(self, architecture: Architecture) -> None:
        """Mix one architecture alone: everything else is structurally zero."""
        choice = self.choice(architecture)
        self.mix({g.name: only(choice.get(g.name, 0), len(g.candidates)) for g in self.gates})

    def inherit(self, architecture: Architecture) -> Network:
        """Return the stand-alone network of `architecture` with the weights it has here.

        Raises:
            SupernetError: the supernet normalizes or splits what the stand-alone network does not.
        """
        if not self.equal:
            raise SupernetError("a supernet that normalizes or splits channels computes other networks")
        network = Network(NetworkSpec.of(architecture, **self.build))  # type: ignore[arg-type]
        choice = self.choice(architecture)
        args = (architecture,) if self.root == "graph" else architecture.args
        place = {id(part): arg for part, arg in zip(self.parts, args, strict=True)}
        for mine, theirs in zip((self.stem, self.body, self.head), network.children(), strict=True):
            _copy(mine, theirs, place, choice)
        return network


def set_weights(gates: Sequence[Gate], weights: Mapping[str, Weights]) -> None:
    """Set the weights of gates by name."""
    for gate in gates:
        gate.weights = list(weights[gate.name])
        assert len(gate.weights) == len(gate.candidates)


def _find_nodes(part: Part, found: dict[str, tuple[str, int]]) -> None:
    if isinstance(part, Wired):
        places: dict[int, int] = {}
        for (_, target), inside in zip(part.terminal.edges, part.parts, strict=True):
            if isinstance(inside, Mixed):
                found[inside.gate.name] = (f"{part.name}>{target}", places.get(target, 0))
            places[target] = places.get(target, 0) + 1
    for inside in part.parts if isinstance(part, Mixed | Wired) else ():
        _find_nodes(inside, found)


def _choose(part: Part, inside: Architecture, found: dict[str, int]) -> None:
    if isinstance(part, Mixed):
        number = next(i for i, candidate in enumerate(part.parts) if matches(candidate, inside))
        found[part.gate.name] = number
        _choose(part.parts[number], inside, found)
    elif isinstance(part, Wired):
        for candidate, arg in zip(part.parts, inside.args, strict=True):
            _choose(candidate, arg, found)


# --- inherited weights --------------------------------------------------------------------------------------


class _Tagged(str):
    """The name of an operation that remembers the module whose weights it has."""

    module: nn.Module | None = None


def _tree(architecture: Architecture) -> Architecture:
    """Return a copy in which every operation's name is an object of its own."""
    if not architecture.args:
        return Architecture(Primitive(_Tagged(architecture.terminal.name)))
    return Architecture(architecture.terminal, tuple(map(_tree, architecture.args)))


def _labels(architecture: Architecture) -> list[str]:
    """Return the names of the operations in the order of a cell's modules."""
    graph = graph_of(architecture.terminal, architecture.args).canonical()
    return list(graph.labels[graph.inputs :])


def _tagged(part: Part, module: nn.Module, inside: Architecture, choice: Mapping[str, int]) -> Architecture:
    if isinstance(part, Mixed):
        assert isinstance(module, Mixture)
        number = choice[part.gate.name]
        return _tagged(part.parts[number], module.candidates[number], inside, choice)
    if isinstance(part, Wired):
        assert isinstance(module, Wiring)
        parts = zip(part.parts, module.parts, inside.args, strict=True)
        return Architecture(part.terminal, tuple(_tagged(p, m, a, choice) for p, m, a in parts))
    tree = _tree(inside)
    if isinstance(module, modules.Cell):
        for label, operation in zip(_labels(tree), module.operations, strict=True):
            if isinstance(label, _Tagged):
                label.module = operation
    return tree


def _copy(
    mine: nn.Module, theirs: nn.Module, place: Mapping[int, Architecture], choice: Mapping[str, int]
) -> None:
    if isinstance(mine, Whole):
        assert isinstance(mine.layer, Part)
        cell = theirs if isinstance(theirs, modules.Cell) else theirs.get_submodule("0")
        assert isinstance(cell, modules.Cell)
        tree = _tagged(mine.layer, mine.part, place[id(mine.layer)], choice)
        for label, operation in zip(_labels(tree), cell.operations, strict=True):
            if isinstance(label, _Tagged) and label.module is not None:
                operation.load_state_dict(label.module.state_dict())
    elif isinstance(mine, nn.Sequential):
        for one, other in zip(mine.children(), theirs.children(), strict=True):
            _copy(one, other, place, choice)
    else:
        theirs.load_state_dict(mine.state_dict())
