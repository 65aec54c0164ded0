"""Whatever a user gets wrong: one clear line that names the fix, and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAST = ("--estimator", "my.py:count", "--workers", "0", "--trials", "2", "--quiet")

CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "a command": (("serch",), "search"),
    "an option": (("search", "--spce", "x"), "did you mean --space?"),
    "an argument too few": (("count",), "space"),
    "a number": (("search", "--trials", "many"), "--trials"),
    "a number out of range": (("search", "--trials", "0"), "1"),
    "a space": (("count", "cel201"), "did you mean cell201?"),
    "a grammar file": (("count", "nothing.txt"), "there is no file nothing.txt"),
    "a folder as a space": (("count", "."), "is a folder"),
    "a Python file without a name": (("count", "my.py"), "my.py:space"),
    "a name in a Python file": (("count", "my.py:cuont"), "did you mean count?"),
    "something that is no space": (("count", "my.py:COUNT"), "has no COUNT"),
    "an estimator as a space": (("count", "my.py:mg"), "must be a Space"),
    "a Python file that breaks": (("count", "broken.py:space"), "line 2"),
    "an empty space": (("count", "empty.txt"), "empty"),
    "a strategy": (("search", "--strategy", "randm_search", *FAST), "did you mean random_search?"),
    "a setting": (("search", "-o", "populaton=3", *FAST), "did you mean population?"),
    "a setting without a value": (("search", "-o", "population", *FAST), "name=value"),
    "a setting of another type": (("search", "-o", "population=x", *FAST), "a whole number"),
    "a setting that is not among the choices": (
        ("search", "-o", "unique=none", *FAST),
        "network, architecture",
    ),
    "a setting of the training": (("search", "--train", "flop=yes", "--trials", "2"), "did you mean flip?"),
    "a value of the training": (("search", "--train", "optimizer=sdg", "--trials", "2"), "sgd, adamw"),
    "a setting of a function": (("search", "--train", "flip=yes", *FAST), "my.py:count has no settings"),
    "an estimator": (("search", "--estimator", "trainin"), "did you mean training?"),
    "an estimator in a file": (("search", "--estimator", "my.py:cuont"), "did you mean count?"),
    "an estimator file": (("search", "--estimator", "yours.py:train"), "no such file"),
    "a metric": (("search", "--metric", "speed", *FAST), "reports accuracy, parameters"),
    "a time": (("search", "--time", "3x"), "90s, 3m, 2h"),
    "data": (("search", "--data", "nothing.npz"), "no such file"),
    "a kind of data": (("search", "--data", "my.py"), "unknown kind"),
    "a fraction": (("search", "--fraction", "0"), "must be positive"),
    "test data alone": (("search", "--test-data", "digits", *FAST), "--data"),
    "a study that is no file": (("search", "--study", "memory:", *FAST), "name a file"),
    "a time-out without workers": (("search", "--timeout", "3s", *FAST), "--workers 1"),
    "a folder of a study": (("search", "--study", "no/where.db", *FAST), "there is no folder no"),
    "a study": (("show", "nothing.db"), "there is no study nothing.db"),
    "a file that is no study": (("show", "my.py"), "not a journal"),
    "a study to resume": (("resume", "nothing.db"), "there is no study"),
    "a kind of list": (("list", "spices"), "did you mean spaces?"),
    "a kind of list that nothing is near": (("list", "banana"), "evidence, operations, predictors"),
    "evidence": (("evidence", "exact_count", "--quick"), "did you mean exact_counts?"),
    "a folder that is not empty": (("init", "."), "not empty"),
}


@pytest.mark.parametrize("what", CASES)
def test_one_line_names_the_fix(cli: Callable[..., Any], what: str) -> None:
    Path("empty.txt").write_text("NET -> cell(zero, zero, zero)\nrequire connected\n")
    Path("broken.py").write_text("x = 1\ny = x / 0\n")
    words, hint = CASES[what]
    ended = cli(*words)
    assert ended.code == 2, ended
    assert hint in ended.err
    assert len(ended.err.splitlines()) == 1 and ended.err.startswith("morphogen: ")
    assert not list(Path().glob("*.db"))


def test_a_malformed_grammar_is_shown_with_its_place(cli: Callable[..., Any]) -> None:
    Path("bad.txt").write_text(
        "NET -> chain(STAGE, STAGE)\nSTAGE -> cell(OP, OP, OQ)\nOP -> conv3x3 | identity\n"
    )
    ended = cli("search", "--space", "bad.txt")
    assert ended.code == 2
    first, line, mark = ended.err.splitlines()
    assert "bad.txt, line 2, column 23: OQ has no rule" in first
    assert line.strip() == "STAGE -> cell(OP, OP, OQ)"
    assert mark.index("^") == line.index("OQ")


def test_the_place_in_a_long_line_stays_in_view(cli: Callable[..., Any]) -> None:
    Path("long.txt").write_text(f"NET -> {'conv3x3 | ' * 30}conv1x1 | )\n")
    line, mark = cli("count", "long.txt").err.splitlines()[1:]
    assert len(line) <= 80 and line[mark.index("^")] == ")"


def test_a_journal_that_is_damaged_is_a_failure_not_a_wrong_use(cli: Callable[..., Any]) -> None:
    assert cli("search", *FAST[:-1], "--no-final").code == 0
    whole = Path("study.db").read_bytes()
    Path("study.db").write_bytes(whole[: len(whole) // 2])
    for words in (("show", "study.db"), ("resume", "study.db")):
        ended = cli(*words)
        assert ended.code == 1 and "study.db is damaged: restore it from a copy" in ended.err


def test_debug_shows_the_traceback(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MORPHOGEN_DEBUG", "1")
    with pytest.raises(Exception, match="cel201"):
        cli("count", "cel201")


def test_version(cli: Callable[..., Any]) -> None:
    import morphogen

    assert cli("--version") == (0, f"morphogen {morphogen.__version__}\n", "")
