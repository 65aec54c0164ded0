"""A network: the torch module of a specification."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from morphogen.networks.skeleton import NetworkSpec


class Network(nn.Module):
    """The network of a specification: stem, body, head; from images `[n, c, h, w]` to logits `[n, classes]`.

    Its weights are drawn from a generator seeded by `seed`, and torch's own state is left alone: equal seeds
    give equal networks, also for specifications whose graphs are not equal but isomorphic.
    """

    def __init__(self, spec: NetworkSpec, seed: int = 0) -> None:
        super().__init__()
        spec.measure()  # every shape is known to fit before a weight is drawn
        self.spec = spec
        stem, body, head = spec.parts()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.stem = stem.module(spec.inputs)
            shape, _ = stem.measure(spec.inputs)
            self.body = body.module(shape)
            shape, _ = body.measure(shape)
            self.head = head.module(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[n, c, h, w]` to logits `[n, classes]`."""
        return self.head(self.body(self.stem(x)))  # type: ignore[no-any-return]
