"""The torch modules of layers and cells; no forward pass has data-dependent control flow.

The exported source copies some of them word by word: their lines stay below 88 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from morphogen.graph import Graph


class Residual(nn.Module):
    """The sum of two ways through."""

    def __init__(self, main: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.main = main
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map `[n, c, h, w]` to what both ways make of it, added."""
        return self.main(x) + self.shortcut(x)


class FactorizedReduce(nn.Module):
    """Halves a map by two 1x1 convolutions of stride 2, one shifted by a pixel."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        half = outgoing // 2
        self.even = nn.Conv2d(incoming, outgoing - half, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(incoming, half, 1, stride=2, bias=False) if half else None
        self.norm = nn.BatchNorm2d(outgoing)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[n, incoming, h, w]` to `[n, outgoing, ceil(h / 2), ceil(w / 2)]`."""
        x = functional.relu(x)
        halves = [self.even(x)]
        if self.odd is not None:
            # Odd sides are rounded up: the shifted view needs a zero beyond the edge.
            halves.append(self.odd(functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]))
        return self.norm(torch.cat(halves, dim=1))


class Cell(nn.Module):
    """A graph of operations: each reads the sum (or the join along the channels) of its predecessors."""

    def __init__(self, graph: Graph, joins: Sequence[bool], operations: Iterable[nn.Module]) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operations)
        self.inputs = graph.inputs
        self.sources = [list(terms) for terms in graph.predecessors[graph.inputs :]]
        self.joins = list(joins)
        self.output = list(graph.output)
        last_use = {source: step for step, sources in enumerate(self.sources) for source in sources}
        self.spent: list[list[int]] = [[] for _ in self.sources]
        for source, step in last_use.items():
            if source not in self.output:
                self.spent[step].append(source)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Map one `[n, c, h, w]` an input to the sum of what reaches the output."""
        if not self.output:
            return torch.zeros_like(inputs[0])
        values = dict(enumerate(inputs))
        steps = zip(self.operations, self.sources, self.joins, self.spent, strict=True)
        for vertex, (operation, sources, joins, spent) in enumerate(steps, len(inputs)):
            values[vertex] = operation(_gather(values, sources, joins))
            for source in spent:
                del values[source]
        return _gather(values, self.output, False)


def _gather(values: Mapping[int, Tensor], sources: Sequence[int], joins: bool) -> Tensor:
    terms = [values[source] for source in sources]
    if joins:
        return torch.cat(terms, dim=1)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


class PreparedCell(nn.Module):
    """A cell that brings what it reads to one shape first, as in DARTS."""

    def __init__(self, prepare: Iterable[nn.Module], cell: nn.Module) -> None:
        super().__init__()
        self.prepare = nn.ModuleList(prepare)
        self.cell = cell

    def forward(self, *inputs: Tensor) -> Tensor:
        """Map one map an input to one map."""
        return self.cell(*[prepare(x) for prepare, x in zip(self.prepare, inputs, strict=True)])


class Cascade(nn.Module):
    """Cells that each read the results of the two cells before them (the first one reads its input twice)."""

    def __init__(self, cells: Iterable[PreparedCell]) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)
        self.reads = [len(cell.prepare) for cell in cells]

    def forward(self, x: Tensor) -> Tensor:
        """Map `[n, c, h, w]` to the last cell's result."""
        before, last = x, x
        for cell, reads in zip(self.cells, self.reads, strict=True):
            before, last = last, cell(before, last) if reads == 2 else cell(last)
        return last


class Dense(nn.Linear):
    """A linear layer over the channels `[n, c]` or `[n, c, h, w]`."""

    def forward(self, input: Tensor) -> Tensor:
        """Map `[n, c, ...]` to `[n, features, ...]`."""
        if input.ndim == 2:
            return functional.linear(input, self.weight, self.bias)
        last = input.movedim(1, -1)
        return functional.linear(last, self.weight, self.bias).movedim(-1, 1)


class RootMeanSquare(nn.Module):
    """Divides the values of each image by the root of their mean square."""

    def forward(self, x: Tensor) -> Tensor:
        """Map `[n, ...]` to values of mean square 1."""
        size = x.square().mean(dim=tuple(range(1, x.ndim)), keepdim=True)
        return x * torch.rsqrt(size + 1e-6)
