"""Whoever uses the package can check types: a right script passes mypy's strict rules, a wrong one does not."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

RIGHT = """\
from typing import Any, assert_type

import numpy as np

import morphogen as mg


@mg.estimator(metrics={"accuracy": "maximize", "parameters": "minimize"})
def train(architecture: mg.Architecture, fidelity: mg.Fidelity, rng: np.random.Generator) -> dict[str, float]:
    return {"accuracy": rng.random(), "parameters": float(fidelity.epochs or 1)}


def tell(trial: mg.Trial) -> None:
    print(trial.number, trial.architecture)


def main() -> None:
    strategy = mg.strategies.RegularizedEvolution(population=8, tournament=3)
    study = mg.search(mg.spaces.cell201(), strategy, train, limit=mg.Limit(trials=10), callbacks=[tell])
    assert_type(study, mg.Study)
    assert_type(study.best().architecture, mg.Architecture)
    for trial in study.frontier(["accuracy", "parameters"]):
        if trial.estimate is not None:
            assert_type(trial.estimate.values["accuracy"], float)
    study.plot_history("accuracy").set_title("a search")
    classifier = mg.NASClassifier(limit=5, image_shape=(8, 8))
    assert_type(classifier.fit(np.zeros((4, 64)), [0, 1, 0, 1]), mg.NASClassifier)
"""

WRONG = """\
import morphogen as mg

study = mg.search(mg.spaces.cell201(), "random", 3, limit=10)
study.best().architektur
mg.Limit(trails=3)
mg.NASClassifier(limit="long")
"""


def test_the_package_says_that_it_has_types() -> None:
    assert (resources.files("morphogen") / "py.typed").is_file()


def test_right_scripts_pass_and_wrong_ones_do_not(root: Path, tmp_path: Path) -> None:
    """Uses the settings and the cache of `make types`, so that it need not read torch again."""
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    files = [str(tmp_path / "right.py"), str(tmp_path / "wrong.py")]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "right.py" not in run.stdout, run.stdout
    lines = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", run.stdout)}
    assert lines == {3, 4, 5, 6}, run.stdout + run.stderr
