"""The contract of an estimator: how good is a proposal?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from morphogen.records import Estimate, Fidelity, Metric, Proposal
from morphogen.spaces.space import Space


class Estimator(ABC):
    """Performance estimation of one proposal at a time; picklable, and the same in every process."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """What every successful estimate reports; the first one is what a search improves unless told otherwise."""

    @property
    def regions(self) -> bool:
        """Whether it estimates regions, and not architectures one by one."""
        return False

    @property
    def alone(self) -> Mapping[str, Any]:
        """Settings of `Training` by which a network that it found is best trained alone, where they matter."""
        return {}

    @property
    def deterministic(self) -> bool:
        """Whether the same proposal and stream give the same values (declared; the contract checks it)."""
        return True

    @property
    def fingerprint(self) -> str:
        """A text that names the estimator and the settings that change its values; kept in the journal."""
        return type(self).__name__

    @abstractmethod
    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Return values and cost of `proposal`, or an estimate with a failure; what it raises the pool records."""

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        """Return the metrics of `proposal` that are known without estimating it, exactly and at nearly no cost."""
        return {}

    def examine(self, proposal: Proposal) -> None:
        """Raise what would make the estimate of `proposal` fail, as far as that shows without training."""

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Try the cheapest possible step on one architecture of `space`; raise what would make every trial fail.

        fidelity: what all trials will have in common, such as the resolution.
        """
