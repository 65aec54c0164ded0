"""What an import brings with it: light faces, a discrete side without torch."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "sklearn", "scipy", "pandas")


def python(*arguments: str) -> str:
    """Run Python in a process of its own and return what it prints."""
    run = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_importing_the_package_is_light() -> None:
    code = f"import sys, morphogen; print([name for name in {HEAVY} if name in sys.modules])"
    assert python("-c", code).strip() == "[]"


def test_help_is_light() -> None:
    code = f"""
import sys
sys.argv = ["morphogen", "--help"]
from morphogen.cli.main import run
try:
    run()
except SystemExit as end:
    assert end.code in (0, None), end.code
print([name for name in {HEAVY} if name in sys.modules])
"""
    printed = python("-c", code).strip().splitlines()
    assert printed[-1] == "[]"
    assert "search" in "".join(printed[:-1])


def test_help_runs_as_a_module() -> None:
    assert "search" in python("-m", "morphogen", "--help")


def test_import_and_help_take_well_under_half_a_second() -> None:
    package = "import time, morphogen; print(time.process_time())"
    command = "import time, morphogen.cli.main; print(time.process_time())"
    for code in (package, command):
        assert min(float(python("-c", code)) for _ in range(3)) < 0.5


def test_the_discrete_side_loads_where_there_is_no_torch() -> None:
    code = """
import importlib, pkgutil, sys
sys.modules["torch"] = sys.modules["sklearn"] = None  # from here on, importing them raises
count = 0
for room in ("graph", "architecture", "seeding", "records", "spaces", "strategies", "journal", "study"):
    module = importlib.import_module(f"morphogen.{room}")
    for info in pkgutil.walk_packages(getattr(module, "__path__", ()), module.__name__ + "."):
        importlib.import_module(info.name)
        count += 1
print(count)
"""
    assert int(python("-c", code)) > 10
