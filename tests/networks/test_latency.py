"""Latency: larger networks take longer, and measuring leaves everything as it was."""

from __future__ import annotations

import os
import sys

import pytest
import torch
from torch import nn

from morphogen.networks import latency as module
from morphogen.networks.latency import latency


class Counting(nn.Module):
    """Counts its passes, and notes how they are run."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[tuple[int, ...], bool, int, int]] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
        self.seen.append((tuple(images.shape), self.training, torch.get_num_threads(), cores))
        assert torch.is_inference_mode_enabled()
        return images


def test_a_pass_is_of_one_image_on_one_pinned_thread() -> None:
    network, threads = Counting(), torch.get_num_threads()
    cores = os.sched_getaffinity(0) if sys.platform == "linux" else set()
    assert latency(network, (3, 8, 8), repeats=7) > 0
    assert network.seen == [((1, 3, 8, 8), False, 1, 1)] * (module.WARM + 7)
    assert network.training and torch.get_num_threads() == threads
    if cores:
        assert os.sched_getaffinity(0) == cores
    latency(network.eval(), (3, 8, 8), repeats=1, batch=4)
    assert network.seen[-1][0] == (4, 3, 8, 8) and not network.training


def test_what_goes_wrong_leaves_the_threads_alone() -> None:
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError):
        latency(nn.Conv2d(3, 4, 3), (1, 8, 8))
    assert torch.get_num_threads() == threads


def test_a_hundred_times_the_work_takes_longer() -> None:
    small = nn.Conv2d(8, 8, 3, padding=1)
    large = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(100)))
    assert latency(large, (8, 16, 16)) > 5 * latency(small, (8, 16, 16))


def test_where_a_system_does_not_say_where_a_thread_runs_it_is_not_pinned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_core", lambda: -1)
    network = Counting()
    latency(network, (1, 2, 2), repeats=1)
    if sys.platform == "linux":
        assert network.seen[0][3] == len(os.sched_getaffinity(0))
