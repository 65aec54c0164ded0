"""What the ranks of a bed's supernets are worth: beside the truth's ceiling, sweeps of paths and cheap predictors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from morphogen.analysis import mean_interval
from morphogen.analysis.agreement import spearman
from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.evidence.fade_beds import (
    Bed,
    Floats,
    Ranked,
    Truth,
    depths,
    outer,
    parameters,
    ranked,
    shuffled,
    truth,
)

SEEDS: Final = 8
QUICK_SEEDS: Final = 2

AVERAGED: Final = 4
"""Supernets in an ensemble."""

ENSEMBLES: Final = 5
QUICK_LEAST: Final = 0.4

APART: Final = 1.5
"""Deviation between paths over that between seeds, from which on a bed is judged."""

SETTLED: Final = 0.9
"""Correlation of the truth with training twice as long, from which on a bed is judged."""

JUDGED: Final = "judged (1), or only reported (0)"

FIRST: Final = 500
"""The first seed of paths alone, and that of supernets: settings and sets were chosen with others."""

READINGS: Final = {
    "both": "log ranks and leave-one-in added",
    "log": "sum of log ranks",
    "mean": "mean of ranks",
    "alone": "leave-one-in",
}

TOLD: Final = "both"
"""The reading that bars are about; the others are reported beside it.

