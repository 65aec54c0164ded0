"""Checks of a benchmark: the truth is known, every look is counted, and no other row is seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.estimators.table import Table, TableError
from morphogen.journal.memory import Memory
from morphogen.records import Fidelity, Proposal, Trial
from morphogen.seeding import stream
from morphogen.strategies.local_search import LocalSearch
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.simulated import Simulated
from morphogen.testing.check import Check, named

QUERIES: Final = 30
"""Looks at the table a search."""

SOME: Final = 200
"""Rows that a check looks at; always the same ones, and all of a table that has no more."""

STRATEGIES: Final = (RegularizedEvolution(population=10, tournament=3), LocalSearch())


@dataclass(frozen=True)
class Setting:
    """A benchmark; its table is read when the first check asks for it."""

    benchmark: Benchmark

    @cached_property
    def table(self) -> Table:
        """The table of the benchmark."""
        return self.benchmark.estimator

    @cached_property
    def some(self) -> list[Architecture]:
        """Rows that are looked at one by one."""
        rows = list(self.table.rows)
        return (
            rows if len(rows) <= SOME else [rows[i] for i in stream(0, "rows").permutation(len(rows))[:SOME]]
        )

    def search(self, table: Table, strategy: int, pool: Simulated) -> tuple[Trial, ...]:
        """Return the trials of a search on a table with the space of the benchmark."""
        limit = Limit(trials=min(QUERIES, len(table.rows)))
        space, asked = self.benchmark.space, STRATEGIES[strategy]
        found = search(space, asked, table, Memory(), limit=limit, pool=pool, alike=QUERIES)
        return tuple(found.trials)


def checks(benchmark: Benchmark) -> tuple[Check, ...]:
    """Return all checks for a benchmark."""
    return named(
        (
            every_row_is_in_the_space,
            the_best_is_the_best_of_all_rows,
            a_look_tells_its_row_and_is_counted,
            no_other_row_is_seen,
            the_clock_runs_in_the_seconds_of_the_table,
        ),
        Setting(benchmark),
    )


def every_row_is_in_the_space(here: Setting) -> None:
    """Rows are architectures of the space; those that share a row are isomorphic."""
    space, rows = here.benchmark.space, here.table.rows
    outside = [row for row in here.some if row not in space]
    assert not outside, f"{outside[0]} has a row, and is not in the space"
    assert len(rows) <= space.count(), f"there are {len(rows)} rows for {space.count()} architectures"
    assert set(rows.values()) == set(range(len(here.table))), "the rows are not numbered 0, 1, 2, ..."
    if len(here.table) < len(rows):
        wanted = {rows[architecture] for architecture in here.some}
        first: dict[int, Architecture] = {}
        for architecture, row in rows.items():
            if row in wanted and first.setdefault(row, architecture).key != architecture.key:
                raise AssertionError(f"{architecture} and {first[row]} share a row, and are two networks")


def the_best_is_the_best_of_all_rows(here: Setting) -> None:
    """`best` returns the optimum of a column, and an architecture that has it."""
    for metric in here.table.metrics:
        architecture, best = here.benchmark.best(metric.name)
        column = here.table.column(metric.name)
        assert best == (np.nanmax(column) if metric.maximize else np.nanmin(column)), (
            f"{best} is not the best {metric}"
        )
        assert column[here.table.rows[architecture]] == best, (
            f"{architecture} does not have the best {metric}"
        )


def a_look_tells_its_row_and_is_counted(here: Setting) -> None:
    """An estimate has the values of its row at the epochs asked for; each look counts one, failed ones too."""
    table, rng = here.table, np.random.default_rng(0)
    for epochs in table.epochs or (None,):
        for architecture in here.some[:20]:
            row = {
                m.name: table.column(m.name, epochs=epochs)[table.rows[architecture]] for m in table.metrics
            }
            before = table.queries
            try:
                estimate = table.estimate(Proposal(architecture, Fidelity(epochs=epochs)), rng)
                assert dict(estimate.values) == row, f"{architecture} has {row}, it is told {estimate.values}"
                assert estimate.cost >= 0, f"{architecture} costs {estimate.cost} seconds"
            except TableError:
                assert np.isnan(list(row.values())).any(), f"{architecture} has {row}, and is refused"
            assert table.queries == before + 1, f"a look counted {table.queries - before}"


def no_other_row_is_seen(here: Setting) -> None:
    """With every row poisoned that a search did not ask for, it is the same search."""
    for strategy in range(len(STRATEGIES)):
        for workers in (1, 3):
            before = here.table.queries
            told = here.search(here.table, strategy, Simulated(workers))
            assert here.table.queries == before + len(told), "a search looked more often than it asked"
            poisoned = here.table.only(trial.architecture for trial in told)
            again = here.search(poisoned, strategy, Simulated(workers))
            assert [t.proposal for t in again] == [t.proposal for t in told], (
                "a search saw rows it did not ask for"
            )
            assert [_values(t) for t in again] == [_values(t) for t in told], "an estimate saw another row"


def the_clock_runs_in_the_seconds_of_the_table(here: Setting) -> None:
    """With any number of workers a trial takes its seconds, and never do more run than there are workers."""
    for workers in (1, 2, 7):
        pool = Simulated(workers)
        told = here.search(here.table, 0, pool)
        costs = [trial.estimate.cost if trial.estimate and not trial.failed else 0.0 for trial in told]
        spans = [pool.spans[trial.number] for trial in told]
        took = [span.finished - span.begun for span in spans]
        assert np.allclose(took, costs, rtol=1e-9, atol=1e-6), "a trial did not take what it costs"
        assert pool.clock == max(span.finished for span in spans), (
            "the clock is not where the last trial ended"
        )
        assert sum(costs) / workers <= pool.clock * (1 + 1e-9), "the workers did more than they could"
        assert workers > 1 or np.isclose(pool.clock, sum(costs)), "one worker takes the sum of all costs"
        for span in spans:
            running = sum(s.begun <= span.begun < s.finished for s in spans)
            assert running <= workers, f"{running} trials ran on {workers} workers"


def _values(trial: Trial) -> dict[str, float]:
    return dict(trial.estimate.values) if trial.estimate else {}
