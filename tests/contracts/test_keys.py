"""Equal keys exactly for isomorphic networks, judged by networkx on graphs that are built by other means here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations, count

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from morphogen.architecture import Architecture, DartsCell, Pair, Topology
from morphogen.graph import MANY, Graph
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.moves import mutate, self_cross
from morphogen.spaces.space import Space
from morphogen.testing.grammars import grammars


def network(a: Architecture) -> nx.MultiDiGraph:
    """Draw every edge and node of an architecture, then rub out what computes nothing."""
    net, names = nx.MultiDiGraph(), count()

    def vertex(label: str | None) -> int:
        name = next(names)
        net.add_node(name, label=label)  # without a label: a plain sum
        return name

    def draw(part: Architecture, sources: Sequence[int], target: int) -> None:
        terminal = part.terminal
        if isinstance(terminal, Topology):
            nodes = {n: vertex(None) for edge in terminal.edges for n in edge}
            net.add_edge(sources[0], nodes[1])
            net.add_edge(nodes[max(nodes)], target)
            for (one, two), inner in zip(terminal.edges, part.args, strict=True):
                draw(inner, [nodes[one]], nodes[two])
        elif isinstance(terminal, DartsCell):
            states = list(sources)
            for inner in part.args:
                states.append(vertex("sum"))
                draw(inner, states[:-1], states[-1])
            joined = vertex("concat")
            net.add_edges_from((state, joined) for state in states[2:])
            net.add_edge(joined, target)
        elif isinstance(terminal, Pair):
            for inner, state in zip(part.args, (terminal.first, terminal.second), strict=True):
                draw(inner, [sources[state]], target)
        elif terminal.name == "identity":
            net.add_edge(sources[0], target)
        elif terminal.name != "zero":
            operation = vertex(terminal.name)
            net.add_edge(sources[0], operation)
            net.add_edge(operation, target)

    inputs = [vertex(f"input{i}") for i in range(a.terminal.inputs)]
    output = vertex("output")
    draw(a, inputs, output)
    fed = set().union(*({i} | nx.descendants(net, i) for i in inputs))
    used = {output} | nx.ancestors(net, output)
    net.remove_nodes_from([v for v in list(net) if v not in (fed & used) | {*inputs, output}])
    for plain in [v for v, label in net.nodes(data="label") if label is None]:
        net.add_edges_from((u, v) for u, _ in net.in_edges(plain) for _, v in net.out_edges(plain))
        net.remove_node(plain)
    return net


def isomorphic(one: nx.MultiDiGraph, two: nx.MultiDiGraph) -> bool:
    return nx.is_isomorphic(
        one,
        two,
        node_match=lambda a, b: a["label"] == b["label"],
        edge_match=lambda a, b: len(a) == len(b),
    )


def outline(net: nx.MultiDiGraph) -> tuple[object, ...]:
    """What isomorphic graphs share at least; sorts out most pairs quickly."""
    return tuple(sorted((label, net.in_degree(v), net.out_degree(v)) for v, label in net.nodes(data="label")))


def check_keys(architectures: Sequence[Architecture]) -> int:
    """Compare all pairs; return how many networks there are."""
    groups: dict[str, list[nx.MultiDiGraph]] = {}
    for a in dict.fromkeys(architectures):
        groups.setdefault(a.key, []).append(network(a))
    for first, *others in groups.values():
        assert all(isomorphic(first, other) for other in others), "one key for different networks"
    seen: dict[tuple[object, ...], list[nx.MultiDiGraph]] = {}
    for first, *_ in groups.values():
        alike = seen.setdefault(outline(first), [])
        assert not any(isomorphic(first, other) for other in alike), "two keys for one network"
        alike.append(first)
    return len(groups)


SMALL = (
    "NET -> cell(OP, OP, OP)\nOP -> zero | identity | conv3x3 | avg_pool\n",
    "NET -> branch(A, A, A) | chain(A, branch(A, A))\nA -> OP | chain(OP, OP)\nOP -> zero | identity | a\n",
    "topology bridge: 1-2 1-3 2-3 2-4 3-4\nNET -> bridge(OP, OP, OP, OP, OP)\nOP -> zero | identity | a\n",
    "NET -> residual(residual(OP, OP, OP), branch(OP, OP), OP)\nOP -> identity | a | zero\n",
)


@pytest.mark.parametrize("text", SMALL)
def test_keys_of_all_architectures_of_small_spaces(text: str) -> None:
    space = Space.from_text(text)
    networks = check_keys(list(space.enumerate())[:800])
    assert 1 < networks < min(800, space.count())


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(grammars(constructors=False))
def test_keys_in_random_grammars(text: str) -> None:
    space, rng = Space.from_text(text), stream(0)
    drawn = [space.sample(rng) for _ in range(12)]
    check_keys([*drawn, *(self_cross(space, a, rng) for a in drawn)])


def rewritten(a: Architecture, rng: np.random.Generator) -> Architecture:
    """Write the same network another way: branches in another order, and a cell's inner nodes swapped."""
    args = [rewritten(part, rng) for part in a.args]
    if a.terminal.name == "branch":
        args = [args[i] for i in rng.permutation(len(args))]
    # Nodes 2 and 3 of a four-node cell change places where no edge leads from one to the other.
    if len(args) == 6 and a.terminal.name == "cell" and str(args[2]) == "zero" and rng.random() < 0.5:
        args = [args[1], args[0], args[2], args[3], args[5], args[4]]
    return Architecture(a.terminal, tuple(args))


