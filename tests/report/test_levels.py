"""Drawings of architectures: every operation is there once for each time it is computed, and nothing overlaps."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import pytest

import morphogen as mg
from morphogen.report.drawing import _layered, _order, _place, svg
from morphogen.report.levels import Diagram, drawn_part, levels
from morphogen.seeding import stream
from morphogen.spaces.space import Space

SPACES = ("digits_small", "cell201", "hierarchical201", "flat201", "darts_cell", "cell101", "dag_chain")


def operations(drawn: dict[str, Diagram], name: str) -> Counter[str]:
    """Return how often each operation is computed in the part `name`, the parts below it unfolded."""
    found: Counter[str] = Counter()
    for node in drawn[name].nodes:
        if node.kind == "part":
            found += operations(drawn, node.lines[0])
        elif node.kind not in ("end", "sum"):
            found.update(node.lines)
    return found


@pytest.mark.parametrize("name", ["digits_small", "cell201", "flat201"])
def test_what_is_drawn_is_what_is_computed(name: str) -> None:
    space: Space = getattr(mg.spaces, name)()
    for number in range(20):
        architecture = space.sample(stream(number, name))
        found = levels(space, architecture)
        if any(level.left_out for level in found):
            continue
        drawn = {diagram.name: diagram for level in found for diagram in level.diagrams}
        top = found[0].diagrams[0]
        if not drawn[top.name].edges or "nothing reaches" in top.note:
            continue
        dead = any("nothing reaches" in diagram.note for diagram in drawn.values())
        graph = (architecture.args[0] if architecture.terminal.name == "stack" else architecture).graph
        computed = Counter(graph.labels[graph.inputs :])
        computed.pop("sum", None)
        if not dead:
            assert operations(drawn, top.name) == computed, str(architecture)


@pytest.mark.parametrize("name", SPACES)
def test_drawings_of_every_space(name: str) -> None:
    space: Space = getattr(mg.spaces, name)()
    for number in range(4):
        found = levels(space, space.sample(stream(number, name, "draw")))
        assert 1 <= len(found) <= 8
        for level in found:
            for diagram in level.diagrams:
                picture = svg(diagram)
                assert picture.startswith("<svg") and picture.count("<rect") >= 1
                assert all(0 <= s < t < len(diagram.nodes) for s, t in diagram.edges)
                apart(diagram)


def apart(diagram: Diagram) -> None:
    """Hold that no two boxes of a drawing overlap, and that arrows lead down."""
    if not diagram.edges:
        return
    spots, layers, ways = _layered(diagram)
    _order(layers, ways)
    _place(spots, layers, ways)
    for one, two in combinations(spots, 2):
        beside = abs(one.x - two.x) >= (one.width + two.width) / 2 - 1e-6
        assert beside or abs(one.y - two.y) >= (one.height + two.height) / 2
    assert all(spots[way[0]].y < spots[way[-1]].y for way in ways)


def test_a_part_is_drawn_once_and_called_alike() -> None:
    space = mg.spaces.digits_small()
    cell = "cell(conv3x3, zero, identity)"
    text = f"chain(chain({cell}, {cell}), max_pool_down, {cell})"
    found = levels(space, space.parse(text))
    assert [[diagram.name for diagram in level.diagrams] for level in found] == [
        ["NET"],
        ["STAGE A", "STAGE B"],
        ["BLOCK"],
    ] or [diagram.name for diagram in found[0].diagrams] == ["NET"]
    whole = found[0].diagrams[0]
    assert [node.lines for node in whole.nodes][0] == ("input",) and len(whole.nodes) == 5


def test_identities_are_lines_and_dead_ends_are_gone() -> None:
    space = mg.spaces.cell201()
    found = levels(space, space.parse("stack(cell(conv3x3, identity, zero, zero, conv1x1, zero))"))
    (cell,) = found[0].diagrams
    assert cell.made_by == "cell in stack"
    assert [node.lines for node in cell.nodes] == [("input",), ("conv3x3",), ("conv1x1",), ("output",)]
    assert cell.edges == ((0, 1), (1, 2), (2, 3))


def test_a_part_alone_and_texts_that_are_escaped() -> None:
    space = mg.spaces.dag_chain()
    architecture = space.sample(stream(1))
    part = drawn_part(space, architecture, (0,))
    assert part.made_by.startswith("dag")
    strange = Diagram("<a>", "b", part.nodes, part.edges)
    assert "<a>" not in svg(strange) and re.search("&lt;a&gt;", svg(strange))
