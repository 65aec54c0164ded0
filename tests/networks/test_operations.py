"""Every operation: shape, cost and module agree; what cannot fit is refused with a reason."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from morphogen.networks.operations import (
    OPERATIONS,
    UnknownOperation,
    missing_operations,
    operation,
    strided,
)
from morphogen.networks.shapes import Indivisible, Shape, ShapeError

HALVING = ("resblock", "conv3x3_down", "max_pool_down", "factorized_reduce")
STRIDED = [halved.name for plain in OPERATIONS.values() if (halved := strided(plain))]


@pytest.mark.parametrize("name", [*OPERATIONS, *STRIDED])
@pytest.mark.parametrize("shape", [Shape(6, 8, 8), Shape(5, 7, 9), Shape(1, 2, 3), Shape(4, 1, 6)], ids=str)
def test_shape_and_cost_are_those_of_the_module(name: str, shape: Shape) -> None:
    layer = operation(name).layer
    out, cost = layer.measure(shape)
    module = layer.module(shape)
    with FlopCounterMode(display=False) as counter:
        y = module(torch.randn(2, *shape))
    assert y.shape == (2, *out)
    assert y.isfinite().all()
    assert sum(p.numel() for p in module.parameters()) == cost.parameters
    assert (
        counter.get_total_flops() == 2 * 2 * cost.multiply_adds
    )  # two images, two operations a multiply-add


@pytest.mark.parametrize("shape", [Shape(4, 8, 8), Shape(4, 7, 5), Shape(4, 1, 3)], ids=str)
def test_all_that_halve_agree_on_the_map(shape: Shape) -> None:
    outs = {operation(name).layer.measure(shape)[0][1:] for name in (*HALVING, *STRIDED)}
    assert outs == {(-(-shape.height // 2), -(-shape.width // 2))}


def test_channels_double_in_halving_convolutions_only() -> None:
    channels = {name: operation(name).layer.measure(Shape(6, 8, 8))[0].channels for name in OPERATIONS}
    assert {name for name, n in channels.items() if n != 6} == {"resblock", "conv3x3_down"}
    assert channels["resblock"] == channels["conv3x3_down"] == 12


@pytest.mark.parametrize("name", [*HALVING, *STRIDED])
def test_a_single_pixel_cannot_be_halved(name: str) -> None:
    with pytest.raises(Indivisible, match="cannot halve a map of 6x1x1"):
        operation(name).layer.measure(Shape(6, 1, 1))


def test_norms_refuse_what_they_would_turn_to_zero() -> None:
    with pytest.raises(ShapeError, match="instance normalization of a map of 6x1x1"):
        operation("instance_norm").layer.measure(Shape(6, 1, 1))
    with pytest.raises(ShapeError, match="layer normalization of a map of 1x1x1"):
        operation("layer_norm").layer.measure(Shape(1, 1, 1))
    assert operation("layer_norm").layer.measure(Shape(6, 1, 1))[0] == (6, 1, 1)


def test_halvings_until_one_pixel() -> None:
    assert [Shape(1, side, 1).halvings for side in (1, 2, 3, 4, 5, 8, 9, 32)] == [0, 1, 2, 2, 3, 3, 4, 5]
    assert all(operation(name).layer.halvings == 1 for name in (*HALVING, *STRIDED))


def test_average_pooling_averages_what_lies_on_the_map() -> None:
    ones = torch.ones(1, 4, 5, 5)
    for name in ("avg_pool", "avg_pool/2"):
        y = operation(name).layer.module(Shape(4, 5, 5))(ones)
        torch.testing.assert_close(y, torch.ones_like(y))


def test_factorized_reduce_reads_every_pixel() -> None:
    for shape in (Shape(2, 4, 4), Shape(2, 5, 3)):
        x = torch.rand(1, *shape, requires_grad=True)
        module = operation("factorized_reduce").layer.module(shape).eval()
        module(x).pow(2).sum().backward()
        assert x.grad is not None
        diagonal = x.grad[0].abs().sum(0)
        read = {(i, j) for i, j in diagonal.nonzero().tolist()}
        assert read == {
            (i, j) for i in range(shape.height) for j in range(shape.width) if i % 2 == j % 2
        }  # pixels of both parities; the mixed ones are DARTS's own omission


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownOperation, match="no operation is called conv3x33; did you mean conv3x3"):
        operation("conv3x33")
    for name in ("relu/2", "resblock/2", "nothing/2"):  # without a window, halving already, unknown
        with pytest.raises(UnknownOperation):
            operation(name)


def test_missing_operations() -> None:
    assert missing_operations(["zero", "identity", "conv3x3", "blur", "arc", "blur"]) == ["arc", "blur"]
    assert missing_operations(OPERATIONS) == []


def test_the_table_is_complete() -> None:
    assert all(name == known.name and known.about for name, known in OPERATIONS.items())
    assert {
        "sum",
        "concat",
        "resblock",
        "bare_depthwise3x3",
        "sep_conv5x5",
        "dil_conv3x3",
    } <= OPERATIONS.keys()
