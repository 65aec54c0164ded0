"""What results mean: intervals, significance, trajectories and what chance alone would reach."""

from morphogen.analysis.intervals import Interval, bootstrap_interval, mean_interval
from morphogen.analysis.sample_efficiency import expected_best
from morphogen.analysis.significance import paired_test, uniformity_test
from morphogen.analysis.trajectory import best_so_far, regret

__all__ = [
    "Interval",
    "best_so_far",
    "bootstrap_interval",
    "expected_best",
    "mean_interval",
    "paired_test",
    "regret",
    "uniformity_test",
]
