"""Every example runs from start to end, in an empty folder, within its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))
SECONDS = 180


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", example],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip(), "an example shows something"


@pytest.mark.parametrize("what", ["operation", "strategy", "training"])
def test_what_people_write_themselves_is_short(what: str) -> None:
    lines = (EXAMPLES[0].parent / f"your_own_{what}.py").read_text().splitlines()
    assert len(lines) < 60, "the docs show the whole file"
