"""The training estimator: its figures, its fidelities, the rehearsal, and retraining the winner."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from morphogen.estimators.at_fidelity import AtFidelity
from morphogen.estimators.training import LATENCY, METRICS, Training, retrain, wilson
from morphogen.networks.building import cost
from morphogen.networks.data import ImageData, from_arrays, load
from morphogen.networks.operations import UnknownOperation
from morphogen.networks.shapes import ShapeError
from morphogen.records import Estimate, Fidelity, Proposal
from morphogen.seeding import stream
from morphogen.spaces.space import Space

SPACE = Space.from_text("NET -> chain(OP, conv3x3_down, OP)\nOP -> identity | conv3x3 | avg_pool", "tiny")
GOOD = SPACE.parse("chain(conv3x3, conv3x3_down, conv3x3)")
DEEP = Space.from_text("NET -> chain(D, D, D, D)\nD -> conv3x3_down | max_pool_down", "deep")


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load("digits")


@pytest.fixture(scope="module")
def training(digits: ImageData) -> Training:
    return Training(digits, epochs=6, channels=8)


@pytest.fixture(scope="module")
def estimate(training: Training) -> Estimate:
    return training.estimate(Proposal(GOOD), stream(0))


def timeless(estimate: Estimate) -> tuple[object, ...]:
    return {k: v for k, v in estimate.values.items() if k != "seconds"}, estimate.curve, estimate.failure


def test_an_estimate_has_what_is_declared(training: Training, estimate: Estimate) -> None:
    assert set(estimate.values) == {metric.name for metric in training.metrics}
    assert training.metrics[0].name == "accuracy"
    assert estimate.values["accuracy"] > 0.9
    assert 0 < estimate.values["loss"] < 0.5
    assert 0 < estimate.values["seconds"] <= estimate.cost
    assert len(estimate.curve) == 6
    assert estimate.curve[-1]["accuracy"] == estimate.values["accuracy"]
    exact = cost(GOOD, (1, 8, 8), 10, channels=8, cells=1)
    assert estimate.values["parameters"] == exact.parameters
    assert estimate.values["multiply_adds"] == exact.multiply_adds


def test_the_stream_decides(training: Training, estimate: Estimate) -> None:
    copy = pickle.loads(pickle.dumps(training))
    assert copy == training
    assert timeless(copy.estimate(Proposal(GOOD), stream(0))) == timeless(estimate)
    assert timeless(training.estimate(Proposal(GOOD), stream(1))) != timeless(estimate)
    assert replace(training, device="cpu").deterministic


def test_a_fidelity_overrides_the_settings(training: Training) -> None:
    cheap = Fidelity(epochs=2, fraction=0.1, resolution=4, channels=5, batch_size=16, learning_rate=0.02)
    found = training.estimate(Proposal(GOOD, cheap), stream(0))
    assert len(found.curve) == 2
    exact = cost(GOOD, (1, 4, 4), 10, channels=5, cells=1)
    assert found.values["parameters"] == exact.parameters
    assert found.values["multiply_adds"] == exact.multiply_adds
    same = replace(training, epochs=2, channels=5, batch_size=16, learning_rate=0.02)
    again = same.estimate(Proposal(GOOD, Fidelity(fraction=0.1, resolution=4)), stream(0))
    assert timeless(again) == timeless(found)
    whole = same.estimate(Proposal(GOOD, Fidelity(resolution=4)), stream(0))
    assert timeless(whole) != timeless(found)


def test_cells_are_a_fidelity_of_stacks(training: Training) -> None:
    space = Space.from_text("NET -> stack(CELL)\nCELL -> cell(OP)\nOP -> conv1x1 | avg_pool")
    stack = space.parse("stack(cell(conv1x1))")
    small = Fidelity(epochs=1, fraction=0.05, channels=2)
    one = training.estimate(Proposal(stack, small), stream(0)).values["parameters"]
    two = training.estimate(Proposal(stack, replace(small, cells=2)), stream(0)).values["parameters"]
    assert two > one


def test_divergence_is_a_failed_estimate_that_names_the_fix(training: Training) -> None:
    wild = training.estimate(Proposal(GOOD, Fidelity(learning_rate=1e30)), stream(0))
    assert wild.failure is not None
    assert wild.failure.type == "Diverged"
    assert "lower the learning rate" in wild.failure.message
    assert wild.values == {}
    assert wild.cost > 0


def test_an_architecture_that_does_not_fit_raises(training: Training) -> None:
    deep = DEEP.sample(stream(0))
    with pytest.raises(ShapeError, match="downsamples 4 times"):
        training.estimate(Proposal(deep), stream(0))


def test_the_rehearsal_trains_and_finds_what_would_always_fail(training: Training) -> None:
    training.rehearse(SPACE, stream(0))
    with pytest.raises(ShapeError, match="so for 5 architectures of deep"):
        training.rehearse(DEEP, stream(0))
    AtFidelity(training, Fidelity(resolution=16)).rehearse(DEEP, stream(0))
    strange = Space.from_text("NET -> chain(OP, OP)\nOP -> conv3x3 | warp", "strange")
    with pytest.raises(UnknownOperation, match=r"strange has operations .*: warp"):
        training.rehearse(strange, stream(0))
    with pytest.raises(ValueError, match="device tpu is not here"):
        replace(training, device="tpu").rehearse(SPACE, stream(0))
    with pytest.raises(ValueError, match="2 images a batch"):
        replace(training, batch_size=1).rehearse(SPACE, stream(0))


def test_a_rehearsal_blows_no_deep_network_up(digits: ImageData) -> None:
    """One step at the full rate may, where a whole training does not: the search would never begin."""
    deep = Space.from_text(
        f"NET -> chain({', '.join(['conv3x3'] * 24)}, OP)\nOP -> conv3x3 | conv1x1", "long"
    )
    wild = Training(digits, epochs=1, channels=4, learning_rate=1000.0)
    ended = wild.estimate(Proposal(deep.sample(stream(0)), Fidelity(fraction=0.06)), stream(0))
    assert ended.failure is not None and ended.failure.type == "Diverged"
    wild.rehearse(deep, stream(0))


def test_the_fingerprint_names_data_and_settings(training: Training, digits: ImageData) -> None:
    assert digits.fingerprint in training.fingerprint
    other = Training(load("digits", seed=1), epochs=6, channels=8)
    changed = replace(training, weight_decay=0.1)
    assert len({training.fingerprint, other.fingerprint, changed.fingerprint}) == 3
    assert replace(training, device="cpu").fingerprint == training.fingerprint


def test_retraining_learns_from_validation_too_and_tests_once(training: Training, digits: ImageData) -> None:
    found = retrain(GOOD, training, stream(0))
    assert found.accuracy > 0.9
    low, high = found.interval
    assert low < found.accuracy < high
    assert found.tested == len(digits.test)
    assert set(found.curve[0]) == {"epoch", "train_loss"}
    again = retrain(GOOD, training, stream(0))
    assert (again.accuracy, again.loss) == (found.accuracy, found.loss)
    # Other validation images make another network, so they were trained on.
    altered = digits.images.copy()
    altered[digits.validation] = altered[digits.validation][:, :, ::-1]
    flipped = replace(training, data=from_arrays(altered, digits.labels, name="flipped"))
    assert retrain(GOOD, flipped, stream(0)).loss != found.loss


def test_other_test_images_leave_the_network_as_it_is(training: Training, digits: ImageData) -> None:
    poisoned = digits.images.copy()
    poisoned[digits.test] = 0
    other = replace(training, data=from_arrays(poisoned, digits.labels, name="poisoned"), epochs=1)
    found, expected = retrain(GOOD, other, stream(0)), retrain(GOOD, replace(training, epochs=1), stream(0))
    assert found.curve == expected.curve
    assert found.accuracy < 0.2


def test_wilson_interval_of_a_textbook() -> None:
    # 15 of 50: Agresti and Coull (1998) style check by solving the score equation on both ends.
    low, high = wilson(15, 50)
    for end in (low, high):
        assert abs(abs(0.3 - end) / np.sqrt(end * (1 - end) / 50) - 1.959964) < 1e-5
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1)
    assert 0.27 < wilson(0, 10)[1] < 0.28


def test_metrics_say_what_is_better() -> None:
    assert [metric.name for metric in METRICS if metric.maximize] == ["accuracy"]
    assert next(metric.unit for metric in METRICS if metric.name == "seconds") == "s"


def test_sizes_are_known_before_and_latency_where_it_is_asked_for(
    training: Training, estimate: Estimate
) -> None:
    known = training.known(Proposal(GOOD))
    assert known == {name: estimate.values[name] for name in ("parameters", "multiply_adds")}
    wide = training.known(Proposal(GOOD, Fidelity(channels=16, resolution=4)))
    assert wide["parameters"] > known["parameters"] and wide["multiply_adds"] != known["multiply_adds"]
    with pytest.raises(ShapeError):
        training.known(Proposal(DEEP.unrank(0)))
    quick = replace(training, latency=True)
    assert quick.metrics == (*METRICS, LATENCY) and LATENCY.unit == "ms"
    values = quick.estimate(Proposal(GOOD, Fidelity(epochs=1)), stream(0)).values
    assert 0 < values["latency_ms"] < 1000
    assert quick.known(Proposal(GOOD)) == known
