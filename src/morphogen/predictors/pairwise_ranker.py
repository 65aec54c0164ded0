"""Pairwise ranker: a score that orders pairs as they were seen to be (Burges et al. 2005; Dudziak et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from morphogen.predictors.perceptrons import Perceptrons
from morphogen.predictors.stacked import Loss, ordered


@final
@dataclass(frozen=True)
class PairwiseRanker(Perceptrons):
    """Perceptrons whose loss sees pairs only.

    Their scores are scaled to the targets afterwards, which leaves the order as it is.
    """

    @property
    def loss(self) -> Loss:
        return ordered
