"""DARTS: softmax over the candidates of each edge, first or second order (Liu, Simonyan and Yang 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from morphogen.supernet.relaxation import Nodes, Relaxation, Schedule, Weights, top_edges


@final
@dataclass(frozen=True)
class Darts(Relaxation):
    """A convex mixture of all candidates.

    schedule: `first_order`, `unrolled` (second order) or `one_level`. keep: how many edges into a node
    survive derivation; None keeps all and lets the likeliest candidate win, also where it is `zero`.
    """

    schedule: Schedule = "first_order"
    keep: int | None = 2
    spread: float = 1e-3

    def weights(self, logits: Tensor, images: int, generator: torch.Generator, *, learn: bool) -> Weights:
        return list(torch.softmax(logits, dim=1).unbind(1))

    def derive(
        self, choices: Mapping[str, Tensor], candidates: Mapping[str, Sequence[str]], nodes: Nodes
    ) -> Mapping[str, int]:
        """Return the strongest candidate other than `zero` of the `keep` strongest edges into each node."""
        if self.keep is None:
            return super().derive(choices, candidates, nodes)
        return top_edges(choices, candidates, nodes, self.keep)
