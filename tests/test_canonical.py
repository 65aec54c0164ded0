"""The canonical form of a graph: one graph for all that are isomorphic, and isomorphic to each of them."""

from __future__ import annotations

import networkx
import numpy as np

from morphogen.graph import Graph


def random_graph(rng: np.random.Generator, inputs: int) -> Graph:
    """Return a graph of up to six operations with few labels, so that symmetries are common."""
    size = inputs + int(rng.integers(0, 7))
    predecessors = [() for _ in range(inputs)]
    for vertex in range(inputs, size):
        predecessors.append(tuple(sorted(rng.integers(0, vertex, rng.integers(1, 4)).tolist())))
    labels = [*(f"input{i}" for i in range(inputs)), *rng.choice(["a", "b"], size - inputs).tolist()]
    output = tuple(sorted(rng.integers(0, size, rng.integers(1, 4)).tolist()))
    return Graph(inputs, tuple(labels), tuple(predecessors), output)


def shuffled(graph: Graph, rng: np.random.Generator) -> Graph:
    """Return an isomorphic graph in another topological order."""
    left, order = set(range(graph.inputs, len(graph.labels))), list(range(graph.inputs))
    while left:
        ready = sorted(v for v in left if not left.intersection(graph.predecessors[v]))
        order.append(int(rng.choice(ready)))
        left.remove(order[-1])
    place = {vertex: i for i, vertex in enumerate(order)}
    return Graph(
        graph.inputs,
        tuple(graph.labels[v] for v in order),
        tuple(tuple(sorted(place[p] for p in graph.predecessors[v])) for v in order),
        tuple(sorted(place[v] for v in graph.output)),
    )


def networkx_of(graph: Graph) -> networkx.MultiDiGraph:
    """Return the labelled multigraph, the output as a vertex of its own."""
    result = networkx.MultiDiGraph()
    for vertex, label in enumerate([*graph.labels, "output"]):
        result.add_node(vertex, label=label)
    for vertex, terms in enumerate([*graph.predecessors, graph.output]):
        result.add_edges_from((source, vertex) for source in terms)
    return result


def isomorphic(left: Graph, right: Graph) -> bool:
    """Whether networkx finds the two graphs isomorphic."""
    return networkx.is_isomorphic(
        networkx_of(left),
        networkx_of(right),
        node_match=lambda a, b: a["label"] == b["label"],
        edge_match=lambda a, b: len(a) == len(b),
    )


def test_canonical_graphs_are_equal_exactly_for_isomorphic_graphs() -> None:
    rng = np.random.default_rng(0)
    graphs = [random_graph(rng, 1 + i % 2) for i in range(400)]
    for graph in graphs:
        canonical = graph.canonical()
        assert isomorphic(graph, canonical)
        assert canonical.canonical() == canonical
        assert all(max(terms, default=-1) < v for v, terms in enumerate(canonical.predecessors))
        assert canonical.labels[: graph.inputs] == graph.labels[: graph.inputs]
        other = shuffled(graph, rng)
        assert other.canonical() == canonical
        assert other.certificate() == graph.certificate()
    for left, right in zip(graphs, graphs[2:], strict=False):
        assert (left.canonical() == right.canonical()) == (left.certificate() == right.certificate())


def test_an_empty_output_stays_empty() -> None:
    graph = Graph(2, ("input0", "input1"), ((), ()), ())
    assert graph.canonical() == graph
