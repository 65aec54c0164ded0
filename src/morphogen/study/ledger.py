"""The honest ledger: where the seconds of a search went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(slots=True)
class Ledger:
    """Sums over all sessions, in seconds, up to the last finished trial; each told event carries its share.

    wall: time on the clock. estimates: in estimates, summed over workers. strategy: in asking, telling and
    learning.
    journal: in writing events. offered: what the workers could have worked in that time. cost: what estimates
    said they cost, which on a simulated clock is not what they took.
    """

    wall: float = 0.0
    estimates: float = 0.0
    strategy: float = 0.0
    journal: float = 0.0
    offered: float = 0.0
    cost: float = 0.0

    @property
    def idle(self) -> float:
        """Seconds in which workers had nothing to do, summed over workers."""
        return max(0.0, self.offered - self.estimates)

    @property
    def parts(self) -> tuple[tuple[str, float, float], ...]:
        """Where all seconds went, of workers and of the search itself: name, seconds, share of their sum."""
        seconds = {
            "trials": self.estimates,
            "idle": self.idle,
            "strategy": self.strategy,
            "journal": self.journal,
        }
        total = max(sum(seconds.values()), 1e-9)
        return tuple((name, each, each / total) for name, each in seconds.items())

    def add(self, told: Mapping[str, float], cost: float) -> None:
        """Add the share of one told event, and the cost of its estimate."""
        self.wall += told["wall"]
        self.estimates += told["estimates"]
        self.strategy += told["strategy"]
        self.journal += told["journal"]
        self.offered += told["offered"]
        self.cost += cost

    def to_json(self) -> dict[str, float]:
        """Return all sums, rounded to microseconds."""
        names = ("wall", "estimates", "strategy", "journal", "idle", "cost")
        return {name: round(getattr(self, name), 6) for name in names}
