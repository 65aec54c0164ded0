"""Layered drawings of small graphs as SVG, from top to bottom, so that they fit a phone.

Layers by the longest path from the inputs, orders by barycentres, places by averaging over neighbours: the
steps of Sugiyama, Tagawa and Toda (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from morphogen.report.levels import Diagram, Node

LETTER: Final = 7.4  # pixels of a letter at most, on average
CAPITAL: Final = 9.6
LINE: Final = 16.0
GAP: Final = 26.0  # between layers
BESIDE: Final = 14.0  # between boxes
ROUNDS: Final = 12


@dataclass
class _Spot:
    """A vertex or a bend of a long edge, as it is laid out."""

    width: float
    height: float
    node: Node | None = None
    x: float = 0.0
    y: float = 0.0


def svg(diagram: Diagram) -> str:
    """Return a drawing of a graph; colours and fonts are those of the page."""
    if not diagram.edges:
        return _side_by_side(diagram)
    spots, layers, ways = _layered(diagram)
    _order(layers, ways)
    _place(spots, layers, ways)
    left = min(spot.x - spot.width / 2 for spot in spots) - 6
    right = max(spot.x + spot.width / 2 for spot in spots) + 6
    bottom = max(spot.y + spot.height / 2 for spot in spots) + 6
    lines = [_curve([spots[at] for at in way]) for way in ways]
    boxes = [_box(spot) for spot in spots if spot.node is not None]
    return _framed(diagram, left, right - left, bottom, lines + boxes)


def _framed(diagram: Diagram, left: float, width: float, height: float, parts: list[str]) -> str:
    said = f"{diagram.name}: {len(diagram.nodes)} boxes, {len(diagram.edges)} arrows"
    return (
        f'<svg class="graph" role="img" aria-label="{escape(said)}" viewBox="{left:.0f} 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}">{"".join(parts)}</svg>'
    )


def _side_by_side(diagram: Diagram) -> str:
    """Draw vertices that no edges join."""
    spots, x = [_sized(node) for node in diagram.nodes], 6.0
    for spot in spots:
        spot.x, spot.y = x + spot.width / 2, 26.0
        x += spot.width + BESIDE
    return _framed(diagram, 0, x - BESIDE + 6, 52, [_box(spot) for spot in spots])


def _sized(node: Node) -> _Spot:
    if node.kind == "sum":
        return _Spot(12, 12, node)
    width = max(48.0, 18 + max(_length(line) for line in node.lines))
    return _Spot(width, 12 + LINE * len(node.lines), node)


def _length(line: str) -> float:
    """Return how wide a line is at most; the page's font is not known."""
    return sum(CAPITAL if letter.isupper() else LETTER for letter in line)


def _layered(diagram: Diagram) -> tuple[list[_Spot], list[list[int]], list[list[int]]]:
    """Return all spots, the layers of their numbers, and each edge as the spots that it runs through."""
    height = [0] * len(diagram.nodes)
    for source, target in sorted(diagram.edges):  # vertices are in topological order
        height[target] = max(height[target], height[source] + 1)
    spots = [_sized(node) for node in diagram.nodes]
    layers: list[list[int]] = [[] for _ in range(max(height) + 1)]
    for vertex, layer in enumerate(height):
        layers[layer].append(vertex)
    ways = []
    for source, target in diagram.edges:
        way = [source]
        for layer in range(height[source] + 1, height[target]):
            spots.append(_Spot(10, 0))
            layers[layer].append(len(spots) - 1)
            way.append(len(spots) - 1)
        ways.append([*way, target])
    return spots, layers, ways


def _neighbours(count: int, ways: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for way in ways:
        for one, two in pairwise(way):
            above[two].append(one)
            below[one].append(two)
    return above, below


def _order(layers: list[list[int]], ways: list[list[int]]) -> None:
    """Order each layer by where its neighbours stand, down and up, and keep the order with fewest crossings."""
    count = sum(map(len, layers))
    above, below = _neighbours(count, ways)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, below)
    for turn in range(ROUNDS):
        down = turn % 2 == 0
        for number in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            fixed = layers[number - 1 if down else number + 1]
            place = {spot: index / max(1, len(fixed) - 1) for index, spot in enumerate(fixed)}
            beside = above if down else below
            own = {spot: index / max(1, len(layers[number]) - 1) for index, spot in enumerate(layers[number])}
            layers[number].sort(
                key=lambda spot: _mean([place[n] for n in beside[spot]], own[spot])  # noqa: B023
            )
        crossings = _crossings(layers, below)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: list[list[int]], below: list[list[int]]) -> int:
    found = 0
    for layer, under in pairwise(layers):
        place = {spot: index for index, spot in enumerate(under)}
        ends = [(index, place[n]) for index, spot in enumerate(layer) for n in below[spot]]
        found += sum(a < c and b > d for a, b in ends for c, d in ends)
    return found


def _place(spots: list[_Spot], layers: list[list[int]], ways: list[list[int]]) -> None:
    """Set x by averaging over neighbours within the order, and y by the tallest of each layer."""
    above, below = _neighbours(len(spots), ways)
    top = 6.0
    for layer in layers:
        tallest = max(spots[at].height for at in layer)
        for at in layer:
            spots[at].y = top + tallest / 2
        top += tallest + GAP
        _apart(spots, layer)
    for turn in range(2 * ROUNDS):
        for layer in layers if turn % 2 == 0 else layers[::-1]:
            for at in layer:
                near = above[at] + below[at]
                if spots[at].node is None:  # long lines are straight where they can be
                    near += 2 * [n for n in near if spots[n].node is None]
                spots[at].x = _mean([spots[n].x for n in near], spots[at].x)
            _apart(spots, layer)


def _apart(spots: list[_Spot], layer: list[int]) -> None:
    """Move the spots of a layer apart until none overlap, keeping their order and their mean."""
    wanted = _mean([spots[at].x for at in layer], 0)
    for one, two in pairwise(layer):
        least = spots[one].x + (spots[one].width + spots[two].width) / 2 + BESIDE
        spots[two].x = max(spots[two].x, least)
    shift = wanted - _mean([spots[at].x for at in layer], 0)
    for at in layer:
        spots[at].x += shift


def _curve(way: list[_Spot]) -> str:
    """Return an edge as a smooth line with an arrow at its end."""
    first, last = way[0], way[-1]
    points = [(first.x, first.y + first.height / 2), *((s.x, s.y) for s in way[1:-1])]
    points.append((last.x, last.y - last.height / 2 - 5))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (u, v) in pairwise(points):
        half = (v - y) / 2
        path += f"C{x:.1f} {y + half:.1f} {u:.1f} {v - half:.1f} {u:.1f} {v:.1f}"
    x, y = points[-1]
    return f'<path class="edge" d="{path}"/><path class="tip" d="M{x - 3.5:.1f} {y:.1f}h7l-3.5 5z"/>'


def _box(spot: _Spot) -> str:
    node = spot.node
    assert node is not None
    if node.kind == "sum":
        return f'<circle class="sum" cx="{spot.x:.1f}" cy="{spot.y:.1f}" r="5"><title>sum</title></circle>'
    x, y = spot.x - spot.width / 2, spot.y - spot.height / 2
    texts = "".join(
        f'<text x="{spot.x:.1f}" y="{y + 6 + LINE * (number + 0.75):.1f}">{escape(line)}</text>'
        for number, line in enumerate(node.lines)
    )
    round_ = 13 if node.kind == "end" else 5
    rect = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{spot.width:.1f}" height="{spot.height:.1f}" rx="{round_}"/>'
    )
    return f'<g class="{node.kind}">{rect}{texts}</g>'
