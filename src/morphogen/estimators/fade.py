"""FaDE: rank the candidates of a region by the logits of supernets trained over it (Neumeyer et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from morphogen.estimators.of_regions import METRICS, OfRegions, Shares
from morphogen.networks.data import ImageData
from morphogen.records import Metric

if TYPE_CHECKING:
    from morphogen.networks.training import Recipe
    from morphogen.supernet import Course, Relaxation, Supernet


@final
@dataclass(frozen=True)
class Fade(OfRegions):
    """Trains `supernets` independent supernets of a region as one stack and reads the ranks off their logits.

    data: the images. epochs: passes over the training split that the steps amount to; .75 of what a network
    alone takes is the measured choice. channels (the features of dense modules, which cost next to nothing;
    take fewer for convolutions), batch_size, learning_rate (of AdamW without decay; the
    measured choice is the rate of the final training): as in `Fidelity`. mixing: `image` draws a candidate
    for every image by straight-through Gumbel, `batch` one for a batch, `soft` mixes all. logit_rate: None is
    1.2 / steps, which ends with a rank entropy of .8 to .97. supernets: whose ranks are averaged. widen: batches
    of the weights are larger by the number of candidates, so that each of them sees as many images a step as
    it would alone, for about 1.4 times the seconds. Where supernets learn too little (their training loss stays
    above that of networks alone) rank correlations rose by .1; on MNIST they stayed, on the few digits they
    fell by .06. memory: gigabytes beyond which a region is refused.

    Reports accuracy and loss of the derived architecture, trained alone for as many epochs and scored on the
    validation split; the inherited_accuracy it has with the weights of the supernets on the images set aside
    for the logits (mean over the supernets), which says little about other regions; the entropy of the ranks
    (1 is undecided), the seconds of the supernets, and the parameters of the derived architecture. Without
    `validate` accuracy and loss are the inherited ones. The estimate's `ranks` are the mean shares at each
    position. Where a proposal has no region, its architecture is trained by the same code.
    """

    data: ImageData
    epochs: int = 26
    channels: int = 64
    cells: int = 1
    batch_size: int = 50
    learning_rate: float = 0.003
    supernets: int = 4
    mixing: Literal["image", "batch", "soft"] = "image"
    schedule: Literal["first_order", "unrolled", "one_level"] = "first_order"
    logit_rate: float | None = None
    share: float = 0.4
    validate: bool = True
    widen: bool = False
    memory: float = 4.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.widen and self.mixing != "image":
            raise ValueError(
                f"widen needs mixing by image, got {self.mixing}: each image passes one candidate"
            )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return METRICS

    @property
    def fingerprint(self) -> str:
        fields = (
            "epochs",
            "channels",
            "cells",
            "batch_size",
            "learning_rate",
            "supernets",
            "mixing",
            "schedule",
        )
        more = ("logit_rate", "share", "validate", "widen")
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in (*fields, *more))
        return f"fade({settings}) on {self.data.name} {self.data.fingerprint}"

    @property
    def _side_by_side(self) -> int:
        return self.supernets

    @property
    def _training(self) -> Mapping[str, Any]:
        return {"optimizer": "adamw", "weight_decay": 0.0, "shift": False}

    @property
    def _built(self) -> Mapping[str, Any]:
        return {}

    @property
    def _relaxation(self) -> Relaxation:
        from morphogen.supernet import Darts, Gumbel

        if self.mixing == "soft":
            return Darts(schedule=self.schedule, keep=None)
        return Gumbel(each_image=self.mixing == "image", schedule=self.schedule)

    def _course(self, recipe: Recipe) -> Course:
        from morphogen.supernet import Course

        return Course(recipe=recipe, logit_rate=self.logit_rate, share=self.share, widen=self.widen)

    def _derived(self, net: Supernet, shares: Shares) -> tuple[Mapping[str, int], Mapping[str, float]]:
        """Return the candidate of the largest mean logarithm over the supernets."""
        summed = {g.name: np.log(shares[g.name]).mean(axis=0) for g in net.gates}
        return {name: int(row.argmax()) for name, row in summed.items()}, {}


def path_scores(
    ranks: Mapping[int, NDArray[np.float64]], how: Literal["mean", "log"] = "log"
) -> NDArray[np.float64]:
    """Return the score `[k0, k1, ...]` of every path from shares at each position: their mean, or the sum of logs.

    Which of the two the paper means is not known; on all sets that were measured they order paths almost alike.
    """
    total = np.zeros(())
    for row in ranks.values():
        total = total[..., None] + (np.log(row) if how == "log" else row / len(ranks))
    return total
