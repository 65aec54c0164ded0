"""Architectures as values, and the terminals that every grammar knows."""

from __future__ import annotations

import pickle

import pytest

from morphogen.architecture import (
    Architecture,
    ArchitectureError,
    Constructor,
    DartsCell,
    Pair,
    Primitive,
    Terminal,
    Topology,
    builtin,
)
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell


def read(text: str) -> Architecture:
    return cell201().read(text)


def leaf(name: str) -> Architecture:
    return Architecture(Primitive(name))


# --- values -------------------------------------------------------------------------------------------------


def test_an_architecture_is_immutable() -> None:
    a = read("chain(a, b)")
    for change in (
        lambda: setattr(a, "args", ()),
        lambda: setattr(a, "colour", "red"),
        lambda: delattr(a, "terminal"),
    ):
        with pytest.raises(AttributeError, match="immutable"):
            change()
    assert str(a) == "chain(a, b)"


def test_equal_texts_of_equal_terminals_are_equal() -> None:
    one, two = read("chain(a, branch(b, c))"), read(" chain( a,branch(b , c) ) ")
    assert one == two
    assert hash(one) == hash(two)
    assert len({one, two}) == 1
    assert one != read("chain(a, branch(c, b))")
    assert one != "chain(a, branch(b, c))"
    other = Architecture(Topology("chain", ((1, 2), (1, 2))), (leaf("a"), leaf("b")))
    assert str(other) == "chain(a, b)"
    assert other != read("chain(a, b)")


def test_architectures_are_ordered_by_their_text() -> None:
    listed = [read(text) for text in ("chain(b, a)", "a", "chain(a, b)", "chain(a, a)")]
    assert [str(a) for a in sorted(listed)] == ["a", "chain(a, a)", "chain(a, b)", "chain(b, a)"]
    assert listed[1] < listed[0]
    assert listed[1] <= listed[1]
    with pytest.raises(TypeError):
        assert listed[0] < "chain"


def test_pickling_keeps_shared_parts_shared() -> None:
    part = read("branch(a, b)")
    a = Architecture(read("chain(a, b)").terminal, (part, part))
    again = pickle.loads(pickle.dumps(a))
    assert again == a
    assert again.args[0] is again.args[1]


def test_size_depth_and_text() -> None:
    a = read("chain(a, branch(b, chain(c)), d)")
    assert (a.size, a.depth) == (7, 4)
    assert (leaf("a").size, leaf("a").depth) == (1, 1)
    assert repr(a) == "<chain(a, branch(b, chain(c)), d)>"


def test_paths_lead_to_parts() -> None:
    a = read("chain(a, branch(b, c))")
    assert a.at(()) is a
    assert str(a.at((1, 0))) == "b"
    changed = a.replace((1, 0), leaf("d"))
    assert str(changed) == "chain(a, branch(d, c))"
    assert str(a) == "chain(a, branch(b, c))"
    assert changed.args[0] is a.args[0]
    assert a.replace((), leaf("d")) == leaf("d")
    with pytest.raises(IndexError):
        a.at((2,))


def test_a_key_is_32_digits_and_kept() -> None:
    a = read("chain(a, b)")
    assert len(a.key) == 32
    assert int(a.key, 16) >= 0
    assert a.key is a.key
    assert a.key == read("chain(chain(a), identity, b)").key
    assert a.key != read("chain(b, a)").key


# --- terminals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "certificate"),
    [
        ("chain(a, b)", "input0[] a[0] b[1] output[2]"),
        ("chain(a, zero, b)", "input0[] output[]"),
        ("residual(a, b, identity)", "input0[] a[0] b[1] output[0,2]"),
        ("residual(a, b, c, d)", "input0[] a[0] d[0] b[1] c[3] output[2,4]"),
        ("branch(a, a, zero)", "input0[] a[0] a[0] output[1,2]"),
        ("branch(identity, identity)", "input0[] output[0,0]"),
        ("cell(a, b, c)", "input0[] a[0] b[0] c[1] output[2,3]"),
        ("cell(a)", "input0[] a[0] output[1]"),
        ("stack(cell(a, zero, identity))", "stack(input0[] a[0] output[1])"),
        ("darts_stack(a, b)", "darts_stack(input0[] a[0] output[1]; input0[] b[0] output[1])"),
    ],
)
def test_certificates_of_the_terminals(text: str, certificate: str) -> None:
    a = read(text)
    if text.startswith("residual(a, b, c, d)"):
        # Four arguments: three parts of the main path, and the shortcut.
        assert a.graph.operations == 4
        assert sorted(a.graph.labels[1:]) == ["a", "b", "c", "d"]
        assert len(a.graph.output) == 2
    else:
        assert a.certificate == certificate


