"""The estimator FaDE: ranks of regions, derived architecture, same stream same estimate, bad regions refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from morphogen.estimators.fade import Fade, path_scores
from morphogen.estimators.of_regions import region_of
from morphogen.networks import cost
from morphogen.networks.data import ImageData, load
from morphogen.records import Estimate, Fidelity, Position, Proposal
from morphogen.seeding import stream
from morphogen.spaces import SpaceError
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.dag_chain import dag_chain, module
from morphogen.study.events import read_proposal
from morphogen.supernet import SupernetError

SPACE = dag_chain(2, 4, 2)
ROW = tuple(module(bits, n, "linear_relu") for n, bits in ((2, "1"), (3, "000"), (4, "111000")))
REGION = Proposal(SPACE.unrank(3), region=(Position((0,), ROW), Position((1,), ROW[:2])))


@pytest.fixture(scope="module")
def fade() -> Fade:
    return Fade(load("digits"), epochs=2, supernets=2, channels=8)


def timeless(estimate: Estimate) -> Estimate:
    return replace(estimate, cost=0.0, values={n: v for n, v in estimate.values.items() if n != "seconds"})


def test_a_region_is_ranked(fade: Fade) -> None:
    estimate = fade.estimate(REGION, stream(0))
    assert set(estimate.values) == {m.name for m in fade.metrics}
    assert [len(row) for row in estimate.ranks] == [3, 2]
    for row in estimate.ranks:
        assert min(row) > 0
        assert sum(row) == pytest.approx(1)
    assert estimate.derived is not None
    derived = SPACE.parse(estimate.derived)
    assert derived.args[0] in ROW
    assert 0.5 < estimate.values["entropy"] <= 1
    assert 0 < estimate.values["inherited_accuracy"] < estimate.values["accuracy"] < 1
    assert estimate.cost > estimate.values["seconds"] > 0
    assert Estimate.from_json(json.loads(json.dumps(estimate.to_json()))) == estimate


def test_accuracy_is_that_of_the_derived_architecture_trained_alone(fade: Fade) -> None:
    estimate, inherited = (replace(fade, validate=v).estimate(REGION, stream(0)) for v in (True, False))
    assert inherited.ranks == estimate.ranks and inherited.derived == estimate.derived
    assert inherited.values["accuracy"] == inherited.values["inherited_accuracy"]
    assert inherited.values["inherited_accuracy"] == estimate.values["inherited_accuracy"]
    assert estimate.derived is not None
    shape, classes = fade.data.shape, len(fade.data.classes)
    parameters = cost(SPACE.parse(estimate.derived), shape, classes, channels=8).parameters
    assert estimate.values["parameters"] == parameters


def test_widened_batches_are_another_estimate_and_need_mixing_by_image(fade: Fade) -> None:
    wide = replace(fade, widen=True)
    assert wide.fingerprint != fade.fingerprint
    assert wide.estimate(REGION, stream(0)).ranks != fade.estimate(REGION, stream(0)).ranks
    with pytest.raises(ValueError, match="widen needs mixing by image, got soft"):
        replace(fade, widen=True, mixing="soft")


def test_the_same_stream_gives_the_same_estimate_also_after_pickling(fade: Fade) -> None:
    one = fade.estimate(REGION, stream(0))
    assert timeless(pickle.loads(pickle.dumps(fade)).estimate(REGION, stream(0))) == timeless(one)
    assert timeless(fade.estimate(REGION, stream(1))) != timeless(one)


def test_a_region_travels_through_a_journal() -> None:
    record = json.loads(json.dumps(REGION.to_json()))
    assert read_proposal(record, SPACE) == REGION
    assert "region" not in Proposal(REGION.architecture).to_json()


def test_an_architecture_alone_is_trained_by_the_same_code(fade: Fade) -> None:
    longer = replace(fade, epochs=20)
    estimate = longer.estimate(Proposal(REGION.architecture), stream(0))
    assert estimate.ranks == ()
    assert estimate.derived == str(REGION.architecture)
    assert estimate.values["accuracy"] > 0.6
    assert estimate.values["entropy"] == 0


def test_a_region_of_a_cell_space_is_ranked(fade: Fade) -> None:
    space = cell201()
    parts = tuple(space.read(name) for name in ("zero", "identity", "conv3x3"))
    at = space.parse("stack(cell(conv3x3, zero, identity, zero, zero, identity))")
    proposal = Proposal(
        at, Fidelity(epochs=1, channels=4), region=(Position((0, 0), parts), Position((0, 5), parts))
    )
    found = fade.estimate(proposal, stream(0))
    assert [len(row) for row in found.ranks] == [3, 3]
    assert found.derived is not None
    assert found.derived in {str(a) for a in region_of(proposal).enumerate()}


def test_path_scores_by_both_aggregators() -> None:
    ranks = {0: np.array([0.25, 0.75]), 1: np.array([0.2, 0.3, 0.5])}
    mean, log = path_scores(ranks, "mean"), path_scores(ranks, "log")
    assert mean.shape == log.shape == (2, 3)
    assert mean[1, 2] == pytest.approx((0.75 + 0.5) / 2)
    assert log[0, 1] == pytest.approx(np.log(0.25 * 0.3))


def test_a_supernet_that_diverges_is_a_failed_estimate(fade: Fade) -> None:
    wild = replace(REGION, fidelity=Fidelity(learning_rate=1e30))
    estimate = fade.estimate(wild, stream(0))
    assert estimate.failure is not None
    assert estimate.failure.type == "Diverged"
    assert "lower the learning rate" in estimate.failure.message


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ((Position((0,), ()),), r"position \(0,\) has no candidate"),
        ((Position((7,), ROW),), r"position \(7,\) is not there"),
        ((Position((0,), ROW), Position((0,), ROW)), "stands twice in the region"),
        ((Position((0,), ROW), Position((0, 1), ROW[0].args[:1])), "or inside another"),
        ((Position((0,), (ROW[0], ROW[0])),), "lists .* twice"),
    ],
)
def test_bad_regions_are_refused(region: tuple[Position, ...], message: str, fade: Fade) -> None:
    with pytest.raises(SpaceError, match=message):
        fade.estimate(Proposal(REGION.architecture, region=region), stream(0))


def test_a_region_larger_than_memory_is_refused_beforehand(fade: Fade) -> None:
    with pytest.raises(
        SupernetError, match=r"2 supernets of the region would need about \d+\.\d GB, 0\.001 GB may"
    ):
        replace(fade, memory=0.001, channels=512).estimate(REGION, stream(0))


def test_widened_batches_count_as_memory(fade: Fade) -> None:
    """Of three candidates at one position and none at the other, what has no choice sees three times the images."""
    region = replace(REGION, region=REGION.region[:1])
    narrow = replace(fade, channels=256, batch_size=200, memory=0.065)
    narrow.examine(region)
    with pytest.raises(SupernetError, match=r"would need about \d+\.\d GB"):
        replace(narrow, widen=True).examine(region)


def test_a_rehearsal_is_quick_and_names_unknown_operations(fade: Fade) -> None:
    fade.rehearse(SPACE, stream(0))
    from morphogen.spaces import Space

    with pytest.raises(ValueError, match="no network can be built of: blur"):
        fade.rehearse(Space.from_text("A -> chain(blur, conv3x3)"), stream(0))


def test_data_are_untouched(fade: Fade) -> None:
    data: ImageData = fade.data
    before = data.images.copy()
    fade.estimate(REGION, stream(0))
    assert np.array_equal(before, data.images)
