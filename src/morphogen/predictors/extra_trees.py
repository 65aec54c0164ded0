"""Extra trees on graph features (Geurts et al. 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from morphogen.predictors.trees import Trees


@final
@dataclass(frozen=True)
class ExtraTrees(Trees):
    """Averaged trees that split at random places: smoother than a random forest, and quick."""

    def forest(self) -> Any:
        from sklearn.ensemble import ExtraTreesRegressor

        return ExtraTreesRegressor
