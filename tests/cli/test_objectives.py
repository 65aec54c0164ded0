"""Objectives, constraints and weights on the command line: frontiers of searches and of comparisons."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.study import Study

Cli = Callable[..., Any]
SEARCH = ("search", "--estimator", "my.py:count", "--workers", "0")
BOTH = ("--objective", "accuracy", "--objective", "parameters")


def test_several_objectives_are_searched_by_nsga2(cli: Cli) -> None:
    ended = cli(*SEARCH, *BOTH, "--trials", 30, "-o", "population=5")
    assert ended.code == 0, ended.err
    study = Study.open("study.db")
    assert study.strategy.startswith("NSGA2(population=5")
    assert f"Best network in accuracy: trial {study.best().number} of 30" in ended.out
    assert f"Frontier of accuracy and parameters: {len(study.frontier())} trial" in ended.out
    assert "hypervolume" in ended.out and "accuracy ↑" in ended.out and "parameters ↓" in ended.out
    shown = cli("show", "study.db")
    assert "accuracy up, parameters down" in shown.out and shown.out.count("hypervolume") == 1
    plain = json.loads(cli("show", "study.db", "--json").out)
    assert plain["frontier"] == [trial.number for trial in study.frontier()]
    assert plain["hypervolume"] == pytest.approx(study.hypervolume().tolist(), abs=1e-6)
    again = cli("resume", "study.db", "--trials", 33)
    assert again.code == 0 and len(Study.open("study.db").trials) == 33
    result = json.loads(cli(*SEARCH, *BOTH, "--trials", 33, "-o", "population=5", "--json").out)
    assert result["frontier"] == [trial.number for trial in Study.open("study.db").frontier()]


def test_without_moocore_the_frontier_is_shown_all_the_same(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*SEARCH, *BOTH, "--trials", 8, "-q").code == 0
    monkeypatch.setitem(sys.modules, "moocore", None)
    shown = cli("show", "study.db")
    assert shown.code == 0 and "Frontier of accuracy and parameters" in shown.out
    assert 'hypervolumes need moocore: pip install "morphogen[pareto]"' in shown.out
    assert "hypervolume" not in json.loads(cli("show", "study.db", "--json").out)


def test_a_constraint_is_kept(cli: Cli) -> None:
    ended = cli(*SEARCH, "--constraint", "parameters<=1.2k", "--trials", 20)
    assert ended.code == 0, ended.err
    study = Study.open("study.db")
    best = study.best().estimate
    assert best is not None and best.values["parameters"] <= 1200
    assert any(study.broken_by(trial) for trial in study.trials)
    shown = cli("show", "study.db").out
    assert "keeping parameters<=1200" in shown
    breaking = next(trial.number for trial in study.trials if study.broken_by(trial))
    assert "It breaks a constraint: parameters is" in cli("why", "study.db", breaking).out


def test_what_cannot_keep_a_constraint_is_not_trained(cli: Cli) -> None:
    words = ("--epochs", 1, "--fraction", 0.1, "--channels", 2, "--no-final", "--workers", 0)
    ended = cli("search", *words, "--constraint", "parameters<=700", "--trials", 2)
    assert ended.code == 0, ended.err
    study = Study.open("study.db")
    refused = len(study.refused)
    assert refused and len(study.trials) == 2 + refused
    assert f"2 trained and {refused} refused before" in ended.out and f"{refused} refused" in ended.err
    assert f"finished after 2 trials, {refused} more refused before training" in cli("show", "study.db").out
    assert " refused  " in cli("show", "study.db", "--all").out
    first = study.refused[0].number
    why = cli("why", "study.db", first)
    assert f"Trial {first} was refused before training.\nparameters is" in why.out
    gone = cli("export", "study.db", "--to", "network", "--trial", first)
    assert gone.code == 2 and f"trial {first} was refused before training: parameters is" in gone.err
    none = cli(*SEARCH, "--constraint", "accuracy>=2", "--trials", 2, "--study", "none.db")
    assert none.code == 1 and "keeps all constraints; the nearest is trial" in none.err
    assert "none: no trial keeps all constraints" in cli("show", "none.db").out


def test_weights_make_one_number(cli: Cli) -> None:
    words = ("--weight", "accuracy=1", "--weight", "parameters=0.001")
    ended = cli(*SEARCH, *words, "--trials", 15)
    assert ended.code == 0, ended.err
    study = Study.open("study.db")
    assert study.weights == (1.0, 0.001) and study.strategy.startswith("RegularizedEvolution")
    assert "a unit worth 0.001" in cli("show", "study.db").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--constraint", "parameters<5"), "--constraint 'parameters<5', column 11: expected <= or >="),
        (
            ("--constraint", "paramters<=5"),
            "--constraint paramters<=5: my.py:count reports accuracy, parameters, not",
        ),
        (("--objective", "accuracy", "--objective", "size"), "--objective size: my.py:count reports"),
        (("--metric", "acuracy"), "not acuracy (did you mean accuracy?)"),
        (
            (*BOTH, "--strategy", "local_search"),
            "local_search improves one number: --strategy nsga2 searches",
        ),
        (("--weight", "accuracy"), "--weight accuracy: write NAME=NUMBER"),
        (("--weight", "accuracy=much"), "--weight accuracy=much: write NAME=NUMBER"),
        ((*BOTH, "--weight", "accuracy=1"), "the objectives parameters have no weight"),
        (("--benchmark", "nasbench201", "--epochs", 3), "nasbench201 is a table: --data and the settings"),
        (("--benchmark", "nasbench201", "--space", "cell201"), "its own space: --space goes without it"),
    ],
)
def test_words_that_cannot_be_are_refused_in_one_line(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ended = cli(*SEARCH, "--trials", 5, *words)
    assert ended.code == 2 and says in ended.err
    assert ended.err.strip().count("\n") == 0 and not Path("study.db").exists()


def test_a_published_table_is_searched_for_its_frontier(cli: Cli, data: Path) -> None:
    words = (
        "--benchmark",
        "nasbench201/cifar100",
        "--objective",
        "validation",
        "--objective",
        "latency_pixel3",
    )
    ended = cli("search", *words, "--constraint", "parameters<=1", "--trials", 40)
    assert ended.code == 0, ended.err
    study = Study.open("study.db")
    assert [metric.name for metric in study.metrics] == ["validation", "latency_pixel3", "parameters"]
    assert "nsga2 with this process" in ended.err and "Frontier of validation and latency_pixel3" in ended.out
    assert cli("resume", "study.db", "--trials", 45).code == 0
    wrong = cli(
        "search", "--benchmark", "nasbench201", "--objective", "latency_pixle3", "--objective", "test"
    )
    assert wrong.code == 2 and "did you mean latency_pixel3?" in wrong.err


# --- comparing ----------------------------------------------------------------------------------------------


@pytest.fixture
def own(cli: Cli) -> Cli:
    """The command line in a folder with a table of 256 networks: good ones take long."""
    grammar = "NET -> chain(OP, OP, OP, OP)\nOP -> conv3x3 | conv1x1 | avg_pool | max_pool\n"
    from morphogen.spaces.space import Space

    acc = {"conv3x3": 3, "conv1x1": 2, "max_pool": 1, "avg_pool": 0}
    slow = {"conv3x3": 9, "conv1x1": 2, "max_pool": 3, "avg_pool": 0}
    lines = ["architecture,acc,ms"]
    for architecture in Space.from_text(grammar).enumerate():
        parts = [str(part) for part in architecture.args]
        lines.append(f'"{architecture}",{sum(map(acc.get, parts))},{sum(map(slow.get, parts))}')  # type: ignore[arg-type]
    Path("my.csv").write_text("\n".join(lines) + "\n")
    Path("space.txt").write_text(grammar)
    return cli


OWN = (
    "compare",
    "--benchmark",
    "my.csv",
    "--space",
    "space.txt",
    "--workers",
    1,
    "--queries",
    60,
    "--seeds",
    4,
)


def test_frontiers_are_compared_by_their_hypervolume(own: Cli) -> None:
    words = ("--objective", "acc", "--objective", "ms", "-o", "nsga2.population=8", "--json", "out.json")
    ended = own(*OWN, *words, "--plot", "out.svg")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].split() == ["lacks", "of", "the", "frontier,", "%", "after", "25", "50", "60"]
    names = [line.split()[0] for line in lines if line[0] != " "]
    assert names[:3] == ["lacks", "random_search", "nsga2"]
    assert "beat" in lines[-1]
    assert "my.csv: 256 rows, acc and ms; 4 seeds of 60 queries" in ended.err
    assert "different points in 256 rows" in ended.err and Path("out.svg").exists()
    record = json.loads(Path("out.json").read_text())
    assert record["objectives"] == ["acc", "ms"] and len(record["standings"][1]["curve"]) == 60
    assert 0 < record["hypervolume"] <= 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--objective", "ms", "--strategies", "nsga2,local_search"),
            "local_search improves one number: leave it out",
        ),
        (("--objective", "mss"), "has no column 'mss'; did you mean ms?"),
    ],
)
def test_a_frontier_that_cannot_be_compared_is_refused(own: Cli, words: tuple[str, ...], says: str) -> None:
    ended = own(*OWN, "--objective", "acc", *words)
    assert ended.code == 2 and says in ended.err
