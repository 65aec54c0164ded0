"""`show --importance`: the choice that decides comes first, and what cannot be explained is said in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]
PLANTED = '''
"""The second operation decides; the others add a little."""
import morphogen as mg

@mg.estimator
def planted(architecture, fidelity, rng):
    parts = [str(part) for part in architecture.args]
    return 5.0 * (parts[1] == "conv3x3") + 0.1 * (parts[0] == "conv1x1")

@mg.estimator
def flat(architecture, fidelity, rng):
    return 1.0
'''
SEARCH = ("search", "--space", "three.txt", "--strategy", "random_search", "--workers", 0)


def searched(cli: Cli, function: str, trials: int, study: str) -> None:
    Path("planted.py").write_text(PLANTED)
    Path("three.txt").write_text("NET -> chain(OP, OP, OP)\nOP -> conv1x1 | conv3x3 | avg_pool\n")
    words = ("--estimator", f"planted.py:{function}", "--trials", trials, "--study", study)
    assert cli(*SEARCH, *words).code == 0


def test_the_choice_that_decides_comes_first(cli: Cli) -> None:
    searched(cli, "planted", 20, "study.db")
    ended = cli("show", "study.db", "--importance")
    assert ended.code == 0
    lines = [line for line in ended.out.splitlines() if " best " in line]
    assert lines[0].startswith("1 ") and "best conv3x3" in lines[0] and "█" * 20 in lines[0]
    assert max(map(len, ended.out.splitlines())) <= 80
    rows = json.loads(cli("show", "study.db", "--importance", "--json").out)
    assert rows[0]["path"] == [1] and rows[0]["best"] == "conv3x3"
    assert 0.8 < rows[0]["low"] <= rows[0]["share"] <= rows[0]["high"] <= 1
    assert sum(row["share"] for row in rows[1:]) < 0.1


def test_what_explains_nothing_is_said_in_one_line(cli: Cli) -> None:
    searched(cli, "planted", 5, "few.db")
    ended = cli("show", "few.db", "--importance")
    assert ended.code == 1 and ended.err.count("\n") == 1
    assert "5 finished trials in few.db are too few for importances: 10 or more" in ended.err
    searched(cli, "flat", 12, "flat.db")
    ended = cli("show", "flat.db", "--importance")
    assert ended.code == 1 and "there is nothing to explain: all 12 scores are 1" in ended.err
