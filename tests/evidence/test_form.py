"""The form of evidence: bars, findings, results and their JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from morphogen import evidence
from morphogen.analysis import Interval
from morphogen.catalog import UnknownName
from morphogen.evidence import Bar, Finding, Result

INTERVAL = Interval(1.0, 3.0)


@pytest.mark.parametrize(
    ("bar", "met", "text"),
    [
        (Bar("equals", 2), True, "equals 2"),
        (Bar("equals", 15_625), False, "equals 15,625"),
        (Bar("within", 2.05, 0.06), True, "within 0.06 of 2.05"),
        (Bar("within", 2.07, 0.06), False, "within 0.06 of 2.07"),
        (Bar("at most", 2), True, "at most 2"),
        (Bar("at most", 1.9), False, "at most 1.9"),
        (Bar("at least", 2), True, "at least 2"),
        (Bar("at least", 2.1), False, "at least 2.1"),
        (Bar("covers", 3.0), True, "covers 3"),
        (Bar("covers", 0), False, "covers 0"),
        (Bar("below", 3.1), True, "below 3.1"),
        (Bar("below", 2.5), False, "below 2.5"),
        (Bar("above", 0.9), True, "above 0.9"),
        (Bar("above", 1.5), False, "above 1.5"),
    ],
)
def test_a_bar_is_met_or_not(bar: Bar, met: bool, text: str) -> None:
    assert bar.met(2, INTERVAL) is met
    assert str(bar) == text


def test_what_is_not_a_number_meets_no_bar() -> None:
    for bar in (Bar("equals", 2), Bar("within", 2, 9), Bar("at most", 2), Bar("at least", 2)):
        assert not bar.met(float("nan"), None)
    hole = Interval(float("nan"), float("nan"))
    for bar in (Bar("covers", 2), Bar("below", 2), Bar("above", 2)):
        assert not bar.met(2, hole)


def test_a_bar_about_an_interval_needs_one() -> None:
    with pytest.raises(ValueError, match="is about an interval"):
        Bar("covers", 2).met(2, None)
    with pytest.raises(ValueError, match="no relation 'near'"):
        Bar("near", 2)  # type: ignore[arg-type]


def result(*findings: Finding) -> Result:
    return Result(
        name="a",
        claim="b",
        source="c",
        control="d",
        command="e",
        version="1",
        environment={"python": "3"},
        date="2026-01-01",
        quick=True,
        seeds=3,
        findings=findings,
        seconds=1.5,
    )


GOOD = Finding("f", 2, Bar("equals", 2))
BAD = Finding("f", 3, Bar("equals", 2))
CAUGHT = Finding("g", 0.5, Bar("covers", 0), Interval(-1, 1, 0.99), control=True)
MISSED = Finding("g", 5.0, Bar("covers", 0), Interval(4, 6), control=True)
BESIDE = Finding("h", 1 / 3)


def test_a_result_holds_where_every_bar_is_met_and_a_control_was_caught() -> None:
    assert result(GOOD, CAUGHT, BESIDE).holds
    assert not result(GOOD, BAD, CAUGHT).holds
    assert not result(GOOD, MISSED).holds
    assert not result(GOOD, BESIDE).holds, "no control"
    assert not result(BESIDE).holds
    assert not result().holds


def test_a_result_is_written_and_read_back(tmp_path: Path) -> None:
    told = result(GOOD, BAD, CAUGHT, MISSED, BESIDE)
    told.write(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    record = json.loads(text)
    assert record == told.to_json()
    assert [finding.get("holds") for finding in record["findings"]] == [True, False, True, False, None]
    assert record["holds"] is False
    back = Result.from_json(record)
    assert back.findings[:4] == told.findings[:4]
    assert back.findings[4].value == 0.333333
    assert back.to_json() == record
    assert len(text.splitlines()) == len(record) - 1 + len(record["environment"]) + 1 + 5 + 4
    with pytest.raises(ValueError, match="not a result of format"):
        Result.from_json({})
    with pytest.raises(ValueError, match="not a result"):
        Result.from_json({name: value for name, value in record.items() if name != "claim"})


def test_numbers_of_numpy_are_written_too(tmp_path: Path) -> None:
    interval = Interval(*np.quantile([1.0, 2.0], [0.1, 0.9]))
    told = result(Finding("f", np.float64(0.5), Bar("at most", np.float64(0.6)), interval), CAUGHT)
    told.write(tmp_path / "a.json")
    assert Result.from_json(json.loads((tmp_path / "a.json").read_text())).holds


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean exact_counts"):
        evidence.run("exact_count")
