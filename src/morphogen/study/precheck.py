"""The look before a training: what is known without it, and whether that breaks a constraint already."""

from __future__ import annotations

from morphogen.estimators.estimator import Estimator
from morphogen.goals import Objectives
from morphogen.records import Estimate, Goal, Proposal


def precheck(estimator: Estimator, goal: Goal, proposal: Proposal) -> Estimate | None:
    """Return the estimate of a proposal that is refused, with what is known of it; None where it may be trained.

    A function of its arguments alone, so a search that is resumed refuses the same proposals.
    """
    if not isinstance(goal, Objectives) or not goal.constraints:
        return None
    try:
        known = dict(estimator.known(proposal))
    except Exception:  # whatever is wrong with it, its estimate will say so
        return None
    reason = goal.broken_by(known)
    return Estimate(known, refused=reason) if reason else None
