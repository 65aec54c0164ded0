"""What the shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.cli import completion


def test_names_and_files(cli: Callable[..., Any]) -> None:
    Path("grammar.txt").touch()
    Path("folder").mkdir()
    Path("folder/deep.txt").touch()
    assert [name for name, _ in completion.spaces("cell")] == ["cell201", "cell101"]
    assert [name for name, _ in completion.spaces("gram")] == ["grammar.txt"]
    assert [name for name, _ in completion.spaces("folder/")] == ["folder/deep.txt"]
    assert [name for name, _ in completion.strategies("rand")] == ["random_search"]
    assert [name for name, _ in completion.data("dig")] == ["digits"]
    assert "spaces" in completion.kinds("sp")


@pytest.mark.parametrize(
    ("words", "expected"),
    [("search --strategy reg", "regularized_evolution"), ("count hier", "hierarchical201"), ("sho", "show")],
)
def test_the_shell_is_answered(words: str, expected: str) -> None:
    environment = {**os.environ, "_MORPHOGEN_COMPLETE": "complete_bash", "COMP_WORDS": f"morphogen {words}"}
    environment["COMP_CWORD"] = str(len(words.split()))
    command = "import sys; sys.argv = ['morphogen']; from morphogen.cli.main import run; sys.exit(run())"
    run = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, timeout=60
    )
    assert expected in run.stdout.split()
