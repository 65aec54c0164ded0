"""The contract of journals, held against the one in a file and the one in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from morphogen.journal.memory import Memory
from morphogen.testing import journals

CASES = [
    *(pytest.param(c, id=f"SQLite: {name}") for name, c in journals.checks(journals.InFolder("study.db"))),
    *(pytest.param(c, id=f"memory: {n}") for n, c in journals.checks(lambda _: Memory(), lasting=False)),
]


@pytest.mark.parametrize("check", CASES)
def test_journals(check: Callable[[], None]) -> None:
    check()
