"""Around the passes of a network: bytes that they keep, statistics that they must not move, or shall."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def saved_bytes(run: Callable[[], Any], network: nn.Module) -> int:
    """Return the bytes that a forward pass keeps for its backward pass, parameters and buffers excluded."""
    own = {t.untyped_storage().data_ptr() for t in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}
    alive = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)  # or its memory would be given to the next one
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return sum(kept.values())


@contextmanager
def still(network: nn.Module) -> Iterator[None]:
    """Leave the running statistics of batch norms as they are while training passes run."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    kept = [norm.momentum for norm in norms]
    tracked = [norm.num_batches_tracked for norm in norms]
    counts = [None if t is None else t.clone() for t in tracked]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, kept, counts, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let no weight of a network need a gradient; less is kept of a pass then."""
    weights = [p for p in network.parameters() if p.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_()


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Sequence[Tensor]) -> None:
    """Set the running statistics of batch norms to the averages over `batches`, with the weights as they are."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms:
        return
    kept, training = [norm.momentum for norm in norms], network.training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average
    network.train()
    for images in batches:
        network(images)
    network.train(training)
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
