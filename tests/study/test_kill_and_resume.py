"""Killed with SIGKILL at random moments and resumed: nothing lost, nothing run twice, the same journal."""

from __future__ import annotations

import pytest

from morphogen.evidence.kill_and_resume import experiment


@pytest.mark.parametrize("pool", ["inline", "processes"])
def test_kills_leave_no_trace(pool: str) -> None:
    result = experiment(kills=4, seed=1, pool=pool)
    assert result["kills"] == 4
    assert result["lost"] == 0
    assert result["run_again"] == 0
    assert result["equal"]
    assert result["failures"] > 0
    assert result["trials"] <= result["estimates"] <= result["trials"] + result["kills"]
