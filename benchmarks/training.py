"""What training costs: images a second on one thread, where a step spends its time, and what channels_last gives.

    python benchmarks/training.py [--steps 20]

CPU time of the median step with batches of 64 shifted images, for a light and a full cell of cell201 with one cell
a stage. The two layouts of memory take turns, so that a busy machine is unfair to neither.
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
    generator = torch.Generator().manual_seed(0)
    while True:
        marks = [time.process_time()]
        chosen = torch.from_numpy(
            data.train[torch.randint(data.train.size, (BATCH,), generator=generator).numpy()]
        )
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


def main() -> None:
    """Print one row a data set, cell and width; then whole epochs with validation, as the estimator runs them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20, help="steps measured for each row")
    count = parser.parse_args().steps
    torch.set_num_threads(1)
    space = cell201()
    digits = load("digits")
    print(f"{'':38}{'CPU milliseconds a step (channels_last)':42}{'images a second':>26}")
    print(
        f"{'data':16}{'cell':8}{'channels':>12}  {''.join(f'{p:>10}' for p in PARTS)}{'last':>14}{'first':>8}{'gain':>6}"
    )
    for data in (digits, photographs()):
        for name, text in CELLS.items():
            for channels in (8, 16):
                runs = [
                    steps(data, space.parse(text), channels, layout)
                    for layout in (torch.channels_last, torch.contiguous_format)
                ]
                taken = np.array([[next(run) for run in runs] for _ in range(count + 3)])[3:]
                last, first = np.median(taken, axis=0)
                rates = [BATCH / (1e-3 * np.median(taken.sum(-1), axis=0)[i]) for i in (0, 1)]
                cells = "".join(f"{value:10.2f}" for value in last)
                print(
                    f"{data.name:16}{name:8}{channels:12}  {cells}{rates[0]:14.0f}{rates[1]:8.0f}{rates[0] / rates[1]:6.2f}"
                )
    print("\nwhole trainings on digits, 3 epochs of 1,151 images, each validated on 287")
    for name, text in CELLS.items():
        for channels in (8, 16):
            network = build(space.parse(text), digits.shape, 10, channels=channels)
            begun = time.process_time()
            found = fit(network, digits, digits.train, digits.validation, Recipe(epochs=3), stream(0))
            seconds = time.process_time() - begun
            rate = 3 * digits.train.size / seconds
            print(
                f"{name:8}{channels:4} channels: {seconds:6.2f} s, {rate:6.0f} images a second, accuracy {found.accuracy:.3f}"
            )


if __name__ == "__main__":
    main()
