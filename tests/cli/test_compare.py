"""`compare`: one table of strategies, on a named table and on your own, and what is wrong in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen import catalog
from morphogen.spaces.space import Space

Cli = Callable[..., Any]

GRAMMAR = "NET -> chain(OP, OP, OP, OP)\nOP -> conv3x3 | conv1x1 | avg_pool | max_pool\n"
WORTH = {"conv3x3": 3, "conv1x1": 2, "max_pool": 1, "avg_pool": 0}


@pytest.fixture
def own(cli: Cli) -> Cli:
    """The command line in a folder with a table of 256 rows and its space."""
    lines = ["architecture,acc,loss"]
    for architecture in Space.from_text(GRAMMAR).enumerate():
        value = sum(4**place * WORTH[str(part)] for place, part in enumerate(architecture.args))
        lines.append(f'"{architecture}",{value},{-value}')
    Path("my.csv").write_text("\n".join(lines) + "\n")
    Path("space.txt").write_text(GRAMMAR)
    return cli


OWN = ("compare", "--benchmark", "my.csv", "--space", "space.txt", "--workers", 1)
FEW = ("--queries", 30, "--seeds", 20, "--strategies", "random_search,local_search")


def test_your_own_table(own: Cli) -> None:
    ended = own(*OWN, "--objective", "acc", *FEW, "--json", "out.json")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split() == ["regret", "after", "25", "30", "target", "gain"]
    names = [line.split()[0] for line in lines if line[0] != " "]
    assert names == ["regret", "exact", "random_search", "local_search", "local_search"]
    assert lines[-1] == "local_search beats random_search after 25 and 30 queries"
    assert "my.csv: 256 rows, acc; 20 seeds of 30 queries" in ended.err and "95% intervals" in ended.err
    assert all(len(line.rstrip()) <= 80 for line in lines)
    record = json.loads(Path("out.json").read_text())
    assert record["benchmark"] == "my.csv" and record["queries"] == [25, 30]
    assert [each["name"] for each in record["standings"]] == ["random_search", "local_search"]


def test_less_may_be_better(own: Cli) -> None:
    more = own(*OWN, "--objective", "acc", *FEW)
    less = own(*OWN, "--objective", "loss", "--minimize", *FEW)
    assert more.out == less.out and less.code == 0


def test_settings_and_strategies_of_your_own(own: Cli) -> None:
    Path("mine.py").write_text(
        '"""A strategy."""\nfrom morphogen.strategies.random_search import RandomSearch as Mine\n'
    )
    words = ("--queries", 10, "--seeds", 3, "--strategies", "regularized_evolution,mine.py:Mine")
    ended = own(
        *OWN, "--objective", "acc", *words, "-o", "regularized_evolution.population=5", "--json", "o.json"
    )
    assert ended.code == 0 and "\nMine " in ended.out
    assert "population=5" in json.loads(Path("o.json").read_text())["strategies"]["regularized_evolution"]


def test_rows_may_be_missing_if_that_is_said(own: Cli) -> None:
    lines = Path("my.csv").read_text().splitlines()
    Path("my.csv").write_text("\n".join(lines[:200]) + "\n")
    ended = own(*OWN, "--objective", "acc", *FEW)
    assert ended.code == 2 and "199 of the 256 architectures" in ended.err and "--partial" in ended.err
    assert own(*OWN, "--objective", "acc", *FEW, "--partial").code == 0


def test_a_picture(own: Cli) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    assert own(*OWN, "--objective", "acc", *FEW, "--plot", "out.svg").code == 0
    assert "local_search" in Path("out.svg").read_text() or Path("out.svg").stat().st_size > 5_000


def test_matplotlib_is_named_before_the_work(own: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ended = own(*OWN, "--objective", "acc", *FEW, "--plot", "out.svg")
    assert ended.code == 2 and 'pip install "morphogen[plot]"' in ended.err and not ended.out


def test_a_named_table(cli: Cli, data: Path) -> None:
    words = ("--benchmark", "nasbench201/cifar100", "--objective", "validation_12", "--workers", 1)
    ended = cli("compare", *words, "--queries", 20, "--seeds", 2, "--strategies", "local_search")
    assert ended.code == 0 and "nasbench201 cifar100: 15,625 rows, validation_12; 2 seeds" in ended.err
    assert "one of the best 15 of 15,625 rows" in ended.err and "regret in %" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--benchmark", "nasbench20"),
            "there is no benchmark called 'nasbench20'; did you mean nasbench201",
        ),
        (("--benchmark", "nasbench201/mnist"), "no dataset 'mnist'; there are cifar10"),
        (("--benchmark", "nasbench201", "--objective", "acc"), "no objective 'acc'"),
        (("--benchmark", "nasbench201", "--space", "cell201"), "knows its own space"),
        (("--benchmark", "transbench101_macro", "--objective", "acc"), "no setting 'objective'"),
        (("--benchmark", "my.csv"), "say --space"),
        (
            (*OWN[1:], "--objective", "acc", "--strategies", "pseudo_gradient_evolution"),
            "pseudo_gradient_evolution proposes regions, and a table knows single architectures",
        ),
        (("--benchmark", "my.csv", "--space", "space.txt"), "say --objective"),
        (
            ("--benchmark", "absent.csv", "--space", "space.txt", "--objective", "a"),
            "there is no file absent.csv",
        ),
        (("--benchmark", "my.csv", "--space", "space.txt", "--objective", "ac"), "did you mean acc"),
        (
            ("--strategies", "local_serch"),
            "there is no strategy called 'local_serch'; did you mean local_search",
        ),
        (("--strategies", ","), "--strategies takes names"),
        (("-o", "population=3"), "write NAME.SETTING=VALUE"),
        (("--plot", "out.txt"), "ends in .svg"),
        (("--json", "nowhere/out.json"), "there is no folder nowhere"),
        (("--seeds", 1), "2"),
    ],
)
def test_wrong_use_is_one_line(own: Cli, words: tuple[object, ...], said: str) -> None:
    ended = own("compare", *words)
    assert ended.code == 2 and said in ended.err and not ended.out
    assert ended.err.strip().count("\n") == 0


# A row of the table that is changed (1 is the first below the names) -> what is said.
SPOILT = {
    "a missing architecture": (
        3,
        "",
        "has 255 of the 256 architectures of space; the first without a row is chain(",
    ),
    "a duplicate": (
        3,
        '"{first}",1,2',
        "row 3: chain(conv3x3, conv3x3, conv3x3, conv3x3) stands in row 1 already",
    ),
    "NaN": (4, '"{own}",nan,2', "row 4: acc is nan"),
    "infinite": (4, '"{own}",-inf,2', "row 4: acc is -inf"),
    "empty": (5, '"{own}",,2', "row 5: acc is empty"),
    "a wrong type": (6, '"{own}",good,2', "row 6: acc is 'good', not a number"),
    "outside the space": (
        7,
        '"chain(conv3x3, conv5x5, conv3x3, conv3x3)",1,2',
        "row 7: chain(conv3x3, conv5x5",
    ),
    "of another form": (7, '"chain(conv3x3)",1,2', "row 7: chain(conv3x3) is not in space"),
    "unreadable": (8, '"chain(conv3x3",1,2', "row 8: chain(conv3x3 cannot be read as an architecture"),
    "no architecture": (9, '"",1,2', "row 9: there is no architecture but ''"),
    "a comma too many": (10, "{own},1,2", "row 10 (line 11) has 6 cells for 3 columns"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_table_is_one_line_with_the_row(own: Cli, case: str) -> None:
    row, text, said = SPOILT[case]
    lines = Path("my.csv").read_text().splitlines()
    architectures = [line.split('"')[1] for line in lines[1:]]
    lines[row] = text.format(own=architectures[row - 1], first=architectures[0])
    Path("my.csv").write_text("\n".join(line for line in lines if line) + "\n")
    ended = own(*OWN, "--objective", "acc", *FEW, "--json", "out.json")
    assert ended.code == 2 and said in ended.err and "my.csv" in ended.err and not ended.out
    assert ended.err.strip().count("\n") == 0 and "Traceback" not in ended.err
    assert not Path("out.json").exists()


@pytest.mark.parametrize("word", ["nasbench301/svhn", "nasbench_nlp/validation", "ecnas101/4"])
def test_other_named_tables(cli: Cli, data: Path, word: str) -> None:
    ended = cli("compare", "--benchmark", word, "--queries", 30, "--seeds", 2, "--workers", 1)
    assert ended.code == 0 and f"{word.partition('/')[0]}" in ended.err and "exact random search" in ended.out


def test_an_interrupt_is_said_and_nothing_is_written(own: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import morphogen.comparing

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(morphogen.comparing, "scores_of", interrupted)
    ended = own(*OWN, "--objective", "acc", *FEW, "--json", "out.json")
    assert ended.code == 130 and "interrupted; nothing was written" in ended.err
    assert not Path("out.json").exists()


def test_benchmarks_are_listed(cli: Cli) -> None:
    for word in ("benchmark", "benchmarks"):
        ended = cli("list", word, "--names")
        assert ended.code == 0
        assert ended.out.split() == [entry.name for entry in catalog.entries("benchmark")]


def test_a_pool_an_acquisition_and_a_predictor_by_name(own: Cli) -> None:
    words = ["--strategies", "predictor_guided", "--queries", 20, "--seeds", 2, "--objective", "acc"]
    named = ("pool=mutate(20)+random(20)", "acquisition=thompson(0.5)", "k=5", "predictor=gaussian_process")
    options = [word for setting in named for word in ("--option", f"predictor_guided.{setting}")]
    assert own(*OWN, *words, *options).code == 0
    for setting, wanted in (
        ("pool=most", "pool must be a pool rule: full, random(M)"),
        ("acquisition=ei", "acquisition must be one of expected_improvement"),
        ("predictor=gaussian", "there is no predictor called 'gaussian'; did you mean gaussian_process?"),
        ("k=0", "k must be 1 or more, not 0"),
    ):
        ended = own(*OWN, *words, "--option", f"predictor_guided.{setting}")
        assert ended.code == 2 and wanted in ended.err and len(ended.err.splitlines()) == 1
