"""Graphs while they grow, and certificates: the same for every way to write a graph down."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from morphogen.architecture import Architecture, Primitive, graph_of
from morphogen.graph import MANY, Graph, GraphBuilder, Terms


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph of up to eight operations with few labels, so that symmetries are common."""
    inputs = draw(st.integers(1, 2))
    size = inputs + draw(st.integers(0, 8))
    predecessors: list[Terms] = [()] * inputs
    for vertex in range(inputs, size):
        terms = draw(st.lists(st.integers(0, vertex - 1), min_size=1, max_size=3))
        predecessors.append(tuple(sorted(terms)))
    labels = [f"input{i}" for i in range(inputs)]
    labels += [draw(st.sampled_from("ab")) for _ in range(size - inputs)]
    output = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=3))
    return Graph(inputs, tuple(labels), tuple(predecessors), tuple(sorted(output)))


def reordered(graph: Graph, keys: list[float]) -> Graph:
    """Return the graph with its vertices in another topological order: those that are ready, by their key."""
    order = list(range(graph.inputs))
    left = set(range(graph.inputs, len(graph.labels)))
    while left:
        ready = [v for v in left if set(graph.predecessors[v]) <= set(order)]
        order.append(min(ready, key=lambda v: (keys[v % len(keys)], v)))
        left.remove(order[-1])
    place = {v: i for i, v in enumerate(order)}
    return Graph(
        graph.inputs,
        tuple(graph.labels[v] for v in order),
        tuple(tuple(sorted(place[p] for p in graph.predecessors[v])) for v in order),
        tuple(sorted(place[v] for v in graph.output)),
    )


@given(graphs(), st.lists(st.floats(0, 1), min_size=9, max_size=9))
def test_another_order_is_the_same_graph(graph: Graph, keys: list[float]) -> None:
    other = reordered(graph, keys)
    assert other.certificate() == graph.certificate()
    assert other.canonical() == graph.canonical()
    assert graph.canonical().certificate() == graph.certificate()
    assert graph.canonical().canonical() == graph.canonical()


@given(graphs(), st.data())
def test_another_edge_or_label_is_another_graph(graph: Graph, data: st.DataObject) -> None:
    """A change that shows in the number of edges or labels shows in the certificate."""
    more = Graph(graph.inputs, graph.labels, graph.predecessors, tuple(sorted((*graph.output, 0))))
    assert more.certificate() != graph.certificate()
    if graph.operations:
        vertex = data.draw(st.integers(graph.inputs, len(graph.labels) - 1))
        labels = (*graph.labels[:vertex], "c", *graph.labels[vertex + 1 :])
        relabelled = Graph(graph.inputs, labels, graph.predecessors, graph.output)
        assert relabelled.certificate() != graph.certificate()


def test_a_certificate_reads_as_a_program() -> None:
    graph = Graph(1, ("input0", "b", "a"), ((), (0,), (0, 0)), (1, 2))
    assert graph.certificate() == "input0[] a[0,0] b[0] output[1,2]"
    assert graph.canonical() == Graph(1, ("input0", "a", "b"), ((), (0, 0), (0,)), (1, 2))
    assert (graph.connected, graph.operations) == (True, 2)


def test_the_order_of_inputs_counts() -> None:
    one = Graph(2, ("input0", "input1", "a"), ((), (), (0,)), (1, 2))
    two = Graph(2, ("input0", "input1", "a"), ((), (), (1,)), (0, 2))
    assert one.certificate() != two.certificate()


def test_sharing_is_not_copying() -> None:
    """One operation read twice is not two operations read once."""
    shared = Graph(1, ("input0", "a", "b", "c"), ((), (0,), (1,), (1,)), (2, 3))
    copied = Graph(1, ("input0", "a", "a", "b", "c"), ((), (0,), (0,), (1,), (2,)), (3, 4))
    assert shared.certificate() != copied.certificate()


# --- growing ------------------------------------------------------------------------------------------------


def test_nothing_comes_of_nothing() -> None:
    builder = GraphBuilder()
    assert builder.operation("a", ()) == ()
    graph = builder.finish(())
    assert graph == Graph(1, ("input0",), ((),), ())
    assert not graph.connected


def test_what_leads_nowhere_is_dropped() -> None:
    builder = GraphBuilder(2)
    kept = builder.operation("a", (0,))
    builder.operation("b", (1, *kept))
    last = builder.operation("c", (0, *kept))
    assert builder.finish(last) == Graph(2, ("input0", "input1", "a", "c"), ((), (), (0,), (0, 2)), (3,))


def test_identity_and_zero_vanish() -> None:
    def graph(name: str) -> Graph:
        return graph_of(Primitive(name), ())

    assert graph("identity") == Graph(1, ("input0",), ((),), (0,))
    assert graph("zero") == Graph(1, ("input0",), ((),), ())
    assert graph("a") == Graph(1, ("input0", "a"), ((), (0,)), (1,))
    assert Architecture(Primitive("zero")).graph == graph("zero")


def counted(builder: GraphBuilder, terms: Terms) -> Counter[int]:
    """Return how often each vertex that is no sum of copies stands in a sum."""
    found: Counter[int] = Counter()
    for vertex in terms:
        inner = builder.predecessors[vertex]
        if len(inner) == MANY and len(set(inner)) == 1:
            for name, times in counted(builder, inner[:1]).items():
                found[name] += MANY * times
        else:
            found[vertex] += 1
    return found


@given(st.lists(st.lists(st.integers(0, 2), max_size=70), max_size=30), st.randoms(use_true_random=False))
def test_sums_are_exact_and_forget_their_order(rows: list[list[int]], random: np.random.Generator) -> None:
    builder = GraphBuilder(3)
    shuffled = [row.copy() for row in rows]
    random.shuffle(shuffled)  # type: ignore[arg-type]
    sums = []
    for order in (rows, shuffled):
        total: Terms = ()
        for row in order:
            total = builder.join(total, tuple(row))
        sums.append(total)
    assert sums[0] == sums[1]
    assert counted(builder, sums[0]) == Counter(v for row in rows for v in row)
    assert max(Counter(sums[0]).values(), default=0) < MANY


def test_doubling_sixty_times_is_a_few_vertices() -> None:
    builder = GraphBuilder()
    terms: Terms = (0,)
    for _ in range(60):
        terms = builder.join(terms, terms)
    assert counted(builder, terms) == {0: 2**60}
    graph = builder.finish(builder.operation("a", terms))
    assert len(graph.labels) < 20
    assert graph.certificate().startswith("input0[] sum[")
