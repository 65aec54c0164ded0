"""All trials as columns, for the table that the page sorts and filters."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from morphogen.records import Trial
from morphogen.report.chronicle import Chronicle
from morphogen.report.figures import numbers
from morphogen.report.wording import plain

LETTERS: Final = 3_000_000
"""Letters of all architectures together, beyond which each is cut."""


def columns(story: Chronicle) -> dict[str, Any]:
    """Return the trials by number, pending ones too, as columns of plain values."""
    study = story.study
    trials = study.trials
    first = [story.metric, *(metric for metric in study.metrics if metric != story.metric)]
    most = max(80, LETTERS // max(1, len(trials)))
    named = {
        metric.name: numbers(np.array([_value(trial, metric.name) for trial in trials])) for metric in first
    }
    costs = [trial.estimate.cost if trial.estimate else np.nan for trial in trials]
    return {
        "number": [trial.number for trial in trials],
        "status": [_status(trial) for trial in trials],
        "metrics": [
            {
                "name": m.name,
                "title": plain(m.name),
                "unit": m.unit,
                "maximize": m.maximize,
                "values": named[m.name],
            }
            for m in first
        ],
        "cost": numbers(np.array(costs)),
        "parent": [trial.proposal.parent for trial in trials],
        "outside": [trial.number for trial in trials if trial.succeeded and study.goal.violation(trial) > 0],
        "best": None if (best := story.winner) is None else best.number,
        "architecture": [_cut(str(trial.architecture), most) for trial in trials],
        "reason": {trial.number: _reason(trial) for trial in trials if trial.failed or trial.refused},
    }


def _value(trial: Trial, name: str) -> float:
    return float(trial.estimate.values.get(name, np.nan)) if trial.estimate else np.nan


def _status(trial: Trial) -> str:
    if trial.pending:
        return "running"
    return "failed" if trial.failed else "refused" if trial.refused else "done"


def _reason(trial: Trial) -> str:
    assert trial.estimate is not None
    failure = trial.estimate.failure
    if failure is None:
        return trial.estimate.refused or ""
    return _cut(f"{failure.type}: {failure.message}", 300)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
