"""The torch modules of choices: a mixture computes what its weights ask for and counts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor, nn

from morphogen.networks.layers import Layer
from morphogen.networks.modules import RootMeanSquare
from morphogen.networks.shapes import Shape


class SupernetError(ValueError):
    """A region that no supernet can be built of, with what to do about it."""


@final
@dataclass(eq=False)
class Gate:
    """One choice of the region, shared by all copies of its part of the network, and its weights right now.

    name: its position, `0.2`, and where it is inside a candidate of another, that candidate: `0.2:3/1`.
    calls, images: how often each candidate was computed since they were set to zero, and for how many images.
    """

    name: str
    path: tuple[int, ...]
    candidates: tuple[str, ...]
    weights: list[Tensor | None] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    images: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Set the counters to zero."""
        self.calls, self.images = [0] * len(self.candidates), [0] * len(self.candidates)


class Mixture(nn.Module):
    """The weighted sum of candidates; a candidate without weight, or one that gives nothing, is not computed.

    models: how many networks are stacked in the maps, `[m, n, c]` or `[n, m * c, h, w]`.
    """

    def __init__(
        self, gate: Gate, candidates: Sequence[nn.Module | None], normalize: bool, partial: int
    ) -> None:
        super().__init__()
        self.gate = gate
        self.candidates = nn.ModuleList(nn.Identity() if c is None else c for c in candidates)
        self.nothing = [c is None for c in candidates]
        self.norm = RootMeanSquare() if normalize else None
        self.partial = partial
        self.models = 1

    def forward(self, x: Tensor) -> Tensor | None:
        """Map a map to the mixture, None where nothing has a weight."""
        if self.partial == 1:
            return self._mixed(x)
        inside, bypass = x.tensor_split([x.shape[1] // self.partial], dim=1)
        return self.rejoined(self._mixed(inside), inside, bypass)

    def rejoined(self, mixed: Tensor | None, inside: Tensor, bypass: Tensor) -> Tensor:
        """Return what the mixture made of the first channels and those that bypassed it, shuffled."""
        joined = torch.cat([torch.zeros_like(inside) if mixed is None else mixed, bypass], dim=1)
        n, c, h, w = joined.shape
        return joined.view(n, self.partial, c // self.partial, h, w).transpose(1, 2).reshape(n, c, h, w)

    def _mixed(self, x: Tensor) -> Tensor | None:
        total: Tensor | None = None
        for number, weight in enumerate(self.gate.weights):
            if weight is None or self.nothing[number]:
                continue
            if weight.dtype == torch.bool:
                term = self._routed(number, weight, x)
            else:
                term = self._called(number, x)
                if term is not None and not (weight.ndim == 0 and not weight.requires_grad and weight == 1):
                    term = term * self._spread(weight, term)
            if term is not None:
                total = term if total is None else total + term
        return total

    def _called(self, number: int, x: Tensor) -> Tensor | None:
        self.gate.calls[number] += 1
        self.gate.images[number] += x.shape[1] if x.ndim == 3 else x.shape[0]
        out: Tensor | None = self.candidates[number](x)
        return out if out is None or self.norm is None else self.norm(out)

    def _routed(self, number: int, mask: Tensor, x: Tensor) -> Tensor | None:
        """Compute a candidate for the images of the mask only; stacked networks are filled up to the longest."""
        if self.models == 1:
            chosen = mask[0].nonzero()[:, 0]
            if not len(chosen):
                return None
            out = self._called(number, x.index_select(0, chosen))
            if out is None:
                return None
            return x.new_zeros(x.shape[0], *out.shape[1:]).index_copy(0, chosen, out)
        longest = int(mask.sum(1).max())
        if not longest:
            return None
        order = mask.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :longest]
        real = mask.gather(1, order)
        m, n = mask.shape
        if x.ndim == 3:
            taken = x.gather(1, order[:, :, None].expand(-1, -1, x.shape[2]))
            out = self._called(number, taken)
            if out is None:
                return None
            out = out * real[:, :, None]
            return x.new_zeros(m, n, out.shape[2]).scatter_add(
                1, order[:, :, None].expand(-1, -1, out.shape[2]), out
            )
        parts = x.view(n, m, -1, *x.shape[2:])
        place = order.t()[:, :, None, None, None]
        taken = parts.gather(0, place.expand(-1, -1, *parts.shape[2:]))
        out = self._called(number, taken.reshape(longest, *x.shape[1:]))
        if out is None:
            return None
        terms = out.view(longest, m, -1, *out.shape[2:]) * real.t()[:, :, None, None, None]
        whole = x.new_zeros(n, *terms.shape[1:]).scatter_add(0, place.expand_as(terms), terms)
        return whole.view(n, -1, *out.shape[2:])

    def _spread(self, weight: Tensor, out: Tensor) -> Tensor:
        """Return a weight in a shape that multiplies a map."""
        if weight.ndim == 0:
            return weight
        if out.ndim == 3:
            return weight.view(self.models, -1, 1)
        if self.models == 1:
            return weight.view(-1, *[1] * (out.ndim - 1))
        images, channels = out.shape[:2]
        each = weight.view(self.models, -1).t()[:, :, None].expand(-1, -1, channels // self.models)
        return each.reshape(-1, channels, 1, 1)


class Whole(nn.Module):
    """A part at its place in the network: where its result is nothing, a map of zeros."""

    def __init__(self, layer: Layer, part: nn.Module, shape: Shape, normalize: bool) -> None:
        super().__init__()
        self.layer = layer
        self.part = part
        self.norm = RootMeanSquare() if normalize else None
        self.shape = shape
        self.models = 1

    def forward(self, x: Tensor) -> Tensor:
        """Map a map to a map."""
        out: Tensor | None = self.part(x)
        if out is None:
            channels, height, width = self.shape
            spatial = (height, width) if x.ndim == 4 else ()
            before = x.shape[:-1] if x.ndim == 3 else (x.shape[0],)
            out = x.new_zeros(*before, channels * (self.models if x.ndim == 4 else 1), *spatial)
        return out if self.norm is None else self.norm(out)
