"""Every module imports from a bare install: no missing dependency, no extra needed, no warning."""

from __future__ import annotations

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, traceback
import morphogen
failed, count = [], 0

def note(name):
    failed.append(f"{name}\\n{traceback.format_exc()}")

for info in pkgutil.walk_packages(morphogen.__path__, "morphogen.", onerror=note):
    if info.name.endswith("__main__"):
        continue  # runs the command line
    count += 1
    try:
        importlib.import_module(info.name)
    except BaseException:
        note(info.name)
print("\\n".join(failed) or f"imported {count}")
"""


def test_every_module_imports() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    words = run.stdout.split()
    assert words[:1] == ["imported"], run.stdout
    assert int(words[1]) > 20
