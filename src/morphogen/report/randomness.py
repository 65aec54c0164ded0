"""Which trials were drawn at random: found out, not believed.

The randomness of trial n is `stream(seed, n)`. So a trial was a uniform draw exactly if its architecture is
among the first samples that this stream gives; a strategy need not say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from morphogen.records import Trial
from morphogen.seeding import stream
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Space
from morphogen.study.study import Study

REDRAWN: Final = 12
"""Samples of a stream that are looked at: strategies draw again what they have seen."""

SMALL: Final = 1000
"""Architectures of a space in which an equal draw may be chance; there only the first sample counts."""

PATIENCE: Final = 64
"""Trials in a row that were no draws, after which a strategy is taken to have done with drawing."""


def drawn_at_random(study: Study, trials: Sequence[Trial]) -> frozenset[int]:
    """Return the numbers of the trials that were uniform draws from the space.

    A search that draws only at its beginning is followed until it has stopped drawing.
    """
    found, since = set[int](), 0
    for trial in sorted(trials, key=lambda trial: trial.number):
        if since >= PATIENCE:
            break
        hit = trial.proposal.parent is None and not trial.proposal.region and _drawn(study, trial)
        since = 0 if hit else since + 1
        if hit:
            found.add(trial.number)
    return frozenset(found)


def _drawn(study: Study, trial: Trial) -> bool:
    space: Space = study.space
    rng = stream(study.seed, trial.number)
    try:
        for _ in range(REDRAWN if space.count() > SMALL else 1):
            if space.sample(rng) == trial.proposal.architecture:
                return True
    except SpaceError:
        return False
    return False
