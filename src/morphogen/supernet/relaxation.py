"""The contract of a relaxation: how the choices of a supernet become differentiable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Weights: TypeAlias = Sequence[Tensor | None]
"""One mixing weight a candidate: None is a structural zero, not computed; a tensor is one, also where it is 0.

A tensor holds one weight for all `[]`, one a network `[m]`, or one a network and image `[m, n]`. A tensor of
booleans `[m, n]` is a structural zero image by image: the candidate is computed for the true ones, with weight
1.
"""

Nodes: TypeAlias = Mapping[str, tuple[str, int]]
"""For a choice that is an edge of a topology: the name of the node it leads into, its place among such edges."""

Schedule: TypeAlias = Literal["first_order", "unrolled", "one_level"]


class Relaxation(ABC):
    """Settings of a relaxation, as a frozen dataclass that only stores; the logits are the trainer's.

    schedule: `first_order` steps the logits on a split of their own and then the weights, `unrolled` steps
    the logits through one step of the weights (DARTS, second order), `one_level` steps both on one batch.
    partial: only the first 1 / partial of the channels pass the candidates. warmup: the share of the steps
    before the logits move. edges: whether edges into one node are weighted too. spread: standard deviation of
    the logits at the start.
    """

    schedule: Schedule = "first_order"
    partial: int = 1
    warmup: float = 0.0
    edges: bool = False
    spread: float = 0.0

    @abstractmethod
    def weights(self, logits: Tensor, images: int, generator: torch.Generator, *, learn: bool) -> Weights:
        """Return the weights of one choice from logits `[m, k]` for a batch of so many images.

        learn: whether gradients shall reach the logits; without, what is not needed is not computed.
        """

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return what ranks and derivation read: `[..., k]`, not negative, of sum 1, order-equivariant."""
        return torch.softmax(logits.detach(), dim=-1)

    def derive(
        self, choices: Mapping[str, Tensor], candidates: Mapping[str, Sequence[str]], nodes: Nodes
    ) -> Mapping[str, int]:
        """Return the candidate that each choice ends with: the likeliest.

        choices: probabilities `[k]` of each choice, and of the edges into a node where they have weights.
        candidates: their texts. nodes: for a choice that is an edge, the node that it leads into.
        """
        return {name: int(choices[name].argmax()) for name in candidates}


def top_edges(
    choices: Mapping[str, Tensor],
    candidates: Mapping[str, Sequence[str]],
    nodes: Nodes,
    keep: int,
) -> dict[str, int]:
    """Return DARTS's derivation: into each node the `keep` edges whose strongest operation is strongest.

    `zero` takes part in the softmax but is never chosen for what it weighs; it is what the dropped edges
    become. A choice that has no `zero` cannot be dropped.
    """
    found: dict[str, int] = {}
    into: dict[str, list[tuple[float, str]]] = {}
    for name, texts in candidates.items():
        values = choices[name].clone()
        if "zero" in texts and len(texts) > 1:
            values[texts.index("zero")] = -1.0
            into.setdefault(nodes.get(name, (name, 0))[0], []).append((-float(values.max()), name))
        found[name] = int(values.argmax())
    for edges in into.values():
        for _, name in sorted(edges)[keep:]:  # the earlier edge of equals stays
            found[name] = list(candidates[name]).index("zero")
    return found


def edge_shares(choices: Mapping[str, Tensor], nodes: Nodes) -> dict[str, Tensor]:
    """Return the weight of each choice's edge among the edges into its node; 1 where edges have none."""
    one = torch.tensor(1.0)
    return {
        name: choices[nodes[name][0]][nodes[name][1]] if name in nodes and nodes[name][0] in choices else one
        for name in choices
    }


def uniform(candidates: int) -> Weights:
    """Return equal weights."""
    return [torch.tensor(1.0 / candidates)] * candidates


def only(chosen: int, candidates: int) -> Weights:
    """Return the weights of one candidate alone; the others are not computed."""
    return [torch.tensor(1.0) if i == chosen else None for i in range(candidates)]
