"""Images of stacked networks, sent each to the candidate it has drawn, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor


class _Moved(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, to: Tensor, fro: Tensor, blank: Tensor | None, lost: Tensor | None, axis: int
    ) -> Tensor:
        ctx.save_for_backward(fro, lost)
        ctx.axis = axis
        return _picked(rows, to, blank, axis)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        fro, lost = ctx.saved_tensors
        return _picked(gradients[0], fro, lost, ctx.axis), None, None, None, None, None


def _picked(rows: Tensor, places: Tensor, blank: Tensor | None, axis: int) -> Tensor:
    out = rows.index_select(axis, places)
    return out.index_fill_(axis, blank, 0.0) if blank is not None and len(blank) else out


def moved(
    rows: Tensor,
    to: Tensor,
    fro: Tensor,
    blank: Tensor | None = None,
    lost: Tensor | None = None,
    axis: int = 0,
) -> Tensor:
    """Return rows (along `axis`) in another order.

    No row has more than one place where it counts, so its gradient is picked from there, where the gradient of
    `index_select` would be added up row by row. to: the row that comes to each place. fro: the place that
    counts for each row. blank: places that get zeros. lost: rows without a place.
    """
    return _Moved.apply(rows, to, fro, blank, lost, axis)  # type: ignore[no-any-return, no-untyped-call]


@final
class Routes:
    """Who draws what: masks `[k, m, n]`, of which at most one holds for an image of a network.

    Each candidate gets as many images of each network as the longest of its own needs, or, where `even`, the
    longest of all: those that drew it, then others, whose results are dropped. `lengths` says how many.
    """

    def __init__(self, masks: Tensor, *, even: bool) -> None:
        self.models, self.images = masks.shape[1:]
        counts = masks.sum(2).amax(1)
        lengths = counts.amax().expand(len(counts)) if even else counts
        self.lengths: list[int] = lengths.tolist()
        drawn = masks.to(torch.int8)
        order = drawn.argsort(dim=2, descending=True, stable=True)
        drawn = drawn.argmax(0)
        self._chosen = [row[:, :length] for row, length in zip(order, self.lengths, strict=True)]
        self._spare = [~mask.gather(1, row) for mask, row in zip(masks, self._chosen, strict=True)]
        self._lost = ~masks.any(0)
        self._start = (lengths.cumsum(0) - lengths)[drawn]
        self._length = lengths[drawn]
        self._place = (masks.cumsum(2).gather(0, drawn[None])[0] - 1).clamp_min(0)
        self._found: dict[int, tuple[Tensor, ...]] = {}

    def out(self, x: Tensor) -> list[Tensor]:
        """Return what each candidate gets of a map, `[n, c, ...]`, `[m, n, c]` or `[n, m * c, h, w]`."""
        row, place, _, lost = self._orders(self._pixels(x))
        rows = moved(self._rows(x), row, place, lost=lost)
        each = self.models * max(1, self._pixels(x))
        return [self._map(part, x) for part in torch.split(rows, [length * each for length in self.lengths])]

    def back(self, outs: Sequence[Tensor | None]) -> Tensor | None:
        """Return the results of the candidates where the images were; zeros where an image drew none, or None."""
        first = next((out for out in outs if out is not None), None)
        if first is None:
            return None
        pixels, rows = self._pixels(first), self._rows(first)
        each = self.models * max(1, pixels)
        joined = [
            rows.new_zeros(length * each, rows.shape[1]) if out is None else self._rows(out)
            for out, length in zip(outs, self.lengths, strict=True)
        ]
        row, place, spare, lost = self._orders(pixels)
        return self._map(moved(torch.cat(joined), place, row, lost, spare), first)

    def _pixels(self, x: Tensor) -> int:
        """Return how many rows an image of a network has; 0 is one, as where the networks come first or are one."""
        return x.shape[2] * x.shape[3] if x.ndim == 4 and self.models > 1 else 0

    def _rows(self, x: Tensor) -> Tensor:
        if x.ndim == 4:
            last = x.permute(0, 2, 3, 1)
            return last.reshape(-1, x.shape[1] // self.models) if self.models > 1 else last.flatten(1)
        return x.flatten(0, -2)

    def _map(self, rows: Tensor, like: Tensor) -> Tensor:
        if like.ndim == 4:
            return rows.view(-1, *like.shape[2:], like.shape[1]).permute(0, 3, 1, 2)
        return rows.view(self.models, -1, rows.shape[1]) if like.ndim == 3 else rows

    def _orders(self, pixels: int) -> tuple[Tensor, ...]:
        """Return the row at each place, the place of each row, places to spare, rows without a place."""
        if pixels not in self._found:
            model = torch.arange(self.models)
            if pixels:  # [n, h * w, m]
                pixel = torch.arange(pixels)[:, None]
                row = [(image.t()[:, None] * pixels + pixel) * self.models + model for image in self._chosen]
                place = ((self._start + self._place).t()[:, None] * pixels + pixel) * self.models + model
                spare = [mask.t()[:, None].expand(-1, pixels, -1) for mask in self._spare]
                lost = self._lost.t()[:, None].expand(-1, pixels, -1)
            else:  # [m, n]
                row = [model[:, None] * self.images + image for image in self._chosen]
                place = self._start * self.models + model[:, None] * self._length + self._place
                spare, lost = self._spare, self._lost
            ends = [torch.cat([part.flatten() for part in parts]) for parts in (row, spare)]
            self._found[pixels] = ends[0], place.flatten(), _true(ends[1]), _true(lost.flatten())
        return self._found[pixels]


def _true(mask: Tensor) -> Tensor:
    return mask.nonzero()[:, 0]
