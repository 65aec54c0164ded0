"""The one figure that says most of how a method did here: a finding of a committed result, never a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Figure(NamedTuple):
    """A finding: the claim in whose result it stands, its name there, and what it is called in a table."""

    claim: str
    finding: str
    about: str


_AFTER: Final = "cifar10: regret of {}, each network once, after 150 queries"
_ABOUT_REGRET: Final = "percentage points below the best CIFAR-10 network of `cell201` after 150 queries"
_TAU: Final = "validation, 50 cells, {}, unseen cells: tau"
_ABOUT_TAU: Final = "Kendall tau on unseen cells of `cell201` after 50 known ones"


def _regret(strategy: str) -> Figure:
    return Figure("search_baselines", _AFTER.format(strategy), _ABOUT_REGRET)


def _tau(predictor: str) -> Figure:
    return Figure("predictor_quality", _TAU.format(predictor), _ABOUT_TAU)


FIGURES: Final[Mapping[tuple[str, str], Figure]] = {
    ("space", "cell201"): Figure("exact_counts", "cells of cell201", "cells, counted exactly"),
    ("space", "flat201"): Figure("exact_counts", "cells of flat201", "cells, counted exactly"),
    ("space", "darts_cell"): Figure(
        "exact_counts",
        "pairs of cells of darts_cell, less (180 * 7^8)^2",
        "difference between the exact count and the closed form",
    ),
    ("space", "hierarchical201"): Figure(
        "exact_counts", "the same without the weight", "the count's logarithm to base 10"
    ),
    ("space", "dag_chain"): Figure("fade_mechanics", "DAGs of 5 vertices", "modules of five vertices"),
    ("strategy", "random_search"): _regret("random search"),
    ("strategy", "local_search"): _regret("local search"),
    ("strategy", "regularized_evolution"): _regret("regularized evolution 30/10"),
    ("strategy", "nsga2"): Figure(
        "nsga2_frontier",
        "cifar100, latency_eyeriss: % of the exact hypervolume that NSGA-II lacks after 300 queries",
        "% of the exact hypervolume of accuracy and latency lacking after 300 queries",
    ),
    ("strategy", "reinforce"): Figure(
        "reinforce_mechanics", "cifar10: regret at rate 1 after 150 queries", f"{_ABOUT_REGRET} (rate 1)"
    ),
    ("strategy", "predictor_guided"): Figure(
        "predictor_search",
        "cifar10: median queries of predictor-guided to one of the best 15 cells",
        "median queries to one of the best 15 of 15,625 cells (CIFAR-10)",
    ),
    ("strategy", "minimum_importance_pruning"): Figure(
        "bpe_replay",
        "Spearman of 32 recipes, largest difference from the authors'",
        "largest difference from the authors' rank correlations",
    ),
    ("strategy", "pseudo_gradient_evolution"): Figure(
        "fade_search",
        "FaDE less the same loop with shuffled ranks",
        "test loss of its winners on digits, less that with shuffled ranks",
    ),
    ("estimator", "fade"): Figure(
        "fade_rank_correlation",
        "pilot, digits: four supernets, sum of log ranks",
        "Spearman of four supernets with all paths trained alone (digits)",
    ),
    ("estimator", "zero_cost"): Figure(
        "zero_cost",
        "synflow: Spearman with the validation accuracy",
        "Spearman of synflow with the validation accuracy of 50 cells",
    ),
    ("benchmark", "bpe"): Figure(
        "bpe_replay",
        "trials in which the Pareto front differs from the twelve",
        "recipes off the authors' front",
    ),
    ("predictor", "gaussian_process"): _tau("Gaussian process"),
    ("predictor", "extra_trees"): _tau("extra trees"),
    ("predictor", "boosting"): _tau("boosting"),
    ("predictor", "rank_ensemble"): _tau("rank ensemble"),
}
"""The figure of a method, by its kind and name; a method that is not here has none yet."""
