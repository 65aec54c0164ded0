"""The contracts as checks that anyone can run over a space, strategy, estimator or journal of their own."""

from morphogen.testing import estimators, journals, spaces, strategies

__all__ = ["estimators", "journals", "spaces", "strategies"]
