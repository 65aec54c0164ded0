"""What estimators of regions share: supernets are built or refused, trained and read; what they derive is scored."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.networks.building import cost
from morphogen.networks.data import ImageData, Indices
from morphogen.networks.operations import require_operations
from morphogen.records import Estimate, Failure, Fidelity, Metric, Position, Proposal
from morphogen.spaces.grammar import Alternative, Call, Grammar, Pattern, Ref, Rule, SpaceError, ground
from morphogen.spaces.space import Space

if TYPE_CHECKING:
    from torch import Tensor

    from morphogen.networks.training import Recipe
    from morphogen.supernet import Course, Relaxation, Supernet

METRICS: Final = (
    Metric("accuracy"),
    Metric("loss", maximize=False),
    Metric("inherited_accuracy"),
    Metric("entropy"),
    Metric("seconds", maximize=False, unit="s"),
    Metric("parameters", maximize=False),
)
"""What each of them reports."""

Shares: TypeAlias = Mapping[str, NDArray[np.float64]]
"""What the logits of each choice have become: probabilities `[m, k]`, a row for each of m supernets."""


class OfRegions(Estimator):
    """Trains supernets of a region, derives an architecture from them, and trains it alone to score it.

    A method is a frozen dataclass with the settings below (as in `Fidelity`; memory in gigabytes), and says how
    many supernets are trained side by side, how their choices are relaxed, and what is derived from them.
    """

    data: ImageData
    epochs: int
    channels: int
    cells: int
    batch_size: int
    learning_rate: float
    validate: bool
    memory: float
    device: str

    @property
    @abstractmethod
    def _side_by_side(self) -> int:
        """How many supernets of a region are trained, where it leaves a choice."""

    @property
    @abstractmethod
    def _training(self) -> Mapping[str, Any]:
        """The rest of the recipe, by the names that `Training` has for it: optimizer, weight_decay, shift."""

    @property
    @abstractmethod
    def _built(self) -> Mapping[str, Any]:
        """How supernets are built beyond their sizes: `normalize` and `partial`, where they are."""

    @property
    @abstractmethod
    def _relaxation(self) -> Relaxation:
        """How choices become differentiable."""

    @abstractmethod
    def _course(self, recipe: Recipe) -> Course:
        """Return how supernets are trained, their weights by `recipe`."""

    @abstractmethod
    def _derived(self, net: Supernet, shares: Shares) -> tuple[Mapping[str, int], Mapping[str, float]]:
        """Return the candidate that each choice of a region ends with, and what more is told of it."""

    @property
    def regions(self) -> bool:
        return True

    @property
    def alone(self) -> Mapping[str, Any]:
        """The same width, batches and optimizer; as in the supernet, images are not moved."""
        names = ("epochs", "channels", "cells", "batch_size", "learning_rate", "device")
        return {**{name: getattr(self, name) for name in names}, **self._training}

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
        from morphogen.supernet import Stack, calibrate, score, train
        from morphogen.supernet.relaxation import only
        from morphogen.supernet.supernet import set_weights

        fidelity = proposal.fidelity.over(Fidelity.among(self))
        data = self.data.at(fidelity.resolution)
        numbers = data.part(fidelity.fraction or 1.0)
        region, relaxation = region_of(proposal), self._relaxation
        nets = self._supernets(region, data, fidelity, rng)
        stack = Stack(nets)
        begun_training = time.perf_counter()
        found = train(stack, relaxation, data, numbers, self._course(self._recipe(fidelity)), rng)
        seconds = time.perf_counter() - begun_training
        first = nets[0]
        shares = {n: relaxation.probabilities(rows.double()).numpy() for n, rows in found.logits.items()}
        if not all(np.isfinite(rows).all() for rows in shares.values()):
            raise Diverged("the logits are not finite; lower the learning rate, or logit_rate")
        choice, told = self._derived(first, shares)
        derived = first.architecture(choice)
        set_weights(stack.gates, {g.name: only(choice[g.name], len(g.candidates)) for g in first.gates})
        calibrate(stack, data, found.weight_split, self.device)
        held = found.logit_split[:, :2048] if first.gates else _expanded(data.validation, stack.models)
        right, lost = score(stack, data, held, self.device)
        accuracy, loss = inherited, _ = float(right.mean()), float(lost.mean())
        if self.validate and first.gates:
            accuracy, loss = self._validated(derived, data, numbers, fidelity, rng)
        rows_of = [shares[g.name] for g in first.gates]
        entropies = [-(row * np.log(row)).sum(1) / np.log(row.shape[1]) for row in rows_of]
        values = {
            "accuracy": accuracy,
            "loss": loss,
            "inherited_accuracy": inherited,
            "entropy": float(np.mean(entropies)) if entropies else 0.0,
            "seconds": seconds,
            "parameters": float(self._parameters(derived, data, fidelity)),
            **told,
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
        fidelity = proposal.fidelity.over(Fidelity.among(self))
        self._refuse(region_of(proposal), self.data.at(fidelity.resolution), fidelity)

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Train the narrow network of one architecture for one step, by the code that trains regions."""
        require_operations(space.operations, space.name)
        from morphogen.supernet import Course, Stack, train

        proposal = Proposal(space.sample(rng))
        narrow = Fidelity(channels=min(4, self.channels)).over(fidelity.over(Fidelity.among(self)))
        data = self.data.at(narrow.resolution)
        stack = Stack(self._supernets(region_of(proposal), data, narrow, rng)[:1])
        course = Course(recipe=self._recipe(narrow), steps=1)
        train(stack, self._relaxation, data, data.train[: self.batch_size], course, rng)

    def _recipe(self, fidelity: Fidelity) -> Recipe:
        from morphogen.networks.training import Recipe

        return Recipe(
            epochs=fidelity.epochs or self.epochs,
            batch_size=fidelity.batch_size or self.batch_size,
            learning_rate=fidelity.learning_rate,
            device=self.device,
            **self._training,
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

        count = self._side_by_side if region.count() > 1 else 1
        settings: dict[str, Any] = {
            "inputs": data.shape,
            "classes": len(data.classes),
            **self._sizes(fidelity),
            **self._built,
        }
        recipe = self._recipe(fidelity)
        needed = count * region_bytes(region, settings, recipe.batch_size, widen=self._course(recipe).widen)
        if needed > self.memory * 1e9:
            one = count == 1
            raise SupernetError(
                f"{'a supernet' if one else f'{count} supernets'} of {region.name} would need about "
                f"{needed / 1e9:.1f} GB, {self.memory:g} GB may be used: take fewer candidates"
                f"{' or fewer channels' if one else ', fewer channels or fewer supernets'}, or allow more memory"
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


def _expanded(numbers: NDArray[np.int64], models: int) -> Tensor:
    import torch

    return torch.from_numpy(np.array(numbers)).expand(models, -1)
