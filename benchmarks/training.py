"""What training costs: images a second on one thread, the parts of a step, and what channels_last gives.

    python benchmarks/training.py [--steps 20]

CPU time of the median step with batches of 64 shifted images, for a light and a full cell of cell201 with one
cell a stage. The two layouts of memory take turns, so that a busy machine is unfair to neither.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from morphogen.architecture import Architecture
from morphogen.networks import build
from morphogen.networks.batches import Batches
from morphogen.networks.data import ImageData, from_arrays, load
from morphogen.networks.training import Descent, Recipe, fit
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201

BATCH = 64
CELLS = {
    "light": "stack(cell(avg_pool, identity, identity, identity, conv3x3, identity))",
    "full": "stack(cell(conv3x3, conv3x3, conv3x3, conv3x3, conv1x1, conv3x3))",
}
WARMUP = 3  # steps not counted: kernels are made in them
PARTS = ("batch", "forward", "backward", "update")


def photographs() -> ImageData:
    """Return noise of the shape of CIFAR-10: training is as fast as on photographs."""
    images = np.random.default_rng(0).integers(0, 256, (400, 3, 32, 32), np.uint8)
    return from_arrays(images, np.arange(400) % 10, name="32x32 colored")


def steps(
    data: ImageData, architecture: Architecture, channels: int, layout: torch.memory_format
) -> Iterator[np.ndarray]:
    """Train, and yield the milliseconds of CPU time of each part of each step."""
    network = build(architecture, data.shape, len(data.classes), channels=channels).train()
    network.to(memory_format=layout)  # type: ignore[call-overload]
    batches, descent = Batches(data, torch.device("cpu")), Descent(network, Recipe())
    generator, rng = torch.Generator().manual_seed(0), stream(0)
    while True:
        marks = [time.process_time()]
        chosen = torch.from_numpy(rng.choice(data.train, BATCH))
        images, labels = batches.augmented(chosen, generator, shift=True, flip=False)
        images = images.contiguous(memory_format=layout)
        marks.append(time.process_time())
        loss = functional.cross_entropy(network(images), labels)
        marks.append(time.process_time())
        loss.backward()  # type: ignore[no-untyped-call]
        marks.append(time.process_time())
        descent.step(0.01)
        marks.append(time.process_time())
        yield 1000 * np.diff(marks)


def time_steps(count: int) -> None:
    """Print one row a data set, cell and width: milliseconds of each part, images a second, both layouts."""
    print("one step: CPU milliseconds in channels_last; images a second in channels_last and channels first")
    names = "".join(f"{part:>10}" for part in PARTS)
    print(f"{'data':16}{'cell':8}{'channels':>8}{names}{'last':>10}{'first':>8}{'gain':>6}")
    for data in (load("digits"), photographs()):
        for name, text in CELLS.items():
            for channels in (8, 16):
                cell = cell201().parse(text)
                layouts = (torch.channels_last, torch.contiguous_format)
                runs = [steps(data, cell, channels, layout) for layout in layouts]
                taken = np.array([[next(run) for run in runs] for _ in range(WARMUP + count)])[WARMUP:]
                parts = "".join(f"{value:10.2f}" for value in np.median(taken[:, 0], axis=0))
                last, first = 1000 * BATCH / np.median(taken.sum(axis=2), axis=0)
                print(f"{data.name:16}{name:8}{channels:8}{parts}{last:10.0f}{first:8.0f}{last / first:6.2f}")


def time_trainings() -> None:
    """Print one row a cell and width: a whole training on the digits, as the estimator runs it."""
    data, recipe = load("digits"), Recipe(epochs=3)
    print(
        f"\ndigits: 3 epochs of {data.train.size} images, each validated on {data.validation.size}; CPU time"
    )
    for name, text in CELLS.items():
        for channels in (8, 16):
            network = build(cell201().parse(text), data.shape, len(data.classes), channels=channels)
            begun = time.process_time()
            found = fit(network, data, data.train, data.validation, recipe, stream(0))
            seconds = time.process_time() - begun
            rate = recipe.epochs * data.train.size / seconds
            print(f"{name:8}{channels:8}{seconds:8.2f} s{rate:8.0f} images/s, accuracy {found.accuracy:.3f}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=20, help="steps measured for each row")
    count = parser.parse_args().steps
    torch.set_num_threads(1)
    time_steps(count)
    time_trainings()


if __name__ == "__main__":
    main()
