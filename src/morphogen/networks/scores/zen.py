"""Zen: how strongly a Gaussian network answers a small change of a Gaussian image (Lin et al., 2021)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from morphogen.networks.scores.probe import NORMS, Probe, finite
from morphogen.networks.scores.undefined import UndefinedScore

ALPHA: Final = 0.01

SHARED: Final = {nn.BatchNorm2d: (0, 2, 3), nn.InstanceNorm2d: (2, 3), nn.GroupNorm: (1, 2, 3)}
"""The axes of `[n, c, h, w]` over which each normalization takes a variance (groups: one only)."""


def zen(probe: Probe) -> float:
    """Return `log E |f(x + 0.01 e) - f(x)|` + sum over the normalizations of log s.

    x and e are Gaussian images, as many and as large as the probe's; weights are Gaussian too; f is the last
    map before the global average, `|.|` the sum of absolute values, E the mean over the images. s is the root
    of the mean variance (and epsilon) that the normalization divides by in the pass of x: what it takes away
    from the change is given back, or normalized networks could not be told apart.

    The paper's code reads s from running averages after two passes; here it is the statistic of the
    minibatch, as in the paper's algorithm 1. Instance and layer norms are counted as well.

    Raises:
        UndefinedScore: the map does not depend on the image, or there is no global average.
    """
    network, generator = probe.copy(), probe.generator
    maps: list[Tensor] = []
    scales: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        maps.append(inputs[0])

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not maps and isinstance(norm, NORMS):
            variances = inputs[0].var(SHARED[type(norm)], correction=0)
            scales.append((variances.mean().double() + norm.eps).log() / 2)

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            _draw(module.weight, generator)
        elif isinstance(module, NORMS):
            module.register_forward_pre_hook(measure)
        elif isinstance(module, nn.AdaptiveAvgPool2d):
            module.register_forward_pre_hook(keep)
    images, change = (_draw(torch.empty_like(probe.images), generator) for _ in range(2))
    with torch.no_grad():
        network(images)
        network(images + ALPHA * change)
    if len(maps) != 2:
        raise UndefinedScore(f"zen needs a network with one global average, this one has {len(maps) // 2}")
    response = (maps[1] - maps[0]).abs().flatten(1).sum(dim=1).double().mean().log()
    return finite(response + sum(scales), "the last map does not depend on the image")


@torch.no_grad()
def _draw(tensor: Tensor, generator: torch.Generator) -> Tensor:
    # Drawn on the CPU and in the standard order of the axes, so that device and layout change nothing.
    return tensor.copy_(torch.randn(tensor.shape, generator=generator))
