"""Regularized evolution: the oldest dies, the best of a tournament breeds."""

from __future__ import annotations

from collections import Counter

import pytest

from morphogen.records import Estimate, Failure, Metric, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space, distance
from morphogen.spaces.cell201 import cell201
from morphogen.strategies.regularized_evolution import Aging, RegularizedEvolution
from morphogen.strategies.seen import Unique
from morphogen.testing.strategies import SCORE, fold, planted, search


def test_the_young_live_for_a_population_of_successes() -> None:
    strategy, failing = RegularizedEvolution(population=8, tournament=3), {3, 9, 10, 20}

    def objective(trial: Trial) -> Estimate:
        return Estimate(failure=Failure("E", "m")) if trial.number in failing else planted(trial)

    events = search(strategy, cell201(), objective, 60)
    for end in range(len(events) + 1):
        told = [t.number for t in events[:end] if not t.pending and t.number not in failing]
        alive = [t.number for t in fold(strategy, cell201(), events[:end]).alive]
        assert alive == told[-8:]


def test_even_the_best_dies() -> None:
    """Trial 0 is best by far; after a population of successes it has no more children."""

    def objective(trial: Trial) -> Estimate:
        return Estimate({"score": 100.0}) if trial.number == 0 else planted(trial)

    events = search(RegularizedEvolution(population=10, tournament=10), cell201(), objective, 60)
    parents = {t.number: t.proposal.parent for t in events}
    assert all(parents[n] is None for n in range(10))
    children = [n for n, parent in parents.items() if parent == 0]
    # Ten finished when the first child is asked for, ten and the first child when trial 11 is: 0 is then dead.
    assert children in ([10], [])
    assert all(parent is not None and n - 10 <= parent < n for n, parent in parents.items() if n >= 10)


def test_children_are_mutants_of_their_parents() -> None:
    events = search(RegularizedEvolution(), cell201(), planted, 200)
    architectures = {t.number: t.architecture for t in events}
    apart = [
        distance(cell201(), t.architecture, architectures[t.proposal.parent])
        for t in events
        if t.pending and t.proposal.parent is not None
    ]
    assert len(apart) == 170
    # Repeats are drawn again and at last moved on, so some are a few decisions away.
    assert Counter(apart).most_common(1)[0][0] == 1
    assert min(apart) >= 1


def state_of(scores: list[float], strategy: RegularizedEvolution, metric: Metric = SCORE) -> Aging:
    state = strategy.start(cell201(), metric)
    for number, score in enumerate(scores):
        proposal = strategy.ask(state, stream(0, number))
        assert proposal is not None
        trial = Trial(number, proposal)
        state = strategy.tell(strategy.tell(state, trial), trial.told(Estimate({metric.name: score})))
    return state


def parents(state: Aging, strategy: RegularizedEvolution, count: int) -> Counter[int | None]:
    found: Counter[int | None] = Counter()
    for n in range(count):
        proposal = strategy.ask(state, stream(1, n))
        assert proposal is not None
        found[proposal.parent] += 1
    return found


def test_a_tournament_of_one_is_a_random_parent() -> None:
    strategy = RegularizedEvolution(population=5, tournament=1)
    found = parents(state_of([5.0, 4.0, 3.0, 2.0, 1.0], strategy), strategy, 1000)
    assert set(found) == {0, 1, 2, 3, 4}
    assert max(found.values()) < 1.4 * min(found.values())


def test_a_tournament_is_won_by_the_best_of_those_drawn() -> None:
    """With replacement, the best of five is among two drawn with probability 1 - (4/5)^2."""
    strategy = RegularizedEvolution(population=5, tournament=2)
    found = parents(state_of([1.0, 5.0, 3.0, 2.0, 4.0], strategy), strategy, 2000)
    shares = {place: ((rank + 1) ** 2 - rank**2) / 25 for rank, place in enumerate([0, 3, 2, 4, 1])}
    for place, share in shares.items():
        assert found[place] / 2000 == pytest.approx(share, abs=0.035)


def test_less_may_be_better() -> None:
    strategy, metric = RegularizedEvolution(population=4, tournament=40), Metric("loss", maximize=False)
    found = parents(state_of([3.0, 1.0, 2.0, 4.0], strategy, metric), strategy, 50)
    assert set(found) == {1}


def test_repeats_are_wanted_where_nothing_is_unique() -> None:
    space = Space.from_text("NET -> chain(OP, OP)\nOP -> a | b\n")
    strategy = RegularizedEvolution(population=4, tournament=2, unique=Unique.NOTHING)
    assert sum(t.pending for t in search(strategy, space, planted, 40)) == 40


def test_nothing_is_bred_before_something_succeeded() -> None:
    events = search(
        RegularizedEvolution(population=3), cell201(), lambda t: Estimate(failure=Failure("E", "m")), 12
    )
    assert {t.proposal.parent for t in events} == {None}


@pytest.mark.parametrize("setting", ["population", "tournament"])
def test_a_setting_below_one_is_refused_at_once(setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} must be at least 1, got 0"):
        RegularizedEvolution(**{setting: 0})
