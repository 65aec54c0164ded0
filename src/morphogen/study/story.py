"""The story so far: a journal folded into what the loop must know to go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from morphogen.journal.journal import Event, Journal, JournalFailed
from morphogen.records import Estimate, Goal, Trial
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy
from morphogen.study.events import check_same, likeness, read_derived, read_proposal
from morphogen.study.ledger import Ledger


class Story:
    """What a strategy knows, which trials are pending, what was spent, how many were refused or failed alike.

    `ask` and `tell` are the steps of the fold; the loop takes them as things happen, `replay` as they
    happened.
    """

    def __init__(self, space: Space, strategy: Strategy[Any], goal: Goal) -> None:
        self.space = space
        self.strategy = strategy
        self.goal = goal
        self.state = strategy.start(space, goal)
        self.events = 0
        self.asked = 0
        self.finished = 0
        self.refused = 0
        self.refused_in_a_row = 0
        self.pending: dict[int, Trial] = {}
        self.ledger = Ledger()
        self.alike = 0
        self.failed = -1
        self.failure = ""
        self._likeness = ""

    def ask(self, trial: Trial, learned: Any) -> None:
        """Tell the strategy a pending trial; `learned` is the state that it was asked with."""
        self.state = self.strategy.tell(learned, trial)
        self.pending[trial.number] = trial
        self.asked += 1

    def tell(self, number: int, estimate: Estimate, spent: Mapping[str, float]) -> Trial:
        """Tell the strategy a finished trial, keep the books, and return the trial."""
        told = self.pending.pop(number).told(estimate, read_derived(estimate, self.space))
        self.state = self.strategy.tell(self.state, told)
        self.ledger.add(spent, estimate.cost)
        if estimate.refused is not None:
            self.refused += 1
            self.refused_in_a_row += 1
            return told
        self.finished += 1
        self.refused_in_a_row = 0
        failure = estimate.failure
        if failure is None:
            self.alike = 0
            return told
        alike = likeness(failure.type, failure.message)
        self.alike = self.alike + 1 if self.alike and alike == self._likeness else 1
        self._likeness, self.failed, self.failure = alike, number, f"{failure.type}: {failure.message}"
        return told

    def replay(self, journal: Journal, opening: Event) -> None:
        """Fold the events of a journal; refuse one that opens another search than `opening`."""
        for number, event in enumerate(journal.read()):
            if number == 0:
                check_same(journal, event, opening)
            else:
                try:
                    self._follow(event)
                except (KeyError, TypeError, AssertionError) as error:
                    raise JournalFailed(
                        f"{journal} is damaged: event {number + 1} does not follow ({error!r}); "
                        "restore it from a copy"
                    ) from error
            self.events += 1

    def _follow(self, event: Event) -> None:
        kind = event["kind"]
        if kind == "asked":
            assert event["number"] == self.asked, f"trial {event['number']} after trial {self.asked - 1}"
            trial = Trial(self.asked, read_proposal(event["proposal"], self.space))
            # Learning is part of the fold: the loop learns before each trial, so does this.
            self.ask(trial, self.strategy.learn(self.state))
        elif kind == "told":
            assert event["number"] in self.pending, f"trial {event['number']} finished, but was not running"
            self.tell(event["number"], Estimate.from_json(event["estimate"]), event["spent"])
        elif kind == "stopped":
            self.alike = self.refused_in_a_row = 0
        else:
            assert kind != "opened", "a second opening"
