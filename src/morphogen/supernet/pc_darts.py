"""PC-DARTS: DARTS on a part of the channels, with normalized edges (Xu et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from morphogen.supernet.relaxation import Nodes, Relaxation, Schedule, Weights, edge_shares, top_edges


@final
@dataclass(frozen=True)
class PCDarts(Relaxation):
    """The first 1 / partial of the channels pass a convex mixture, the rest goes round it; edges have weights.

    warmup: the share of the steps in which only weights learn (15 of 50 epochs in the paper). keep: how many
    edges into a node survive, by the product of both weights.
    """

    schedule: Schedule = "first_order"
    partial: int = 4
    warmup: float = 0.3
    keep: int = 2
    edges: bool = True
    spread: float = 1e-3

    def weights(self, logits: Tensor, images: int, generator: torch.Generator, *, learn: bool) -> Weights:
        return list(torch.softmax(logits, dim=1).unbind(1))

    def derive(
        self, choices: Mapping[str, Tensor], candidates: Mapping[str, Sequence[str]], nodes: Nodes
    ) -> Mapping[str, int]:
        """Return the strongest candidate other than `zero` of the `keep` strongest edges into each node."""
        shares = edge_shares(choices, nodes)
        weighted = {name: choices[name] * shares[name] for name in candidates}
        return top_edges(weighted, candidates, nodes, self.keep)
