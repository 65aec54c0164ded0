"""The estimator DARTS: what it derives, partial channels, same stream same estimate, what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from morphogen.estimators.darts import Darts
from morphogen.networks.data import load
from morphogen.records import Estimate, Fidelity, Position, Proposal
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.supernet import Supernet, SupernetError

SPACE = cell201()
ZERO, SKIP, CONV, POOL = (SPACE.read(name) for name in ("zero", "identity", "conv3x3", "avg_pool"))
AT = SPACE.parse("stack(cell(conv3x3, zero, identity, zero, zero, conv1x1))")


def region(*candidates: object, edges: tuple[int, ...] = tuple(range(6))) -> Proposal:
    return Proposal(AT, region=tuple(Position((0, edge), candidates) for edge in edges))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def darts() -> Darts:
    return Darts(load("digits"), epochs=1, channels=4, batch_size=128)


def timeless(estimate: Estimate) -> Estimate:
    return replace(estimate, cost=0.0, values={n: v for n, v in estimate.values.items() if n != "seconds"})


def derived(estimate: Estimate) -> list[str]:
    assert estimate.derived is not None
    return [str(edge) for edge in SPACE.parse(estimate.derived).args[0].args]


def test_a_region_is_one_supernet_and_zero_is_never_chosen(darts: Darts) -> None:
    estimate = darts.estimate(region(ZERO, CONV, edges=(0, 3, 4)), stream(0))
    assert set(estimate.values) == {metric.name for metric in darts.metrics}
    assert derived(estimate) == ["conv3x3", "zero", "identity", "conv3x3", "conv3x3", "conv1x1"]
    assert [len(row) for row in estimate.ranks] == [2, 2, 2]
    assert all(sum(row) == pytest.approx(1) for row in estimate.ranks)
    assert estimate.values["skips"] == 0 < estimate.values["accuracy"] < 1


def test_so_many_edges_stay_as_are_kept(darts: Darts) -> None:
    short = replace(darts, validate=False)
    three = [
        derived(replace(short, keep=keep).estimate(region(ZERO, SKIP, CONV), stream(0))) for keep in (1, 2, 3)
    ]
    into = {1: (0,), 2: (1, 2), 3: (3, 4, 5)}
    for keep, found in zip((1, 2, 3), three, strict=True):
        for edges in into.values():
            assert sum(found[e] != "zero" for e in edges) == min(keep, len(edges))
    for fewer, more in pairwise(three):  # the same supernet: the strongest edges stay what they are
        assert all(a in (b, "zero") for a, b in zip(fewer, more, strict=True))
    assert derived(short.estimate(region(ZERO, SKIP, CONV), stream(0))) == three[2]


def test_skips_are_counted_among_the_choices(darts: Darts) -> None:
    estimate = replace(darts, validate=False).estimate(region(ZERO, SKIP, edges=(0, 1)), stream(0))
    assert estimate.values["skips"] == 1
    assert derived(estimate)[:2] == ["identity", "identity"]


def test_two_streams_are_two_supernets_and_one_is_the_same_again(darts: Darts) -> None:
    short, whole = replace(darts, validate=False), region(ZERO, SKIP, CONV, POOL)
    one, again, other = (timeless(short.estimate(whole, stream(0, seed))) for seed in (1, 1, 2))
    assert one == again
    assert one.ranks != other.ranks
    validated = darts.estimate(whole, stream(0, 1))
    assert (validated.ranks, validated.derived) == (one.ranks, one.derived)
    assert validated.values["accuracy"] != validated.values["inherited_accuracy"] == one.values["accuracy"]


@pytest.mark.parametrize(
    "other", [{"schedule": "unrolled"}, {"schedule": "one_level"}, {"partial": 2}], ids=str
)
def test_schedules_and_partial_channels_are_other_searches(darts: Darts, other: dict[str, object]) -> None:
    short, small = replace(darts, validate=False), Fidelity(fraction=0.3)
    whole = replace(region(SKIP, CONV), fidelity=small)
    plain, changed = (e.estimate(whole, stream(0)) for e in (short, replace(short, **other)))  # type: ignore[arg-type]
    assert changed.failure is None and changed.ranks != plain.ranks
    assert short.fingerprint != replace(short, **other).fingerprint  # type: ignore[arg-type]


def test_norms_of_candidates_have_no_scale_of_their_own() -> None:
    plain, bare = (Supernet(SPACE, (1, 8, 8), 10, channels=4, affine=affine) for affine in (True, False))
    fixed = {name for name, p in bare.named_parameters() if not p.requires_grad}
    assert fixed and all("candidates" in name for name in fixed)
    assert all(p.requires_grad for p in plain.parameters())
    free = [name for name, p in bare.named_parameters() if p.requires_grad and "candidates" in name]
    assert free and all(dict(bare.named_parameters())[name].ndim == 4 for name in free), "convolutions learn"
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for net in (plain, bare):
        net.select(AT)
    torch.testing.assert_close(plain(x), bare(x))


def test_what_cannot_be_is_refused_beforehand(darts: Darts) -> None:
    with pytest.raises(
        SupernetError, match=r"a supernet of the region would need about \d+\.\d GB, 0\.001 GB may"
    ):
        replace(darts, memory=0.001, channels=512).examine(region(SKIP, CONV))
    with pytest.raises(SupernetError, match="1/4 of 6 channels is no whole number; take a multiple"):
        replace(darts, channels=6, partial=4).examine(region(SKIP, CONV))
    with pytest.raises(ValueError, match=r"keep=None keeps all edges\), got 1 and 0"):
        replace(darts, keep=0)
    with pytest.raises(ValueError, match="set aside for the logits, got 1"):
        replace(darts, share=1)
