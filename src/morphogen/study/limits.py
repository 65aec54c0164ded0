"""What a whole search may spend, over all its sessions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on trials, on wall time and on summed cost; whichever is reached first ends the search.

    trials: proposals asked, failed ones too, but not those that are refused before training. seconds, hours:
    wall time of the search itself, summed over its sessions.
    cost: sum of what estimates say they cost, in seconds; the time to compare by on simulated clocks.
    When time or cost is used up no estimate begins any more; those that run are waited for and kept.
    """

    trials: int | None = None
    seconds: float | None = None
    hours: float | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        settings = {"trials": self.trials, "seconds": self.seconds, "hours": self.hours, "cost": self.cost}
        given = {name: value for name, value in settings.items() if value is not None}
        if not given:
            raise ValueError(
                "a search needs a limit: give trials, seconds, hours or cost, such as Limit(trials=100)"
            )
        for name, value in given.items():
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"limit: {name} must be positive, got {value}")
        if self.seconds is not None and self.hours is not None:
            raise ValueError("limit: give seconds or hours, not both")

    @property
    def wall(self) -> float:
        """The bound on wall time in seconds; infinite where there is none."""
        if self.hours is not None:
            return 3600 * self.hours
        return math.inf if self.seconds is None else self.seconds

    def allows(self, trials: int, wall: float, cost: float) -> bool:
        """Whether one more trial may begin after so many trials, seconds of wall time and summed cost."""
        return (
            (self.trials is None or trials < self.trials)
            and wall < self.wall
            and (self.cost is None or cost < self.cost)
        )
