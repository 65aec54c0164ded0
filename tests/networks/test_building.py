"""Networks of architectures: the published sizes, exact costs, canonical weights, and clear refusals."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from morphogen.architecture import Architecture, Primitive, builtin
from morphogen.networks.building import build, cost
from morphogen.networks.operations import UnknownOperation
from morphogen.networks.shapes import Cost, ShapeError
from morphogen.spaces.cell101 import cell101
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.space import Space


def op(name: str) -> Architecture:
    """Return an operation as an architecture."""
    return Architecture(Primitive(name))


def term(name: str, *args: str | Architecture) -> Architecture:
    """Return a built-in terminal applied to operations or parts."""
    parts = tuple(op(arg) if isinstance(arg, str) else arg for arg in args)
    terminal = builtin(name, len(parts))
    assert terminal is not None
    return Architecture(terminal, parts)


def counted(network: nn.Module, x: torch.Tensor) -> Cost:
    """Return the trainable parameters, and the multiply-adds an image that hooks see."""
    total = 0

    def count(layer: nn.Module, _: object, y: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            weights = layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]
            total += weights * y[0].numel()
        elif isinstance(layer, nn.Linear):
            total += layer.in_features * layer.out_features

    hooks = [layer.register_forward_hook(count) for layer in network.modules()]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return Cost(sum(p.numel() for p in network.parameters() if p.requires_grad), total)


# --- truth --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "parameters", "multiply_adds"),
    # Dong and Yang 2020: 0.073306 to 1.531546 million parameters, 7.78 to 220.12 million multiply-adds.
    [("zero", 73_306, 7_783_040), ("conv3x3", 1_531_546, 220_119_680)],
)
def test_the_published_sizes_of_nasbench201(operation: str, parameters: int, multiply_adds: int) -> None:
    architecture = term("stack", term("cell", *[operation] * 6))
    assert cost(architecture, (3, 32, 32), 10, cells=5) == Cost(parameters, multiply_adds)


def test_the_sizes_in_the_table_of_nasbench201(data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow reads the table")
    edges = ["op_1<0", "op_2<0", "op_2<1", "op_3<0", "op_3<1", "op_3<2"]
    names = ["zero", "identity", "conv1x1", "conv3x3", "avg_pool"]
    table = parquet.read_table(data / "nasbench201.parquet", columns=[*edges, "params_m", "flops_m_in16"])
    checked, agreeing = 0, 0
    for row in table.to_pylist()[::7]:
        operations = [names[row[edge]] for edge in edges]
        architecture = term("stack", term("cell", *operations))
        convolutions = sum(name.startswith("conv") for name in operations)
        if sum(label.startswith("conv") for label in architecture.args[0].graph.labels) < convolutions:
            continue  # the table counts convolutions on dead ends, which our networks do not have
        checked += 1
        assert cost(architecture, (3, 32, 32), 10, cells=5).parameters == round(row["params_m"] * 1e6)
        # The column is of 32x32 images and 120 classes; 150 of its 15,625 rows contradict the others.
        exact = cost(architecture, (3, 32, 32), 120, cells=5).multiply_adds
        agreeing += abs(exact / 1e6 - row["flops_m_in16"]) < 0.006
    assert checked > 1000
    assert agreeing > 0.98 * checked


def test_the_published_size_of_darts() -> None:
    """The second-order cell of Liu et al. 2019 at 36 channels and 20 cells: 3.3 million parameters."""
    normal = term(
        "darts_cell",
        term("pair_0_1", "sep_conv3x3", "sep_conv3x3"),
        term("pair_0_1", "sep_conv3x3", "sep_conv3x3"),
        term("pair_0_1", "identity", "sep_conv3x3"),
        term("pair_0_2", "identity", "dil_conv3x3"),
    )
    reduce = term(
        "darts_cell",
        term("pair_0_1", "max_pool", "max_pool"),
        term("pair_1_2", "max_pool", "identity"),
        term("pair_0_2", "max_pool", "identity"),
        term("pair_1_2", "max_pool", "identity"),
    )
    size = cost(term("darts_stack", normal, reduce), (3, 32, 32), 10, channels=36, cells=6)
    assert size.parameters == 3_349_342  # what the authors' code prints for it
    assert round(size.multiply_adds / 1e6) == 528


SPACES: tuple[tuple[Space, int, tuple[int, int, int]], ...] = (
    (cell201(), 70, (3, 16, 16)),
    (digits_small(), 70, (1, 9, 7)),
    (cell101(), 40, (3, 11, 11)),
    (darts_cell(), 16, (3, 15, 13)),
    (hierarchical201(), 4, (3, 12, 12)),
)


@pytest.mark.parametrize(("space", "number", "inputs"), SPACES, ids=[space.name for space, *_ in SPACES])
def test_costs_are_exact_and_logits_finite(space: Space, number: int, inputs: tuple[int, int, int]) -> None:
    """200 random architectures in all: the shape pass equals what hooks count on the built network."""
    rng = np.random.default_rng(1)
    x = torch.rand(2, *inputs, generator=torch.Generator().manual_seed(0))
    for turn in range(number):
        architecture = space.sample(rng)
        cells = 1 + turn % 2
        network = build(architecture, inputs, 7, channels=4, cells=cells)
        assert counted(network, x[:1] if turn % 2 else x) == cost(
            architecture, inputs, 7, channels=4, cells=cells
        )
        logits = network(x)
        assert logits.shape == (2, 7)
        assert logits.isfinite().all()


# --- weights ------------------------------------------------------------------------------------------


@cache
def twins() -> tuple[tuple[Architecture, Architecture], ...]:
    """Return pairs of different architectures with one graph, from cells and from hierarchical networks."""
    rng = np.random.default_rng(2)
    seen: dict[str, Architecture] = {}
    pairs = []
    for space in (cell201(), digits_small()):
        found = 0
        while found < 6:
            one = space.sample(rng, over="productions")
            other = seen.setdefault(one.key, one)
            if other != one and one.size > 6 and "conv" in one.certificate:
                pairs.append((one, other))
                found += 1
    return tuple(pairs)


def test_isomorphic_architectures_are_one_network() -> None:
    x = torch.rand(2, 3, 16, 16)
    for one, other in twins():
        left, right = (build(a, (3, 16, 16), 5, channels=4, seed=9).eval() for a in (one, other))
        assert str(one) != str(other)
        assert torch.equal(left(x), right(x))
        assert left.state_dict().keys() == right.state_dict().keys()


def test_symmetric_cells_are_one_network() -> None:
    one = term("stack", term("cell", "conv3x3", "conv1x1", "zero", "avg_pool", "identity", "conv3x3"))
    other = term("stack", term("cell", "conv1x1", "conv3x3", "zero", "avg_pool", "conv3x3", "identity"))
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(build(one, (3, 8, 8), 5)(x), build(other, (3, 8, 8), 5)(x))


def test_weights_come_from_the_seed_alone() -> None:
    architecture, x = term("chain", "conv3x3", "resblock"), torch.rand(2, 1, 8, 8)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = build(architecture, (1, 8, 8), 3, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert torch.equal(build(architecture, (1, 8, 8), 3, seed=1)(x), first(x))
    assert not torch.equal(build(architecture, (1, 8, 8), 3, seed=2)(x), first(x))


def test_repeated_cells_have_weights_of_their_own() -> None:
    network = build(term("stack", term("cell", "conv3x3")), (1, 8, 8), 3, cells=2)
    first, second = network.body[0].operations[0][1], network.body[1].operations[0][1]
    assert not torch.equal(first.weight, second.weight)


def test_every_weight_is_trained() -> None:
    rng = np.random.default_rng(3)
    x = torch.rand(4, 1, 8, 8)
    for architecture in (
        *(digits_small().sample(rng) for _ in range(8)),
        term("stack", term("cell", "conv1x1")),
    ):
        network = build(architecture, (1, 8, 8), 10, channels=4)
        network(x).logsumexp(1).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


# --- the edges of the possible ------------------------------------------------------------------------


def test_a_network_without_a_path_is_constant() -> None:
    """The head sees zeros: logits are the bias, and the gradient of the bias is that of the loss."""
    network = build(term("chain", "zero", "conv3x3"), (1, 8, 8), 4)
    logits = network(torch.rand(5, 1, 8, 8))
    bias = network.head[2][2].bias
    assert torch.equal(logits, bias.expand(5, 4))
    labels = torch.tensor([0, 1, 1, 3, 3])
    nn.functional.cross_entropy(logits, labels, reduction="sum").backward()
    expected = (5 * bias.softmax(0) - torch.bincount(labels, minlength=4)).detach()
    torch.testing.assert_close(bias.grad, expected)


def test_a_cell_without_a_path_leaves_a_constant_stack() -> None:
    network = build(term("stack", term("cell", *["zero"] * 6)), (1, 8, 8), 4).eval()
    logits = network(torch.rand(5, 1, 8, 8))
    assert torch.equal(logits, logits[:1].expand(5, 4))


def test_darts_stack_is_the_published_network_in_small() -> None:
    """Preprocessing, stride 2 at the inputs of reduction cells, doubled channels, joined nodes."""
    normal = term("darts_cell", *[term("pair_0_1", "sep_conv3x3", "identity")] * 4)
    reduce = term(
        "darts_cell", *[term("pair_0_1", "max_pool", "identity")] * 3, term("pair_2_3", "identity", "relu")
    )
    network = build(term("darts_stack", normal, reduce), (3, 16, 16), 10, channels=4, cells=2)
    maps: list[torch.Size] = []
    for cell in network.body.cells:
        cell.register_forward_hook(lambda _, __, y: maps.append(y.shape))
    network(torch.rand(2, 3, 16, 16))
    widths = [(4, 16)] * 2 + [(8, 8)] * 3 + [(16, 4)] * 3
    assert maps == [(2, 4 * width, side, side) for width, side in widths]
    pools = [m for m in network.body.cells[2].modules() if isinstance(m, nn.MaxPool2d)]
    assert [pool.stride for pool in pools] == [2, 2, 2]
    reads = [type(part).__name__ for cell in network.body.cells for part in cell.prepare]
    # The cell after a reduction halves the older of its inputs.
    assert [i for i, name in enumerate(reads) if name == "FactorizedReduce"] == [6, 12]


def test_too_many_downsamplings_say_how_many_fit() -> None:
    architecture = term("chain", "conv3x3", *["resblock"] * 4)
    with pytest.raises(ShapeError, match=r"resblock \(vertex 5\) got 128x1x1") as caught:
        cost(architecture, (1, 8, 8), 10)
    assert "downsamples 4 times but an input of 8x8 allows 3" in str(caught.value)
    assert cost(architecture, (1, 9, 9), 10).parameters > 0
    with pytest.raises(ShapeError, match="downsamples 2 times but an input of 2x2 allows 1"):
        build(term("stack", op("conv3x3")), (1, 2, 2), 10)
    with pytest.raises(ShapeError, match="downsamples 2 times but an input of 1x2 allows 1"):
        build(darts_cell().sample(np.random.default_rng(0)), (1, 1, 2), 10)


def test_branches_that_disagree_are_named() -> None:
    with pytest.raises(ShapeError, match=r"the output adds 16x8x8 of .* and 32x4x4 of resblock \(vertex 2\)"):
        cost(term("branch", "conv3x3", "resblock"), (1, 8, 8), 10)
    with pytest.raises(
        ShapeError, match=r"relu \(vertex 2\) adds 16x8x8 of the input and 16x4x4 of max_pool_down"
    ):
        cost(term("chain", term("branch", "identity", "max_pool_down"), "relu"), (1, 8, 8), 10)


def test_a_refused_operation_is_named() -> None:
    with pytest.raises(ShapeError, match=r"instance_norm \(vertex 3\) got 64x1x1"):
        build(term("chain", "resblock", "resblock", "instance_norm"), (1, 4, 4), 10)
    with pytest.raises(UnknownOperation, match="did you mean conv3x3"):
        build(term("stack", op("conv33")), (1, 8, 8), 10)


@pytest.mark.parametrize(
    ("inputs", "classes", "settings", "message"),
    [
        ((8, 8), 10, {}, "inputs are \\(channels, height, width\\) of an image, got \\(8, 8\\)"),
        ((0, 8, 8), 10, {}, "channels of the image to be a positive whole number, got 0"),
        ((1, 8, 8), 0, {}, "classes to be a positive whole number"),
        ((1, 8, 8), 10, {"channels": 1.5}, "channels to be a positive whole number, got 1.5"),
    ],
)
def test_settings_without_sense_are_refused(
    inputs: tuple[int, ...], classes: int, settings: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(op("conv3x3"), inputs, classes, **settings)


# --- forms of running ---------------------------------------------------------------------------------


def test_the_memory_format_is_kept() -> None:
    network = build(digits_small().sample(np.random.default_rng(4)), (3, 8, 8), 5, channels=8).eval()
    x = torch.rand(2, 3, 8, 8)
    expected = network(x)
    network = network.to(memory_format=torch.channels_last)
    formats = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(
                lambda _, __, y: formats.append(y.is_contiguous(memory_format=torch.channels_last))
            )
    torch.testing.assert_close(network(x.contiguous(memory_format=torch.channels_last)), expected)
    assert formats
    assert all(formats)


def test_networks_can_be_exported() -> None:
    for architecture in (cell201().sample(np.random.default_rng(5)), term("chain", "zero", "relu")):
        network = build(architecture, (1, 8, 8), 5, channels=4).eval()
        x = torch.rand(3, 1, 8, 8)
        program = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        y = torch.rand(6, 1, 8, 8)
        torch.testing.assert_close(program.module()(y), network(y))
