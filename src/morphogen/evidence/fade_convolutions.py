"""FaDE, rank correlation of convolutions: ranks of regions of convolution modules against the truth about all paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from morphogen.evidence.entry import Entry, Finding, Progress
from morphogen.evidence.fade_beds import CONVOLUTIONAL, VARIED, Bed, digits, mixed_rows
from morphogen.evidence.fade_judging import on_beds

BEDS: Final = (
    Bed("five convolution modules, digits", digits, (VARIED, VARIED), least=0.84, **CONVOLUTIONAL),
    Bed("random convolutions 1, digits", digits, mixed_rows(1, 2), least=0.80, **CONVOLUTIONAL),
)
"""The second set was drawn once by its number. Settings and bars are those of an earlier study on like sets."""

SEEDS: Final = 8
QUICK_SEEDS: Final = 2


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Train all paths of each bed alone, then ensembles of supernets."""
    if quick:
        return on_beds([replace(BEDS[0], steps=150)], QUICK_SEEDS, True, progress)
    return on_beds(BEDS, SEEDS, False, progress)


ENTRY: Final = Entry(
    name="fade_convolutions",
    claim="Where the truth about all paths of a region of convolution modules has settled and its paths differ by more "
    "than its seeds, ranks of four supernets order the paths: Spearman's rho is at least 0.84 on five different "
    "modules and 0.80 on random ones.",
    source="Neumeyer, Stier and Granitzer 2024 (FaDE), arXiv 2404.16218, who tell of about 0.8 on CIFAR-10",
    control="The same ranks shuffled within each position must order nothing. Depth, parameters and sweeps of one and "
    "three seeds are reported beside.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "scipy", "torch"),
)
