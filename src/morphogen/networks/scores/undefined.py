"""The error of a score that a network does not have."""

from __future__ import annotations


class UndefinedScore(ArithmeticError):
    """A score that has no finite value for a network; the message says why."""
