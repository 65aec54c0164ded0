"""Checks of a search strategy: a pure function of a state, which no accident of a search can break.

`checks(strategy)` lists them. A check that a strategy is not meant to pass is named in its `exceptions`,
with the reason.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from morphogen.architecture import Architecture
from morphogen.goals import Constraint, Objectives
from morphogen.records import Estimate, Failure, Fidelity, Goal, Metric, Trial
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.space import Space
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.strategy import Strategy
from morphogen.testing.check import Check, named

Objective: TypeAlias = Callable[[Trial], Estimate]

SCORE: Final = Metric("score")

SIZE: Final = Metric("size", maximize=False)

SMALL: Final = """
NET -> stack(CELL) | pair(CELL, OP)
CELL -> cell(OP, OP, OP)
OP -> zero | identity | conv3x3
constructor pair 2
require connected
require at_most(conv3x3, 3)
"""
"""A space that a search looks through in a moment; many of its architectures are one network."""

ISOLATED: Final = """
NET -> chain(OP, OP)
OP -> resblock | conv3x3
require downsampling(resblock, 1)
"""
"""A space of two networks, neither of which becomes the other by one decision."""


@dataclass(frozen=True)
class Setting:
    """A strategy, and how long the searches are that the checks do with it."""

    strategy: Strategy[Any]
    space: Space = field(default_factory=cell201)
    trials: int = 60
    proposals: int = 2000
    seeds: int = 12


def checks(
    strategy: Strategy[Any],
    space: Space | None = None,
    *,
    trials: int = 60,
    proposals: int = 2000,
    seeds: int = 12,
) -> tuple[Check, ...]:
    """Return all checks that the strategy does not except.

    space: where they search, `cell201` unless told otherwise. trials: length of their searches. proposals:
    how many must be distinct. seeds: searches behind the comparison with random search.
    """
    setting = Setting(strategy, space or cell201(), trials, proposals, seeds)
    found = (check for check in CHECKS if check.__name__ not in strategy.exceptions)
    return named(found, setting)


# --- values -------------------------------------------------------------------------------------------------


def exceptions_have_reasons(here: Setting) -> None:
    """What a strategy is excused from is a check that exists, and it says why."""
    for name, reason in here.strategy.exceptions.items():
        assert name in {check.__name__ for check in CHECKS}, f"the exception {name} is no check"
        assert len(reason.split()) >= 3, f"the exception {name} has no reason"


def settings_are_a_value(here: Setting) -> None:
    """A strategy only stores: a copy is equal, and its text tells it from another."""
    again = pickle.loads(pickle.dumps(here.strategy))
    assert again == here.strategy, f"{here.strategy} came back from pickle as {again}"
    assert repr(again) == repr(here.strategy), f"{here.strategy} came back from pickle as {again}"
    try:
        here.strategy.__setattr__("anything", 1)
    except (AttributeError, TypeError):
        return
    raise AssertionError(f"{here.strategy} can be changed: make it a frozen dataclass")


def asking_leaves_the_state(here: Setting) -> None:
    """`ask` changes nothing, and neither do `learn` and `tell`; each reads only its arguments."""
    strategy, state = here.strategy, here.strategy.start(here.space, SCORE)
    for trial in search(strategy, here.space, planted, here.trials, workers=2):
        before = pickle.loads(pickle.dumps(state))
        learned = strategy.learn(state)
        first, second = (strategy.ask(learned, stream(1, trial.number)) for _ in range(2))
        assert first == second, f"with trial {trial.number}, asking twice gives {first} and {second}"
        following = strategy.tell(learned if trial.pending else state, trial)
        assert _same(state, before), f"the state of {strategy} changed by asking or telling"
        state = following


def states_survive_pickling(here: Setting) -> None:
    """A state that was pickled is equal and goes on alike."""
    strategy = here.strategy
    events = search(strategy, here.space, planted, here.trials, workers=3)
    for cut in _cuts(events):
        state = fold(strategy, here.space, events[:cut])
        again = pickle.loads(pickle.dumps(state))
        assert _same(again, state), f"after {cut} events the state came back from pickle different"
        one, two = (strategy.ask(strategy.learn(s), stream(2, cut)) for s in (state, again))
        assert one == two, f"after {cut} events a pickled state asks {two}, not {one}"


def a_cut_search_goes_on_alike(here: Setting) -> None:
    """Cut anywhere, with trials pending and finishing in any order, a search resumes as if nothing was."""
    _goes_on_alike(here, SCORE, _shaky, 1, 4)


def _goes_on_alike(here: Setting, goal: Goal, objective: Objective, *crews: int) -> None:
    for workers in crews:
        begun = partial(
            search, here.strategy, here.space, objective, here.trials, workers=workers, metric=goal
        )
        events = begun()
        for cut in _cuts(events):
            resumed = begun(events=events[:cut])
            first = next((i for i, (a, b) in enumerate(zip(events, resumed, strict=False)) if a != b), None)
            assert first is None, f"resumed after {cut} events, event {first} is {resumed[first]}"
            assert len(resumed) == len(events), f"resumed after {cut} events, it ends after {len(resumed)}"


# --- proposals ----------------------------------------------------------------------------------------------


def proposals_are_inside(here: Setting) -> None:
    """Every proposal lies in the space, with a fidelity and a parent asked before; `regions`, `at_once` hold."""
    most, running = here.strategy.at_once, 0
    for trial in search(here.strategy, here.space, planted, here.trials, workers=3):
        _check_proposal(here, trial)
        running += 1 if trial.pending else -1
        assert most is None or running <= most, f"it has {running} proposals open, `at_once` says {most}"


def failures_are_survived(here: Setting) -> None:
    """Failed estimates, be they some, the first ones or all, neither break a strategy nor end it."""

    def first(trial: Trial) -> Estimate:
        return _failed("first") if trial.number < here.trials // 2 else planted(trial)

    for objective in (_shaky, first, lambda trial: _failed("not a number")):
        for workers in (1, 3):
            events = search(here.strategy, here.space, objective, here.trials, workers=workers)
            asked = sum(trial.pending for trial in events)
            enough = asked == min(here.trials, here.space.count())
            assert enough or here.space.count() < 10 * here.trials, f"with failures it ended after {asked}"
            for trial in events:
                _check_proposal(here, trial)


def repeats_are_survived(here: Setting) -> None:
    """Trials that others asked, with architectures told before, are taken like its own."""
    events = search(here.strategy, here.space, planted, here.trials // 2, workers=2)
    told = [trial for trial in events if not trial.pending]
    for trial in told[::3]:
        number = sum(event.pending for event in events)
        repeat = Trial(number, trial.proposal)
        events += [repeat, repeat.told(planted(repeat))]
    for trial in search(here.strategy, here.space, planted, here.trials * 2, workers=3, events=events):
        _check_proposal(here, trial)


def more_or_less_is_better(here: Setting) -> None:
    """Minimizing a score asks what maximizing its negative asks."""

    def negative(trial: Trial) -> Estimate:
        return Estimate({"score": -planted(trial).values["score"]})

    most = search(here.strategy, here.space, planted, here.trials)
    least = search(here.strategy, here.space, negative, here.trials, metric=Metric("score", maximize=False))
    for one, two in zip(most, least, strict=True):
        assert one.proposal == two.proposal, f"trial {one.number} depends on the sign of what is improved"


def constraints_are_survived(here: Setting) -> None:
    """Trials that break a constraint, refused ones too, neither break a strategy nor its resuming."""
    goal = Objectives((SCORE,), (Constraint("size", "<=", _typical_size(here)),))
    _goes_on_alike(here, goal, _sized(goal), 3)


def a_frontier_is_searched(here: Setting) -> None:
    """A strategy that improves several numbers at once survives what it is told of them, and resumes."""
    if here.strategy.objectives == 1:
        return
    for constraints in ((), (Constraint("score", ">=", 0.4),)):
        goal = Objectives((SCORE, SIZE), constraints)
        _goes_on_alike(here, goal, _sized(goal), 3)


def networks_are_asked_once(here: Setting) -> None:
    """The first proposals are distinct networks, however they are written."""
    events = search(here.strategy, here.space, planted, here.proposals)
    keys = [trial.architecture.key for trial in events if trial.pending]
    count = min(here.proposals, len(keys))
    assert len(set(keys)) == count, f"of the first {count} proposals {len(set(keys))} are distinct"
    if here.space.count() >= 5 * here.proposals:
        assert count == here.proposals, f"{here.strategy} ended after {count} of {here.proposals} proposals"


def a_small_space_is_exhausted(here: Setting) -> None:
    """In a small space every network is asked for, and then nothing."""
    for text in (SMALL, ISOLATED):
        space = Space.from_text(text)
        networks = {a.key for a in space.enumerate()}
        for workers in (1, 3):
            events = search(here.strategy, space, planted, 3 * space.count(), workers=workers)
            asked = [trial.architecture.key for trial in events if trial.pending]
            assert set(asked) == networks, f"{len(set(asked))} of {len(networks)} networks were asked for"
            if networks_are_asked_once.__name__ not in here.strategy.exceptions:
                assert len(asked) == len(networks), f"{len(networks)} networks, but {len(asked)} proposals"


def random_search_is_beaten(here: Setting) -> None:
    """On an objective with structure the best is better than random search's (paired over seeds, t > 3)."""
    gains = []
    for seed in range(here.seeds):
        best = [
            max(trial.estimate.values["score"] for trial in events if trial.estimate)
            for strategy in (here.strategy, RandomSearch())
            for events in [search(strategy, here.space, planted, 2 * here.trials, seed=seed)]
        ]
        gains.append(best[0] - best[1])
    spread = np.std(gains, ddof=1) / np.sqrt(len(gains))
    mean = np.mean(gains)
    assert mean > 3 * spread, f"it gains {mean:.4f} on random search, with a standard error of {spread:.4f}"


