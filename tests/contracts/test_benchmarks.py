"""The contract of benchmarks, held against every table of the catalogue, each data set or size of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from morphogen import catalog
from morphogen.benchmarks import Benchmark, OwnTable
from morphogen.estimators.table import Table
from morphogen.records import Metric
from morphogen.spaces.listed import listed
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


def test_a_row_outside_the_space_is_found() -> None:
    space = made(next(catalog.entries("benchmark")), ("cifar10", "validation")).space
    cells = [space.unrank(number) for number in range(4)]
    table = Table("t", {cell: row for row, cell in enumerate(cells)}, {Metric("acc"): [1.0, 2.0, 3.0, 4.0]})
    check = dict(benchmarks.checks(OwnTable(listed(cells[:3]), table)))["every row is in the space"]
    with pytest.raises(AssertionError, match="has a row, and is not in the space"):
        check()
