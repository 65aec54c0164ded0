"""Which choices of the space matter, as bars; and how far that can be trusted."""

from __future__ import annotations

from typing import Final

import numpy as np

from morphogen.report.chronicle import Chronicle
from morphogen.report.figures import Figure, axis, numbers
from morphogen.report.verdict import spaced
from morphogen.report.wording import counted, plain
from morphogen.seeding import stream
from morphogen.spaces.knobs import Knob, knobs
from morphogen.spaces.space import Space

ENOUGH: Final = 50
"""Trials below which importances are noise."""

A_KNOB: Final = 2
"""Trials for each knob that are needed."""

MOST: Final = 1000
SHOWN: Final = 12


def importance(story: Chronicle) -> Figure | str:
    """Return the importance of the choices as a chart, or why there is none."""
    from morphogen.analysis.importance import decisions

    space = story.study.space
    listed = knobs(space)
    needed = max(ENOUGH, A_KNOB * len(listed))
    known = np.flatnonzero(~np.isnan(story.scores))
    if not listed:
        return "The space leaves no choice."
    if len(known) < needed:
        return (
            f"It needs {needed} finished trials to tell which of the {len(listed)} choices matter; "
            f"there are {len(known)}."
        )
    kept = spaced(known, MOST)
    architectures = [story.trials[i].architecture for i in kept]
    try:
        found = decisions(space, architectures, story.scores[kept], stream(0, "importance"))
    except ValueError as error:
        return f"Nothing can be said: {error}."
    rows = sorted(zip(found.knobs, found.shares, found.spreads, strict=True), key=lambda row: -row[1])[:SHOWN]
    names = [_label(space, knob) for knob, *_ in rows]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": numbers([100 * share for _, share, _ in rows][::-1]),
        "y": names[::-1],
        "error_x": {
            "type": "data",
            "array": numbers([100 * spread for *_, spread in rows][::-1]),
            "color": "--muted",
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": "--accent"},
        "customdata": [_levels(knob) for knob, *_ in rows][::-1],
        "hovertemplate": "%{y}: %{x:.1f}%<br>%{customdata}<extra></extra>",
    }
    alone = sum(found.shares)
    said = (
        f"{names[0]} alone explains {rows[0][1]:.0%} of the variance of {plain(story.metric.name)} "
        f"that a random forest sees in {counted(len(kept), 'trial')}; all choices one by one explain {alone:.0%}, "
        "the rest is due to choices acting together. Bars: mean over the trees, whiskers: their spread. "
        "Numbers say where a choice stands: 2.1 is the first argument of the second."
    )
    if len(listed) > SHOWN:
        said += f" The {SHOWN} most important of {len(listed)} choices are shown."
    return Figure(
        "Importance of the choices",
        said,
        [trace],
        axis("share of the variance explained alone (%)", rangemode="tozero"),
        {"automargin": True, "title": {"text": ""}},
        height=90 + 26 * len(rows),
        more={"showlegend": False},
    )


def _label(space: Space, knob: Knob) -> str:
    """Return the name of a knob: of numbers their own, otherwise what the levels are and where."""
    if knob.numbers is not None:
        return knob.name
    place = ".".join(str(index + 1) for index in knob.path) or "whole"
    family = _family(space, knob)
    return f"{family} {place}" if family else f"place {place}"


def _family(space: Space, knob: Knob) -> str:
    """Return the rule whose alternatives are the levels, if one rule has them all."""
    wanted = {level for level in knob.levels if level}
    for rule in space.grammar.rules:
        heads = set()
        for alternative in rule.alternatives:
            pattern = alternative.pattern
            terminal = getattr(pattern, "terminal", None)
            heads.add(terminal.name if terminal is not None else "")
        if wanted and wanted <= heads:
            return rule.name
    return ""


def _levels(knob: Knob) -> str:
    shown = [level or "absent" for level in knob.levels[:8]]
    return ", ".join(shown) + (f" and {len(knob.levels) - 8} more" if len(knob.levels) > 8 else "")
