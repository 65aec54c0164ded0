"""How long a network takes to answer: the median of many forward passes on one pinned CPU thread."""

from __future__ import annotations

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import nn

WARM: Final = 5
"""Passes before those that count: they fill caches and choose kernels."""


def latency(network: nn.Module, inputs: Sequence[int], *, repeats: int = 30, batch: int = 1) -> float:
    """Return the milliseconds of one forward pass of `batch` images, the median of `repeats` passes.

    inputs: shape of an image (channels, height, width). The network is measured where it is used last, on a CPU:
    in evaluation mode, in 32 bits, on one thread that stays on its core. Other processes on that core still
    disturb; the median forgives that of fewer than half of the passes.
    """
    import torch

    training = network.training
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    images = torch.zeros(batch, *inputs)
    network.eval().cpu()
    try:
        with one_pinned_thread(), torch.inference_mode():
            for _ in range(WARM):
                network(images)
            passes = []
            for _ in range(repeats):
                begun = time.perf_counter()
                network(images)
                passes.append(time.perf_counter() - begun)
    finally:
        network.train(training).to(device)
    return 1000 * statistics.median(passes)


@contextmanager
def one_pinned_thread() -> Iterator[None]:
    """Compute on one thread inside the block, on the core where it runs; where a system cannot pin, unpinned."""
    import torch

    threads = torch.get_num_threads()
    cores = os.sched_getaffinity(0) if sys.platform == "linux" else set()
    torch.set_num_threads(1)
    if cores and (here := _core()) in cores:
        os.sched_setaffinity(0, {here})
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def _core() -> int:
    """Return the number of the core that this thread runs on, -1 where the system does not say."""
    try:
        return int(ctypes.CDLL(None).sched_getcpu())
    except (OSError, AttributeError):
        return -1
