"""DARTS from the command line: regions that are the whole space, the derived winner, going on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.networks import load
from morphogen.study import Study

Cli = Callable[..., Any]
SEARCH = (
    "search",
    "--strategy",
    "one_shot",
    "--estimator",
    "darts",
    "--space",
    "cell201",
    "--data",
    "digits",
)
SMALL = ("--epochs", 1, "--channels", 4, "--batch-size", 256, "--fraction", "0.5")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, printed: Cli) -> Path:
    """A folder with a finished search of two regions, and what was printed."""
    folder = tmp_path_factory.mktemp("darts")
    words = (*SEARCH, *SMALL, "-o", "keep=2", "--final-epochs", 1, "--trials", 2, "--workers", 0)
    (folder / "err.txt").write_text(printed(folder, words).err)
    return folder


def test_the_winner_is_derived_from_the_whole_space(study: Path) -> None:
    found = Study.open(study)
    assert len(found.trials) == 2 and "keep=2" in found.estimator
    for trial in found.trials:
        assert [len(position.candidates) for position in trial.proposal.region] == [5] * 6
        edges = [str(edge) for edge in trial.architecture.args[0].args]
        assert edges[3:].count("zero") == 1 and "zero" not in edges[:3]
    assert found.trials[0].estimate != found.trials[1].estimate
    (event,) = [event for event in found.others if event["kind"] == "retrained"]
    assert event["fidelity"]["channels"] == 4
    assert sum(p.numel() for p in load("study-best").parameters()) == event["values"]["parameters"]
    told = [line for line in Path("err.txt").read_text().splitlines() if line.startswith("region ")]
    assert len(told) == 2 and all("rank entropy" in line for line in told)
    assert ">" not in Path("err.txt").read_text().split("position 0.0")[1], "all stay: nothing is marked"


def test_show_report_and_resume_know_it(cli: Cli, study: Path) -> None:
    assert "derived from region" in cli("show", study).out
    why = cli("why", study, 1).out
    assert "skips" in why and "inherited_accuracy  0." in why
    assert cli("report", study).code == 0 and Path("study.html").exists()
    ended = cli("resume", study, "--trials", 3, "--quiet")
    assert ended.code == 0, ended.err
    assert len(Study.open(study).trials) == 3
