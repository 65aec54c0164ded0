"""How well a training recipe ranks: reference architectures by it and after full training (Zheng et al. 2020)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np

from morphogen.analysis.agreement import agreement_interval, kendall, spearman
from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.recipes import fidelity_of
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal
from morphogen.seeding import stream
from morphogen.spaces.space import Space

METRICS: Final = (
    Metric("spearman"),
    Metric("kendall"),
    Metric("spearman_low"),
    Metric("spearman_high"),
    Metric("kendall_low"),
    Metric("kendall_high"),
    Metric("seconds", maximize=False, unit="s"),
)

FEWEST: Final = 5
"""References below which a correlation says nothing."""


@final
@dataclass(frozen=True)
class RankAgreement(Estimator):
    """Estimates recipes: trains each reference by the recipe and compares the ranks with those of the truth.

    estimator: trains the references; what a recipe leaves open is as set there. references: architectures
    that it can train. truth: how good each of them is after full training, larger is better; `full_training`
    measures it, once for all recipes. score: the metric by which a recipe ranks, the estimator's first unless
    told. resamples: behind the intervals. cache: a file that keeps each training, so that an interrupted
    recipe goes on where it was; none unless told.

    Reports Spearman's and Kendall's correlation with 95 % intervals over the references, and the mean seconds
    of training one. A reference that fails ranks last; where half of them fail, or all score alike, the
    estimate fails.
    """

    estimator: Estimator
    references: tuple[Architecture, ...]
    truth: tuple[float, ...]
    score: str | None = None
    resamples: int = 1000
    cache: str | None = None

    def __post_init__(self) -> None:
        _metric(self.estimator, self.score)
        if len(set(self.references)) < max(FEWEST, len(self.references)):
            raise ValueError(
                f"a rank agreement needs {FEWEST} references or more, each once, got {len(self.references)}"
            )
        if len(self.truth) != len(self.references) or not np.isfinite(self.truth).all():
            raise ValueError(
                f"{len(self.references)} references need as many finite values of truth, got {len(self.truth)}"
            )
        if len(set(self.truth)) == 1:
            raise ValueError("all references are equally good: there is no order to agree about; take others")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return METRICS

    @property
    def deterministic(self) -> bool:
        return self.estimator.deterministic

    @property
    def fingerprint(self) -> str:
        known = " ".join(map(str, (*self.references, *self.truth)))
        digest = hashlib.blake2b(known.encode(), digest_size=8).hexdigest()
        name = _metric(self.estimator, self.score).name
        return f"rank_agreement({name}, {len(self.references)} references {digest}) by {self.estimator.fingerprint}"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Train all references by a recipe and compare the ranks.

        Raises:
            SpaceError: the architecture of the proposal is no recipe.
        """
        fidelity = fidelity_of(proposal.architecture).over(proposal.fidelity)
        metric = _metric(self.estimator, self.score)
        seed = int(rng.integers(2**62))
        found = self._found(fidelity, seed)
        cost = sum(estimate.cost for estimate in found)
        failures = [estimate.failure for estimate in found if estimate.failure]
        if 2 * len(failures) >= len(found):
            first = failures[0]
            message = f"{len(failures)} of {len(found)} references cannot be trained so: {first.message}"
            return Estimate(cost=cost, failure=Failure(first.type, message, first.traceback))
        scores = [_signed(estimate, metric) for estimate in found]
        if len(set(scores)) == 1:
            message = f"all references have {metric.name} {scores[0]:g} by this recipe: it ranks nothing"
            return Estimate(cost=cost, failure=Failure("ConstantScores", message))
        values = {"seconds": cost / len(found)}
        for name, measure in (("spearman", spearman), ("kendall", kendall)):
            draws = stream(seed, "resample")
            interval = agreement_interval(measure, scores, self.truth, draws, resamples=self.resamples)
            values |= {
                name: float(measure(scores, self.truth)),
                f"{name}_low": interval.low,
                f"{name}_high": interval.high,
            }
        return Estimate(values, cost)

    def scores(self, proposal: Proposal, rng: np.random.Generator) -> tuple[float, ...]:
        """Return how good each reference is by a recipe, larger is better.

        With the stream of a trial, that is what the cache knows.
        """
        fidelity = fidelity_of(proposal.architecture).over(proposal.fidelity)
        metric = _metric(self.estimator, self.score)
        return tuple(
            _signed(estimate, metric) for estimate in self._found(fidelity, int(rng.integers(2**62)))
        )

    def _found(self, fidelity: Fidelity, seed: int) -> list[Estimate]:
        return list(_trained(self.estimator, self.references, fidelity, ("recipe", seed), seed, self.cache))

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Raise `SpaceError` where the space is not one of recipes."""
        fidelity_of(space.sample(rng))


def full_training(
    estimator: Estimator,
    references: Sequence[Architecture],
    *,
    score: str | None = None,
    repeats: int = 3,
    seed: int = 0,
    fidelity: Fidelity = Fidelity(),
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[float, ...]:
    """Return how good each reference is after full training: the mean of repeats, larger is better.

    score: the metric, the estimator's first unless told; where less of it is better, its negative is
    returned. fidelity: of full training, as set in the estimator unless told. cache: a file that keeps each
    training; a call that was interrupted goes on. progress: told how many trainings are done, of how many.

    Raises:
        ValueError: a reference that cannot be trained, with the reason: leave it out.
    """
    metric, total = _metric(estimator, score), np.zeros(len(references))
    for repeat in range(repeats):
        named = ("truth", seed, repeat)
        found = _trained(estimator, references, fidelity, named, seed, cache)
        for place, estimate in enumerate(found):
            if estimate.failure:
                raise ValueError(
                    f"reference {place}, {references[place]}, cannot be trained in full "
                    f"({estimate.failure.message}); leave it out"
                )
            total[place] += metric.score_of(estimate)
            if progress is not None:
                progress(repeat * len(references) + place + 1, repeats * len(references))
    return tuple((total / repeats).tolist())


def _trained(
    estimator: Estimator,
    references: Sequence[Architecture],
    fidelity: Fidelity,
    name: tuple[int | str, ...],
    seed: int,
    cache: str | Path | None,
) -> Iterator[Estimate]:
    """Yield the estimate of each reference; those that the cache knows are not trained again."""
    about = json.dumps([estimator.fingerprint, fidelity.to_json(), *name])
    path = Path(cache) if cache is not None else None
    known = _read(path) if path is not None and path.exists() else {}
    for architecture in references:
        key = hashlib.blake2b(f"{about} {architecture}".encode(), digest_size=16).hexdigest()
        if key in known:
            yield known[key]
            continue
        draws = stream(seed, *name, str(architecture))
        try:
            estimate = estimator.estimate(Proposal(architecture, fidelity), draws)
        except (ValueError, LookupError, ArithmeticError) as error:  # what a recipe may ask in vain
            estimate = Estimate(failure=Failure(type(error).__name__, str(error)))
        if path is not None:
            line = json.dumps({"key": key, "estimate": estimate.to_json()}) + "\n"
            with path.open("a", encoding="utf-8") as file:  # one write: several processes may append
                file.write(line)
        yield estimate


def _read(path: Path) -> dict[str, Estimate]:
    """Return what a cache knows; a line that was cut off while it was written is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["key"]] = Estimate.from_json(record["estimate"])
    return found


def _metric(estimator: Estimator, name: str | None) -> Metric:
    known = {metric.name: metric for metric in estimator.metrics}
    if name is not None and name not in known:
        raise ValueError(f"the estimator has no metric {name!r}; it has {', '.join(known)}")
    return estimator.metrics[0] if name is None else known[name]


def _signed(estimate: Estimate, metric: Metric) -> float:
    return -math.inf if estimate.failure else metric.score_of(estimate)