On six development sets it was as good as the logs alone (.776 against .778), on the pilot better (.92 against .89).
"""

NEAR: Final = 0.9
"""Share of the most a perfect estimator could reach, from which on ranks count as near it."""

OF_MOST: Final = "ranks of four supernets over the most a perfect estimator could reach"


def judged(
    name: str,
    claim: str,
    beds: Sequence[Bed],
    quick: Bed,
    refuted: str = "",
    *,
    near: float | None = None,
    first: int = FIRST,
    longer: range = range(FIRST, FIRST + 2),
) -> Entry:
    """Return the entry of a claim about beds; its quick form looks at one bed.

    near: the share of beds whose ranks must come near the most a perfect estimator could reach. first: the first
    seed of paths alone, and that of supernets. longer: the seeds of training twice as long.
    """

    def experiment(is_quick: bool, progress: Progress) -> Iterator[Finding]:
        if is_quick:
            return on_beds([quick], range(QUICK_SEEDS), range(0), progress)
        return on_beds(beds, range(first, first + SEEDS), longer, progress, near)

    return Entry(
        name=name,
        claim=claim,
        source="Neumeyer, Stier and Granitzer 2024 (FaDE), arXiv 2404.16218, who tell of about 0.8 on CIFAR-10",
        control="The same ranks shuffled within each position must order nothing. Depth, parameters and sweeps of one "
        "and three seeds are reported beside.",
        experiment=experiment,
        seeds=SEEDS,
        quick_seeds=QUICK_SEEDS,
        packages=("numpy", "scipy", "torch"),
        refuted=refuted,
    )


def on_beds(
    beds: Sequence[Bed], seeds: range, longer: range, progress: Progress, near: float | None = None
) -> Iterator[Finding]:
    """Train all paths of each bed alone, then ensembles of supernets. Where no bed can be judged nothing holds.

    longer: the seeds of training twice as long; without any, as in the quick form, every bed is judged.
    """
    judged: list[bool] = []
    close: list[bool] = []
    quick, first = not longer, seeds.start
    for number, bed in enumerate(beds):

        def tell(doing: str, share: float, number: int = number, bed: Bed = bed) -> None:
            progress(f"{bed.name}: {doing}", (number + share) / len(beds))

        tell("every path alone", 0.0)
        known = truth(
            bed,
            seeds,
            lambda share, tell=tell: tell("every path alone", 0.5 * share),  # type: ignore[misc]
        )
        twice = None
        if not quick:
            tell("every path alone, twice as long", 0.5)
            twice = truth(replace(bed, steps=2 * bed.steps), longer, lambda share: None)
        tell("supernets", 0.7)
        found = ranked(bed, AVERAGED * (2 if quick else ENSEMBLES), first)
        for finding in compared(bed, known, twice, found):
            if finding.name.endswith(JUDGED):
                judged.append(finding.value > 0)
            elif finding.name.endswith(OF_MOST):
                close.append(finding.value >= NEAR)
            yield finding
    if not quick:
        yield Finding("sets that could be judged", sum(judged), Bar("at least", 1))
    if near is not None:
        told = f"where ranks reach {NEAR} of the most a perfect estimator could"
        sure = [there for there, can in zip(close, judged, strict=True) if can]
        yield Finding(
            f"share of the judged sets {told}", float(np.mean(sure or [False])), Bar("at least", near)
        )
        yield Finding(f"share of all sets {told}", float(np.mean(close)))
    progress("done", 1.0)


def compared(bed: Bed, known: Truth, longer: Truth | None, found: Ranked) -> Iterator[Finding]:
    """What the ranks and the cheap predictors of a bed correlate with its truth; None is the quick form."""
    name, score = bed.name, known.score
    least: float | None = QUICK_LEAST
    yield Finding(f"{name}: the most a perfect estimator could reach", known.ceiling)
    yield Finding(f"{name}: deviation between paths over that between seeds", known.spread)
    judged = True
    if longer is not None:
        settled = min(1.0, spearman(longer.score, score) / (known.reliability * longer.reliability) ** 0.5)
        judged, least = known.spread >= APART and settled >= SETTLED, bed.least
        yield Finding(
            f"{name}: correlation of the truth with training twice as long, noise of seeds taken out", settled
        )
        yield Finding(f"{name}: {JUDGED}", int(judged))
    ensembles = [range(i, i + AVERAGED) for i in range(0, len(found.logs[0]), AVERAGED)]
    high = shuffled(bed, score)[1]
    for how, text in READINGS.items():
        values = [spearman(found.scores(how, ensemble), score) for ensemble in ensembles]
        label = f"{name}: four supernets, {text}"
        bar = Bar("at least", least) if how == TOLD and judged and least is not None else None
        if how == TOLD:
            fade = float(np.mean(values))
        yield Finding(label, float(np.mean(values)), bar, mean_interval(values))
        yield Finding(f"{label}, standard deviation", float(np.std(values, ddof=1)))
        yield Finding(f"{label}, worst ensemble", float(min(values)))
    yield Finding(f"{name}: the same less the 97.5% end of shuffled shares", fade - high)
    yield Finding(f"{name}: {OF_MOST}", fade / known.ceiling)
    single = [spearman(found.scores(TOLD, [i]), score) for i in range(len(found.logs[0]))]
    yield Finding(f"{name}: one supernet, {READINGS[TOLD]}", float(np.mean(single)))
    for place, logs in enumerate(found.logs):
        truths = means(score, [len(row) for row in bed.candidates], place)
        each = [spearman(logs[list(e)].mean(0), truths) for e in ensembles]
        yield Finding(
            f"{name}: candidates of position {place + 1} alone, sum of log ranks", float(np.mean(each))
        )
    sweep = known.sweep(1)
    yield Finding(f"{name}: one seed of every path alone", sweep)
    if len(known.losses) > 3:
        yield Finding(f"{name}: three seeds of every path alone", known.sweep(3))
    yield Finding(f"{name}: less depth", spearman(-depths(bed), score))
    yield Finding(f"{name}: less parameters", spearman(-parameters(bed), score))
    yield Finding(f"{name}: entropy of ranks", found.entropy)
    rng = np.random.default_rng(3)
    chance = [
        spearman(outer([rng.permutation(row[i]) for row in found.logs]), score)
        for i in range(len(found.logs[0]))
        for _ in range(20)
    ]
    yield Finding(
        f"{name}: the same ranks shuffled within positions",
        float(np.mean(chance)),
        Bar("at most", 0.25),
        control=True,
    )
    if len(bed.candidates) > 2:
        seconds = (found.seconds + found.read) / len(found.logs[0]) * AVERAGED
        cost = known.seconds / len(known.losses) / seconds
        yield Finding(
            f"{name}: seconds of one seed of every path over those of four supernets, both stacked",
            float(cost),
            Bar("at least", 3.0),
        )
        yield Finding(
            f"{name}: four supernets less one seed of every path", fade - sweep, Bar("at least", 0.0)
        )


def means(score: Floats, sizes: Sequence[int], place: int) -> Floats:
    """Return the mean score of each candidate of a position."""
    axes = tuple(axis for axis in range(len(sizes)) if axis != place)
    return np.asarray(score.reshape(tuple(sizes)).mean(axis=axes))
