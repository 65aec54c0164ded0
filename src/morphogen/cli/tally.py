"""What a watcher of a search knows: its events, counted as they come."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, final

from morphogen.cli.options import clock
from morphogen.goals import INFEASIBLE
from morphogen.records import Estimate
from morphogen.study.events import read_goal

if TYPE_CHECKING:
    from morphogen.journal import Event
    from morphogen.study import Limit

LAST = 5


@final
class Tally:
    """Counts of a search and its best trial so far; `see` takes each event once."""

    def __init__(self, limit: Limit, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.now = now
        self.begun = self.mark = now()
        self.awake = False
        self.asked = self.done = self.failed = self.before = 0
        self.wall = self.cost = self.busy = 0.0
        self.running: dict[int, tuple[str, float]] = {}
        self.last: tuple[tuple[int, Mapping[str, Any]], ...] = ()
        self.best: tuple[int, Mapping[str, float], str] | None = None
        self.metric: tuple[str, bool] = ("accuracy", True)
        self.goal: Any = None
        self.refused = 0
        self.score = -math.inf
        self.regions: dict[int, Any] = {}
        self.word = "trial"

    def replay(self, events: list[Event]) -> None:
        """See the events of earlier sessions; time begins to count now."""
        for event in events:
            self.see(event)
        self.before, self.awake = self.done, False
        self.begun = self.mark = self.now()
        self.running = {number: (text, self.begun) for number, (text, _) in self.running.items()}

    def see(self, event: Event) -> None:
        """Count one event."""
        kind = event["kind"]
        self.awake = True
        if kind == "opened":
            directions = {metric["name"]: metric["maximize"] for metric in event["metrics"]}
            self.metric = (event["metric"], directions[event["metric"]])
            self.goal = read_goal(event)
        elif kind == "asked":
            self.asked += 1
            self.running[event["number"]] = (event["proposal"]["architecture"], self.now())
            if region := event["proposal"].get("region"):
                self.word = "region"
                self.regions[event["number"]] = region
        elif kind == "told":
            self._told(event["number"], event["estimate"], event["spent"])

    def _told(self, number: int, estimate: Mapping[str, Any], spent: Mapping[str, float]) -> None:
        text, _ = self.running.pop(number)
        self.wall += spent["wall"]
        if estimate.get("refused"):
            self.refused += 1
            return
        self.done += 1
        self.cost += estimate["cost"]
        self.busy += spent["estimates"]
        self.mark = self.now()
        self.last = (*self.last, (number, estimate))[-LAST:]
        if estimate.get("failure"):
            self.failed += 1
            return
        told = Estimate.from_json(estimate)
        score = self.goal.score_of(told)
        if score > max(self.score, INFEASIBLE):
            self.score = score
            self.best = (number, estimate["values"], estimate.get("derived", text))

    @property
    def elapsed(self) -> float:
        """Seconds of wall time, over all sessions."""
        return self.wall + self.now() - self.mark

    @property
    def rate(self) -> float | None:
        """Trials a second in this session; None before the first."""
        seconds = self.now() - self.begun
        done = self.done - self.before
        return done / seconds if done and seconds > 0 else None

    @property
    def share(self) -> float:
        """How much of the limit is used up, 0 to 1."""
        limit, shares = self.limit, [self.elapsed / self.limit.wall]
        if limit.trials is not None:
            shares.append(self.done / limit.trials)
        if limit.cost is not None:
            shares.append(self.cost / limit.cost)
        return min(1.0, max(shares))

    @property
    def left(self) -> float:
        """Seconds left, as far as is known; infinite where nothing is."""
        limit = self.limit
        bounds = [limit.wall - self.elapsed]
        if limit.trials is not None and self.rate:
            bounds.append((limit.trials - self.done) / self.rate)
        if limit.cost is not None and self.rate and self.cost:
            bounds.append((limit.cost - self.cost) / (self.cost / self.done) / self.rate)
        return max(0.0, min(bounds))

    def so_far(self) -> str:
        """Return how far the search is: time or trials of how many, and what is left."""
        limit, words = self.limit, []
        if limit.trials is not None:
            words.append(f"{self.done} of {limit.trials} {self.word}s")
        if math.isfinite(limit.wall):
            words.append(f"{clock(self.elapsed)} of {clock(limit.wall)}")
        if limit.cost is not None:
            words.append(f"{clock(self.cost)} of {clock(limit.cost)} in {self.word}s")
        if self.left and math.isfinite(self.left):
            words.append(f"{clock(self.left)} left")
        elif self.share >= 1 and self.running:
            words.append(f"the last {self.word}s are running")
        return ", ".join(words)
