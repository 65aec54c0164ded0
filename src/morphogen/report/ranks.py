"""The ranks of regions: how the candidates of each position stood, region after region."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, final

from morphogen.records import Trial
from morphogen.report.chronicle import Chronicle
from morphogen.report.drawing import svg
from morphogen.report.figures import Figure, axis, numbers
from morphogen.report.levels import drawn_part
from morphogen.report.wording import counted

MOST: Final = 12
"""Positions that are shown."""

WIDE: Final = 60
"""Letters of a candidate's text that are shown."""


class Candidate(NamedTuple):
    """A candidate of the best region: its text, its share in per cent, its drawing, and whether it was taken."""

    text: str
    share: float
    svg: str
    taken: bool


@final
@dataclass(frozen=True)
class Place:
    """A position: its name, its ranks over the regions, its candidates in the best region, best first."""

    name: str
    figure: Figure
    candidates: tuple[Candidate, ...]


def places(story: Chronicle) -> tuple[Place, ...]:
    """Return the positions of a study of regions, with what its regions said of them; none of any other study."""
    ranked = [t for t in story.trials if t.proposal.region and t.estimate and t.estimate.ranks]
    if not ranked:
        return ()
    best = max((t for t in ranked if t.succeeded), key=story.metric.score, default=ranked[-1])
    paths = dict.fromkeys(position.path for trial in ranked for position in trial.proposal.region)
    return tuple(_place(story, path, ranked, best) for path in list(paths)[:MOST])


def _place(story: Chronicle, path: tuple[int, ...], ranked: list[Trial], best: Trial) -> Place:
    name = f"position {'.'.join(str(index + 1) for index in path) or 'root'}"
    columns = [(trial.number, _standing(trial, path)) for trial in ranked]
    depth = max(len(standing) for _, standing in columns)
    shares = [
        numbers([standing[row][1] if row < len(standing) else math.nan for _, standing in columns])
        for row in range(depth)
    ]
    texts = [
        [standing[row][0][:WIDE] if row < len(standing) else "" for _, standing in columns]
        for row in range(depth)
    ]
    labels = [
        [f"{standing[row][1]:.0%}" if row < len(standing) else "" for _, standing in columns]
        for row in range(depth)
    ]
    trace = {
        "type": "heatmap",
        "name": name,
        "x": [f"{number}" for number, _ in columns],
        "y": [row + 1 for row in range(depth)],
        "z": shares,
        "customdata": texts,
        "zmin": 0,
        "zmax": max(share for _, standing in columns for _, share in standing),
        "colorscale": [[0, "--heat-low"], [1, "--heat-high"]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "region %{x}, rank %{y}: %{z:.1%}<br>%{customdata}<extra></extra>",
    }
    if len(columns) <= 16:
        trace |= {"text": labels, "texttemplate": "%{text}"}
    said = f"Shares of the candidates at {name}, best on top, over {counted(len(columns), 'region')}."
    figure = Figure(
        name[:1].upper() + name[1:],
        said,
        [trace],
        axis("region (number)", type="category"),
        axis("rank (1 is best)", autorange="reversed", dtick=1, showgrid=False),
        height=110 + 26 * depth,
    )
    return Place(name, figure, _candidates(story, path, best))


def _standing(trial: Trial, path: tuple[int, ...]) -> list[tuple[str, float]]:
    """Return the candidates at `path` with their shares, the largest first."""
    assert trial.estimate is not None
    for position, row in zip(trial.proposal.region, trial.estimate.ranks, strict=True):
        if position.path == path:
            pairs = zip(map(str, position.candidates), row, strict=True)
            return sorted(pairs, key=lambda pair: -pair[1])
    return []


def _candidates(story: Chronicle, path: tuple[int, ...], best: Trial) -> tuple[Candidate, ...]:
    standing = _standing(best, path)
    position = next((p for p in best.proposal.region if p.path == path), None)
    if position is None:
        return ()
    parts = {str(part): part for part in position.candidates}
    derived = str(best.derived.at(path)) if best.derived is not None else ""
    found = []
    for text, share in standing:
        whole = best.proposal.architecture.replace(path, parts[text])
        drawing = svg(drawn_part(story.study.space, whole, path)) if parts[text].args else ""
        found.append(Candidate(text, 100 * share, drawing, text == derived))
    return tuple(found)
