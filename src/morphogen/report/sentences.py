"""The verdict in plain sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from morphogen.report.chronicle import Chronicle
from morphogen.report.verdict import AgainstRandom, AgainstSize, Verdict
from morphogen.report.wording import clock, counted, number, percent, plain

HEADLINES: Final = {
    "better": "Better than random search at equal cost.",
    "ahead": "Its proposals beat random ones; that its best one does may still be luck.",
    "even": "No better than random search here.",
    "worse": "Worse than random search here.",
    "unknown": "Beside random search: not known from this study alone.",
}


@final
@dataclass(frozen=True)
class Line:
    """A row of the comparison: who, the best value, between what, and what it rests on."""

    who: str
    value: str
    between: str
    about: str


@final
@dataclass(frozen=True)
class Judgement:
    """The verdict as people read it; of: what is compared."""

    of: str
    standing: str
    headline: str
    sentences: tuple[str, ...]
    lines: tuple[Line, ...]


def judgement(story: Chronicle, verdict: Verdict, strategy: str) -> Judgement:
    """Write a verdict down."""
    standing = verdict.standing
    headline = HEADLINES[standing]
    if verdict.is_random and verdict.random is None:
        headline = "This is random search itself: it is what others are held against."
        if not story.study.strategy.startswith("RandomSearch("):
            headline = "So far this is random search: every trial was a random draw."
    sentences: list[str] = []
    lines: list[Line] = []
    if verdict.random is not None:
        lines += _lines(story, verdict.random, strategy)
        sentences += _beside_random(story, verdict.random)
    else:
        if not verdict.is_random:
            sentences.append(f"Nothing can be said of random search: {verdict.unknown}.")
        if not np.isnan(story.scores).all():
            value = _value(story, float(np.nanmax(story.scores)))
            lines.append(Line(strategy, value, "", f"{counted(len(story.trials), story.noun)}"))
    if verdict.size is not None:
        lines.append(_size_line(story, verdict.size))
        sentences += _beside_size(story, verdict.size)
    return Judgement(plain(story.metric.name), standing, headline, tuple(sentences), tuple(lines))


def _sign(story: Chronicle) -> int:
    return 1 if story.metric.maximize else -1


def _value(story: Chronicle, score: float) -> str:
    return number(_sign(story) * score, story.metric)


def _ends(story: Chronicle, found: AgainstRandom) -> str:
    ends = [_value(story, end) for end in (found.between.low, found.between.high)]
    low, high = ends if story.metric.maximize else ends[::-1]
    if not found.open_above:
        return f"{low} to {high}"
    return f"{low} to {high} or more" if story.metric.maximize else f"{low} or less, to {high}"


def _lines(story: Chronicle, found: AgainstRandom, strategy: str) -> list[Line]:
    cost = f", {clock(found.cost)}" if found.cost > 0 else ""
    where = "the baseline" if found.source == "baseline" else "its own random trials"
    least = "at least " if found.draws > found.reference and story.metric.maximize else ""
    return [
        Line(strategy, _value(story, found.best), "one run", f"{counted(found.trials, story.noun)}{cost}"),
        Line(
            "random search",
            f"{least}{_value(story, found.expected)}",
            _ends(story, found),
            f"{counted(found.draws, 'draw')}{cost}; from the {found.reference:,} draws of {where}",
        ),
    ]


def _beside_random(story: Chronicle, found: AgainstRandom) -> list[str]:
    best = (
        "Random search of equal cost finds a network as good as the best one "
        f"with a chance of {percent(found.chance)}"
    )
    if found.draws > found.reference or found.open_above:
        best += f", as far as {found.reference:,} random draws tell"
    best += "." if found.standing == "better" else "; below 5% this page says better."
    said = [best]
    if found.equal is not None:
        many = f"{found.equal:,.0f}" if math.isfinite(found.equal) else f"more than {found.reference:,}"
        said[0] += (
            f" The study had it after {counted(found.reached, story.noun)}; "
            f"random search takes {many} draws until it is as good on average."
        )
    if found.beats is not None:
        share, between = found.beats
        whose = (
            "network of the study" if found.source == "baseline" and found.of == found.trials else "proposal"
        )
        said.append(
            f"A {whose} beats a random network in {percent(share)} of all pairs "
            f"({percent(between.low)} to {percent(between.high)}; 50% is no better)."
        )
    said.append("One study is one run: other seeds may fare otherwise.")
    if found.standing in ("ahead", "even") and not found.above:
        said[-1] = (
            f"One study is one run. To settle it, {found.needed:,} random draws are needed, none of them as good; "
            "several seeds of both tell more at less cost."
        )
    return said


def _size_line(story: Chronicle, found: AgainstSize) -> Line:
    return Line(
        "the largest network tried",
        _value(story, found.largest),
        "one training",
        f"trial {found.number}, {number(found.parameters)} parameters",
    )


def _beside_size(story: Chronicle, found: AgainstSize) -> list[str]:
    among = f"{counted(found.of, 'random trial')}" if found.drawn else counted(found.of, "trial")
    rank = (
        f"Parameters alone rank networks with Kendall's tau {found.tau:.2f} "
        f"({found.between.low:.2f} to {found.between.high:.2f}, on {among})"
    )
    if found.best <= found.largest:
        return [f"{rank}. The best network is the largest one tried: taking the largest does as well here."]
    short = number(abs(found.best - found.largest), story.metric)
    return [
        f"{rank}. Taking the largest network tried, one training, would have given {_value(story, found.largest)}: "
        f"{short} short of the best, and better than {percent(found.share)} of the networks tried "
        f"({plain(story.metric.name)})."
    ]