def test_rewritten_cells_keep_their_key_and_changed_ones_do_not() -> None:
    space, rng = cell201(), stream(0)
    changed = 0
    for _ in range(300):
        a = space.sample(rng).replace((0, 2), space.read("zero"))
        cell = a.args[0]
        assert rewritten(cell, rng).key == cell.key
        other = mutate(space, a, rng).args[0]
        assert (other.key == cell.key) == isomorphic(network(other), network(cell))
        changed += other.key != cell.key
    assert changed > 100


def test_keys_of_large_networks() -> None:
    rng = stream(0)
    for _ in range(20):
        a = digits_small().sample(rng)
        b = mutate(digits_small(), a, rng)
        assert (a.key == b.key) == isomorphic(network(a), network(b))


def test_keys_of_cells_with_two_inputs() -> None:
    """In a DARTS cell, exchanging the two inputs is another cell; exchanging nodes that nobody reads is not."""
    space, rng = darts_cell(), stream(0)
    cells = [part for _ in range(60) for part in space.sample(rng).args]
    check_keys(cells)
    node = "pair_0_1(max_pool, max_pool)"
    one, two = (
        space.read(f"darts_cell({node}, {first}, {second}, {node})")
        for first, second in (
            ("pair_0_1(identity, sep_conv3x3)", "pair_0_1(sep_conv3x3, identity)"),
            ("pair_0_1(sep_conv3x3, identity)", "pair_0_1(identity, sep_conv3x3)"),
        )
    )
    assert one != two
    assert one.key == two.key
    assert isomorphic(network(one), network(two))


def test_copies_beyond_counting_keep_networks_apart() -> None:
    """Nested identities multiply a vertex; the copies are counted exactly, and soon by vertices of their own."""
    space = Space.from_text(
        "NET -> chain(A, A, A)\nA -> branch(B, B, B, B, B, B, B)\nB -> identity | zero | conv\n"
    )
    rows = [["identity"] * i + ["zero"] * (7 - i) for i in (5, 6, 7)] + [["identity"] * 6 + ["conv"]]
    parts = [f"branch({', '.join(row)})" for row in rows]
    listed = [
        space.parse(f"chain({parts[i]}, {parts[j]}, {parts[k]})")
        for i in range(4)
        for j in range(4)
        for k in range(4)
    ]
    assert max(len(a.graph.output) for a in listed) < 3 * MANY
    # Products of 5, 6 and 7 are equal only for equal factors; with a convolution its place counts.
    keys = {a.key for a in listed if "conv" not in str(a)}
    assert len(keys) == 10
    for one, two in combinations(listed[:16], 2):
        assert (one.key == two.key) == isomorphic(network(one), network(two))


def nested(depth: int, copies: int) -> Architecture:
    text = "conv3x3"
    for _ in range(depth):
        text = f"branch({', '.join([f'chain(avg_pool, {text})'] * copies)})"
    return cell201().read(text)


def crown(size: int) -> Graph:
    """Each of the vertices b reads all of the vertices a but one: nothing falls apart, all look alike."""
    return Graph(
        1,
        ("input0", *["a"] * size, *["b"] * size),
        ((), *[(0,)] * size, *(tuple(1 + j for j in range(size) if j != i) for i in range(size))),
        tuple(range(size + 1, 2 * size + 1)),
    )


@pytest.mark.parametrize(("depth", "copies"), [(1, 12), (2, 12), (1, 100), (7, 2), (4, 3)])
def test_symmetric_networks_are_cheap(depth: int, copies: int) -> None:
    a = nested(depth, copies)
    begun = time.process_time()
    certificate = a.certificate
    assert time.process_time() - begun < 0.5
    # One path that is different makes another network, the same one wherever it stands.
    first, last = (a.replace((i,), cell201().read("chain(avg_pool, mish)")) for i in (0, copies - 1))
    assert first.certificate == last.certificate != certificate


def test_graphs_without_parts_are_cheap() -> None:
    begun = time.process_time()
    crown(10).certificate()
    assert time.process_time() - begun < 1.0
    assert isomorphic_graph(crown(4), crown(4).canonical())


def isomorphic_graph(one: Graph, two: Graph) -> bool:
    def drawn(graph: Graph) -> nx.MultiDiGraph:
        net = nx.MultiDiGraph()
        for v, label in enumerate([*graph.labels, "output"]):
            net.add_node(v, label=label)
        for v, terms in enumerate([*graph.predecessors, graph.output]):
            net.add_edges_from((u, v) for u in terms)
        return net

    return isomorphic(drawn(one), drawn(two))
