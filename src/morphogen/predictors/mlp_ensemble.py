"""Ensemble of multilayer perceptrons on graph features, as in BANANAS (White et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from morphogen.predictors.perceptrons import Perceptrons
from morphogen.predictors.stacked import Loss, squared


@final
@dataclass(frozen=True)
class MLPEnsemble(Perceptrons):
    """Perceptrons that learn the scores themselves, by their squared error."""

    @property
    def loss(self) -> Loss:
        return squared
