"""Images of the test beds of FaDE."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from morphogen.benchmarks.files import data_file
from morphogen.networks.data import ImageData, from_arrays, load
from morphogen.seeding import stream


@cache
def digits() -> tuple[ImageData, NDArray[np.int64]]:
    """Return scikit-learn's digits, about 1,000 to train and 790 to test."""
    data = load("digits", validation_fraction=0.01, test_fraction=0.44)
    return data, data.train


@cache
def mnist14() -> tuple[ImageData, NDArray[np.int64]]:
    """Return MNIST of 14x14 pixels, 4,000 to train and 3,000 to test."""
    data = load(data_file("mnist_train.npz"), data_file("mnist_test3000.npz")).at(14)
    return data, data.train[:4000]


@cache
def cifar16() -> tuple[ImageData, NDArray[np.int64]]:
    """Return CIFAR-10 (from JPEG) of 16x16 pixels, 4,000 to train and 3,000 to test, all of its test images."""
    data = load(data_file("cifar10_test10k_jpeg.npz"), validation_fraction=0.01, test_fraction=0.3).at(16)
    return data, data.train[:4000]


@cache
def signals() -> tuple[ImageData, NDArray[np.int64]]:
    """Return one-dimensional signals of 40 values in ten classes, 4,000 to train and 1,000 to test.

    After MNIST-1D (Greydanus and Kobak 2024), with prototypes of our own: each signal is the smooth curve of
    its class, scaled, tilted, put at a random place of a longer window, and blurred by correlated noise.
    """
    rng = stream(0, "signals")
    fine = np.linspace(0, 1, 24)
    prototypes = [np.interp(fine, np.linspace(0, 1, 9), rng.normal(size=9)) for _ in range(10)]
    labels = np.arange(5000) % 10
    window, kernel = 64, np.exp(-0.5 * (np.arange(-4, 5) / 2.0) ** 2)
    kernel /= np.linalg.norm(kernel)
    rows = np.zeros((len(labels), window))
    for row, label in zip(rows, labels.tolist(), strict=True):
        place = int(rng.integers(window - len(fine) + 1))
        row[place : place + len(fine)] = rng.uniform(0.6, 1.4) * prototypes[label]
        row += 0.25 * np.convolve(rng.normal(size=window), kernel, mode="same")
        row += rng.uniform(-0.75, 0.75) * np.linspace(-0.5, 0.5, window)
    places = np.linspace(0, window - 1, 40)
    values = np.array([np.interp(places, np.arange(window), row) for row in rows], dtype=np.float32)
    images = values[:, None, None, :]
    test = (images[4000:], labels[4000:])
    data = from_arrays(images[:4000], labels[:4000], test=test, name="signals", validation_fraction=0.01)
    return data, data.train
