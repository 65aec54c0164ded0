"""Each checker of strategies finds what it is there for: broken ones are planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from faults import failing, leaving

from morphogen.records import Metric, Proposal, Trial
from morphogen.spaces import moves
from morphogen.spaces.space import Space
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.strategy import Strategy
from morphogen.testing import strategies


@dataclass(frozen=True)
class Memo:
    """Asked trials and finished ones, in a list that can be changed."""

    space: Space
    metric: Metric
    told: list[Trial] = field(default_factory=list)


@dataclass(frozen=True)
class Broken(Strategy[Memo]):
    """A strategy with one fault."""

    fault: str = ""

    def start(self, space: Space, metric: Metric) -> Memo:
        return Memo(space, metric)

    def ask(self, state: Memo, rng: np.random.Generator) -> Proposal | None:
        if self.fault == "changes its state":
            state.told.append(Trial(0, Proposal(state.space.unrank(0))))
        if self.fault == "leaves the space":
            return Proposal(leaving(state.space))
        if self.fault == "own randomness":
            rng = np.random.default_rng()
        best = max((t for t in state.told if t.estimate), key=self._score(state), default=None)
        if best is None or self.fault in ("repeats", "random"):
            return Proposal(state.space.sample(rng))
        parent = best.number + 1000 * (self.fault == "orphans")
        return Proposal(moves.mutate(state.space, best.architecture, rng), parent=parent)

    def _score(self, state: Memo) -> Callable[[Trial], float]:
        def score(trial: Trial) -> float:
            assert trial.estimate is not None
            if self.fault == "breaks on failures":
                return trial.estimate.values["score"]
            value = trial.estimate.values.get("score", -9.0)
            return (
                value
                if self.fault == "ignores the direction" or getattr(state.metric, "maximize", True)
                else -value
            )

        return score

    def tell(self, state: Memo, trial: Trial) -> Memo:
        if self.fault == "tells in place":
            state.told.append(trial)
            return state
        if self.fault == "ends early" and len(state.told) > 30:
            raise RuntimeError("enough")
        return replace(state, told=[*state.told, trial])


@dataclass(frozen=True)
class Forgetful(Broken):
    """Loses what it knows when it is pickled."""

    def start(self, space: Space, metric: Metric) -> Memo:
        return Unpicklable(space, metric)


class Unpicklable(Memo):
    """Comes back empty."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Unpicklable, (self.space, self.metric)


class Loose(Broken):
    """Settings that can be changed."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Excused(Broken):
    """Excused from what is not there."""

    exceptions = {"hurry": "it has no time at all"}  # noqa: RUF012


@dataclass(frozen=True)
class Several(Broken):
    """Says that it improves several numbers at once."""

    objectives = None


BROKEN_STRATEGIES = [
    (strategies.exceptions_have_reasons, Excused(), "is no check"),
    (strategies.settings_are_a_value, Loose(), "frozen dataclass"),
    (strategies.asking_leaves_the_state, Broken("changes its state"), "state of"),
    (strategies.asking_leaves_the_state, Broken("tells in place"), "state of"),
    (strategies.asking_leaves_the_state, Broken("own randomness"), "asking twice"),
    (strategies.states_survive_pickling, Forgetful(), "a pickled state asks"),
    (strategies.a_cut_search_goes_on_alike, Broken("own randomness"), "resumed after"),
    (strategies.constraints_are_survived, Broken("own randomness"), "resumed after"),
    (strategies.a_frontier_is_searched, Several("own randomness"), "resumed after"),
    (strategies.proposals_are_inside, Broken("leaves the space"), "is not in"),
    (strategies.proposals_are_inside, Broken("orphans"), "has parent"),
    (strategies.more_or_less_is_better, Broken("ignores the direction"), "the sign"),
    (strategies.networks_are_asked_once, Broken("repeats"), "are distinct"),
    (strategies.random_search_is_beaten, Broken("random"), "it gains"),
    (strategies.a_small_space_is_exhausted, Broken("repeats"), "networks"),
]


@pytest.mark.parametrize(("check", "strategy", "words"), BROKEN_STRATEGIES)
def test_broken_strategies_are_found(
    check: Callable[[strategies.Setting], None], strategy: Strategy[Any], words: str
) -> None:
    setting = strategies.Setting(strategy, trials=20, proposals=300, seeds=4)
    assert words in failing(check, setting)
    if strategies.random_search_is_beaten is not check:
        check(replace(setting, strategy=RandomSearch()))


def test_a_strategy_that_breaks_on_failures_is_found() -> None:
    with pytest.raises(KeyError):
        strategies.failures_are_survived(strategies.Setting(Broken("breaks on failures"), trials=20))


def test_a_strategy_that_takes_a_refused_trial_for_a_measured_one_is_found() -> None:
    with pytest.raises(KeyError):
        strategies.constraints_are_survived(strategies.Setting(Broken("breaks on failures"), trials=20))


def test_a_strategy_that_does_not_survive_repeats_is_found() -> None:
    with pytest.raises(RuntimeError, match="enough"):
        strategies.repeats_are_survived(strategies.Setting(Broken("ends early"), trials=20))


def test_torch_in_a_strategy_is_found() -> None:
    loaded = type("Loaded", (RandomSearch,), {"__module__": "morphogen.networks.modules"})()
    assert "cannot be imported" in failing(strategies.torch_is_not_loaded, strategies.Setting(loaded))
