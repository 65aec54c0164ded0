"""Another estimator with more to say about how much is spent: it fills in what proposals leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Fidelity, Metric, Proposal
from morphogen.spaces.space import Space


@final
@dataclass(frozen=True)
class AtFidelity(Estimator):
    """Estimates as `estimator` does; what a proposal's fidelity leaves open is as in `fidelity`."""

    estimator: Estimator
    fidelity: Fidelity

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.estimator.metrics

    @property
    def regions(self) -> bool:
        return self.estimator.regions

    @property
    def alone(self) -> Mapping[str, Any]:
        return self.estimator.alone

    @property
    def deterministic(self) -> bool:
        return self.estimator.deterministic

    @property
    def fingerprint(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.fidelity.to_json().items())
        return f"{self.estimator.fingerprint} at {settings}"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Estimate the proposal with its fidelity completed."""
        return self.estimator.estimate(self._completed(proposal), rng)

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        return self.estimator.known(self._completed(proposal))

    def examine(self, proposal: Proposal) -> None:
        self.estimator.examine(self._completed(proposal))

    def _completed(self, proposal: Proposal) -> Proposal:
        return replace(proposal, fidelity=proposal.fidelity.over(self.fidelity))

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        self.estimator.rehearse(space, rng, fidelity.over(self.fidelity))
