"""The contracts as checks that anyone can run over a space, strategy, estimator or journal of their own."""

from morphogen.testing import estimators, journals, moves, spaces, strategies

__all__ = ["estimators", "journals", "moves", "spaces", "strategies"]
