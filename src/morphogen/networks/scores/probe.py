"""What a score is measured on: a fresh network, a minibatch, and a seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from morphogen.networks import modules
from morphogen.networks.scores.undefined import UndefinedScore

Weighted = nn.Conv2d | nn.Linear

NORMS: Final = (nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm)

ACTIVATIONS: Final = (nn.ReLU, nn.Hardswish, nn.Mish, modules.FactorizedReduce)
"""The modules that begin with an activation (a factorized reduction has its own ReLU)."""


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """A network and what it is shown: images [n, channels, height, width] and labels [n], on its device.

    Scores work on copies: the weights, gradients, statistics and mode of `network` stay as they are. seed: of
    what a score draws itself; scores measured on one probe do not depend on each other.
    """

    network: nn.Module
    images: Tensor
    labels: Tensor
    seed: int = 0

    def copy(self) -> nn.Module:
        """Return a copy of the network that may be changed, in training mode and with all gradients."""
        # Batch normalization by the statistics of the minibatch: there are no others before training.
        return copy.deepcopy(self.network).train().requires_grad_(True)

    @property
    def generator(self) -> torch.Generator:
        """A fresh generator, always in the same state."""
        return torch.Generator().manual_seed(self.seed)

    @cached_property
    def saliencies(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Weight and gradient of the cross-entropy for each convolution and linear layer."""
        network = self.copy()
        weights = [layer.weight for layer in weighted(network)]
        loss = functional.cross_entropy(network(self.images), self.labels)
        gradients = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        return tuple(zip((weight.detach() for weight in weights), gradients, strict=True))


def weighted(network: nn.Module) -> Iterator[Weighted]:
    """Yield the convolutions and linear layers."""
    return (layer for layer in network.modules() if isinstance(layer, Weighted))


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are added up in the same order whatever the machine; the number of threads is put back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def finite(value: Tensor | float, otherwise: str) -> float:
    """Return a number; raise `UndefinedScore` with the reason `otherwise` where it is NaN or infinite."""
    number = torch.as_tensor(value)
    if not torch.isfinite(number):
        raise UndefinedScore(f"{otherwise} (it came to {number.item()})")
    return float(number)


__all__ = ["ACTIVATIONS", "NORMS", "Probe", "Weighted", "finite", "one_thread", "weighted"]
