"""Hard samples with straight-through gradients, drawn for a batch or for each of its images (Jang et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from morphogen.supernet.relaxation import Relaxation, Schedule, Weights


@final
@dataclass(frozen=True)
class Gumbel(Relaxation):
    """One candidate drawn by softmax((logits + Gumbel noise) / temperature); its gradient is the softmax's.

    each_image: a draw for every image of a batch, else one for the batch. Where the logits learn, all
    candidates are computed, for each of them has a gradient; where only the weights do, an image passes
    through its drawn candidate alone.
    """

    each_image: bool = True
    temperature: float = 1.0
    schedule: Schedule = "first_order"

    def weights(self, logits: Tensor, images: int, generator: torch.Generator, *, learn: bool) -> Weights:
        models, candidates = logits.shape
        draws = images if self.each_image else 1
        noise = -torch.empty(models, draws, candidates).exponential_(generator=generator).log_()
        scores = (logits[:, None] + noise) / self.temperature
        drawn = scores.argmax(dim=2, keepdim=True)
        if learn:
            soft = torch.softmax(scores, dim=2)
            hard = torch.zeros_like(soft).scatter_(2, drawn, 1.0)
            through = hard + soft - soft.detach()
            return list((through if self.each_image else through[:, 0]).unbind(-1))
        if models == 1 and not self.each_image:
            return [torch.tensor(1.0) if i == int(drawn) else None for i in range(candidates)]
        numbers = drawn[:, :, 0].expand(models, images)
        return [numbers == i for i in range(candidates)]
