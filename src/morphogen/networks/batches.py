"""Minibatches on a device: gathered, augmented and normalized from pixels as they are stored."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from morphogen.networks.data import ImageData


def resolve(device: str) -> torch.device:
    """Return the device called `device`; `auto` is the first of cuda, mps and cpu that is there.

    Raises:
        ValueError: no such device, or not here.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(name for name in there if there[name]) if device == "auto" else device.partition(":")[0]
    if not there.get(kind):
        raise ValueError(
            f"device {device} is not here; take auto or {' or '.join(n for n in there if there[n])}"
        )
    return torch.device(kind if device == "auto" else device)


@final
class Batches:
    """Images and labels on a device; pixels stay as they are stored until a batch is made of them."""

    def __init__(self, data: ImageData, device: torch.device) -> None:
        # The arrays are read-only and perhaps shared with other processes; nothing here writes to them.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            self.images = torch.from_numpy(data.images).to(device)
            self.labels = torch.from_numpy(data.labels).to(device)
        self.mean = torch.from_numpy(data.mean.copy()).to(device)[:, None, None]
        self.scale = 1 / torch.from_numpy(data.std.copy()).to(device)[:, None, None]

    def plain(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return normalized images [n, channels, height, width] and labels [n]."""
        numbers = numbers.to(self.images.device)
        return self._normalized(self.images.index_select(0, numbers)), self.labels.index_select(0, numbers)

    def augmented(
        self, numbers: Tensor, generator: torch.Generator, *, shift: bool, flip: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the same, each image shifted by up to an eighth of its side, every other one mirrored."""
        numbers = numbers.to(self.images.device)
        images = self.images.index_select(0, numbers)
        count, _, height, width = images.shape
        if flip:
            mirrored = torch.rand(count, generator=generator).to(images.device) < 0.5
            images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        by = max(height, width) // 8
        if shift and by:
            # Every shift is a window of the padded image: one gather of windows shifts the whole batch.
            windows = functional.pad(images, (by, by, by, by)).unfold(2, height, 1).unfold(3, width, 1)
            place = torch.randint(2 * by + 1, (2, count), generator=generator).to(images.device)
            images = windows[torch.arange(count, device=images.device), :, place[0], place[1]]
        return self._normalized(images), self.labels.index_select(0, numbers)

    def _normalized(self, images: Tensor) -> Tensor:
        # Channel by channel, then the layout: three times faster than the other way round.
        images = images.to(torch.float32).sub_(self.mean).mul_(self.scale)
        return images.contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=4)
def batches_of(data: ImageData, device: torch.device) -> Batches:
    """Return the batches of `data` on `device`; those of the last few data sets are kept."""
    return Batches(data, device)
