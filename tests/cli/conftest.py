"""A command line to call: in an empty folder, in this process."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from morphogen.cli.main import run

COUNTING = '''
"""A function that scores without training."""
import morphogen as mg

@mg.estimator(metrics={"accuracy": "maximize", "parameters": "minimize"})
def count(architecture, fidelity, rng):
    size = architecture.graph.operations
    return {"accuracy": size / (size + 10) + 0.001 * float(rng.random()), "parameters": 100 * size}

@mg.estimator
def broken(architecture, fidelity, rng):
    print("about to break")
    return {"accuracy": {}["nothing"]}

@mg.estimator
def hasty(architecture, fidelity, rng):
    import random
    return random.random()

@mg.estimator
def slow(architecture, fidelity, rng):
    import time
    time.sleep(0.05)
    return float(rng.random())

@mg.estimator
def epochs(architecture, fidelity, rng):
    return fidelity.epochs
'''


class Ended(NamedTuple):
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Cli: TypeAlias = Callable[..., Ended]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return a function that runs a command in an empty folder, with the file `my.py` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("MORPHOGEN_DEBUG", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))  # scripts put their folder there
    (tmp_path / "my.py").write_text(COUNTING)

    def call(*words: object) -> Ended:
        capsys.readouterr()
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def printed() -> Callable[[Path, Sequence[object]], Ended]:
    """Return a function that runs a command in a folder that several tests look at; it must succeed."""

    def call(folder: Path, words: Sequence[object]) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(word) for word in words])
        assert code == 0, err.getvalue()
        return Ended(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def study(cli: Cli, searched: Path, tmp_path: Path) -> Path:
    """The file of a copy of the study in the folder that the module's fixture `searched` names."""
    shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
    return Path("study.db")
