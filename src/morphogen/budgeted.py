"""Budgeted performance estimation: the cheap training recipe for a space and data (Zheng et al. 2020).

Some networks of the space are trained in full; then recipes are searched that rank them alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.agreement import spearman
from morphogen.analysis.dominance import staircase
from morphogen.architecture import Architecture
from morphogen.estimators.rank_agreement import FEWEST, RankAgreement
from morphogen.estimators.training import Training
from morphogen.networks.building import cost
from morphogen.networks.shapes import ShapeError
from morphogen.recipes import fidelity_of, recipe_of
from morphogen.records import Fidelity, Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces.space import Space

Floats = NDArray[np.float64]

STOPS: Final = tuple(2 ** (-step / 2) for step in range(14, 3, -1))
"""Parts of full training after which it is stopped, 1/128 to 1/4; all of them cost less than one full training."""

HALVES: Final = 200
"""Random halves of the references; what is chosen by one is judged by the other."""

TRIES: Final = 100
"""Samples for each reference that is wanted."""

NEAR: Final = 1.1
"""By how much the cost of a stopped training may exceed that of the recipe that it is compared with."""


def references(
    space: Space, training: Training, fidelity: Fidelity, count: int, seed: int
) -> tuple[Architecture, ...]:
    """Return `count` random networks of a space that can be built on the data, each once; of a small space, fewer.

    Raises:
        ValueError: fewer than a rank agreement needs.
    """
    if count < FEWEST:
        raise ValueError(
            f"{count} references say nothing of ranks: take {FEWEST} or more, better 40 (their standard error "
            "is about 1/sqrt(n))"
        )
    rng, found = stream(seed, "references"), dict[str, Architecture]()
    for _ in range(TRIES * count):
        drawn = space.sample(rng)
        if drawn.key not in found and fits(drawn, training, fidelity):
            found[drawn.key] = drawn
            if len(found) == count:
                break
    if len(found) < FEWEST:
        raise ValueError(
            f"{space.name} has {len(found)} different networks that fit the images, a rank agreement needs "
            f"{FEWEST}: take a larger space, or larger images"
        )
    return tuple(found.values())


def fits(architecture: Architecture, training: Training, fidelity: Fidelity) -> bool:
    """Whether a network can be built on images of that resolution."""
    data = training.data.at(fidelity.resolution)
    try:
        cost(architecture, data.shape, len(data.classes), channels=1, cells=fidelity.cells or training.cells)
    except ShapeError:
        return False
    return True


def full_fidelity(training: Training, fidelity: Fidelity = Fidelity()) -> Fidelity:
    """Return all settings of full training: those of `fidelity`, else as the estimator trains."""
    from morphogen.networks.training import Recipe

    peak = Recipe(optimizer=training.optimizer, learning_rate=training.learning_rate).peak
    whole = Fidelity(fraction=1.0, resolution=max(training.data.shape[1:]), learning_rate=peak)
    return fidelity.over(whole.over(Fidelity.among(training)))


def fitting_knobs(
    full: Fidelity, training: Training, networks: Sequence[Architecture]
) -> dict[str, tuple[float, ...]]:
    """Return the knobs that save something here, each with its values, the cheap ones first.

    Left out is what does not fit: half the resolution, where a network downsamples more often than the images
    have pixels; parts of the data with less than two batches, or two images a class.
    """
    data = training.data
    assert full.epochs and full.batch_size and full.channels and full.cells and full.resolution
    assert full.learning_rate and full.fraction
    epochs = np.unique(np.round(np.geomspace(1, max(1, 0.4 * full.epochs), 4)).astype(int))
    size = full.fraction * data.train.size
    least = max(2 * len(data.classes), 32)
    half = full.resolution // 2
    small = half >= 4 and all(fits(a, training, Fidelity(resolution=half).over(full)) for a in networks)
    batches = (full.batch_size // 4, full.batch_size, 4 * full.batch_size)
    wide = full.channels >= 8 and full.channels % 2 == 0
    found: dict[str, tuple[float, ...]] = {
        "epochs": tuple(epochs.tolist()),
        "fraction": tuple(p * full.fraction for p in (0.1, 0.25, 1.0) if p == 1 or p * size >= least),
        "resolution": (half, full.resolution) if small else (full.resolution,),
        "channels": (full.channels // 2, full.channels) if wide else (full.channels,),
        "cells": (1, full.cells) if full.cells > 1 else (1,),
        "batch_size": tuple(b for b in batches if b == full.batch_size or 8 <= b <= size / 2)[::-1],
        "learning_rate": tuple(float(f"{full.learning_rate * x:.3g}") for x in (1, 3, 1 / 3)),
    }
    return {name: values for name, values in found.items() if len(values) > 1}


def stopped(full: Fidelity, training: Training) -> tuple[Architecture, ...]:
    """Return full training stopped early, as recipes; of two that would take equally many steps, one."""
    assert full.epochs and full.batch_size and full.fraction
    steps = full.epochs * max(1, round(full.fraction * training.data.train.size / full.batch_size))
    shares = {max(1, round(part * steps)): float(f"{part:.3g}") for part in STOPS}
    return tuple(recipe_of(Fidelity(stop=part)) for part in shares.values())


def truth_of(
    trials: Sequence[Trial], metric: Metric, count: int, times: int
) -> tuple[list[int], Floats, float]:
    """Return what full training says: trial n is of reference n modulo `count`.

    Which references never failed, how good each of them is by each repeat [times, those], larger is better,
    and the mean seconds of one training.
    """
    failed = {trial.number % count for trial in trials if not trial.succeeded}
    kept = [place for place in range(count) if place not in failed]
    scores = [[metric.score(trials[repeat * count + place]) for place in kept] for repeat in range(times)]
    costs = [t.estimate.cost for t in trials if t.estimate is not None and t.succeeded]
    return kept, np.array(scores, dtype=np.float64), float(np.mean(costs)) if costs else 0.0


@final
@dataclass(frozen=True)
class Known:
    """A measured recipe: its scores of the references (larger is better), and what training one costs in seconds."""

    trial: Trial
    scores: tuple[float, ...]

    @property
    def recipe(self) -> Fidelity:
        """The recipe."""
        return fidelity_of(self.trial.architecture)

    @property
    def values(self) -> Mapping[str, float]:
        """Spearman and Kendall with their intervals, and the mean seconds."""
        assert self.trial.estimate is not None
        return self.trial.estimate.values

    @property
    def spearman(self) -> float:
        """Agreement with full training."""
        return self.values["spearman"]

    @property
    def seconds(self) -> float:
        """Mean seconds of training one reference."""
        return self.values["seconds"]


def known(agreement: RankAgreement, trials: Sequence[Trial], seed: int) -> list[Known]:
    """Return the recipes of a study, with what the cache of the estimator says of them."""
    found = []
    for trial in trials:
        if trial.succeeded:
            rng = stream(seed, trial.number, "estimate")
            found.append(Known(trial, agreement.scores(Proposal(trial.architecture), rng)))
    return found


def front(recipes: Sequence[Known]) -> list[Known]:
    """Return the recipes that no other beats in cost and agreement, the cheapest first."""
    places = staircase([each.seconds for each in recipes], [each.spearman for each in recipes])
    return [recipes[place] for place in places]


def rival(early: Sequence[Known], seconds: float) -> Known | None:
    """Return the longest of the stopped trainings that cost at most about so much, None where all cost more."""
    within = [each for each in early if each.seconds <= NEAR * seconds]
    return max(within, key=lambda each: each.seconds, default=None)


def picks(recipes: Sequence[Known], most: float) -> tuple[Known, Known]:
    """Return the paper's two choices among the recipes of at most `most` seconds: cheap (BPE-1), accurate (BPE-2).

    The accurate one agrees best. The cheap one is the cheapest that lies in the interval of the accurate one.

    Raises:
        ValueError: no recipe costs so little.
    """
    within = [each for each in recipes if each.seconds <= most]
    if not within:
        least = min((each.seconds for each in recipes), default=0.0)
        raise ValueError(f"no recipe takes at most {most:.3g} s a network, the cheapest takes {least:.3g} s")
    accurate = max(within, key=lambda each: each.spearman)
    near = [each for each in front(within) if each.spearman >= accurate.values["spearman_low"]]
    return near[0], accurate


@final
@dataclass(frozen=True)
class Lead:
    """What a choice among recipes of a cost gains on full training stopped early, on references that it never saw.

    chosen, early: their mean Spearman there; gain: the difference, with the range of 95 of 100 halves.
    """

    chosen: float
    early: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """By how much the chosen recipe agrees better."""
        return self.chosen - self.early


def lead(
    recipes: Sequence[Known],
    early: Sequence[Known],
    truth: Sequence[float],
    most: float,
    rng: np.random.Generator,
    *,
    least: float = 0.0,
) -> Lead | None:
    """Choose by one half of the references among recipes of `least` to `most` seconds, judge by the other half.

    None where there is nothing to compare: no recipe or no stopped training costs so little, or the halves are
    too small.
    """
    within = [each for each in recipes if least <= each.seconds <= most]
    other = rival(early, most)
    size = len(truth) // 2
    if not within or other is None or size < FEWEST:
        return None
    table, stop, good = np.array([each.scores for each in within]), np.array(other.scores), np.array(truth)
    found = []
    for _ in range(HALVES):
        order = rng.permutation(len(good))
        mine, rest = order[:size], order[size:]
        row = int(np.nanargmax(_agree(table[:, mine], good[mine])))
        found.append([float(_agree(scores[rest], good[rest])) for scores in (table[row], stop)])
    pairs = np.nan_to_num(np.array(found))
    low, high = np.quantile(pairs[:, 0] - pairs[:, 1], [0.025, 0.975])
    chosen, stopped_early = pairs.mean(axis=0).tolist()
    return Lead(chosen, stopped_early, float(low), float(high))


def better_half(scores: Sequence[float], truth: Sequence[float]) -> float:
    """Return Spearman's correlation among the better half of the references, where a search has to choose."""
    good = np.argsort(-np.array(truth), kind="stable")[: max(3, len(truth) // 2)]
    return float(_agree(np.array(scores)[good], np.array(truth)[good]))


def _agree(scores: Floats, truth: Floats) -> Floats:
    """Return Spearman's correlation along the last axis; 0 where the scores are all equal."""
    found: Floats = np.asarray(spearman(scores, np.broadcast_to(truth, scores.shape)))
    return np.nan_to_num(found)


def noise_ceiling(truth: Floats) -> float | None:
    """Return how far one repeat of full training agrees with another, on average; None of a single one."""
    if len(truth) < 2:
        return None
    pairs = [spearman(truth[i], truth[j]) for i in range(len(truth)) for j in range(i)]
    return float(np.mean(pairs))


def reasons(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield the reasons of failed trials, each once."""
    yield from dict.fromkeys(
        trial.estimate.failure.message
        for trial in trials
        if trial.estimate is not None and trial.estimate.failure
    )
