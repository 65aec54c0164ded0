"""The normalization of stacked candidates and their weight in the mixture, in one step."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

SMALL: Final = 1e-6
"""Added to a mean square, as in `networks.modules.RootMeanSquare`."""


class _Scaled(torch.autograd.Function):
    """Values over the root of their mean square, times a share for each image of each network.

    Written out, for what autograd makes of it passes twice as often over the values.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Tensor | None, models: int) -> Tensor:
        size = x.numel() // (models * (x.shape[1] if x.ndim == 3 else x.shape[0]))
        inverse = torch.rsqrt(summed(x.square(), models) / size + SMALL)
        ctx.save_for_backward(x, inverse, share)
        ctx.models, ctx.size = models, size
        return x * spread(inverse if share is None else inverse * share, x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, inverse, share = ctx.saved_tensors
        along = summed(gradients[0] * x, ctx.models)
        shares = along * inverse if share is not None and ctx.needs_input_grad[1] else None
        if not ctx.needs_input_grad[0]:
            return None, shares, None
        scale = inverse
        if share is not None:
            along, scale = along * share, inverse * share
        # Where one value is all there is, both terms cancel. They round as they do in a network alone.
        part = -along * inverse.pow(3) / ctx.size
        return (gradients[0] * spread(scale, x)).add_(x * spread(part, x)), shares, None


def scaled(x: Tensor, share: Tensor | None, models: int) -> Tensor:
    """Return `[m, n, c]` or `[n, m * c, h, w]` with values of mean square 1 an image, times `[m, n]` or `[n, m]`."""
    return _Scaled.apply(x, share, models)  # type: ignore[no-any-return, no-untyped-call]


def spread(share: Tensor, x: Tensor) -> Tensor:
    """Return shares `[m, n]` or `[n, m]` in the form that multiplies `[m, n, c]` or `[n, m * c, h, w]`."""
    if x.ndim == 3:
        return share[:, :, None]
    images, channels = x.shape[:2]
    return share[:, :, None].expand(-1, -1, channels // share.shape[1]).reshape(images, channels, 1, 1)


def as_shares(weight: Tensor, models: int, images: int) -> Tensor:
    """Return a weight for all, one a network `[m]`, or one a network and image, as `[m, n]`."""
    return weight.reshape(*weight.shape, *[1] * (2 - weight.ndim)).expand(models, images)


def summed(x: Tensor, models: int) -> Tensor:
    """Return the sum over the values of each image of each network, `[m, n]` or `[n, m]`."""
    if x.ndim == 3:
        return x.sum(2)
    return x.sum((2, 3)).view(x.shape[0], models, -1).sum(2)


class StackedRootMeanSquare(nn.Module):
    """Divides the values of each image of each network by the root of their mean square."""

    def __init__(self, models: int) -> None:
        super().__init__()
        self.models = models

    def forward(self, x: Tensor) -> Tensor:
        """Map `[m, n, c]` or `[n, m * c, h, w]` to values of mean square 1."""
        return scaled(x, None, self.models)
