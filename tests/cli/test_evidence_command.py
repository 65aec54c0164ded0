"""`evidence`: exits 0 only where the claim holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen import catalog, evidence

Cli = Callable[..., Any]

CLAIMS = '''
"""A claim that holds, and one that does not."""
from morphogen.evidence import Bar, Entry, Finding

def experiment(value):
    def run(quick, progress):
        progress("counting", 0.5)
        yield Finding("answer", value, Bar("equals", 42))
        yield Finding("fake", 3, Bar("at most", 5), control=True)
    return run

def entry(name, value):
    return Entry(name=name, claim="The answer is 42.", source="Adams 1979", control="Three is not.",
                 experiment=experiment(value), seeds=0, quick_seeds=0)

TRUE, FALSE = entry("true_claim", 42), entry("false_claim", 41)
'''


@pytest.fixture
def claims(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """The command line with two claims more in the catalogue, and no others."""
    Path("claims_of_a_test.py").write_text(CLAIMS)
    monkeypatch.syspath_prepend(tmp_path)
    more = (
        catalog.Entry("evidence", "true_claim", "claims_of_a_test:TRUE", "the answer"),
        catalog.Entry("evidence", "false_claim", "claims_of_a_test:FALSE", "another answer"),
    )
    monkeypatch.setattr(catalog.names, "ENTRIES", more)
    return cli


def test_a_claim_that_holds(claims: Cli) -> None:
    ended = claims("evidence", "true_claim", "--json", "result.json")
    assert ended.code == 0 and "holds" in ended.out and "Adams 1979" in ended.out
    assert json.loads(Path("result.json").read_text())["holds"] is True


def test_a_claim_that_does_not_hold(claims: Cli) -> None:
    ended = claims("evidence", "false_claim", "--quick")
    assert ended.code == 1 and "does not hold" in ended.out and "FAILS" in ended.out


def test_all_claims_are_run_and_one_that_fails_decides(claims: Cli) -> None:
    ended = claims("evidence", "all", "--json", "results")
    assert ended.code == 1
    assert sorted(path.name for path in Path("results").iterdir()) == ["false_claim.json", "true_claim.json"]


def test_the_list_shows_every_entry_with_its_verdict(cli: Cli) -> None:
    ended = cli("evidence")
    assert ended.code == 0
    for name in evidence.names():
        kept = evidence.committed(name)
        verdict = "not run" if kept is None else "holds" if kept.holds else "FAILS"
        assert any(line.startswith(name) and verdict in line for line in ended.out.splitlines())
