"""Layers as plain values: one description gives the output shape, the exact cost and the torch module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, final

from morphogen.networks.shapes import FREE, Cost, Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


EPSILON: Final = 1e-3
"""Added to the variances of single images: where a map is nearly constant, less would magnify its rounding."""


class Layer(ABC):
    """A step from one map to the next."""

    @abstractmethod
    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        """Return what comes out for a map of `shape` and what it costs; ShapeError where it cannot fit."""

    @abstractmethod
    def module(self, shape: Shape) -> nn.Module:
        """Return the torch module for maps of `shape`, its weights drawn from torch's current generator."""

    @property
    def halvings(self) -> int:
        """How often the layer halves the map, on its longest path."""
        return 0

    def strided(self) -> Layer | None:
        """Return the layer with stride 2, None where it has no window that could take a stride."""
        return None


@final
@dataclass(frozen=True, slots=True)
class Conv(Layer):
    """A convolution without bias, padded so that only the stride changes the size of the map.

    kernel: side of the window, odd. widen: factor from incoming to outgoing channels, unless `channels`
    says how many come out. depthwise: each channel on its own.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    depthwise: bool = False
    widen: int = 1
    channels: int | None = None

    def _channels(self, shape: Shape) -> int:
        return self.channels if self.channels is not None else self.widen * shape.channels

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        out = shape.over(self.stride)._replace(channels=self._channels(shape))
        weights = self.kernel**2 * out.channels * (1 if self.depthwise else shape.channels)
        return out, Cost(weights, weights * out.pixels)

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        return nn.Conv2d(
            shape.channels,
            self._channels(shape),
            self.kernel,
            stride=self.stride,
            padding=self.dilation * (self.kernel // 2),
            dilation=self.dilation,
            groups=shape.channels if self.depthwise else 1,
            bias=False,
        )

    @property
    def halvings(self) -> int:
        return int(self.stride == 2)

    def strided(self) -> Layer:
        return replace(self, stride=2)


@final
@dataclass(frozen=True, slots=True)
class Pool(Layer):
    """Average (of what lies on the map) or maximum over a window; odd sides are rounded up."""

    kind: Literal["average", "maximum"]
    kernel: int = 3
    stride: int = 1

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return shape.over(self.stride), FREE

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        padding = (self.kernel - 1) // 2
        # A window of 2 has no padding to round up with; said only where it matters, for exporters.
        ceil = self.kernel == 2 and bool(shape.height % 2 or shape.width % 2)
        if self.kind == "maximum":
            return nn.MaxPool2d(self.kernel, self.stride, padding, ceil_mode=ceil)
        return nn.AvgPool2d(self.kernel, self.stride, padding, ceil_mode=ceil, count_include_pad=False)

    @property
    def halvings(self) -> int:
        return int(self.stride == 2)

    def strided(self) -> Layer:
        return replace(self, stride=2)


@final
@dataclass(frozen=True, slots=True)
class Norm(Layer):
    """Normalization over the batch, the map, or map and channels, then a trained scale and shift."""

    kind: Literal["batch", "instance", "layer"]

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        values = shape.pixels * (shape.channels if self.kind == "layer" else 1)
        if self.kind != "batch" and values == 1:
            raise ShapeError(
                f"{self.kind} normalization of a map of {shape} would leave only zeros: use a larger map"
            )
        return shape, Cost(2 * shape.channels)

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        if self.kind == "batch":
            return nn.BatchNorm2d(shape.channels)
        if self.kind == "instance":
            return nn.InstanceNorm2d(shape.channels, affine=True, eps=EPSILON)
        return nn.GroupNorm(1, shape.channels, eps=EPSILON)


@final
@dataclass(frozen=True, slots=True)
class Activation(Layer):
    """A function of each value."""

    kind: Literal["relu", "hardswish", "mish"]

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return shape, FREE

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        return {"relu": nn.ReLU, "hardswish": nn.Hardswish, "mish": nn.Mish}[self.kind]()


@final
@dataclass(frozen=True, slots=True)
class FactorizedReduce(Layer):
    """DARTS's skip connection of stride 2: two 1x1 convolutions on interleaved pixels.

    channels: how many come out; as many as come in where it is None.
    """

    channels: int | None = None

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        out = shape.over(2)._replace(channels=self.channels or shape.channels)
        weights = shape.channels * out.channels
        return out, Cost(weights + 2 * out.channels, weights * out.pixels)

    def module(self, shape: Shape) -> nn.Module:
        from morphogen.networks import modules

        return modules.FactorizedReduce(shape.channels, self.channels or shape.channels)

    @property
    def halvings(self) -> int:
        return 1


@final
@dataclass(frozen=True, slots=True)
class Classifier(Layer):
    """The average over the map, then a linear layer to the classes."""

    classes: int

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        weights = shape.channels * self.classes
        return Shape(self.classes, 1, 1), Cost(weights + self.classes, weights)

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(shape.channels, self.classes))


@final
@dataclass(frozen=True, slots=True)
class Chain(Layer):
    """Layers one after the other."""

    layers: tuple[Layer, ...] = ()

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        total = FREE
        for layer in self.layers:
            shape, cost = layer.measure(shape)
            total += cost
        return shape, total

    def module(self, shape: Shape) -> nn.Module:
        from torch import nn

        parts = nn.Sequential()
        for layer in self.layers:
            parts.append(layer.module(shape))
            shape, _ = layer.measure(shape)
        return parts

    @property
    def halvings(self) -> int:
        return sum(layer.halvings for layer in self.layers)

    def strided(self) -> Layer | None:
        for place, layer in enumerate(self.layers):
            if reduced := layer.strided():
                return Chain((*self.layers[:place], reduced, *self.layers[place + 1 :]))
        return None


@final
@dataclass(frozen=True, slots=True)
class Residual(Layer):
    """The sum of two ways through."""

    main: Layer
    shortcut: Layer

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        (main, main_cost), (shortcut, shortcut_cost) = self.main.measure(shape), self.shortcut.measure(shape)
        if main != shortcut:
            raise ShapeError(f"a residual block adds maps of {main} and {shortcut}")
        return main, main_cost + shortcut_cost

    def module(self, shape: Shape) -> nn.Module:
        from morphogen.networks import modules

        return modules.Residual(self.main.module(shape), self.shortcut.module(shape))

    @property
    def halvings(self) -> int:
        return max(self.main.halvings, self.shortcut.halvings)
