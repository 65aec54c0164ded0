"""Synaptic flow: how much all paths through a network carry, whatever the data (Tanaka et al., 2020)."""

from __future__ import annotations

import torch
from torch import nn

from morphogen.networks.scores.probe import NORMS, Probe, finite, weighted


def synflow(probe: Probe) -> float:
    """Return `log(1 + sum of |w dR/dw|)` over the weights w of convolutions and linear layers.

    R is the sum of the outputs for an image of ones, all weights replaced by their absolute values and all
    normalizations and activations left out: the sum over all paths of the product of their weights. Without
    normalization it grows exponentially with depth, so it is computed in double precision and given as a
    logarithm; networks that nothing flows through have 0.

    Raises:
        UndefinedScore: the sum is larger than 10^308.
    """
    # A single image, and not every device knows double precision.
    network = probe.copy().cpu().double()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, (*NORMS, nn.ReLU, nn.Hardswish, nn.Mish)):
                setattr(module, name, nn.Identity())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    weights = [layer.weight for layer in weighted(network)]
    flow = network(torch.ones(1, *probe.images.shape[1:], dtype=torch.float64)).sum()
    gradients = torch.autograd.grad(flow, weights, allow_unused=True, materialize_grads=True)
    total = sum(
        float((weight.detach() * gradient).sum()) for weight, gradient in zip(weights, gradients, strict=True)
    )
    return finite(
        torch.log1p(torch.tensor(total, dtype=torch.float64)), "the flow is beyond double precision"
    )
