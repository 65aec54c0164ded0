"""Each checker of estimators finds what it is there for: broken ones are planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from faults import PLAIN, failing

from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal
from morphogen.spaces.space import Space
from morphogen.testing import estimators

SPACE = Space.from_text(PLAIN)
METRICS = (Metric("size", maximize=False), Metric("seconds", maximize=False, unit="s"))


@dataclass(frozen=True)
class Sizes(Estimator):
    """Counts terminals, with one fault."""

    fault: str = ""
    calls: list[int] = field(default_factory=list)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (*METRICS, *METRICS) if self.fault == "declares twice" else METRICS

    @property
    def fingerprint(self) -> str:
        return f"sizes {len(self.calls) if self.fault == 'changes' else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sizes, ("one more" if self.fault == "pickles badly" else self.fault,)

    def rehearse(self, space: Space, rng: np.random.Generator) -> None:
        if self.fault == "cannot rehearse":
            raise AssertionError("the stage is closed")

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        return {"size": len(str(proposal.architecture)) + (self.fault == "knows better")}

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        self.calls.append(1)
        size = float(len(str(proposal.architecture)))
        failure = None
        values = {"size": size, "seconds": np.random.default_rng().random()}
        if self.fault == "raises":
            raise RuntimeError("out of memory")
        if self.fault == "not finite":
            values["size"] = float("nan")
        if self.fault == "undeclared":
            values["colour"] = 3.0
        if self.fault == "restless":
            values["size"] += len(self.calls)
        if self.fault == "one more":
            values["size"] += 1
        if self.fault == "values and failure":
            failure = Failure("RuntimeError", "half done")
        if self.fault == "tuples":
            values["size"] = np.float32(size)  # type: ignore[assignment]
        cost = -1.0 if self.fault == "paid for" else 0.5
        if self.fault == "touches":
            object.__setattr__(proposal, "fidelity", Fidelity(epochs=len(self.calls)))
        return Estimate(values, cost, failure=failure)


BROKEN_ESTIMATORS = [
    (estimators.metrics_are_declared, "declares twice", "declares a metric twice"),
    (estimators.rehearsing_succeeds, "cannot rehearse", "closed"),
    (estimators.estimates_report_the_declared_metrics, "undeclared", "declared are"),
    (estimators.estimates_report_the_declared_metrics, "not finite", "is not finite"),
    (estimators.estimates_report_the_declared_metrics, "values and failure", "all the same"),
    (estimators.estimates_report_the_declared_metrics, "raises", "out of memory"),
    (estimators.estimates_cost_time, "paid for", "costs -1.0"),
    (estimators.the_same_stream_gives_the_same_values, "restless", "a second time"),
    (estimators.inputs_stay_as_they_are, "touches", "was changed by estimating"),
    (estimators.inputs_stay_as_they_are, "changes", "fingerprint changed"),
    (estimators.copies_estimate_alike, "pickles badly", "pickled"),
    (estimators.what_is_known_is_what_is_found, "knows better", "is known to have size"),
]


@pytest.mark.parametrize(("check", "fault", "words"), BROKEN_ESTIMATORS)
def test_broken_estimators_are_found(
    check: Callable[[estimators.Setting], None], fault: str, words: str
) -> None:
    assert words in failing(check, estimators.Setting(Sizes(fault), SPACE, Fidelity()))
    check(estimators.Setting(Sizes(), SPACE, Fidelity()))


def test_an_estimate_that_is_no_json_is_found() -> None:
    with pytest.raises(TypeError, match="float32"):
        estimators.estimates_are_records(estimators.Setting(Sizes("tuples"), SPACE, Fidelity()))
