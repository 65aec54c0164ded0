"""NSGA-II: who survives, who breeds, and that it reaches a known frontier."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from morphogen.goals import Constraint, Objectives
from morphogen.records import Estimate, Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import distance
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.space import Space
from morphogen.strategies.nsga2 import NSGA2, select
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.seen import Unique
from morphogen.testing.strategies import SCORE, fold, planted, search

LADDER = Space.from_text("NET -> chain(OP, OP, OP, OP, OP, OP)\nOP -> a | b | c | d\n", "ladder")
BOTH = Objectives((Metric("height"), Metric("width", maximize=False)))
HEIGHT = {"a": 0.0, "b": 1.0, "c": 2.0, "d": 2.0}
WIDTH = {"a": 0.0, "b": 1.0, "c": 3.0, "d": 4.0}
"""`d` is beaten by `c`, so the frontier is chains of a, b and c with at most some of each."""


def measured(trial: Trial) -> Estimate:
    names = [part.terminal.name for part in trial.architecture.args]
    return Estimate({"height": sum(map(HEIGHT.get, names)), "width": sum(map(WIDTH.get, names))})  # type: ignore[arg-type]


def told(number: int, height: float, width: float) -> Trial:
    values = {"height": height, "width": width}
    return Trial(number, Proposal(LADDER.unrank(number)), Estimate(values))


def test_the_best_front_survives_and_then_the_room() -> None:
    # Fronts: {0, 1, 2, 3} (3 lies close to 2), {4}, {5}.
    trials = [told(0, 5, 9), told(1, 1, 1), told(2, 3, 4), told(3, 3.1, 4.2), told(4, 1, 2), told(5, 0, 3)]
    assert [t.number for t in select(trials, BOTH, 6)] == [0, 1, 3, 2, 4, 5]
    assert [t.number for t in select(trials, BOTH, 3)] == [0, 1, 3]
    narrow = Objectives(BOTH.metrics, (Constraint("width", "<=", 1.5),))
    assert [t.number for t in select(trials, narrow, 6)] == [1, 4, 5, 2, 3, 0]


def test_a_generation_is_told_before_it_breeds() -> None:
    strategy = NSGA2(population=6)
    for workers in (1, 4):
        events = search(strategy, LADDER, measured, 40, metric=BOTH, workers=workers)
        for cut in range(len(events) + 1):
            state = fold(strategy, LADDER, events[:cut], BOTH)
            finished = sum(not trial.pending for trial in events[:cut])
            assert len(state.parents) == (6 if finished >= 6 else 0)
            assert len(state.offspring) == finished % 6
        first = [trial for trial in events if trial.pending][:6]
        assert all(trial.proposal.parent is None for trial in first)
        assert any(trial.proposal.parent is not None for trial in events[-10:])


def test_parents_are_the_best_of_parents_and_offspring() -> None:
    strategy = NSGA2(population=5)
    events = search(strategy, LADDER, measured, 25, metric=BOTH)
    before: tuple[Trial, ...] = ()
    for cut in range(len(events) + 1):
        state = fold(strategy, LADDER, events[:cut], BOTH)
        if state.parents != before:
            known = {trial.number: trial for trial in events[:cut] if not trial.pending}
            offspring = [known[n] for n in sorted(known)[-5:]]
            assert state.parents == select((*before, *offspring), BOTH, 5)
            before = state.parents
    assert before


def test_children_have_their_parents_parts() -> None:
    strategy = NSGA2(population=2, crossover=1.0, mutation=0.0, unique=Unique.NOTHING)
    events = search(strategy, cell201(), planted, 2, metric=SCORE)
    state = fold(strategy, cell201(), events, SCORE)
    parents = {trial.number: trial.architecture for trial in state.parents}
    crossed = 0
    for number in range(200):
        proposal = strategy.ask(state, stream(3, number))
        assert proposal is not None and proposal.parent is not None
        edges = zip(
            proposal.architecture.args[0].args, *(p.args[0].args for p in parents.values()), strict=True
        )
        foreign = sum(edge not in both for edge, *both in edges)
        # Crossed and not mutated; where both parents are one it is mutated, by one decision.
        assert foreign <= 1
        assert distance(cell201(), proposal.architecture, parents[proposal.parent]) == 1
        crossed += not foreign
    assert 0.25 < crossed / 200 < 0.65


def hypervolume(trials: list[Trial]) -> float:
    """The area below height against 24 - width, by a staircase."""
    points = sorted({BOTH.scores(trial) for trial in trials if not trial.pending}, reverse=True)
    area, reached = 0.0, -24.0
    for height, negative in points:
        if negative > reached:
            area += height * (negative - reached)
            reached = negative
    return area


def test_it_reaches_more_of_a_known_frontier_than_random_search() -> None:
    every = [Trial(n, Proposal(a)) for n, a in enumerate(LADDER.enumerate())]
    exact = hypervolume([trial.told(measured(trial)) for trial in every])
    lacks = {}
    for name, strategy in (("nsga2", NSGA2(population=10)), ("random", RandomSearch())):
        found = [search(strategy, LADDER, measured, 120, metric=BOTH, seed=seed) for seed in range(8)]
        lacks[name] = np.array([1 - hypervolume(events) / exact for events in found])
    assert (lacks["nsga2"] < lacks["random"]).sum() >= 7
    assert lacks["nsga2"].mean() < 0.6 * lacks["random"].mean()


def test_without_a_feasible_start_it_walks_to_where_constraints_hold() -> None:
    goal = Objectives(BOTH.metrics, (Constraint("width", "<=", 2),))

    def refusing(trial: Trial) -> Estimate:
        estimate = measured(trial)
        reason = goal.broken_by({"width": estimate.values["width"]})
        return Estimate({"width": estimate.values["width"]}, refused=reason) if reason else estimate

    events = search(NSGA2(population=8), LADDER, refusing, 120, metric=goal)
    told = [trial for trial in events if not trial.pending]
    assert not any(trial.succeeded for trial in told[:8])
    assert max(t.estimate.values["height"] for t in told if t.succeeded and t.estimate) == 2


def test_tournaments_prefer_those_who_stand_first() -> None:
    strategy = NSGA2(population=10, crossover=0.0)
    events = search(strategy, LADDER, measured, 10, metric=BOTH)
    state = fold(strategy, LADDER, events, BOTH)
    places = {trial.number: place for place, trial in enumerate(state.parents)}
    asked = [strategy.ask(state, stream(7, n)) for n in range(1000)]
    drawn = [places[p.parent] for p in asked if p is not None and p.parent is not None]
    counts = [drawn.count(place) / len(drawn) for place in range(10)]
    # The smaller of two uniform draws: place p has probability (19 - 2p) / 100.
    assert counts == pytest.approx([(19 - 2 * place) / 100 for place in range(10)], abs=0.05)
    assert all(one > other - 0.03 for one, other in itertools.pairwise(counts))


@pytest.mark.parametrize("settings", [{"population": 0}, {"crossover": 1.5}, {"mutation": -0.1}])
def test_settings_out_of_range_are_named(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        NSGA2(**settings)  # type: ignore[arg-type]
