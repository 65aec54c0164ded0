"""The contracts as checks that anyone can run over methods, tables and journals of their own."""

from morphogen.testing import benchmarks, estimators, journals, moves, predictors, spaces, strategies

__all__ = ["benchmarks", "estimators", "journals", "moves", "predictors", "spaces", "strategies"]
