"""Random forest on graph features (Breiman 2001)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from morphogen.predictors.trees import Trees


@final
@dataclass(frozen=True)
class RandomForest(Trees):
    """Averaged trees, each on a bootstrap sample and with the best of some columns at each split."""

    def forest(self) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor
