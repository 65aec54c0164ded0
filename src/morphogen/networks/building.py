"""From an architecture to its network and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from morphogen.architecture import Architecture
from morphogen.networks.shapes import Cost
from morphogen.networks.skeleton import NetworkSpec

if TYPE_CHECKING:
    from morphogen.networks.network import Network


def build(
    architecture: Architecture,
    inputs: Sequence[int],
    classes: int,
    *,
    channels: int = 16,
    cells: int = 1,
    seed: int = 0,
) -> Network:
    """Return the torch network of `architecture` with fresh weights.

    Args:
        architecture: its root decides the skeleton, see `NetworkSpec`.
        inputs: shape of an image (channels, height, width).
        classes: number of logits.
        channels: width of the first stage.
        cells: cells per stage of a `stack` or a `darts_stack`; other networks have no repeated cells.
        seed: of the weights. Isomorphic architectures with equal seeds get the same weights.

    Raises:
        ShapeError: the images are too small, or branches that meet have different shapes.
        UnknownOperation: the architecture names an operation that does not exist.
    """
    from morphogen.networks.network import Network

    return Network(NetworkSpec.of(architecture, inputs, classes, channels=channels, cells=cells), seed)


def cost(
    architecture: Architecture, inputs: Sequence[int], classes: int, *, channels: int = 16, cells: int = 1
) -> Cost:
    """Return the exact parameters and multiply-adds of `build(...)`, from the shapes alone, without torch."""
    return NetworkSpec.of(architecture, inputs, classes, channels=channels, cells=cells).cost()
