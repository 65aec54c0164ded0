"""Settings of every test: one thread, one hypothesis profile, and where the shared data lie."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Before anything imports torch: small networks on several threads spend their time in barriers.
os.environ["OMP_NUM_THREADS"] = "1"

# What a background shell starts is deaf to Ctrl-C, and so would be the processes that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Absolute, because examples and blocks of the docs run in folders of their own.
os.environ["MORPHOGEN_DATA"] = str(Path(ROOT, os.environ.get("MORPHOGEN_DATA", "../shared/data")).resolve())

# The same examples in every run: what fails in CI fails on any machine.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the shared data; the test is skipped where it is not there."""
    folder = Path(os.environ["MORPHOGEN_DATA"])
    if not folder.is_dir():
        pytest.skip(reason=f"no shared data at {folder}; MORPHOGEN_DATA names their folder")
    return folder
