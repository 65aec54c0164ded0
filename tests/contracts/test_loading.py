"""The checkers load where neither the tools of our own tests nor torch are installed."""

from __future__ import annotations

import subprocess
import sys


def test_testing_loads_alone() -> None:
    code = """
import sys
for name in ("torch", "sklearn", "hypothesis", "pytest", "networkx"):
    sys.modules[name] = None  # from here on, importing it raises
import morphogen.testing, morphogen.testing.grammars
try:
    morphogen.testing.grammars.grammars()
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("random grammars need hypothesis: pip install hypothesis")
