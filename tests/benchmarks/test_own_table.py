"""Your own table: read from CSV and Parquet alike, and what is wrong with it is said with the row."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.benchmarks import BadTable, Benchmark, MissingData
from morphogen.estimators.table import Table
from morphogen.journal.memory import Memory
from morphogen.records import Metric
from morphogen.spaces.space import Space
from morphogen.strategies.local_search import LocalSearch
from morphogen.study.limits import Limit
from morphogen.study.loop import search

SPACE = Space.from_text("NET -> chain(OP, OP, OP)\nOP -> conv3x3 | avg_pool | identity\n", "tiny")
NAMES = ("architecture", "acc", "hours")
TEXTS = [str(architecture) for architecture in SPACE.enumerate()]
ROWS = [(text, 50 + number, 0.5 * number) for number, text in enumerate(TEXTS)]

Writer = Callable[[Path, Sequence[str], Sequence[Sequence[Any]]], Path]


def write_csv(folder: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path = folder / "my.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *(["" if c is None else c for c in row] for row in rows)])
    return path


def write_parquet(folder: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    import pyarrow
    from pyarrow import parquet

    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    parquet.write_table(pyarrow.table(columns), folder / "my.parquet")
    return folder / "my.parquet"


def read(path: Path, **settings: Any) -> Benchmark:
    return Benchmark.from_table(path, **{"space": SPACE, "objective": "acc", **settings})


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_table_is_read(write: Writer, tmp_path: Path) -> None:
    benchmark = read(write(tmp_path, NAMES, ROWS[::-1]), seconds="hours")
    architecture, best = benchmark.best()
    assert (str(architecture), best) == (TEXTS[-1], 50 + len(TEXTS) - 1)
    study = search(SPACE, LocalSearch(), benchmark.estimator, Memory(), limit=Limit(trials=20))
    for trial in study.trials:
        assert trial.estimate is not None
        number = TEXTS.index(str(trial.architecture))
        assert trial.estimate.values == {"acc": 50 + number} and trial.estimate.cost == 0.5 * number
    assert benchmark.estimator.queries == len(study.trials)


def test_less_may_be_better_and_more_be_told(tmp_path: Path) -> None:
    path = write_csv(tmp_path, NAMES, ROWS)
    benchmark = read(path, maximize=False, also=["hours"])
    assert benchmark.best() == (SPACE.parse(TEXTS[0]), 50)
    assert benchmark.estimator.metrics == (Metric("acc", False), Metric("hours", False))


def test_isomorphic_architectures_may_each_have_a_row(tmp_path: Path) -> None:
    benchmark = read(write_csv(tmp_path, NAMES, ROWS))
    keys = {architecture.key for architecture in benchmark.estimator.rows}
    assert len(keys) < len(benchmark.estimator.rows) == 27


def changed(row: int, column: int, value: Any) -> list[Any]:
    rows: list[list[Any]] = [list(each) for each in ROWS]
    rows[row - 1][column] = value
    return rows


# What is wrong -> the rows, the settings, and what the message must say.
WRONG: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "an absent objective": (ROWS, {"objective": "ac"}, "has no column 'ac'; did you mean acc"),
    "an absent column": (ROWS, {"seconds": "cost"}, "has no column 'cost'; there are architecture, acc"),
    "one column for two things": (ROWS, {"seconds": "acc"}, "acc is asked for in two places"),
    "unreadable": (changed(3, 0, "chain(conv3x3"), {}, "row 3: .*cannot be read as an architecture"),
    "an empty architecture": (changed(4, 0, None), {}, "row 4: there is no architecture"),
    "outside": (changed(5, 0, "chain(conv3x3, conv3x3, conv5x5)"), {}, "row 5: .*not in tiny: it has no conv5x5"),
    "twice": (changed(6, 0, TEXTS[1].replace(", ", ",")), {}, "row 6: .*stands in row 2 already"),
    "not a number": (changed(7, 1, "good"), {}, "row 7: acc is 'good', not a number"),
    "empty": (changed(8, 1, None), {}, "row 8: acc is empty"),
    "not finite": (changed(9, 1, float("nan")), {}, "row 9: acc is nan"),
    "infinite": (changed(9, 1, float("-inf")), {}, "row 9: acc is -inf"),
    "negative seconds": (changed(2, 2, -1.0), {"seconds": "hours"}, "row 2: hours is -1"),
    "missing": (ROWS[:-2], {}, "has 25 of the 27 architectures of tiny; .*say partial=True"),
    "no rows": ([], {}, "has no rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_what_is_wrong_is_said_with_the_row(write: Writer, case: str, tmp_path: Path) -> None:
    rows, settings, message = WRONG[case]
    if write is write_parquet and case == "not a number":
        rows = [(text, "good", hours) for text, _, hours in rows]  # a column has one type there
        message = "row 1: acc is 'good'"
    path = write(tmp_path, NAMES, rows)
    with pytest.raises(BadTable, match=message) as caught:
        read(path, **settings)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_columns_of_another_type(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="row 1: acc is True, a bool"):
        read(write_parquet(tmp_path, NAMES, [(text, True, 0.0) for text in TEXTS]))
    with pytest.raises(BadTable, match="row 1: there is no architecture but 7"):
        read(write_parquet(tmp_path, NAMES, [(7, 1.0, 0.0)]))


def test_files_that_are_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingData, match="there is no file"):
        read(tmp_path / "absent.csv")
    for name, text, message in (
        ("empty.csv", "", "is empty"),
        (
            "short.csv",
            'architecture,acc\n"chain(conv3x3, identity, identity)"\n',
            r"row 1 \(line 2\) has 1 cells",
        ),
        ("commas.csv", "architecture,acc\nchain(conv3x3, identity, identity),1\n", "stands in double quotes"),
        ("double.csv", "architecture,acc,acc\n", "2 columns called acc"),
        ("table.xlsx", "", "a table ends in .csv, .parquet"),
        ("broken.parquet", "nothing", "cannot be read as Parquet"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(BadTable, match=message):
            read(tmp_path / name)
    (tmp_path / "latin.csv").write_bytes("architecture,acc\nä,1\n".encode("latin-1"))
    with pytest.raises(BadTable, match="UTF-8"):
        read(tmp_path / "latin.csv")
    path = write_parquet(tmp_path, NAMES, ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingData, match=r"morphogen\[tables\]"):
        read(path)


def test_an_architecture_without_a_row_is_a_failed_estimate(tmp_path: Path) -> None:
    benchmark = read(write_csv(tmp_path, NAMES, ROWS[:20]), partial=True)
    study = search(SPACE, LocalSearch(), benchmark.estimator, Memory(), limit=Limit(trials=15), alike=99)
    known = {text for text, _, _ in ROWS[:20]}
    assert {trial.failed for trial in study.trials} == {True, False}
    for trial in study.trials:
        assert trial.estimate is not None
        assert trial.failed == (str(trial.architecture) not in known)
        if trial.estimate.failure:
            assert "has no row for" in trial.estimate.failure.message


def test_a_search_reads_no_other_row(tmp_path: Path) -> None:
    """All rows that were not asked for are poisoned: the same search asks for the same rows."""
    table = read(write_csv(tmp_path, NAMES, ROWS)).estimator
    strategy, limit = LocalSearch(), Limit(trials=8)
    asked = [t.architecture for t in search(SPACE, strategy, table, Memory(), limit=limit, seed=3).trials]
    poisoned = np.full(len(TEXTS), np.nan)
    for architecture in asked:
        poisoned[table.rows[architecture]] = table.column()[table.rows[architecture]]
    again = Table("poisoned", table.rows, {table.metrics[0]: poisoned})
    study = search(SPACE, strategy, again, Memory(), limit=limit, seed=3)
    assert np.isnan(poisoned).sum() == len(TEXTS) - 8
    assert [trial.architecture for trial in study.trials] == asked
    assert not any(trial.failed for trial in study.trials)
