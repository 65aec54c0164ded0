"""The verdict: was the search worth it, beside random search and beside taking the largest network?

One study is one run. What can be said of it without assuming anything is this. Of random draws (of a
baseline, or of the study itself) it is known how good they are, so it is known exactly how likely as many
draws as the study could have paid for would have done as well. And it is known how often a network that the
strategy proposed beats one that was drawn. Neither tells how other seeds would fare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.against_random import as_lucky, best_between, draws_to_tell, superiority
from morphogen.analysis.agreement import kendall, kendall_interval
from morphogen.analysis.intervals import Interval
from morphogen.analysis.sample_efficiency import equal_random_queries, expected_best
from morphogen.report.chronicle import Chronicle
from morphogen.report.randomness import drawn_at_random
from morphogen.report.wording import counted
from morphogen.seeding import stream

Floats = NDArray[np.float64]

FEWEST: Final = 8
"""Scores of each kind below which nothing is said."""

LEVEL: Final = 0.05
"""Where random search would do as well with at most this chance, the study is called better."""

MOST: Final = 1000
"""Trials among which rank correlations are measured; of more, evenly spaced ones."""

Standing = Literal["better", "ahead", "even", "worse", "unknown"]


@final
@dataclass(frozen=True)
class Reference:
    """Random draws: scores in the order of their ends, summed seconds they cost, and where they are from."""

    scores: Floats
    costs: Floats
    source: Literal["baseline", "study"]


@final
@dataclass(frozen=True)
class AgainstRandom:
    """The study beside random search of equal cost.

    best: the best score of the study within that cost, of `trials` trials. draws: how many random draws it
    buys, of `reference` known ones. expected: the best that they have on average; between: in 95% of all
    cases; open_above: whether its upper end is only a lower bound. above: how many known draws are as good as
    the study; chance: that as many draws as the cost buys do as well. beats: how often a network that the
    strategy proposed, of `of`, beats a random one. cost: seconds of the estimates that both had. reached:
    after how many trials the study had its best; equal: after how many random draws the expected best is as
    good, infinite where all known ones are not; None without a baseline.
    """

    best: float
    trials: int
    cost: float
    draws: int
    reference: int
    source: Literal["baseline", "study"]
    expected: float
    between: Interval
    open_above: bool
    above: int
    chance: float
    beats: tuple[float, Interval] | None
    of: int
    reached: int
    equal: float | None

    @property
    def standing(self) -> Standing:
        """What is said of the study in a word."""
        if self.chance < LEVEL + 1e-9:
            return "better"
        if self.chance > 1 - LEVEL - 1e-9:
            return "worse"
        if self.best <= self.expected or self.beats is None or self.beats[1].low <= 0.5:
            return "even"
        return "ahead"

    @property
    def needed(self) -> int:
        """How many random draws would settle it, should none of them be as good."""
        return draws_to_tell(self.draws, LEVEL)


@final
@dataclass(frozen=True)
class AgainstSize:
    """Ranking by parameters alone, on `of` networks; drawn: whether these are random draws only.

    tau: Kendall's correlation of parameters and score. largest: the score of the largest network tried, the
    trial `number`; best: the best score. share: of all networks tried, how many the largest one beats.
    """

    tau: float
    between: Interval
    of: int
    drawn: bool
    number: int
    parameters: float
    largest: float
    best: float
    share: float


@final
@dataclass(frozen=True)
class Verdict:
    """What can be said: beside random search, beside size, and why nothing where it is None."""

    random: AgainstRandom | None
    size: AgainstSize | None
    is_random: bool
    unknown: str = ""

    @property
    def standing(self) -> Standing:
        """What is said of the study in a word."""
        return self.random.standing if self.random else "unknown"


def judge(story: Chronicle, baselines: Sequence[Chronicle] = ()) -> tuple[Verdict, Reference | None]:
    """Return the verdict on a study, and the random draws that it was held against, if there are any."""
    own = drawn_at_random(story.study, story.trials)
    numbers = np.array([trial.number in own for trial in story.trials], dtype=bool)
    known = ~np.isnan(story.scores)
    # Late draws of a small space are seldom among the first samples of their streams: most were seen before.
    is_random = bool(len(numbers)) and (
        bool(numbers.all()) or story.study.strategy.startswith("RandomSearch(")
    )
    size = _against_size(story, numbers & known)
    reference = _reference(story, baselines, numbers, own)
    regions = any(trial.proposal.region for trial in story.trials)
    if regions and not baselines:
        return Verdict(None, size, False, "its trials are regions, each of which costs many trainings"), None
    if is_random and not baselines:
        return Verdict(None, size, True, "this search is random search itself"), reference
    if reference is None or np.count_nonzero(~np.isnan(reference.scores)) < FEWEST:
        what = "too few of its own trials were drawn at random" if not baselines else "the baseline is short"
        return Verdict(None, size, is_random, what), None
    if np.count_nonzero(known) < (1 if regions else FEWEST):  # a region costs as much as many trials
        few = f"only {counted(int(np.count_nonzero(known)), 'trial')} succeeded"
        return Verdict(None, size, is_random, few), reference
    chosen = known & ~numbers if np.count_nonzero(known & ~numbers) >= FEWEST else known
    if reference.source == "study" and np.count_nonzero(known & ~numbers) < FEWEST:
        return Verdict(None, size, is_random, "nearly all of its trials were drawn at random"), reference
    return Verdict(_against_random(story, reference, chosen), size, is_random), reference


def _reference(
    story: Chronicle, baselines: Sequence[Chronicle], own: NDArray[np.bool_], numbers: frozenset[int]
) -> Reference | None:
    """Return the random draws of the baselines, one after the other; else those of the study itself.

    A baseline of the study's own seed repeats its random trials; these say nothing new and are left out.
    """
    if baselines:
        scores, costs = [], []
        for other in baselines:
            shared = numbers if other.study.seed == story.study.seed else frozenset()
            fresh = np.array([trial.number not in shared for trial in other.trials], dtype=bool)
            scores.append(other.scores[fresh])
            costs.append(np.diff(other.spent, prepend=0.0)[fresh])
        return Reference(np.concatenate(scores), np.concatenate(costs), "baseline")
    if not own.any():
        return None
    return Reference(story.scores[own], np.diff(story.spent, prepend=0.0)[own], "study")


def _against_random(story: Chronicle, reference: Reference, chosen: NDArray[np.bool_]) -> AgainstRandom:
    """Compare at the cost of the study; draws that failed cost, and are as bad as the worst."""
    rng = stream(0, "verdict")
    floor = np.nanmin(np.concatenate([story.scores, reference.scores]))
    draws = np.nan_to_num(reference.scores, nan=floor)
    each = float(reference.costs.mean())
    total = float(story.spent[-1])
    # Where nothing costs anything, a trial is a draw.
    wanted = max(1, round(total / each)) if each > 0 and total > 0 else len(story.trials)
    count = min(wanted, len(draws))
    cost, last = total, len(story.trials)
    if count < wanted and reference.source == "baseline":  # the baseline is the shorter one
        cost = count * each
        last = max(1, int(np.searchsorted(story.spent, cost, "right"))) if total > 0 and each > 0 else count
    if reference.source == "study":
        count = wanted
    scores = story.scores[:last]
    best = float(np.nanmax(scores)) if not np.isnan(scores).all() else floor
    between = best_between(draws, count)
    ours = story.scores[chosen]
    return AgainstRandom(
        best=best,
        trials=last,
        cost=cost,
        draws=count,
        reference=len(draws),
        source=reference.source,
        expected=float(expected_best(draws, [min(count, len(draws))])[0]),
        between=between,
        open_above=bool((1 - 1 / len(draws)) ** count < 1 - 0.025),
        above=int((draws >= best).sum()),
        chance=as_lucky(int((draws >= best).sum()), len(draws), count),
        beats=superiority(ours, draws, rng) if len(ours) >= FEWEST else None,
        of=len(ours),
        reached=int(np.flatnonzero(scores >= best)[0]) + 1 if (scores >= best).any() else last,
        equal=equal_random_queries(draws, best) if reference.source == "baseline" else None,
    )


def _against_size(story: Chronicle, drawn: NDArray[np.bool_]) -> AgainstSize | None:
    """Return what ranking by parameters alone is worth, on random draws where there are enough of them."""
    sizes, scores = story.column("parameters"), story.scores
    known = ~np.isnan(sizes) & ~np.isnan(scores)
    if story.metric.name == "parameters" or np.count_nonzero(known) < FEWEST:
        return None
    measured = known & drawn if np.count_nonzero(known & drawn) >= 3 * FEWEST else known
    kept = spaced(np.flatnonzero(measured), MOST)
    try:
        between = kendall_interval(sizes[kept], scores[kept])
    except ValueError:
        return None
    everything = np.flatnonzero(known)
    largest = everything[np.argmax(sizes[everything])]
    return AgainstSize(
        tau=float(kendall(sizes[kept], scores[kept])),
        between=between,
        of=len(kept),
        drawn=measured is not known and not np.array_equal(measured, known),
        number=story.trials[largest].number,
        parameters=float(sizes[largest]),
        largest=float(scores[largest]),
        best=float(scores[everything].max()),
        share=float((scores[everything] < scores[largest]).mean()),
    )


def spaced(indices: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return at most `most` of some indices, evenly spaced, both ends kept."""
    if len(indices) <= most:
        return indices
    return indices[np.unique(np.linspace(0, len(indices) - 1, most).round().astype(np.intp))]
