"""Arithmetic on arrays of images: another resolution, and the mean and spread of each channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_VALUES: Final = 2**22  # pixels worked on at a time, so that large data need little extra memory


def resize(images: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return images [n, channels, height, width] brought to `size` (height, width).

    Pixels are means over their area where an axis shrinks, and interpolated linearly where it grows.
    """
    count, channels, height, width = images.shape
    rows, columns = weights(height, size[0]), weights(width, size[1])
    resized = np.empty((count, channels, *size), images.dtype)
    for some in chunks(count, channels * max(height * width, size[0] * size[1])):
        smooth = rows @ images[some].astype(np.float32) @ columns.T
        resized[some] = np.rint(smooth) if images.dtype == np.uint8 else smooth
    return resized


def weights(before: int, after: int) -> NDArray[np.float32]:
    """Return the matrix [after, before] that resizes one axis; its rows sum to 1."""
    pixel = np.arange(before)
    if after <= before:
        edge = np.linspace(0, before, after + 1)[:, None]
        shares = np.minimum(edge[1:], pixel + 1) - np.maximum(edge[:-1], pixel)
    else:
        center = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
        shares = 1 - np.abs(center[:, None] - pixel)
    shares = np.maximum(shares, 0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)


def moments(
    images: NDArray[Any], numbers: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation [channels] over those of `images` [n, channels, h, w]."""
    channels, *pixels = images.shape[1:]
    total, squares = np.zeros(channels), np.zeros(channels)
    for some in chunks(numbers.size, math.prod(images.shape[1:])):
        values = images[numbers[some]].astype(np.float64)
        total += values.sum(axis=(0, 2, 3))
        squares += np.square(values).sum(axis=(0, 2, 3))
    count = numbers.size * math.prod(pixels)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    std[std <= 1e-6 * np.maximum(1, np.abs(mean))] = 1  # a constant channel becomes 0, not NaN
    return mean.astype(np.float32), std.astype(np.float32)


def chunks(count: int, values: int) -> Iterator[slice]:
    """Yield slices over `count` images of so many values each, of a bounded size together."""
    step = max(1, _VALUES // values)
    return (slice(start, start + step) for start in range(0, count, step))
