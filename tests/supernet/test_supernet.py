"""Supernets: one candidate is stand-alone training, inherited weights fit, structural zeros are not computed."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch import Tensor

from morphogen.architecture import Architecture
from morphogen.networks import build
from morphogen.networks.data import ImageData, load
from morphogen.networks.training import Recipe, fit
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.dag_chain import dag_chain, module
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.supernet import Course, Gumbel, Stack, Supernet, SupernetError, leave_one_in, train
from morphogen.supernet import stack as stacks
from morphogen.supernet.mixing import Mixture
from morphogen.supernet.passes import recalibrate, saved_bytes
from morphogen.supernet.relaxation import only, uniform
from morphogen.supernet.wiring import Wiring

INPUTS, CLASSES = (1, 8, 8), 10
NESTED = """
NET -> chain(PART, PART)
PART -> conv3x3 | chain(OP, OP) | residual(OP, conv1x1, identity)
OP -> conv1x1 | avg_pool | identity | zero
"""


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load("digits")


def images(*shape: int) -> Tensor:
    return torch.randn(*shape, *INPUTS, generator=torch.Generator().manual_seed(0))


def chain_region(modules: str = "mlp", depth: int = 2) -> Space:
    space = dag_chain(depth, 4, 3, modules)  # type: ignore[arg-type]
    rng = stream(3)
    rows = [list({part for _ in range(4) for part in space.sample(rng).args[:1]}) for _ in range(depth)]
    return space.region({(i,): sorted(row) for i, row in enumerate(rows)})


REGIONS = {
    "mlp chain": chain_region(),
    "conv chain": chain_region("conv"),
    "cell201": cell201(),
    "nested": Space.from_text(NESTED),
}


def mixed(space: Space, seed: int = 0, **settings: int) -> Supernet:
    net = Supernet(space, INPUTS, CLASSES, channels=4, seed=seed, **settings)
    net.mix({gate.name: uniform(len(gate.candidates)) for gate in net.gates})
    return net


@pytest.mark.parametrize("name", REGIONS)
def test_inherited_weights_load_into_the_stand_alone_network(name: str) -> None:
    space, x = REGIONS[name], images(5)
    net = mixed(space)
    with torch.no_grad():
        net(x)  # moves the statistics of batch norms
    net.eval()
    outs = set()
    for architecture in (space.sample(stream(1, n)) for n in range(12)):
        net.select(architecture)
        alone = net.inherit(architecture).eval()
        assert net.architecture(net.choice(architecture)) == architecture
        torch.testing.assert_close(net(x), alone(x), atol=1e-5, rtol=0)
        outs.add(round(float(alone(x).detach().sum()), 4))
    assert len(outs) > 3


def one_candidate(space: Space, architecture: Architecture) -> Space:
    paths = [d.path for d in space.decisions(architecture) if len(d.path) == 1] or [()]
    return space.region({path: [architecture.at(path)] for path in paths}, at=architecture)


@pytest.mark.parametrize("name", REGIONS)
def test_a_region_of_one_candidate_is_stand_alone_training_bit_for_bit(name: str, digits: ImageData) -> None:
    space = REGIONS[name]
    architecture = space.sample(stream(2))
    recipe = Recipe(epochs=2, optimizer="adamw", batch_size=100, device="cpu")
    numbers = digits.train[:300]
    alone = build(architecture, INPUTS, CLASSES, channels=4, seed=7)
    net = Supernet(one_candidate(space, architecture), INPUTS, CLASSES, channels=4, seed=7)
    assert not net.gates
    first = [p.clone() for p in net.parameters()]
    fit(alone, digits, numbers, None, recipe, stream(5))
    train(Stack([net]), Gumbel(), digits, numbers, Course(recipe=recipe), stream(5))
    mine, theirs = net.state_dict(), alone.state_dict()
    assert all(torch.equal(a, b) for a, b in zip(mine.values(), theirs.values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(first, net.parameters(), strict=True))


def test_a_structural_zero_is_not_computed_and_gets_no_gradient() -> None:
    net = Supernet(REGIONS["mlp chain"], INPUTS, CLASSES, channels=4)
    net.mix({g.name: only(1, len(g.candidates)) for g in net.gates})
    net(images(5)).sum().backward()
    for gate in net.gates:
        assert gate.calls == [int(i == 1) for i in range(len(gate.candidates))]
        assert gate.images == [5 * calls for calls in gate.calls]
    gradients = {name: p.grad for name, p in net.body.named_parameters()}
    assert {".candidates.1." in name for name, g in gradients.items() if g is not None} == {True}
    assert sum(g is None for g in gradients.values()) > 4
    net.mix({g.name: [torch.tensor(float(i == 1)) for i in range(len(g.candidates))] for g in net.gates})
    net.gates[0].reset()
    net(images(5))
    assert set(net.gates[0].calls) == {1}, "a tensor of value 0 is computed"


@pytest.mark.parametrize("training", [True, False])
def test_edges_of_one_node_together_are_what_each_of_them_computes(training: bool) -> None:
    together, apart = mixed(REGIONS["cell201"]), mixed(REGIONS["cell201"])
    for part in apart.modules():
        if isinstance(part, Wiring):
            assert len(part.fans) == 3, "one for each node that edges leave"
            part.fans = {}
    weights = torch.rand(6, 5, generator=torch.Generator().manual_seed(4), requires_grad=True)
    x, found = images(7), []
    for net in (together, apart):
        net.train(training)
        for number, (gate, row) in enumerate(zip(net.gates, weights, strict=True)):
            gate.weights = list(row)
            gate.weights[number % 5] = None
        loss = net(x).square().mean()
        found.append([loss, *torch.autograd.grad(loss, [weights, *net.parameters()], allow_unused=True)])
        found[-1] += list(net.buffers())
    assert [g.calls for g in together.gates] == [g.calls for g in apart.gates]
    assert sum(value is None for value in found[0]) > 0, "what has no weight gets no gradient"
    torch.testing.assert_close(*found, atol=1e-5, rtol=1e-4)


def test_fewer_weights_keep_fewer_bytes() -> None:
    net = mixed(REGIONS["conv chain"])
    every = saved_bytes(lambda: net(images(5)), net)
    net.mix({g.name: only(0, len(g.candidates)) for g in net.gates})
    alone = saved_bytes(lambda: net(images(5)), net)
    assert 0 < alone < 0.5 * every
    with torch.no_grad():
        assert saved_bytes(lambda: net(images(5)), net) == 0


@pytest.mark.parametrize("name", ["mlp chain", "conv chain"])
@pytest.mark.parametrize("models", [1, 3])
def test_an_image_passes_through_its_own_candidate_only(name: str, models: int) -> None:
    nets = [mixed(REGIONS[name], seed) for seed in range(models)]
    stack, x = Stack(nets), images(models, 7)
    generator = torch.Generator().manual_seed(1)
    drawn = {g.name: torch.randint(len(g.candidates), (models, 7), generator=generator) for g in stack.gates}

    def run(dense: bool) -> Tensor:
        for gate in stack.gates:
            masks = [drawn[gate.name] == i for i in range(len(gate.candidates))]
            gate.weights = [m.float() if dense else m for m in masks]
            gate.reset()
        return stack(x)

    whole = run(True)
    assert all(n == 7 for n in stack.gates[0].images)
    sparse = run(False)
    torch.testing.assert_close(sparse, whole, atol=1e-5, rtol=1e-4)
    gate = stack.gates[0]
    longest = [int((drawn[gate.name] == i).sum(1).max()) for i in range(len(gate.candidates))]
    together = models > 1 and name == "mlp chain"
    assert gate.images == ([max(longest)] * len(longest) if together else longest), "filled up to the longest"


@pytest.mark.parametrize("name", REGIONS)
def test_a_stack_is_its_networks_side_by_side(name: str) -> None:
    nets = [mixed(REGIONS[name], seed) for seed in range(3)]
    x = images(3, 6)
    alone = torch.stack([net(x[i]) for i, net in enumerate(nets)])
    assert (alone[0] - alone[1]).abs().max() > 0.01
    for net in nets:
        recalibrate(net, [x[0]])
    stack = Stack(nets)
    torch.testing.assert_close(stack(x), alone, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        for p in stack.parameters():
            p.add_(0.05)
    stack.unstack()
    torch.testing.assert_close(
        stack(x), torch.stack([net(x[i]) for i, net in enumerate(nets)]), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize("name", ["mlp chain", "conv chain"])
@pytest.mark.parametrize("models", [1, 3])
def test_batched_candidates_compute_what_each_of_them_does(name: str, models: int) -> None:
    nets = [mixed(REGIONS[name], seed) for seed in range(models)]
    stack, x = Stack(nets, batched=True), images(models, 6)
    gate, other = stack.gates
    share = torch.rand(models, 6, generator=torch.Generator().manual_seed(2))
    for weights in (
        uniform(len(gate.candidates)),
        only(1, len(gate.candidates)),
        [None, share, torch.tensor(0.5)],
        [share[:, :1].squeeze(1), None, share[:, 0]],
    ):
        gate.reset()
        gate.weights, other.weights = list(weights), list(uniform(len(other.candidates)))
        together = stack(x)
        assert gate.calls == [int(w is not None) for w in weights], "a structural zero is not computed"
        for i, net in enumerate(nets):
            net.gates[0].weights = [w if w is None or not w.ndim else w[i : i + 1] for w in weights]
            net.gates[1].weights = list(uniform(len(other.candidates)))
            torch.testing.assert_close(together[i], net(x[i]), atol=1e-5, rtol=1e-4)


def test_an_image_of_a_candidate_that_gives_nothing_gets_zeros() -> None:
    space = Space.from_text(
        "constructor map_chain 1\nNET -> map_chain(A)\nA -> conv3x3_relu | zero | conv1x1_relu"
    )
    nets = [mixed(space, seed) for seed in range(2)]
    stack, x = Stack(nets), images(2, 5)
    drawn = torch.tensor([[0, 1, 2, 1, 0], [1, 1, 1, 2, 2]])
    outs = []
    for dense in (True, False):
        masks = [drawn == i for i in range(3)]
        stack.gates[0].weights = [m.float() if dense else m for m in masks]
        outs.append(stack(x))
    torch.testing.assert_close(*outs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("braided", [0, 50])
def test_networks_that_differ_are_stacked_in_groups(braided: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "BRAIDED", braided)
    region = REGIONS["mlp chain"]
    nets = [
        build(a, INPUTS, CLASSES, channels=4, seed=i) for i, a in enumerate(islice(region.enumerate(), 9))
    ]
    x = images(9, 4)
    alone = torch.stack([net(x[i]) for i, net in enumerate(nets)])
    torch.testing.assert_close(Stack(nets)(x), alone, atol=1e-5, rtol=1e-4)


def test_weights_and_logits_learn_on_disjoint_images(digits: ImageData) -> None:
    recipe = Recipe(optimizer="adamw", batch_size=50, shift=False, weight_decay=0.0, device="cpu")
    course = Course(recipe=recipe, steps=6)
    stack = Stack([mixed(REGIONS["mlp chain"], 1), mixed(REGIONS["mlp chain"], 2)])
    found = train(stack, Gumbel(), digits, digits.train[:200], course, stream(0))
    assert len(found.losses) == 6
    for row in range(2):
        weights, logits = set(found.weight_split[row].tolist()), set(found.logit_split[row].tolist())
        assert not weights & logits
        assert weights | logits == set(digits.train[:200].tolist())
        assert len(logits) == 80
    assert set(found.weight_split[0].tolist()) != set(found.weight_split[1].tolist())
    assert all(p is not q for p in stack.parameters() for q in found.logits.values())
    alone = leave_one_in(stack, digits, found.logit_split)
    assert {name: tuple(v.shape) for name, v in alone.items()} == {
        g.name: (2, len(g.candidates)) for g in stack.gates
    }


@pytest.mark.parametrize(("name", "sizes"), [("mlp chain", {10, 40}), ("alone", {10})])
def test_widened_batches_grow_by_the_candidates(name: str, sizes: set[int], digits: ImageData) -> None:
    region = REGIONS["mlp chain"]
    region = region if name == "mlp chain" else one_candidate(region, region.unrank(0))
    assert name == "alone" or {len(gate.candidates) for gate in mixed(region).gates} == {3, 4}
    recipe = Recipe(optimizer="adamw", batch_size=10, shift=False, device="cpu")
    stack, seen = Stack([mixed(region, seed) for seed in range(2)]), []
    stack.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))
    course = Course(recipe=recipe, steps=4, widen=True)
    found = train(stack, Gumbel(), digits, digits.train[:200], course, stream(0))
    assert set(seen) == sizes
    assert seen[::2] == [10] * len(seen[::2])  # of the logits, where there are any
    assert len(found.losses) == 4


def test_equal_streams_train_equal_supernets(digits: ImageData) -> None:
    course = Course(recipe=Recipe(optimizer="adamw", shift=False, device="cpu"), steps=4)

    def run(seed: int) -> Tensor:
        stack = Stack([mixed(REGIONS["mlp chain"], i) for i in range(2)])
        return torch.cat(
            list(train(stack, Gumbel(), digits, digits.train, course, stream(seed)).logits.values()), 1
        )

    assert torch.equal(run(0), run(0))
    assert not torch.equal(run(0), run(1))


def test_cells_of_a_hierarchical_space_are_positions() -> None:
    space = hierarchical201()
    at = space.sample(stream(0), over="productions")
    paths = [d.path for d in space.decisions(at) if d.nonterminal == "CELL"][:2]
    others = [
        at.at(paths[0]),
        at.at(paths[1]),
        space.read("cell(zero, zero, zero, avg_pool, avg_pool, avg_pool)"),
    ]
    region = space.region({path: list(dict.fromkeys(others)) for path in paths}, at=at)
    net = mixed(region)
    assert [gate.path for gate in net.gates] == paths
    assert net(images(2)).isfinite().all()


def test_candidates_of_different_shapes_are_refused() -> None:
    space = Space.from_text("NET -> chain(OP, conv3x3)\nOP -> conv3x3 | conv3x3_down")
    with pytest.raises(SupernetError, match="candidate conv3x3_down gives maps of 8x4x4, others of 4x8x8"):
        Supernet(space, INPUTS, CLASSES, channels=4)


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(SupernetError, match="unfolds into over 20,000 parts"):
        Supernet(Space.from_text("A -> chain(A, A, A) | conv3x3\ndepth 12"), INPUTS, CLASSES)
    from morphogen.spaces.darts_cell import darts_cell

    with pytest.raises(SupernetError, match="fix it by space.region"):
        Supernet(darts_cell(), INPUTS, CLASSES)
    one, other = darts_cell().unrank(0), darts_cell().unrank(10**17)
    cells = darts_cell().region({(0,): (one.args[0], other.args[0])}, at=one)
    with pytest.raises(SupernetError, match="a darts_stack cannot hold choices"):
        Supernet(cells, INPUTS, CLASSES)
    normalized = Supernet(cell201(), INPUTS, CLASSES, channels=4, normalize=True)
    with pytest.raises(SupernetError, match="computes other networks"):
        normalized.inherit(cell201().unrank(0))


def test_a_module_is_what_its_dag_says() -> None:
    space = dag_chain(1, 3, 3)
    part = module("110", 3, "linear_relu")
    net = build(Architecture(space.unrank(0).terminal, (part,)), INPUTS, CLASSES, channels=4)
    a, b, c, d = (step[0] for step in net.body[0][0].operations)  # type: ignore[index, union-attr]
    x = net.stem(images(3))
    graph = part.graph.canonical()
    assert graph.predecessors == ((), (0,), (0,), (1,), (2,))
    y = c(a(x).relu()).relu() + d(b(x).relu()).relu()
    torch.testing.assert_close(net.body[0](x), y / (y.square().mean(1, keepdim=True) + 1e-6).sqrt())  # type: ignore[operator, index]


def test_a_stack_of_stand_alone_networks_trains_as_each_of_them_alone(digits: ImageData) -> None:
    recipe = Recipe(optimizer="adamw", batch_size=50, shift=False, weight_decay=0.0, device="cpu")
    course = Course(recipe=recipe, steps=5)
    paths = [REGIONS["mlp chain"].unrank(n) for n in (0, 5, 5)]
    nets = [build(p, INPUTS, CLASSES, channels=4, seed=i) for i, p in enumerate(paths)]

    class Same:
        """A stream whose every network gets the batches that `seed` gives."""

        def __init__(self, *seeds: int) -> None:
            self.seeds = [*seeds, 0, 0]

        def integers(self, _: int) -> int:
            return self.seeds.pop(0)

    stack = Stack(nets)
    train(stack, Gumbel(), digits, digits.train[:200], course, Same(1, 2, 3))  # type: ignore[arg-type]
    stack.unstack()
    for number, path in enumerate(paths):
        alone = build(path, INPUTS, CLASSES, channels=4, seed=number)
        train(Stack([alone]), Gumbel(), digits, digits.train[:200], course, Same(number + 1))  # type: ignore[arg-type]
        for mine, theirs in zip(nets[number].parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("modules", ["mlp", "conv"])
def test_a_mixture_of_a_chain_normalizes_each_candidate_and_not_their_sum(modules: str) -> None:
    space = chain_region(modules, depth=1)
    nets = [Supernet(space, INPUTS, CLASSES, channels=4, seed=0) for _ in range(2)]
    mixture = next(m for m in nets[1].modules() if isinstance(m, Mixture))
    gradients, outs = [], []
    with torch.no_grad():  # the last layers of one candidate give ten times as much
        cell = mixture.candidates[0]
        for vertex in cell.output:  # type: ignore[union-attr]
            for p in cell.operations[vertex - 1].parameters():  # type: ignore[index, union-attr, operator]
                p.mul_(10)
    for net in nets:
        logits = torch.zeros(len(net.gates[0].candidates), requires_grad=True)
        net.mix({"0": list(torch.softmax(logits, 0))})
        outs.append(net(images(6)))
        gradients.append(torch.autograd.grad(outs[-1].square().sum(), logits)[0])
    torch.testing.assert_close(outs[0], outs[1], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-3, rtol=1e-2)
    assert gradients[0].abs().max() > 1e-3
    halves = {g.name: [w * 0.5 for w in uniform(len(g.candidates)) if w is not None] for g in nets[0].gates}
    nets[0].mix(halves)
    assert (nets[0](images(6)) - outs[0]).abs().max() > 0.01, "the mixture itself is not normalized"
