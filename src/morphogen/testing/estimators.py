"""Checks of an estimator: it reports what it declares, and reads nothing but its arguments."""

from __future__ import annotations

import json
import math
import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Failure, Fidelity, Proposal
from morphogen.seeding import stream
from morphogen.spaces.space import Space
from morphogen.testing.check import Check, named

SAMPLES: Final = 3
"""Architectures that are estimated; each check looks at the same ones."""


@dataclass(frozen=True)
class Setting:
    """An estimator, where its architectures come from, and at what fidelity they are estimated."""

    estimator: Estimator
    space: Space
    fidelity: Fidelity

    @cached_property
    def proposals(self) -> list[Proposal]:
        """The proposals that are estimated."""
        rng = stream(0, "proposals")
        return [Proposal(self.space.sample(rng), self.fidelity) for _ in range(SAMPLES)]

    @cached_property
    def estimates(self) -> list[Estimate]:
        """What the estimator says of them; found once for all checks."""
        return [_estimate(self.estimator, proposal) for proposal in self.proposals]


def checks(estimator: Estimator, space: Space, *, fidelity: Fidelity | None = None) -> tuple[Check, ...]:
    """Return all checks for an estimator of architectures of `space`, at a fidelity cheap enough for tests."""
    setting = Setting(estimator, space, fidelity or Fidelity())
    found: tuple[Callable[[Setting], None], ...] = (
        metrics_are_declared,
        rehearsing_succeeds,
        estimates_report_the_declared_metrics,
        estimates_cost_time,
        estimates_are_records,
        the_same_stream_gives_the_same_values,
        inputs_stay_as_they_are,
        copies_estimate_alike,
        what_is_known_is_what_is_found,
    )
    return named(found, setting)


def metrics_are_declared(here: Setting) -> None:
    """There is a metric to improve, and none is declared twice."""
    names = [metric.name for metric in here.estimator.metrics]
    assert names, "it declares no metric"
    assert len(set(names)) == len(names), f"it declares a metric twice: {', '.join(names)}"
    assert here.estimator.fingerprint, "it has an empty fingerprint"


def rehearsing_succeeds(here: Setting) -> None:
    """The rehearsal before a search finds nothing wrong."""
    here.estimator.rehearse(here.space, stream(0, "rehearse"))


def estimates_report_the_declared_metrics(here: Setting) -> None:
    """A success has a finite number for exactly the declared metrics, a failure its reason and no values."""
    declared = {metric.name for metric in here.estimator.metrics}
    for proposal, estimate in zip(here.proposals, here.estimates, strict=True):
        what = f"the estimate of {proposal.architecture}"
        if estimate.failure:
            assert not estimate.values, f"{what} failed, and has values all the same: {estimate.values}"
            assert estimate.failure.type, f"{what} failed without a reason"
            continue
        found = set(estimate.values)
        assert found == declared, f"{what} has {sorted(found)}, declared are {sorted(declared)}"
        for values in (estimate.values, *estimate.curve):
            bad = {name: value for name, value in values.items() if not math.isfinite(value)}
            assert not bad, f"{what} is not finite: {bad}"
    if all(estimate.failure for estimate in here.estimates):
        raise AssertionError(f"no estimate succeeded:\n{_reason(here.estimates[0])}")


def estimates_cost_time(here: Setting) -> None:
    """The cost is a number of seconds, not below zero."""
    for estimate in here.estimates:
        assert math.isfinite(estimate.cost), f"an estimate costs {estimate.cost}"
        assert estimate.cost >= 0, f"an estimate costs {estimate.cost}"


def estimates_are_records(here: Setting) -> None:
    """An estimate survives the journal: it is plain JSON, and read back it is equal."""
    for estimate in here.estimates:
        again = Estimate.from_json(json.loads(json.dumps(estimate.to_json(), allow_nan=False)))
        assert again == estimate, f"{estimate} came back from JSON as {again}"


def the_same_stream_gives_the_same_values(here: Setting) -> None:
    """Where it is declared, the same proposal and stream give the same values, up to times."""
    if here.estimator.deterministic:
        for proposal, estimate in zip(here.proposals, here.estimates, strict=True):
            _check_alike(here, proposal, estimate, _estimate(here.estimator, proposal), "a second time")


def inputs_stay_as_they_are(here: Setting) -> None:
    """Estimating changes neither the proposal nor what the estimator is called in a journal."""
    for proposal in here.proposals:
        before, name = pickle.dumps(proposal), here.estimator.fingerprint
        _estimate(here.estimator, proposal)
        assert pickle.dumps(proposal) == before, f"{proposal} was changed by estimating it"
        assert here.estimator.fingerprint == name, "the fingerprint changed by estimating"


def copies_estimate_alike(here: Setting) -> None:
    """A pickled estimator, as a worker process gets it, says the same."""
    again = pickle.loads(pickle.dumps(here.estimator))
    assert again.fingerprint == here.estimator.fingerprint, "a pickled estimator has another fingerprint"
    assert again.metrics == here.estimator.metrics, "a pickled estimator declares other metrics"
    if here.estimator.deterministic:
        _check_alike(
            here, here.proposals[0], here.estimates[0], _estimate(again, here.proposals[0]), "pickled"
        )


def what_is_known_is_what_is_found(here: Setting) -> None:
    """What an estimator knows of a proposal without estimating it are values that its estimate has."""
    for proposal, estimate in zip(here.proposals, here.estimates, strict=True):
        for name, value in here.estimator.known(proposal).items() if estimate.values else ():
            found = estimate.values.get(name)
            assert found == value, f"{proposal.architecture} is known to have {name} {value}, and has {found}"


def _estimate(estimator: Estimator, proposal: Proposal) -> Estimate:
    """Estimate as a pool does: what is raised is a failure."""
    try:
        return estimator.estimate(proposal, stream(0, str(proposal.architecture)))
    except Exception as error:
        return Estimate(failure=Failure(type(error).__name__, str(error), traceback.format_exc()))


def _check_alike(here: Setting, proposal: Proposal, one: Estimate, two: Estimate, when: str) -> None:
    timed = {metric.name for metric in here.estimator.metrics if metric.timed}

    def plain(values: Mapping[str, float]) -> dict[str, float]:
        return {name: value for name, value in values.items() if name not in timed}

    values = [(plain(e.values), [plain(point) for point in e.curve], bool(e.failure)) for e in (one, two)]
    assert values[0] == values[1], f"{proposal.architecture}: {values[0]}, and {when} {values[1]}"


def _reason(estimate: Estimate) -> str:
    assert estimate.failure is not None
    return f"{estimate.failure.type}: {estimate.failure.message}\n{estimate.failure.traceback}"
