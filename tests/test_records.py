"""The values between strategy, estimator and journal."""

from __future__ import annotations

import json
import math
import pickle

import pytest

from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal, Trial
from morphogen.spaces.cell201 import cell201

ARCHITECTURE = cell201().unrank(7)


def test_a_fidelity_says_only_what_it_says() -> None:
    assert Fidelity().to_json() == {}
    given = Fidelity(epochs=3, fraction=0.5)
    assert given.to_json() == {"epochs": 3, "fraction": 0.5}
    assert Fidelity(**given.to_json()) == given
    completed = given.over(Fidelity(epochs=10, channels=16))
    assert completed == Fidelity(epochs=3, fraction=0.5, channels=16)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"fraction": -0.1}, "fraction must be positive"),
        ({"fraction": 1.5}, "fraction must be at most 1, got 1.5"),
        ({"learning_rate": math.nan}, "learning_rate must be positive, got nan"),
        ({"learning_rate": math.inf}, "learning_rate must be positive, got inf"),
    ],
)
def test_fidelities_that_cannot_be(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Fidelity(**settings)  # type: ignore[arg-type]


def test_a_proposal_is_written_without_what_is_empty() -> None:
    assert Proposal(ARCHITECTURE).to_json() == {"architecture": str(ARCHITECTURE)}
    full = Proposal(ARCHITECTURE, Fidelity(epochs=2), parent=4)
    assert full.to_json() == {"architecture": str(ARCHITECTURE), "fidelity": {"epochs": 2}, "parent": 4}
    assert pickle.loads(pickle.dumps(full)) == full
    json.dumps(full.to_json())


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate({"accuracy": 0.1 + 0.2, "loss": 1e-300}, 3.5),
        Estimate({"accuracy": 0.5}, 1.0, curve=({"accuracy": 0.25}, {"accuracy": 0.5})),
        Estimate(cost=2.0, failure=Failure("ValueError", "no", "Traceback ...", "last\nlines")),
        Estimate(),
    ],
)
def test_an_estimate_survives_json(estimate: Estimate) -> None:
    assert Estimate.from_json(json.loads(json.dumps(estimate.to_json()))) == estimate


def test_what_is_empty_is_not_written() -> None:
    assert Estimate({"a": 1.0}).to_json() == {"values": {"a": 1.0}, "cost": 0.0}
    assert "failure" in Estimate(failure=Failure("E", "m")).to_json()


def test_a_trial_is_pending_then_told() -> None:
    asked = Trial(3, Proposal(ARCHITECTURE))
    good = asked.told(Estimate({"accuracy": 0.5}))
    bad = asked.told(Estimate(failure=Failure("E", "m")))
    assert [(t.pending, t.succeeded, t.failed) for t in (asked, good, bad)] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert asked.architecture is ARCHITECTURE
    assert good.number == 3
    assert asked.pending


def test_a_score_is_larger_for_better() -> None:
    trial = Trial(0, Proposal(ARCHITECTURE)).told(Estimate({"accuracy": 0.75, "loss": 2.0}))
    assert Metric("accuracy").score(trial) == 0.75
    assert Metric("loss", maximize=False).score(trial) == -2.0
    with pytest.raises(KeyError):
        Metric("speed").score(trial)


def test_records_cannot_be_changed() -> None:
    for record, name in (
        (Fidelity(), "epochs"),
        (Proposal(ARCHITECTURE), "parent"),
        (Estimate(), "cost"),
        (Trial(0, Proposal(ARCHITECTURE)), "number"),
        (Metric("a"), "name"),
    ):
        with pytest.raises(AttributeError):
            setattr(record, name, 1)
