"""Search without training: do different images switch on different units? (Mellor et al., 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from morphogen.networks.scores.probe import ACTIVATIONS, Probe, finite


def naswot(probe: Probe) -> float:
    """Return log det K; K_ij [n, n] is the number of units that are on, or off, for both images i and j.

    A unit is an input of a ReLU, hard swish or Mish; it is on where it is positive. A unit that several
    operations read counts for each of them, as in the paper's code.

    Raises:
        UndefinedScore: two images switch on the same units, or there are none.
    """
    kernel = agreements(probe.copy(), probe.images)
    return finite(torch.linalg.slogdet(kernel).logabsdet, "two images switch on exactly the same units")


@torch.no_grad()
def agreements(network: nn.Module, images: Tensor) -> Tensor:
    """Return the kernel K [n, n] in double precision; hooks stay on the network."""
    count = len(images)
    kernel = torch.zeros(count, count, dtype=torch.float64)

    def add(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        signs = (inputs[0].flatten(1) > 0).float().mul_(2).sub_(1)
        # Exact up to 2^24 units a layer: agreements less disagreements, and both together.
        kernel.add_(((signs @ signs.T).double().cpu() + signs.shape[1]) / 2)

    for module in network.modules():
        if isinstance(module, ACTIVATIONS):
            module.register_forward_pre_hook(add)
    network(images)
    return kernel
