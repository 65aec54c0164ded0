"""The contracts as checks that anyone can run over a space, strategy, estimator, predictor or journal of their own."""

from morphogen.testing import estimators, journals, moves, predictors, spaces, strategies

__all__ = ["estimators", "journals", "moves", "predictors", "spaces", "strategies"]