def torch_is_not_loaded(here: Setting) -> None:
    """The module of the strategy imports where there is no torch."""
    code = "import importlib, sys; sys.modules['torch'] = None; importlib.import_module(sys.argv[1])"
    path = os.pathsep.join(filter(None, sys.path))
    run = subprocess.run(
        [sys.executable, "-c", code, type(here.strategy).__module__],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"{type(here.strategy).__module__} cannot be imported:\n{run.stderr}"


CHECKS: Final[tuple[Callable[[Setting], None], ...]] = (
    exceptions_have_reasons,
    settings_are_a_value,
    asking_leaves_the_state,
    states_survive_pickling,
    a_cut_search_goes_on_alike,
    proposals_are_inside,
    failures_are_survived,
    repeats_are_survived,
    more_or_less_is_better,
    constraints_are_survived,
    a_frontier_is_searched,
    networks_are_asked_once,
    a_small_space_is_exhausted,
    random_search_is_beaten,
    torch_is_not_loaded,
)


# --- a search without journal, clock and pool ---------------------------------------------------------------


def search(
    strategy: Strategy[Any],
    space: Space,
    objective: Objective,
    trials: int,
    *,
    seed: int = 0,
    workers: int = 1,
    metric: Goal = SCORE,
    events: Sequence[Trial] = (),
) -> list[Trial]:
    """Return the trials of a search in the order in which they are told: pending, and later with an estimate.

    workers: estimates under way at once, which finish in random order. events: those of an interrupted
    search, which is gone on with.
    """
    state, told = fold(strategy, space, events, metric), list(events)
    asked = sum(trial.pending for trial in told)
    running = {trial.number: trial for trial in told if trial.pending}
    for trial in told:
        if not trial.pending:
            del running[trial.number]
    while True:
        while asked < trials and len(running) < workers:
            learned = strategy.learn(state)
            proposal = strategy.ask(learned, stream(seed, asked))
            if proposal is None:
                break
            trial = running[asked] = Trial(asked, proposal)
            state, asked = strategy.tell(learned, trial), asked + 1
            told.append(trial)
        if not running:
            return told
        place = int(stream(seed, "finish", len(told)).integers(len(running)))
        trial = running.pop(sorted(running)[place])
        told.append(trial.told(objective(trial)))
        state = strategy.tell(state, told[-1])


def fold(strategy: Strategy[Any], space: Space, events: Sequence[Trial], metric: Goal = SCORE) -> Any:
    """Return the state that knows `events`, told in their order."""
    state = strategy.start(space, metric)
    for trial in events:
        state = strategy.tell(strategy.learn(state) if trial.pending else state, trial)
    return state


def planted(trial: Trial) -> Estimate:
    """Return a score that is the mean of a worth of each terminal at its place: better parts, better whole."""
    worths = list(_worths(trial.architecture, ()))
    return Estimate({"score": sum(worths) / len(worths)})


def _worths(a: Architecture, path: tuple[int, ...]) -> Iterator[float]:
    digest = hashlib.blake2b(f"{path} {a.terminal.name}".encode(), digest_size=4).digest()
    yield int.from_bytes(digest, "little") / 2**32
    for index, part in enumerate(a.args):
        yield from _worths(part, (*path, index))


def _size(a: Architecture) -> float:
    digest = hashlib.blake2b(a.terminal.name.encode(), digest_size=1).digest()
    return digest[0] / 255 + sum(map(_size, a.args))


def _typical_size(here: Setting) -> float:
    return float(np.median([_size(here.space.sample(stream(0, "size", n))) for n in range(21)]))


def _sized(goal: Objectives) -> Objective:
    """Return an objective of score and size; of what breaks a constraint every other trial is refused."""

    def objective(trial: Trial) -> Estimate:
        if _shaky(trial).failure:
            return _failed("shaky")
        found = {**planted(trial).values, "size": _size(trial.architecture)}
        known = {"size": found["size"]}
        reason = goal.broken_by(known) if trial.number % 2 else ""
        return Estimate(known, refused=reason) if reason else Estimate(found)

    return objective


def _shaky(trial: Trial) -> Estimate:
    return _failed("shaky") if stream(0, "shaky", trial.number).random() < 0.3 else planted(trial)


def _failed(message: str) -> Estimate:
    return Estimate(failure=Failure("RuntimeError", message))


def _cuts(events: Sequence[Trial]) -> list[int]:
    return sorted({0, 1, len(events) - 1, *(len(events) * part // 6 for part in range(1, 6))})


def _check_proposal(here: Setting, trial: Trial) -> None:
    space, proposal = here.space, trial.proposal
    assert space.contains(proposal.architecture), f"{proposal.architecture} is not in {space.name}"
    assert isinstance(proposal.fidelity, Fidelity), f"{proposal.fidelity} is no fidelity"
    if proposal.region:
        assert here.strategy.regions, f"trial {trial.number} is a region, but `regions` is not declared"
        region = space.region({p.path: p.candidates for p in proposal.region}, at=proposal.architecture)
        assert space.contains(region.unrank(0)), f"the region of trial {trial.number} leaves {space.name}"
    parent = proposal.parent
    assert parent is None or 0 <= parent < trial.number, f"trial {trial.number} has parent {parent}"


def _same(one: Any, two: Any) -> bool:
    return pickle.dumps(one) == pickle.dumps(two) or bool(one == two)
