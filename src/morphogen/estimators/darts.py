"""DARTS and PC-DARTS: derive an architecture from one supernet of a region, trained by gradient (Liu et al. 2019)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, final

from morphogen.estimators.of_regions import METRICS, OfRegions, Shares
from morphogen.networks.data import ImageData
from morphogen.records import Metric

if TYPE_CHECKING:
    from morphogen.networks.training import Recipe
    from morphogen.supernet import Course, Relaxation, Supernet

SKIPS: Final = Metric("skips", maximize=False)
"""Share of the choices that ended as a skip connection: DARTS is known to collapse to them."""

REACH: Final = 6.0
"""The authors' rate of 3e-4 times their 50 epochs of 391 steps: how far a logit can go in one search."""


@final
@dataclass(frozen=True)
class Darts(OfRegions):
    """Trains one supernet of a region in which every choice is a softmax over its candidates.

    data: the images. epochs, channels, cells, batch_size, learning_rate (of SGD, at its peak): as in
    `Fidelity`; the derived architecture is trained by the same. schedule: `first_order`, `unrolled` (the second
    order: logits follow the loss after one step of the weights) or `one_level` (weights and logits on the same
    images). partial: 1 / partial of the channels pass the candidates; 4 is PC-DARTS (Xu et al. 2020), whose edges
    have weights too, and whose logits rest for the first .3 of the steps. keep: edges that stay of those into a
    node, where they can be `zero`; None keeps all. `zero` takes part in the softmax and is never chosen for what
    it weighs. logit_rate: None is 6 / steps, as far as the authors' rate goes. logit_decay: of Adam on the logits.
    share: of the training images that are set aside for the logits. memory: gigabytes beyond which a region is
    refused.

    Batch norms of candidates have no scale of their own. Reports what `Fade` reports (of one supernet), and
    `skips`, the share of the choices that ended as a skip connection. Without `validate` accuracy and loss are
    those with inherited weights. Where a proposal has no region, its architecture is trained by the same code.
    """

    data: ImageData
    epochs: int = 30
    channels: int = 16
    cells: int = 1
    batch_size: int = 64
    learning_rate: float = 0.025
    schedule: Literal["first_order", "unrolled", "one_level"] = "first_order"
    partial: int = 1
    keep: int | None = None
    logit_rate: float | None = None
    logit_decay: float = 1e-3
    share: float = 0.5
    weight_decay: float = 3e-4
    validate: bool = True
    memory: float = 4.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.partial < 1 or (self.keep is not None and self.keep < 1):
            raise ValueError(
                f"partial and keep are at least 1 (keep=None keeps all edges), got {self.partial} and {self.keep}"
            )
        if not 0 < self.share < 1:
            raise ValueError(
                f"share: a part of the images in (0, 1) is set aside for the logits, got {self.share}"
            )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (*METRICS, SKIPS)

    @property
    def fingerprint(self) -> str:
        names = ("epochs", "channels", "cells", "batch_size", "learning_rate", "schedule", "partial", "keep")
        more = ("logit_rate", "logit_decay", "share", "weight_decay", "validate")
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in (*names, *more))
        return f"darts({settings}) on {self.data.name} {self.data.fingerprint}"

    @property
    def _side_by_side(self) -> int:
        return 1

    @property
    def _training(self) -> Mapping[str, Any]:
        return {"optimizer": "sgd", "weight_decay": self.weight_decay, "shift": False}

    @property
    def _built(self) -> Mapping[str, Any]:
        return {"partial": self.partial, "affine": False}

    @property
    def _relaxation(self) -> Relaxation:
        from morphogen.supernet import Darts, PCDarts

        keep = sys.maxsize if self.keep is None else self.keep
        if self.partial == 1:
            return Darts(schedule=self.schedule, keep=keep)
        return PCDarts(schedule=self.schedule, partial=self.partial, keep=keep)

    def _course(self, recipe: Recipe) -> Course:
        from morphogen.supernet import Course

        return Course(
            recipe=recipe,
            logit_rate=self.logit_rate,
            reach=REACH,
            logit_decay=self.logit_decay,
            share=self.share,
        )

    def _derived(self, net: Supernet, shares: Shares) -> tuple[Mapping[str, int], Mapping[str, float]]:
        """Return what the relaxation derives, and the share of skip connections in it."""
        import torch

        candidates = {gate.name: gate.candidates for gate in net.gates}
        choices = {name: torch.from_numpy(rows[0]) for name, rows in shares.items()}
        choice = self._relaxation.derive(choices, candidates, net.nodes)
        skips = [candidates[name][number] == "identity" for name, number in choice.items()]
        return choice, {SKIPS.name: sum(skips) / max(1, len(skips))}
