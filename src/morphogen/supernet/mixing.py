"""The torch modules of choices: a mixture computes what its weights ask for and counts it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor, nn

from morphogen.networks.layers import Layer
from morphogen.networks.modules import RootMeanSquare
from morphogen.networks.shapes import Shape
from morphogen.supernet.routes import Routes
from morphogen.supernet.scaling import as_shares, scaled, spread


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


def widest(gates: Iterable[Gate]) -> int:
    """Return the most candidates of any choice, 1 where there is none: how often wider widened batches are."""
    return max((len(gate.candidates) for gate in gates), default=1)


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
        live = [i for i, w in enumerate(self.gate.weights) if w is not None and not self.nothing[i]]
        weights = [w for i in live if (w := self.gate.weights[i]) is not None]
        if weights and all(w.dtype == torch.bool for w in weights):
            return self._routed(live, torch.stack(weights), x)
        total: Tensor | None = None
        for number, weight in zip(live, weights, strict=True):
            term = self._called(number, x, weight)
            if term is not None:
                total = term if total is None else total + term
        return total

    def _called(self, number: int, x: Tensor, weight: Tensor | None = None) -> Tensor | None:
        images = x.shape[1] if x.ndim == 3 else x.shape[0]
        self.gate.calls[number] += 1
        self.gate.images[number] += images
        out: Tensor | None = self.candidates[number](x)
        if out is None:
            return None
        if weight is not None and weight.ndim == 0 and not weight.requires_grad and weight == 1:
            weight = None
        if self.models == 1 and x.ndim != 3:
            out = out if self.norm is None else self.norm(out)
            return out if weight is None else out * weight.view(-1, *[1] * (out.ndim - 1))
        share = None if weight is None else as_shares(weight, self.models, images)
        if share is not None and x.ndim == 4:
            share = share.t()
        if self.norm is not None:
            return scaled(out, share, self.models)
        return out if share is None else out * spread(share, out)

    def _routed(self, live: Sequence[int], masks: Tensor, x: Tensor) -> Tensor | None:
        """Compute each candidate for the images of its mask only; stacked networks are filled up to the longest."""
        routes = Routes(masks, even=False)
        rows = zip(live, routes.lengths, routes.out(x), strict=True)
        return routes.back([self._called(number, part) if length else None for number, length, part in rows])


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
