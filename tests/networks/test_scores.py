"""Zero-cost scores: closed forms and brute force on tiny networks; the network itself stays as it is."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from morphogen.networks import build
from morphogen.networks.modules import FactorizedReduce
from morphogen.networks.scores import SCORES, UndefinedScore, find
from morphogen.networks.scores.naswot import agreements
from morphogen.networks.scores.probe import Probe
from morphogen.networks.scores.zen import ALPHA
from morphogen.spaces.cell201 import cell201

CELL = "stack(cell(conv3x3, identity, conv1x1, zero, avg_pool, conv3x3))"


def probe(network: nn.Module, *shape: int, seed: int = 0) -> Probe:
    """Return a probe of Gaussian images [n, c, h, w] and labels 0, 1, 0, ..."""
    generator = torch.Generator().manual_seed(seed)
    return Probe(network, torch.randn(shape, generator=generator), torch.arange(shape[0]) % 2, seed)


def seeded(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(generator=generator)
    return network


def value(name: str, on: Probe) -> float:
    return find(name).load()(on)


# --- truth, worked out otherwise ---------------------------------------------------------------------------


@pytest.mark.parametrize("between", [nn.Identity(), nn.ReLU(), nn.BatchNorm2d(3), nn.Mish()])
def test_synflow_is_the_sum_over_all_paths(between: nn.Module) -> None:
    first, second = nn.Conv2d(4, 3, 1, bias=False), nn.Linear(3, 2, bias=False)
    network = seeded(nn.Sequential(first, nn.Sequential(between), nn.Flatten(), second))
    one, two = first.weight.flatten(1).abs().tolist(), second.weight.abs().tolist()
    paths = sum(one[j][i] * two[k][j] for i, j, k in product(range(4), range(3), range(2)))
    # Each path has a weight in both layers, so each layer's weights times their gradients give all paths.
    assert value("synflow", probe(network, 3, 4, 1, 1)) == pytest.approx(math.log1p(2 * paths), rel=1e-6)


def test_synflow_of_convolutions_is_what_taking_each_layer_away_changes() -> None:
    layers = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=False),
        nn.AvgPool2d(2),
        nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 2, bias=False),
    ).double()
    seeded(layers)
    on = probe(layers, 2, 2, 4, 4)
    positive = on.copy()
    with torch.no_grad():
        for parameter in positive.parameters():
            parameter.abs_()
        total = 0.0
        for layer in (positive[0], positive[2], positive[5]):  # type: ignore[index]
            kept = layer.weight.clone()
            layer.weight.mul_(2)
            doubled = positive(torch.ones(1, 2, 4, 4, dtype=torch.float64)).sum()
            layer.weight.copy_(kept)
            total += float(doubled - positive(torch.ones(1, 2, 4, 4, dtype=torch.float64)).sum())
    assert value("synflow", on) == pytest.approx(math.log1p(total), rel=1e-9)


@pytest.mark.parametrize(("weight", "fits"), [(1e150, True), (1e200, False)])
def test_synflow_beyond_double_precision_says_so(weight: float, fits: bool) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    for parameter in network.parameters():
        nn.init.constant_(parameter, weight)
    on = probe(network, 1, 1, 1, 1)
    if fits:
        assert value("synflow", on) == pytest.approx(2 * math.log(weight) + math.log(2))
    else:
        with pytest.raises(UndefinedScore, match="beyond double precision"):
            value("synflow", on)


def test_snip_and_grad_norm_are_those_of_a_plain_backward_pass() -> None:
    network = seeded(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    )
    on = probe(network, 6, 1, 4, 4)
    found = value("snip", on), value("grad_norm", on)
    functional.cross_entropy(network.train()(on.images), on.labels).backward()  # type: ignore[no-untyped-call]
    convolution, linear = network[0], network[4]  # type: ignore[index]
    weights = [(layer.weight.detach().numpy(), layer.weight.grad.numpy()) for layer in (convolution, linear)]
    assert found[0] == pytest.approx(sum(np.abs(w * g).sum() for w, g in weights), rel=1e-5)
    assert found[1] == pytest.approx(sum(np.sqrt((g**2).sum()) for _, g in weights), rel=1e-5)


def test_snip_is_what_the_loss_loses_with_each_weight_to_first_order() -> None:
    network = seeded(nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))).double()
    generated = probe(network, 5, 1, 1, 3)
    on = Probe(network, generated.images.double(), generated.labels)
    total, step = 0.0, 1e-6
    with torch.no_grad():
        for layer in (network[1], network[3]):  # type: ignore[index]
            for place in product(*map(range, layer.weight.shape)):
                kept, losses = float(layer.weight[place]), []
                for factor in (1 + step, 1 - step):
                    layer.weight[place] = kept * factor
                    losses.append(float(functional.cross_entropy(network(on.images), on.labels)))
                layer.weight[place] = kept
                total += abs(losses[0] - losses[1]) / (2 * step)
    assert value("snip", on) == pytest.approx(total, rel=1e-6)


def test_the_kernel_of_naswot_counts_agreeing_units() -> None:
    network = seeded(nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Conv2d(2, 3, 2), nn.Hardswish()))
    on = probe(network, 4, 1, 4, 4)
    with torch.no_grad():
        first = network[0](on.images)  # type: ignore[index]
        second = network[2](first.relu())  # type: ignore[index]
    codes = [
        [unit > 0 for unit in (*one.flatten().tolist(), *two.flatten().tolist())]
        for one, two in zip(first, second, strict=True)
    ]
    counted = [[sum(a == b for a, b in zip(x, y, strict=True)) for y in codes] for x in codes]
    assert agreements(on.copy(), on.images).tolist() == counted
    assert counted[0][0] == 2 * 3 * 3 + 3 * 2 * 2
    assert value("naswot", on) == pytest.approx(math.log(np.linalg.det(np.array(counted, dtype=float))))


def test_naswot_sees_the_relu_of_a_factorized_reduction() -> None:
    on = probe(FactorizedReduce(2, 4), 3, 2, 5, 5)
    assert agreements(on.copy(), on.images).diagonal().tolist() == [2 * 5 * 5] * 3


def test_jacob_cov_is_that_of_the_jacobian_worked_out_by_hand() -> None:
    network = seeded(nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    on = probe(network, 4, 1, 2, 3)
    one, two = network[1], network[3]  # type: ignore[index]
    active = (one(on.images.flatten(1)) > 0).float()
    jacobian = (active * two.weight.sum(dim=0)) @ one.weight
    correlations = np.corrcoef(jacobian.detach().numpy().astype(np.float64))
    eigenvalues = np.linalg.eigvalsh(correlations) + 1e-5
    truth = -float(np.sum(np.log(eigenvalues) + 1 / eigenvalues))
    assert value("jacob_cov", on) == pytest.approx(truth, rel=1e-4)


def test_zen_of_one_convolution_is_the_size_of_the_change() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    on = probe(network, 5, 1, 8, 8)
    generator = on.generator
    weight, _, change = (
        torch.randn(shape, generator=generator) for shape in ((1,), on.images.shape, on.images.shape)
    )
    truth = (ALPHA * weight * change).abs().sum() / 5
    assert value("zen", on) == pytest.approx(float(truth.log()), abs=1e-3)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.InstanceNorm2d(4), nn.GroupNorm(1, 4)])
def test_zen_gives_back_what_a_normalization_takes_away(norm: nn.Module) -> None:
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    plain = probe(nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), nn.Identity(), *head), 16, 4, 16, 16)
    normed = probe(nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), norm, *head), 16, 4, 16, 16)
    assert value("zen", normed) == pytest.approx(value("zen", plain), abs=0.1)
    assert abs(value("zen", plain) - math.log(ALPHA)) > 1, "the change is far from that of a unit map"


def test_zen_needs_a_global_average() -> None:
    with pytest.raises(UndefinedScore, match="one global average"):
        value("zen", probe(nn.Conv2d(1, 1, 1), 2, 1, 4, 4))


def test_the_network_stays_as_it_is() -> None:
    network = build(cell201().parse(CELL), (1, 8, 8), 10, channels=4).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.stem.requires_grad_(False)
    on = probe(network, 4, 1, 8, 8)
    images, state = on.images.clone(), torch.random.get_rng_state()
    for name in SCORES:
        assert math.isfinite(value(name, on))
    after = network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(parameter.requires_grad for parameter in network.stem.parameters())
    assert all(parameter.requires_grad for parameter in network.body.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert torch.equal(images, on.images)
    assert not on.images.requires_grad
    assert torch.equal(state, torch.random.get_rng_state())
