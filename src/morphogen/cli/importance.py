"""`show --importance`: which choices of the space decide the metric, as bars with what forests disagree about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from morphogen.cli.errors import Failed
from morphogen.cli.reading import cut, plural
from morphogen.cli.regions import noun

if TYPE_CHECKING:
    from rich.console import Console

    from morphogen.spaces.knobs import Knob
    from morphogen.study import Study

FEWEST: Final = 10
"""Finished trials below which a forest explains nothing but chance."""

SEEDS: Final = 10
SHOWN: Final = 12
BAR: Final = 20


class Share(NamedTuple):
    """A choice, its mean share over forests of several seeds with the least and the most, and its best level."""

    knob: Knob
    mean: float
    low: float
    high: float
    best: str


def shares(study: Study) -> list[Share]:
    """Return what each choice explains alone of the metric of a study, the most important first.

    Raises:
        Failed: too few finished trials, nothing to choose, or nothing to explain.
    """
    import numpy as np

    from morphogen.analysis.importance import grow
    from morphogen.seeding import stream
    from morphogen.spaces.knobs import knobs, readings

    done = [trial for trial in study.trials if trial.succeeded]
    if len(done) < FEWEST:
        raise Failed(
            f"{plural(len(done), f'finished {noun(study)}')} in {study.journal} are too few for importances: "
            f"{FEWEST} or more, better 50"
        )
    listed = knobs(study.space)
    rows = readings(listed, [trial.architecture for trial in done])
    scores = [study.metric.score(trial) for trial in done]
    try:
        forests = [grow(listed, rows, scores, stream(seed, "importance")) for seed in range(SEEDS)]
        table = np.array([forest.importance().shares for forest in forests])
    except ValueError as error:
        raise Failed(f"{study.journal}: {error}") from None
    found = []
    for place, knob in enumerate(listed):
        worth = np.mean([forest.marginal(place) for forest in forests], axis=0)
        column = table[:, place]
        best = knob.levels[int(np.argmax(worth))]
        found.append(Share(knob, float(column.mean()), float(column.min()), float(column.max()), best))
    return sorted(found, key=lambda share: -share.mean)


def tell(console: Console, study: Study) -> None:
    """Print the choices of the space as bars, the most important first."""
    from rich.text import Text

    found = shares(study)
    done = sum(trial.succeeded for trial in study.trials)
    width = min(console.width, 100)
    console.print(
        f"\n[bold]Importance[/] for {study.metric.name} of the choices of {study.space.name}, alone, by "
        f"{plural(done, noun(study))}"
    )
    shown = [share for share in found if share.mean >= 0.005][:SHOWN] or found[:1]
    places = (
        ""
        if all(share.knob.numbers for share in shown)
        else "; a place is its arguments' numbers from the root"
    )
    console.print(
        f"share of the variance of a forest, and from the least to the most of {SEEDS}{places}", style="dim"
    )
    most = max(share.mean for share in shown) or 1.0
    name = max(6, *(len(share.knob.name) for share in shown))
    for share in shown:
        bar = "█" * round(BAR * share.mean / most)
        between = f"{share.low:.0%} to {share.high:.0%}"
        line = Text.assemble(
            f"{share.knob.name:<{name}}{share.mean:>5.0%} ",
            (f"{bar:<{BAR}}", "cyan"),
            f" {between:<11} best {_short(share.best, share.knob)}",
            (f"  of {', '.join(_short(level, share.knob) for level in share.knob.levels)}", "dim"),
        )
        line.truncate(width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    rest = found[len(shown) :]
    if rest:
        console.print(
            f"{plural(len(rest), 'more choice')}: {sum(share.mean for share in rest):.0%} together",
            style="dim",
        )
    together = max(0.0, 1 - sum(share.mean for share in found))
    console.print(cut(f"choices acting together: {together:.0%}", width), style="dim")


def _short(level: str, knob: Knob) -> str:
    """Return a level as people read it: of numbers the number alone."""
    return (level.rpartition("_")[2] if knob.numbers else level) or "absent"
