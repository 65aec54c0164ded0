"""The layers of chains of modules: dense layers, convolutions with bias, normalization of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from morphogen.networks.layers import Layer
from morphogen.networks.shapes import FREE, Cost, Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


@final
@dataclass(frozen=True, slots=True)
class Dense(Layer):
    """A linear layer with bias over the channels, the same for each pixel.

    features: how many come out; as many as come in where it is None.
    """

    features: int | None = None

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        out = shape._replace(channels=self.features or shape.channels)
        weights = shape.channels * out.channels
        return out, Cost(weights + out.channels, weights * shape.pixels)

    def module(self, shape: Shape) -> nn.Module:
        from morphogen.networks import modules

        return modules.Dense(shape.channels, self.features or shape.channels)


@final
@dataclass(frozen=True, slots=True)
class BiasedConv(Layer):
    """A padded convolution with bias, drawn as He et al. (2015) do it for ReLU, its bias zero at first.

    side: of the map that comes out, by a stride and a window that is wider by 4; None keeps the map.
    """

    kernel: int = 3
    channels: int | None = None
    side: int | None = None

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        kernel, stride, padding = self.window(shape)
        sides = ((length + 2 * padding - kernel) // stride + 1 for length in shape[1:])
        out = Shape(self.channels or shape.channels, *sides)
        if min(out) < 1:
            raise ShapeError(f"a window of {kernel}x{kernel} does not fit on a map of {shape}")
        weights = kernel**2 * shape.channels * out.channels
        return out, Cost(weights + out.channels, weights * out.pixels)

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        kernel, stride, padding = self.window(shape)
        conv = nn.Conv2d(
            shape.channels, self.channels or shape.channels, kernel, stride=stride, padding=padding
        )
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)
        return conv

    def window(self, shape: Shape) -> tuple[int, int, int]:
        """Return the side of the window, its stride and the padding for maps of `shape`."""
        if self.side is None:
            return self.kernel, 1, self.kernel // 2
        stride = max(1, max(shape[1:]) // self.side)
        return stride + 4, stride, 2


@final
@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    """All values of a map as channels of one pixel."""

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return Shape(shape.channels * shape.pixels, 1, 1), FREE

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        return nn.Flatten(1)


@final
@dataclass(frozen=True, slots=True)
class PoolBy(Layer):
    """The maximum over windows of `factor` pixels a side; a smaller map becomes one pixel."""

    factor: int

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return Shape(shape.channels, *(max(1, -(-side // self.factor)) for side in shape[1:])), FREE

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        if self.factor == 1:
            return nn.Identity()
        windows = (min(self.factor, shape.height), min(self.factor, shape.width))
        return nn.MaxPool2d(windows, ceil_mode=True)


@final
@dataclass(frozen=True, slots=True)
class RootMeanSquare(Layer):
    """Divides each image's values by the root of their mean square, so that no scale can be learned."""

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return shape, FREE

    def module(self, shape: Shape) -> nn.Module:
        from morphogen.networks import modules

        return modules.RootMeanSquare()
