"""Cells side by side: at each level, the operations of one kind in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from morphogen.networks import modules
from morphogen.supernet.mixing import Gate, SupernetError
from morphogen.supernet.routes import Routes
from morphogen.supernet.scaling import as_shares, scaled, spread


class StackedDense(nn.Module):
    """Dense layers of m networks, from `[m, n, c]` or `[n, m * c]` to `[m, n, features]`."""

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter | None) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        """Map features to features."""
        if x.ndim != 3:
            x = x.reshape(x.shape[0], self.weight.shape[0], -1).transpose(0, 1)
        return _dense(x, self.weight, self.bias)


def _dense(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if bias is None:
        return torch.bmm(x, weight.transpose(1, 2))
    return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))


def can_braid(cells: Sequence[nn.Module | None]) -> bool:
    """Whether these are cells of one input whose operations are dense, convolutions, or without weights."""
    simple = (nn.Linear, nn.Conv2d, nn.ReLU, nn.AvgPool2d, nn.MaxPool2d, nn.Sequential)
    return all(
        isinstance(cell, modules.Cell)
        and cell.inputs == 1
        and not any(cell.joins)
        and all(isinstance(m, simple) for o in cell.operations for m in o.modules())
        for cell in cells
    )


@final
class Braid(nn.Module):
    """Several cells, each of some networks, at work together.

    cells: for each cell, its modules in the networks that have it. kind: a text that operations of one
    structure share. stacked: makes one module of alike operations.
    """

    def __init__(
        self,
        cells: Sequence[Sequence[modules.Cell]],
        kind: Callable[[nn.Module], str],
        stacked: Callable[[Sequence[nn.Module]], nn.Module],
    ) -> None:
        super().__init__()
        self.sizes = [len(cell) for cell in cells]
        self.outputs = [cell[0].output for cell in cells]
        groups: dict[tuple[int, str], list[tuple[int, int, list[int]]]] = {}
        for number, (cell, *_) in enumerate(cells):
            levels = [0]
            for vertex, sources in enumerate(cell.sources, 1):
                levels.append(1 + max(levels[s] for s in sources))
                key = levels[-1], kind(cell.operations[vertex - 1])
                groups.setdefault(key, []).append((number, vertex, sources))
        self.steps = [groups[key] for key in sorted(groups)]
        self.operations = nn.ModuleList(
            stacked([one.operations[v - 1] for number, v, _ in step for one in cells[number]])
            for step in self.steps
        )

    def forward(self, inputs: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Map one map a cell, `[m, n, c]` or `[n, m * c, h, w]`, to its result; None is not computed."""
        values: dict[tuple[int, int], Tensor] = {(i, 0): x for i, x in enumerate(inputs) if x is not None}
        axis = next(1 if x.ndim == 4 else 0 for x in values.values())
        for operation, step in zip(self.operations, self.steps, strict=True):
            live = [(place, *one) for place, one in enumerate(step) if inputs[one[0]] is not None]
            if not live:
                continue
            read = [_summed([values[number, s] for s in sources]) for _, number, _, sources in live]
            joined = torch.cat(read, axis) if len(read) > 1 else read[0]
            sizes = [self.sizes[number] for _, number, _, _ in live]
            if len(live) == len(step):
                out = operation(joined)
            else:
                out = self._partly(operation, joined, step, [place for place, *_ in live])
            if axis:
                sizes = [size * (out.shape[1] // sum(sizes)) for size in sizes]
            for (_, number, vertex, _), value in zip(live, torch.split(out, sizes, axis), strict=True):
                values[number, vertex] = value
        return [
            None if x is None else _summed([values[i, v] for v in self.outputs[i]])
            for i, x in enumerate(inputs)
        ]

    def _partly(
        self, operation: nn.Module, x: Tensor, step: Sequence[tuple[int, int, list[int]]], live: Sequence[int]
    ) -> Tensor:
        """Run some of the operations of a step, with their part of the weights."""
        sizes = [self.sizes[number] for number, _, _ in step]
        whole, kept = sum(sizes), sum(sizes[place] for place in live)

        def part(weight: Tensor | None) -> Tensor | None:
            if weight is None:
                return None
            rows = torch.split(weight, [size * (len(weight) // whole) for size in sizes])
            return torch.cat([rows[place] for place in live])

        layers = operation.children() if isinstance(operation, nn.Sequential) else (operation,)
        for layer in layers:
            if isinstance(layer, StackedDense):
                weight = part(layer.weight)
                assert weight is not None
                x = _dense(x, weight, part(layer.bias))
            elif isinstance(layer, nn.Conv2d):
                weight = part(layer.weight)
                assert weight is not None
                groups = layer.groups // whole * kept
                x = functional.conv2d(
                    x,
                    weight,
                    part(layer.bias),
                    layer.stride,
                    layer.padding,
                    layer.dilation,
                    groups,
                )
            elif next(layer.parameters(), None) is not None:
                raise SupernetError(f"{type(layer).__name__} cannot be computed in part")
            else:
                x = layer(x)
        return x


def _summed(terms: Sequence[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


@final
class BraidedMixture(nn.Module):
    """The weighted sum of candidates that are cells, of m supernets, as `Mixture` computes it one by one."""

    def __init__(
        self, gate: Gate, nothing: Sequence[bool], braid: Braid, normalize: bool, models: int
    ) -> None:
        super().__init__()
        self.gate, self.braid, self.normalize, self.models = gate, braid, normalize, models
        self.cells = [number for number, empty in enumerate(nothing) if not empty]

    def forward(self, x: Tensor) -> Tensor | None:
        """Map a map to the mixture, None where nothing has a weight."""
        weights = [self.gate.weights[number] for number in self.cells]
        if all(w is not None and w.dtype == torch.bool for w in weights):
            return self._routed(torch.stack([w for w in weights if w is not None]), x)
        live = [place for place, w in enumerate(weights) if w is not None]
        if not live:
            return None
        images = x.shape[1] if x.ndim == 3 else x.shape[0]
        for place in live:
            self._count(place, images)
        outs = self.braid([None if w is None else x for w in weights])
        flat = x.ndim == 3
        joined = torch.cat([out for out in outs if out is not None], 0 if flat else 1)
        shares = torch.cat([as_shares(w, self.models, images) for w in weights if w is not None])
        if not flat:
            shares = shares.t()  # [n, k * m]
        count = len(live)
        mixed = (
            scaled(joined, shares, count * self.models) if self.normalize else joined * spread(shares, joined)
        )
        if flat:
            return mixed.view(count, self.models, *mixed.shape[1:]).sum(0)
        return mixed.view(images, count, -1, *mixed.shape[2:]).sum(1)

    def _count(self, place: int, images: int) -> None:
        self.gate.calls[self.cells[place]] += 1
        self.gate.images[self.cells[place]] += images

    def _routed(self, masks: Tensor, x: Tensor) -> Tensor | None:
        """Compute each candidate `[k]` for the images of its mask `[k, m, n]`, filled up to the longest of all."""
        routes = Routes(masks, even=True)
        if not routes.lengths[0]:
            return None
        for cell, length in enumerate(routes.lengths):
            self._count(cell, length)
        outs = [out for out in self.braid(routes.out(x)) if out is not None]
        if self.normalize:
            axis = 0 if x.ndim == 3 else 1
            outs = list(scaled(torch.cat(outs, axis), None, len(masks) * self.models).chunk(len(masks), axis))
        return routes.back(outs)
