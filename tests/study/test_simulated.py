"""The simulated clock: times worked out by hand, results out of order, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from morphogen.architecture import Architecture
from morphogen.estimators.table import Table
from morphogen.journal.memory import Memory
from morphogen.pools import Inline, Simulated
from morphogen.records import Metric
from morphogen.spaces.space import Space
from morphogen.strategies.listed import Listed
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.simulated import Span
from morphogen.study.study import Study

SPACE = Space.from_text("NET -> chain(OP, OP, OP)\nOP -> conv3x3 | conv1x1 | avg_pool | max_pool\n", "tiny")
ALL = tuple(SPACE.enumerate())


def table(costs: Sequence[float], rows: Sequence[Architecture] = ALL) -> Table:
    values = [float(7 * number % 31) for number in range(len(rows))]
    return Table("clocked", {a: n for n, a in enumerate(rows)}, {Metric("acc"): values}, seconds=costs)


def told(journal: Memory) -> list[int]:
    return [event["number"] for event in journal.read() if event["kind"] == "told"]


def run(costs: Sequence[float], pool: Simulated, **settings: Any) -> list[int]:
    journal = Memory()
    rows = ALL[: len(costs)]
    given = {"limit": Limit(trials=len(costs)), **settings}
    search(SPACE, Listed(rows), table(costs, rows), journal, pool=pool, **given)
    return told(journal)


def test_three_trials_on_two_workers() -> None:
    """5, 2 and 4 seconds: the first worker is busy until 5, the other with two trials until 6."""
    pool = Simulated(2)
    assert run([5.0, 2.0, 4.0], pool) == [1, 0, 2]
    assert pool.clock == 6.0
    assert pool.spans == {0: Span(0, 5), 1: Span(0, 2), 2: Span(2, 6)}


@pytest.mark.parametrize(("workers", "seconds"), [(1, 11.0), (2, 6.0), (3, 5.0), (7, 5.0)])
def test_more_workers_end_sooner(workers: int, seconds: float) -> None:
    pool = Simulated(workers)
    run([5.0, 2.0, 4.0], pool)
    assert pool.clock == seconds


def test_of_equals_the_earlier_trial_comes_first() -> None:
    assert run([1.0] * 6, Simulated(3)) == [0, 1, 2, 3, 4, 5]


def test_one_worker_is_the_search_in_this_process() -> None:
    def asked(pool: Any) -> list[str]:
        study = search(
            SPACE, RegularizedEvolution(5, 2), CLOCKED, Memory(), limit=Limit(trials=40), pool=pool
        )
        return [str(trial.architecture) for trial in study.trials]

    assert asked(Simulated(1)) == asked(Inline())
    assert asked(Simulated(4)) == asked(Simulated(4)), "the order is a function of the seed"
    assert asked(Simulated(4)) != asked(Simulated(1)), "a strategy that hears late asks for something else"


CLOCKED = table([float(1 + 13 * number % 29) for number in range(len(ALL))])


def test_a_strategy_hears_of_results_out_of_order_and_of_pending_ones() -> None:
    journal = Memory()
    search(SPACE, RegularizedEvolution(5, 2), CLOCKED, journal, limit=Limit(trials=30), pool=Simulated(4))
    order = told(journal)
    assert sorted(order) == list(range(30)) and order != sorted(order)
    kinds = [event["kind"] for event in journal.read()]
    assert kinds[1:6] == ["asked"] * 4 + ["told"], "four begin before the first is back"


def test_the_cost_limit_counts_simulated_seconds() -> None:
    pool = Simulated(1)
    assert run([5.0, 2.0, 4.0, 1.0], pool, limit=Limit(cost=6.5)) == [0, 1]
    assert pool.clock == 7.0, "what runs when the limit is reached is kept"
    pool = Simulated(2)
    assert run([5.0, 2.0, 4.0, 1.0], pool, limit=Limit(cost=6.5)) == [1, 0, 2]


def test_the_best_over_simulated_time() -> None:
    pool, rows = Simulated(2), ALL[:3]
    journal = Memory()
    search(SPACE, Listed(rows), table([5.0, 2.0, 4.0], rows), journal, pool=pool, limit=Limit(trials=3))
    found = sorted((pool.spans[t.number].finished, t.estimate.values["acc"]) for t in trials(journal))
    assert found == [(2.0, 7.0), (5.0, 0.0), (6.0, 14.0)]


def trials(journal: Memory) -> Any:
    return Study(journal, SPACE).trials


def test_an_estimate_that_breaks_down_takes_no_time() -> None:
    pool, journal = Simulated(2), Memory()
    part = table([5.0, 2.0], ALL[:2])
    search(SPACE, Listed((*ALL[:2], ALL[9])), part, journal, pool=pool, limit=Limit(trials=3))
    assert told(journal) == [1, 2, 0] and pool.clock == 5.0
    assert trials(journal)[2].failed and trials(journal)[2].estimate.cost == 0


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        Simulated(0)
