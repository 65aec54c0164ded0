"""The contract of benchmarks, held against every table of the catalogue, each data set or size of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen import catalog
from morphogen.benchmarks import Benchmark, OwnTable
from morphogen.estimators.table import Table
from morphogen.pools import Simulated
from morphogen.records import Estimate, Metric, Proposal
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.listed import listed
from morphogen.spaces.space import Space
from morphogen.testing import benchmarks

# Settings that are tried of each benchmark; a new one with none is tried as it comes.
TRIED: dict[str, list[tuple[Any, ...]]] = {
    "nasbench201": [("cifar10", "validation"), ("cifar100", "score"), ("imagenet16-120", "test_12")],
    "transbench101_macro": [("jigsaw",), ("room_layout",)],
    "nasbench_graph": [("cora",), ("arxiv", "test")],
    "nasbench301": [("cifar10",), ("svhn",)],
    "nasbench_nlp": [("validation",), ("test",)],
    "ecnas101": [(4,), (5, "test")],
}


@cache
def made(entry: catalog.Entry, settings: tuple[Any, ...]) -> Benchmark:
    benchmark: Benchmark = entry.load()(*settings)
    return benchmark


CASES = [
    pytest.param(check, id=f"{entry.name}{settings}: {name}")
    for entry in catalog.entries("benchmark")
    for settings in TRIED.get(entry.name, [()])
    for name, check in benchmarks.checks(made(entry, settings))
]


@pytest.mark.parametrize("check", CASES)
def test_benchmarks(check: Callable[[], None], data: Path) -> None:
    check()


def test_every_benchmark_says_where_its_files_are() -> None:
    for entry in catalog.entries("benchmark"):
        assert "folder" in {field.name for field in fields(entry.load())}, entry.name


# --- the checks can fail ------------------------------------------------------------------------------------

CELLS = [cell201().unrank(number) for number in range(300)]
VALUES = np.random.default_rng(0).random(300)


def table() -> Table:
    rows = {cell: row for row, cell in enumerate(CELLS)}
    return Table("cells", rows, {Metric("acc"): VALUES}, seconds=1 + VALUES)


def failing(name: str, spoilt: Table, space: Space) -> str:
    """Return the sentence of a check that must fail, after it has held for a sound benchmark."""
    dict(benchmarks.checks(OwnTable(listed(CELLS), table())))[name]()
    with pytest.raises(AssertionError) as error:
        dict(benchmarks.checks(OwnTable(space, spoilt)))[name]()
    return str(error.value)


def test_a_row_outside_the_space_is_found() -> None:
    assert "and is not in the space" in failing("every row is in the space", table(), listed(CELLS[200:]))
    spoilt = table()
    spoilt.rows = {cell: row + 1 for row, cell in enumerate(CELLS)}
    assert "are not numbered" in failing("every row is in the space", spoilt, listed(CELLS))


def test_different_networks_in_one_row_are_found() -> None:
    spoilt = Table("cells", {cell: row // 2 for row, cell in enumerate(CELLS)}, {Metric("acc"): VALUES[:150]})
    assert "are two networks" in failing("every row is in the space", spoilt, listed(CELLS))


def test_a_look_that_is_not_counted_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = table()
    look = spoilt.estimate

    def uncounted(*asked: Any) -> Estimate:
        found = look(*asked)
        spoilt.queries -= 1
        return found

    monkeypatch.setattr(spoilt, "estimate", uncounted, raising=False)
    assert "a look counted 0" in failing("a look tells its row and is counted", spoilt, listed(CELLS))


def test_a_look_at_another_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that scales by the mean of all its rows, as whoever normalizes too early does."""

    def peeking(self: Table, proposal: Proposal, rng: Any) -> Estimate:
        self.queries += 1
        value = float(self.column()[self.rows[proposal.architecture]] - np.nanmean(self.column()))
        return Estimate({"acc": value}, 1.0)

    name = "no other row is seen"
    dict(benchmarks.checks(OwnTable(listed(CELLS), table())))[name]()
    monkeypatch.setattr(Table, "estimate", peeking)
    with pytest.raises(AssertionError, match="saw"):
        dict(benchmarks.checks(OwnTable(listed(CELLS), table())))[name]()


def test_a_clock_of_its_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "the clock runs in the seconds of the table"
    dict(benchmarks.checks(OwnTable(listed(CELLS), table())))[name]()
    monkeypatch.setattr(Simulated, "free", property(lambda pool: 9 - pool.busy))
    with pytest.raises(AssertionError, match="trials ran on|more than they could|the sum of all costs"):
        dict(benchmarks.checks(OwnTable(listed(CELLS), table())))[name]()
