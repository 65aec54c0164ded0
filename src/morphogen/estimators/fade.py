"""FaDE: rank the candidates of a region by the logits of supernets trained over it (Neumeyer et al. 2024)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.networks.building import cost
from morphogen.networks.data import ImageData, Indices
from morphogen.networks.operations import UnknownOperation, missing_operations
from morphogen.records import Estimate, Failure, Fidelity, Metric, Position, Proposal
from morphogen.spaces.grammar import Alternative, Call, Grammar, Pattern, Ref, Rule, SpaceError, ground
from morphogen.spaces.space import Space

if TYPE_CHECKING:
    from torch import Tensor

    from morphogen.networks.training import Recipe
    from morphogen.supernet import Relaxation, Supernet

METRICS: Final = (
    Metric("accuracy"),
    Metric("loss", maximize=False),
    Metric("inherited_accuracy"),
    Metric("entropy"),
    Metric("seconds", maximize=False, unit="s"),
    Metric("parameters", maximize=False),
)


@final
@dataclass(frozen=True)
class Fade(Estimator):
    """Trains `supernets` independent supernets of a region as one stack and reads the ranks off their logits.

    data: the images. epochs: passes over the training split that the steps amount to; .75 of what a network
    alone takes is the measured choice. channels (the features of dense modules, which cost next to nothing;
    take fewer for convolutions), batch_size, learning_rate (of AdamW without decay; the
    measured choice is the rate of the final training): as in `Fidelity`. mixing: `image` draws a candidate
    for every image by straight-through Gumbel, `batch` one for a batch, `soft` mixes all. logit_rate: None is
    1.2 / steps, which ends with a rank entropy of .8 to .97. supernets: whose ranks are averaged. memory:
    gigabytes beyond which a region is refused.

    Reports accuracy and loss of the derived architecture, trained alone for as many epochs and scored on the
    validation split; the inherited_accuracy it has with the weights of the supernets on the images set aside
    for the logits (mean over the supernets), which says little about other regions; the entropy of the ranks
    (1 is undecided), the seconds of the supernets, and the parameters of the derived architecture. Without
    `validate` accuracy and loss are the inherited ones. The estimate's `ranks` are the mean shares at each
    position. Where a proposal has no region, its architecture is trained by the same code.
    """

    data: ImageData
    epochs: int = 26
    channels: int = 64
    cells: int = 1
    batch_size: int = 50
    learning_rate: float = 0.003
    supernets: int = 4
    mixing: Literal["image", "batch", "soft"] = "image"
    schedule: Literal["first_order", "unrolled", "one_level"] = "first_order"
    logit_rate: float | None = None
    share: float = 0.4
    validate: bool = True
    memory: float = 4.0
    device: str = "cpu"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return METRICS

    @property
    def regions(self) -> bool:
        return True

    @property
    def alone(self) -> Mapping[str, Any]:
        """The same width, batches and optimizer; as in the supernet, images are not moved."""
        names = ("epochs", "channels", "cells", "batch_size", "learning_rate", "device")
        recipe = {"optimizer": "adamw", "weight_decay": 0.0, "shift": False}
        return {**{name: getattr(self, name) for name in names}, **recipe}

    @property
    def fingerprint(self) -> str:
        fields = (
            "epochs",
            "channels",
            "cells",
            "batch_size",
            "learning_rate",
            "supernets",
            "mixing",
            "schedule",
        )
        more = ("logit_rate", "share", "validate")
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in (*fields, *more))
        return f"fade({settings}) on {self.data.name} {self.data.fingerprint}"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Train the supernets of a region; a loss that is not finite is a failed estimate.

        Raises:
            SpaceError: a position without candidates. SupernetError: candidates of different shapes, or a
            region larger than the memory it may take, with its size. ShapeError: images that are too small.
        """
        from morphogen.networks.training import Diverged

        begun = time.perf_counter()
        try:
            return self._estimate(proposal, rng, begun)
        except Diverged as error:
            failure = Failure(type(error).__name__, str(error))
            return Estimate(cost=time.perf_counter() - begun, failure=failure)

    def _estimate(self, proposal: Proposal, rng: np.random.Generator, begun: float) -> Estimate:
        from morphogen.networks.training import Diverged
        from morphogen.supernet import Course, Stack, calibrate, score, train
        from morphogen.supernet.relaxation import only
        from morphogen.supernet.supernet import set_weights

        fidelity = proposal.fidelity.over(self._fidelity)
        data = self.data.at(fidelity.resolution)
        numbers = data.part(fidelity.fraction or 1.0)
        region = region_of(proposal)
        nets = self._supernets(region, data, fidelity, rng)
        stack = Stack(nets)
        begun_training = time.perf_counter()
        course = Course(recipe=self._recipe(fidelity), logit_rate=self.logit_rate, share=self.share)
        found = train(stack, self._relaxation, data, numbers, course, rng)
        seconds = time.perf_counter() - begun_training
        first = nets[0]
        shares = {g.name: _shares(found.logits[g.name]) for g in first.gates}
        if not all(np.isfinite(rows).all() for rows in shares.values()):
            raise Diverged("the logits are not finite; lower the learning rate, or logit_rate")
        summed = {name: np.log(rows).mean(axis=0) for name, rows in shares.items()}
        choice = {name: int(row.argmax()) for name, row in summed.items()}
        derived = first.architecture(choice)
        set_weights(stack.gates, {g.name: only(choice[g.name], len(g.candidates)) for g in first.gates})
        calibrate(stack, data, found.weight_split, self.device)
        held = found.logit_split[:, :2048] if first.gates else _expanded(data.validation, stack.models)
        right, lost = score(stack, data, held, self.device)
        accuracy, loss = inherited, _ = float(right.mean()), float(lost.mean())
        if self.validate and first.gates:
            accuracy, loss = self._validated(derived, data, numbers, fidelity, rng)
        entropies = [-(row * np.log(row)).sum(1) / np.log(row.shape[1]) for row in shares.values()]
        values = {
            "accuracy": accuracy,
            "loss": loss,
            "inherited_accuracy": inherited,
            "entropy": float(np.mean(entropies)) if entropies else 0.0,
            "seconds": seconds,
            "parameters": float(self._parameters(derived, data, fidelity)),
        }
        by_path = {g.path: shares[g.name].mean(axis=0) for g in reversed(first.gates)}
        ranks = tuple(tuple(map(float, by_path.get(p.path, np.ones(1)))) for p in proposal.region)
        return Estimate(values, time.perf_counter() - begun, ranks=ranks, derived=str(derived))

    def _validated(
        self,
        architecture: Architecture,
        data: ImageData,
        numbers: Indices,
        fidelity: Fidelity,
        rng: np.random.Generator,
    ) -> tuple[float, float]:
        """Return accuracy and loss on the validation split of an architecture trained alone as the supernets were."""
        from morphogen.networks.building import build
        from morphogen.networks.training import fit

        seed = int(rng.integers(2**62))
        network = build(architecture, data.shape, len(data.classes), **self._sizes(fidelity), seed=seed)
        fitted = fit(network, data, numbers, data.validation, self._recipe(fidelity), rng)
        return fitted.accuracy, fitted.loss

    def _parameters(self, architecture: Architecture, data: ImageData, fidelity: Fidelity) -> int:
        return cost(architecture, data.shape, len(data.classes), **self._sizes(fidelity)).parameters

    def _sizes(self, fidelity: Fidelity) -> dict[str, int]:
        return {"channels": fidelity.channels or self.channels, "cells": fidelity.cells or self.cells}

    def examine(self, proposal: Proposal) -> None:
        """Refuse a region that no supernet can be built of, or none that fits into memory; see `estimate`."""
        fidelity = proposal.fidelity.over(self._fidelity)
        self._refuse(region_of(proposal), self.data.at(fidelity.resolution), fidelity)

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Train the narrow network of one architecture for one step, by the code that trains regions."""
        unknown = missing_operations(space.operations)
        if unknown:
            raise UnknownOperation(
                f"{space.name} has operations no network can be built of: {', '.join(unknown)}"
            )
        from morphogen.supernet import Course, Stack, train

        proposal = Proposal(space.sample(rng))
        narrow = Fidelity(channels=min(4, self.channels)).over(fidelity.over(self._fidelity))
        data = self.data.at(narrow.resolution)
        stack = Stack(self._supernets(region_of(proposal), data, narrow, rng)[:1])
        course = Course(recipe=self._recipe(narrow), steps=1)
        train(stack, self._relaxation, data, data.train[: self.batch_size], course, rng)

    @property
    def _fidelity(self) -> Fidelity:
        return Fidelity(
            epochs=self.epochs,
            channels=self.channels,
            cells=self.cells,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
        )

    @property
    def _relaxation(self) -> Relaxation:
        from morphogen.supernet import Darts, Gumbel

        if self.mixing == "soft":
            return Darts(schedule=self.schedule, keep=None)
        return Gumbel(each_image=self.mixing == "image", schedule=self.schedule)

    def _recipe(self, fidelity: Fidelity) -> Recipe:
        from morphogen.networks.training import Recipe

        return Recipe(
            epochs=fidelity.epochs or self.epochs,
            batch_size=fidelity.batch_size or self.batch_size,
            optimizer="adamw",
            learning_rate=fidelity.learning_rate,
            weight_decay=0.0,
            shift=False,
            device=self.device,
        )

    def _supernets(
        self, region: Space, data: ImageData, fidelity: Fidelity, rng: np.random.Generator
    ) -> list[Supernet]:
        from morphogen.supernet import Supernet

        count, settings = self._refuse(region, data, fidelity)
        return [Supernet(region, **settings, seed=int(rng.integers(2**62))) for _ in range(count)]

    def _refuse(self, region: Space, data: ImageData, fidelity: Fidelity) -> tuple[int, dict[str, Any]]:
        """Return how many supernets of a region are trained and how they are built, unless that cannot be."""
        from morphogen.supernet import SupernetError
        from morphogen.supernet.measuring import region_bytes

        count = self.supernets if region.count() > 1 else 1
        settings: dict[str, Any] = {
            "inputs": data.shape,
            "classes": len(data.classes),
            **self._sizes(fidelity),
        }
        needed = region_bytes(region, settings, fidelity.batch_size or self.batch_size) * count
        if needed > self.memory * 1e9:
            raise SupernetError(
                f"{count} supernets of {region.name} would need about {needed / 1e9:.1f} GB, {self.memory:g} GB "
                "may be used: take fewer candidates, fewer channels or fewer supernets, or allow more memory"
            )
        return count, settings


def region_of(proposal: Proposal) -> Space:
    """Return the space of a proposal: its architecture, with the candidates of its region where it has one.

    Raises:
        SpaceError: a position without candidates, one that is not there, or one inside another.
    """
    rules: list[Rule] = []
    named: dict[tuple[int, ...], Position] = {}
    for position in proposal.region:
        if not position.candidates:
            raise SpaceError(f"position {position.path} has no candidate")
        if position.path in named or any(
            position.path == other[: len(position.path)] or other == position.path[: len(other)]
            for other in named
        ):
            raise SpaceError(f"position {position.path} stands twice in the region, or inside another")
        named[position.path] = position
        rules.append(Rule(f"P{len(rules)}", tuple(Alternative(ground(part)) for part in position.candidates)))
    names = {path: f"P{number}" for number, path in enumerate(named)}

    def pattern(part: Architecture, path: tuple[int, ...]) -> Pattern:
        if path in names:
            reached.add(path)
            return Ref(names[path])
        return Call(part.terminal, tuple(pattern(a, (*path, i)) for i, a in enumerate(part.args)))

    reached: set[tuple[int, ...]] = set()
    top = Rule("REGION", (Alternative(pattern(proposal.architecture, ())),))
    if lost := names.keys() - reached:
        raise SpaceError(f"position {min(lost)} is not there in {proposal.architecture}")
    return Space(Grammar("REGION", (top, *rules)), "the region")


def path_scores(
    ranks: Mapping[int, NDArray[np.float64]], how: Literal["mean", "log"] = "log"
) -> NDArray[np.float64]:
    """Return the score `[k0, k1, ...]` of every path from shares at each position: their mean, or the sum of logs.

    Which of the two the paper means is not known; on all sets that were measured they order paths almost alike.
    """
    total = np.zeros(())
    for row in ranks.values():
        total = total[..., None] + (np.log(row) if how == "log" else row / len(ranks))
    return total


def _shares(logits: Tensor) -> NDArray[np.float64]:
    return logits.double().softmax(dim=1).numpy()


def _expanded(numbers: NDArray[np.int64], models: int) -> Tensor:
    import torch

    return torch.from_numpy(np.array(numbers)).expand(models, -1)
