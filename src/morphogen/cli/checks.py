"""The checks of `doctor`: each looks at one thing and says what it found and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, final

from morphogen.cli.reading import plural

if TYPE_CHECKING:
    from morphogen.architecture import Architecture
    from morphogen.estimators.estimator import Estimator
    from morphogen.networks.data import ImageData
    from morphogen.spaces import Space

MOST: Final = 8  # architectures looked at
MANY: Final = 1_000_000  # trials an hour, beyond which the number tells nothing
SLOW: Final = 3600.0  # seconds of a trial that a search can hardly afford


class Check(NamedTuple):
    """What was looked at, the verdict, what was found, and advice where there is some."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


@final
@dataclass(frozen=True)
class Runs:
    """Values of a few architectures, each by two seeds, and of the first one again by the same stream.

    seconds: of each run.
    """

    first: Mapping[str, float]
    again: Mapping[str, float]
    pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]
    seconds: Sequence[float]


def machine(workers: int, *, own: bool) -> Check:
    """Look at the cores, the device and torch."""
    import os
    import sys

    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    if own:
        device = "your own function"
    else:
        import torch

        from morphogen.networks.batches import resolve

        device = f"torch {torch.__version__} on {resolve('auto').type}"
    found = f"{plural(cores, 'core')}, {plural(workers, 'worker')} of one thread each, {device}"
    if workers > cores:
        return Check(
            "machine", "warn", found, f"more workers than cores slow each other down: --workers {cores}"
        )
    return Check("machine", "ok", found)


def leaks(data: ImageData) -> Check:
    """Look for images that are in more than one split."""
    import hashlib

    seen: dict[str, dict[bytes, int]] = {}
    for split in ("train", "validation", "test"):
        images = (data.images[number] for number in getattr(data, split))
        seen[split] = {hashlib.blake2b(image.tobytes(), digest_size=16).digest(): 0 for image in images}
    pairs = (("train", "validation"), ("train", "test"), ("validation", "test"))
    both = {pair: len(seen[pair[0]].keys() & seen[pair[1]].keys()) for pair in pairs}
    sizes = ", ".join(f"{split} {getattr(data, split).size:,}" for split in seen)
    found = [f"{count} images of {b} are in {a} too" for (a, b), count in both.items() if count]
    if found:
        advice = (
            "Scores on them are too good: drop the copies, or give a test split of its own by --test-data."
        )
        worst = max(both[pair] / getattr(data, pair[1]).size for pair in pairs)
        return Check("splits", "fail" if worst > 0.01 else "warn", f"{sizes}: {'; '.join(found)}", advice)
    return Check("splits", "ok", f"{sizes}: no image is in two of them")


def run(space: Space, estimator: Estimator, seed: int, seconds: float) -> Runs:
    """Estimate the first architecture twice alike, and as many as the time allows by two seeds each."""
    from morphogen.seeding import stream

    taken: list[float] = []

    def score(architecture: Architecture, *path: Any) -> Mapping[str, float]:
        from morphogen.records import Proposal
        from morphogen.study.pool import checked

        begun = time.perf_counter()
        estimate = checked(
            estimator, estimator.estimate(Proposal(architecture), stream(seed, "doctor", *path))
        )
        taken.append(time.perf_counter() - begun)
        if estimate.failure is not None:
            raise RuntimeError(f"{estimate.failure.type}: {estimate.failure.message}")
        return estimate.values

    architectures = [space.sample(stream(seed, "doctor", index)) for index in range(MOST)]
    begun = time.perf_counter()
    first, again = (score(architectures[0], 0, 0) for _ in range(2))
    pairs = [(first, score(architectures[0], 0, 1))]
    for index in range(1, MOST):
        if index >= 2 and time.perf_counter() - begun + 2 * sum(taken) / len(taken) > seconds:
            break
        one, two = (score(architectures[index], index, turn) for turn in range(2))
        pairs.append((one, two))
    return Runs(first, again, pairs, taken)


def determinism(estimator: Estimator, runs: Runs) -> Check:
    """Compare two runs of one architecture with equal random numbers."""
    timed = {metric.name for metric in estimator.metrics if metric.timed}
    different = [name for name in runs.first if name not in timed and runs.first[name] != runs.again[name]]
    if not different:
        return Check("determinism", "ok", "the same random numbers give the same values")
    name = different[0]
    found = f"with the same random numbers {name} was {runs.first[name]:.6g} and then {runs.again[name]:.6g}"
    if not estimator.deterministic:
        return Check("determinism", "ok", f"{found}; it is declared so")
    advice = (
        "Take every random number from rng (seed torch and others by it), or declare it: "
        "@mg.estimator(deterministic=False). A search that is resumed repeats lost trials."
    )
    return Check("determinism", "fail", found, advice)


def noise(estimator: Estimator, runs: Runs) -> Check:
    """Compare the spread between seeds with the spread between architectures."""
    metric = estimator.metrics[0]
    within, between, mean = spreads([(one[metric.name], two[metric.name]) for one, two in runs.pairs])
    found = (
        f"{metric.name} {mean:.4f}; between seeds ±{within:.4f}, between {len(runs.pairs)} architectures "
        f"±{between:.4f} (standard deviations)"
    )
    if within == 0 == between:
        return Check("noise", "warn", found, f"All architectures score alike: {metric.name} tells nothing.")
    if within > between:
        advice = (
            f"Chance decides: differences below {2 * within:.4f} mean nothing. Train longer (--epochs), on "
            "more data, or validate on more images."
        )
        return Check("noise", "warn", found, advice)
    return Check("noise", "ok", found)


def spreads(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the standard deviations within pairs and between them, and the mean of all.

    Analysis of variance with two seeds an architecture: the variance of the pair means holds half of that
    within pairs.
    """
    means = [(one + two) / 2 for one, two in pairs]
    mean = sum(means) / len(means)
    inside = sum((one - two) ** 2 for one, two in pairs) / (2 * len(pairs))
    outside = sum((value - mean) ** 2 for value in means) / max(1, len(means) - 1)
    return inside**0.5, max(0.0, outside - inside / 2) ** 0.5, mean


def duration(runs: Runs, workers: int) -> Check:
    """Say how long a trial is, and how many of them fit into an hour."""
    mean = sum(runs.seconds) / len(runs.seconds)
    hourly = 3600 / max(mean, 1e-9) * max(1, workers)
    many = f"{hourly:,.0f}" if hourly >= 10 else f"{hourly:.1f}"
    if hourly > MANY:
        many = f"more than {MANY:,}"
    least, most = min(runs.seconds), max(runs.seconds)
    crew = plural(workers, "worker")
    found = f"a trial takes {mean:.3g} s ({least:.3g} to {most:.3g}): {many} an hour by {crew}"
    if mean > SLOW:
        advice = "Make trials cheaper: fewer --epochs, a --fraction of the data, fewer --channels."
        return Check("time", "warn", found, advice)
    return Check("time", "ok", found)