def test_the_cell_counts_its_edges_as_nasbench201() -> None:
    """Edges in the order 1-2, 1-3, 2-3, 1-4, 2-4, 3-4: the third leads from the second node to the third."""
    assert read("cell(a, zero, b, zero, zero, c)").certificate == read("chain(a, b, c)").certificate
    assert read("cell(a, zero, zero, zero, b, zero)").certificate == read("chain(a, b)").certificate
    terminal = builtin("cell", 6)
    assert isinstance(terminal, Topology)
    assert terminal.edges == ((1, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 4))


def test_a_darts_cell_sums_and_joins() -> None:
    node = "pair_0_1(a, identity)"
    cell = darts_cell().read(f"darts_cell({node}, {node}, {node}, pair_1_2(b, identity))")
    graph = cell.graph
    assert graph.inputs == 2
    assert sorted(graph.labels[2:]) == ["a", "a", "a", "b", "concat", *["sum"] * 4]
    (joined,) = graph.output
    assert graph.labels[joined] == "concat"
    assert [graph.labels[v] for v in graph.predecessors[joined]] == ["sum"] * 4


def test_a_part_in_a_chain_may_be_a_constructor() -> None:
    """Seen from outside it is one operation, called by what is inside it."""
    one, two = read("chain(stack(branch(a, b)), c)"), read("chain(stack(branch(b, a)), c)")
    assert one.graph.operations == 2
    assert one.key == two.key != read("chain(stack(branch(b, b)), c)").key


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("chain", 0, "chain needs arguments"),
        ("cell", 2, "cell takes 1, 3, 6, 10, 15"),
        ("residual", 1, "at least 2 arguments"),
        ("stack", 2, "stack takes 1 arguments, got 2"),
        ("pair_0_3", 1, "pair_0_3 takes 2 arguments, got 1"),
    ],
)
def test_numbers_of_arguments(name: str, count: int, words: str) -> None:
    with pytest.raises(ArchitectureError, match=words):
        builtin(name, count)


def test_names_that_are_not_built_in() -> None:
    assert builtin("conv3x3", 0) is None
    assert builtin("pair_2_1", 2) is None
    assert builtin("pair_1_1", 2) is None
    with pytest.raises(ArchitectureError, match="branch takes 2 arguments, got 1"):
        Architecture(Topology("branch", ((1, 2), (1, 2))), (leaf("a"),))


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ((), "at least one edge"),
        (((2, 1),), "from a smaller to a larger"),
        (((0, 1),), "from a smaller to a larger"),
        (((1, 1),), "from a smaller to a larger"),
        (((1, 3),), "node 2 lies on no path from node 1 to node 3"),
        (((1, 2), (1, 3), (3, 4)), "node 2 lies on no path"),
        (((1, 2), (2, 3), (1, 2)), "must stand before the edges that leave node 2"),
    ],
)
def test_topologies_that_cannot_be(edges: tuple[tuple[int, int], ...], words: str) -> None:
    with pytest.raises(ArchitectureError, match=words):
        Topology("mine", edges)


def test_terminals_know_their_arguments() -> None:
    terminals: list[tuple[Terminal, int, int]] = [
        (Primitive("a"), 0, 1),
        (Topology("mine", ((1, 2), (1, 2), (2, 3))), 3, 1),
        (Constructor("mine", 4), 4, 1),
        (DartsCell("darts_cell", 4), 4, 2),
        (Pair("pair_0_2", 0, 2), 2, 3),
    ]
    assert [(t.arity, t.inputs) for t, _, _ in terminals] == [(n, inputs) for _, n, inputs in terminals]


def test_a_node_of_a_darts_cell_alone_has_a_key() -> None:
    def node(name: str, first: int, second: int, *operations: str) -> Architecture:
        return Architecture(Pair(name, first, second), tuple(Architecture(Primitive(o)) for o in operations))

    here = node("pair_0_3", 0, 3, "sep_conv3x3", "identity")
    assert len(here.key) == 32
    others = (
        node("pair_1_3", 1, 3, "sep_conv3x3", "identity"),
        node("pair_0_3", 0, 3, "identity", "identity"),
    )
    assert here.key not in {other.key for other in others}
