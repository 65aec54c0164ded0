"""The shape of a feature map, what a network costs, and the error of a map that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, final


class ShapeError(ValueError):
    """A map whose shape a layer cannot take."""


class Indivisible(ShapeError):
    """A 1x1 map that a layer was to halve."""


class Shape(NamedTuple):
    """The shape of a feature map without the batch: channels, height, width."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"

    @property
    def pixels(self) -> int:
        """Number of positions of the map."""
        return self.height * self.width

    @property
    def halvings(self) -> int:
        """How often the map can be halved until it is 1x1 (an odd side is rounded up)."""
        return (max(self.height, self.width) - 1).bit_length()

    def over(self, stride: int) -> Shape:
        """Return the shape after a stride; an odd side is rounded up.

        Raises:
            Indivisible: nothing is left to halve.
        """
        if stride == 1:
            return self
        if self.pixels == 1:
            raise Indivisible(f"cannot halve a map of {self}")
        return Shape(self.channels, -(-self.height // stride), -(-self.width // stride))


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs.

    parameters: trainable numbers. multiply_adds: multiplications, each with its addition, of convolutions and
    linear layers for one image; normalization, activations, pooling, sums and biases are not counted.
    """

    parameters: int = 0
    multiply_adds: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


FREE: Final = Cost()
