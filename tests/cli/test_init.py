"""`init`: what it writes runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.study import Study

Cli = Callable[..., Any]


def test_the_project_with_images_runs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("init", "mine").code == 0
    monkeypatch.chdir("mine")
    words = ("--space", "space.txt", "--data", "digits", "--epochs", 1, "--channels", 4, "--fraction", "0.1")
    ended = cli("search", *words, "--trials", 1, "--workers", 0, "--final-epochs", 1)
    assert ended.code == 0, ended.err
    source = Path("search.py").read_text()
    for long, short in (
        ("epochs=3", "epochs=1, channels=4"),
        ("trials=12", "trials=2"),
        ("Processes(2)", "Inline()"),
    ):
        assert long in source
        source = source.replace(long, short)
    Path("search.py").write_text(source)
    run = subprocess.run(
        [sys.executable, "search.py"], capture_output=True, text=True, env=os.environ, timeout=120
    )
    assert run.returncode == 0 and "chain(" in run.stdout, run.stderr


def test_the_project_with_a_function_runs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("init", "mine", "--function").code == 0
    monkeypatch.chdir("mine")
    words = ("--space", "space.txt", "--estimator", "train.py:train")
    ended = cli("search", *words, "--trials", 2, "--workers", 0)
    assert ended.code == 0, ended.err
    study = Study.open("study.db")
    assert all(trial.succeeded for trial in study.trials)
    assert study.best().estimate.values["accuracy"] > 0.3


def test_commands_of_the_readme_are_known(cli: Cli) -> None:
    for words in (("init", "one"), ("init", "two", "--function")):
        assert cli(*words).code == 0
    for readme in Path().glob("*/README.md"):
        commands = [line.split("#")[0].split() for line in readme.read_text().splitlines()]
        commands = [command for command in commands if command[:1] == ["morphogen"]]
        assert len(commands) >= 4
        for command in commands:
            known = cli(command[1], "--help").out
            assert all(word in known for word in command if word.startswith("--")), command
