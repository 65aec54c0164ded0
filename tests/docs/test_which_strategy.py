"""The page `which strategy when` says what the committed results say, and breaks where they lose what it quotes."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from morphogen.analysis.intervals import Interval
from morphogen.evidence import Finding

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def which() -> ModuleType:
    spec = importlib.util.spec_from_file_location("which_strategy", ROOT / "docs/which_strategy.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_number_of_the_tables_is_a_committed_one(which: ModuleType) -> None:
    results = (ROOT / "src/morphogen/evidence/results").glob("*.json")
    known = set()
    for path in results:
        for found in json.loads(path.read_text())["findings"]:
            between = found.get("interval", {})
            known |= {which.number(v) for v in (found["value"], *between.values())}
    rows = [line for line in which.page().splitlines() if line.startswith("| ") and "`" not in line]
    assert len(rows) > 30
    for row in rows:
        for cell in row.split("|")[2:]:
            quoted = re.findall(r"\d[\d.,]*", cell.replace("> 300", ""))
            assert {text.rstrip(".,") for text in quoted} <= known, row


def test_what_is_not_there_any_more_is_named(which: ModuleType) -> None:
    with pytest.raises(which.Missing, match="search_baselines does not have: regret of dowsing"):
        which.finding("search_baselines", "regret of dowsing")
    with pytest.raises(which.Missing, match="dowsing, which has no committed result"):
        which.result("dowsing")
    with pytest.raises(which.Missing, match="zero_cost that it does not have"):
        which.rows("zero_cost", "(?P<of>dowsing) (?P<who>.*)")


def test_orders_and_counts_follow_the_values(which: ModuleType) -> None:
    def row(name: str, **values: tuple[float, float]) -> object:
        return which.Row(
            name, {n: Finding(n, v, interval=Interval(v - h, v + h)) for n, (v, h) in values.items()}
        )

    rows = [
        row("clear", a=(1, 0.1), b=(2, 0.1)),
        row("close", a=(1, 1), b=(2, 1)),
        row("lost", a=(3, 1), b=(2, 1)),
    ]
    said = which.counted(rows, "a", "the fewest")
    assert said.startswith("`a` has the fewest on 2 of 3 tables, on 1 of them with its whole interval")
    assert said.endswith("The rest: lost.")
    lines = which.table("table", rows, which.number)
    assert "| clear | **1 (0.9 to 1.1)** | 2 (1.9 to 2.1) |" in lines
    assert "| close | 1 (0 to 2) | 2 (1 to 3) |" in lines


def test_a_search_that_was_cut_is_not_a_number(which: ModuleType) -> None:
    assert which.queries(301.0) == "> 300" and which.queries(300.0) == "300"
    assert which.said(Finding("x", 301.0, interval=Interval(301.0, 301.0)), which.queries) == "> 300"


def test_every_strategy_is_measured_or_said_not_to_be(which: ModuleType) -> None:
    from morphogen import catalog

    page = which.page()
    assert all(
        f"`{entry.name}`" in page
        for entry in catalog.entries("strategy")
        if entry.name != "minimum_importance_pruning"
    )
