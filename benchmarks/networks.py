"""What networks cost to describe, to build and to run: milliseconds of CPU time on one thread.

Run it with `python benchmarks/networks.py`: images of 3 x 32 x 32, 16 channels, forward passes of 64 images.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from morphogen.networks import build, cost
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.hierarchical201 import hierarchical201

INPUTS = (3, 32, 32)


def milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of the fastest of three runs."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return 1000 * min(times)


def main() -> None:
    """Print one row a space, the mean over its sample."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = torch.rand(64, *INPUTS).contiguous(memory_format=torch.channels_last)
    print(f"{'space':16} {'operations':>10} {'cost':>8} {'build':>8} {'forward':>8}   [ms]")
    for space, number in ((cell201(), 20), (digits_small(), 20), (darts_cell(), 5), (hierarchical201(), 5)):
        sample = [space.sample(rng) for _ in range(number)]
        describing = milliseconds(lambda sample=sample: [cost(a, INPUTS, 10) for a in sample])
        building = milliseconds(lambda sample=sample: [build(a, INPUTS, 10) for a in sample])
        networks = [build(a, INPUTS, 10).eval().to(memory_format=torch.channels_last) for a in sample]
        with torch.inference_mode():
            running = milliseconds(lambda networks=networks: [network(images) for network in networks])
        operations = np.mean(
            [sum(len(part.graph.labels) for part in (a.args if "stack" in str(a) else (a,))) for a in sample]
        )
        row = (value / number for value in (describing, building, running))
        print(f"{space.name:16} {operations:10.0f} " + " ".join(f"{value:8.2f}" for value in row))


if __name__ == "__main__":
    main()
