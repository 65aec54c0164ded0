"""Every claim: its committed result is whole, its quick experiment runs, and a fake is caught."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

import morphogen.evidence
from morphogen import evidence
from morphogen.benchmarks import NASBench201
from morphogen.evidence import search_baselines
from morphogen.evidence.entry import Result
from morphogen.strategies import RandomSearch, Unique

NAMES = evidence.names()
RESULTS = Path(morphogen.evidence.__file__).parent / "results"


def test_every_result_belongs_to_an_entry_and_every_entry_has_one() -> None:
    assert {path.stem for path in RESULTS.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_says_what_it_claims(name: str) -> None:
    entry = evidence.find(name)
    assert entry.name == name
    for text in (entry.claim, entry.control):
        assert text.endswith(".")
        assert len(text) < 400
    assert entry.source
    assert entry.seeds >= entry.quick_seeds >= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_result_is_whole_and_belongs_to_its_entry(name: str) -> None:
    record = json.loads((RESULTS / f"{name}.json").read_text())
    assert record.keys() == {"format", "holds", *(field.name for field in fields(Result))}
    told, entry = evidence.committed(name), evidence.find(name)
    assert told is not None
    assert told.to_json() == record, "every `holds` follows from its value, interval and bar"
    assert (told.name, told.claim, told.source, told.control) == (
        name,
        entry.claim,
        entry.source,
        entry.control,
    )
    assert told.command == f"morphogen evidence {name}"
    assert not told.quick
    assert told.seeds == entry.seeds
    assert {"python", *entry.packages} == told.environment.keys()
    assert "not installed" not in {told.version, *told.environment.values()}
    assert len({finding.name for finding in told.findings}) == len(told.findings)
    assert told.holds != bool(entry.refuted), "a claim that does not hold says so in its entry"


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_experiment_holds(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    told: list[float] = []
    try:
        found = evidence.run(name, quick=True, progress=lambda doing, share: told.append(share))
    except evidence.MissingData:
        request.getfixturevalue("data")  # skips where there are no shared data at all
        raise
    assert found.holds or evidence.find(name).refuted, [
        finding for finding in found.findings if not finding.holds
    ]
    found.write(tmp_path / "result.json")
    back = Result.from_json(json.loads((tmp_path / "result.json").read_text()))
    assert back.to_json() == found.to_json()
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)


def test_tables_that_are_not_there_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MORPHOGEN_DATA", str(tmp_path))
    with pytest.raises(
        evidence.MissingData, match=r"set MORPHOGEN_DATA to the folder that holds nasbench201\.parquet"
    ):
        evidence.run("search_baselines", quick=True)


def test_random_search_under_the_name_of_local_search_is_caught(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = RandomSearch(unique=Unique.ARCHITECTURE)
    monkeypatch.setattr(search_baselines, "PAYING", {**search_baselines.PAYING, search_baselines.LOCAL: fake})
    monkeypatch.setattr(search_baselines, "FOOLED", {search_baselines.LOCAL: fake})
    benchmark = NASBench201("cifar100", "score", data)
    found = list(search_baselines.on_dataset(benchmark, 10, True, 1, lambda doing, share: None))
    broken = [finding.name for finding in found if not finding.holds]
    assert len(broken) == 2
    assert all("local search" in name and "150 queries" in name for name in broken)
