"""Estimators: how good is an architecture? By training, by a function of yours, by a table."""

from morphogen.estimators.at_fidelity import AtFidelity
from morphogen.estimators.darts import Darts
from morphogen.estimators.estimator import Estimator
from morphogen.estimators.fade import Fade
from morphogen.estimators.function import Function, estimator, from_file
from morphogen.estimators.table import Table
from morphogen.estimators.training import Training, retrain

__all__ = [
    "AtFidelity",
    "Darts",
    "Estimator",
    "Fade",
    "Function",
    "Table",
    "Training",
    "estimator",
    "from_file",
    "retrain",
]
