"""What a supernet needs, estimated from shapes before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from morphogen.networks.layers import Layer
from morphogen.networks.shapes import Shape
from morphogen.networks.skeleton import STAGES, NetworkSpec, frame
from morphogen.spaces.space import Space
from morphogen.supernet.mixing import widest
from morphogen.supernet.slots import Fixed, Mixed, Part, Wired, compile_region

COPIES: Final = 4
"""How often each weight is kept: itself, its gradient, two moments of Adam."""

MAPS: Final = 3
"""Maps kept for each operation: what it reads, what its activation and its normalization read."""


def region_bytes(space: Space, settings: Mapping[str, Any], batch_size: int, *, widen: bool = False) -> int:
    """Return about how many bytes training a supernet of a region takes, weights and activations.

    settings: inputs, classes, channels and cells, and partial where it is given, as `Supernet` takes them.
    widen: as in `Course`; an image of a widened batch then passes one candidate of each choice.
    """
    partial = settings.get("partial", 1)
    root, parts = compile_region(space, partial=partial)
    inputs = Shape(*settings["inputs"])
    sizes = (settings["classes"], settings["channels"], settings["cells"])
    if all(isinstance(part, Fixed) for part in parts):
        layers: tuple[Layer, ...] = NetworkSpec.of(
            space.unrank(0), settings["inputs"], sizes[0], channels=sizes[1], cells=sizes[2]
        ).parts()
    else:
        layers = frame(root, parts, *sizes)
    shape, weights = inputs, 0
    for layer in layers:
        shape, cost = layer.measure(shape)
        weights += cost.parameters
    copies = STAGES * sizes[2] if root == "stack" else 1
    operations = sum(_operations(part, sum) for part in parts)
    if widen:
        times = widest(gate for part in parts for gate in part.gates())
        operations = max(operations, times * sum(_operations(part, max) for part in parts))
    largest = sizes[1] * (1 if root == "mlp_chain" else inputs.pixels)
    return int(4 * (COPIES * weights + MAPS * copies * operations * largest * batch_size / partial))


def _operations(part: Part, of_choice: Callable[[Iterable[int]], int]) -> int:
    """Return the operations of a part: of a choice those of its candidates, summed, or the most."""
    if isinstance(part, Fixed):
        return part.cell.graph.operations + 1
    assert isinstance(part, Mixed | Wired)
    known = (_operations(inside, of_choice) for inside in part.parts)
    return of_choice(known) if isinstance(part, Mixed) else sum(known)
