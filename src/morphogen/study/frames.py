"""A study as tables of pandas: one row a trial, or one row an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from morphogen.records import Metric, Trial

if TYPE_CHECKING:
    import pandas

FIRST: Final = ("state",)
LAST: Final = ("cost", "architecture")
MAYBE: Final = ("parent", "failure", "refused")


def frame(trials: Sequence[Trial], metrics: Sequence[Metric]) -> pandas.DataFrame:
    """Return one row a trial, by number: state, every metric, cost in seconds, architecture, and what was asked.

    A trial that is running or failed has NaN for metrics. Settings of the fidelity stand in columns such as
    `fidelity_epochs` where any trial has them; `failure` and `refused` (the reasons) are there where any trial
    failed or was refused, `parent` where one was made from another.
    """
    pandas = _pandas()
    rows = [_row(trial) for trial in trials]
    names = [metric.name for metric in metrics]
    table = pandas.DataFrame(rows, index=pandas.RangeIndex(len(rows), name="trial"))
    optional = sorted({name for row in rows for name in row} - {*FIRST, *LAST, *names, *MAYBE})
    maybe = [name for name in MAYBE if name in table]
    ordered = table.reindex(columns=[*FIRST, *names, *LAST, *maybe, *optional])
    if "parent" in ordered:
        ordered["parent"] = ordered["parent"].astype("Int64")
    return ordered.astype(dict.fromkeys([*names, "cost"], float))


def curves(trials: Iterable[Trial]) -> pandas.DataFrame:
    """Return one row an epoch of every trial that has a learning curve: trial, epoch from 1, and what it reports."""
    pandas = _pandas()
    rows = [
        {"trial": trial.number, "epoch": epoch, **{n: v for n, v in point.items() if n != "epoch"}}
        for trial in trials
        if trial.estimate is not None
        for epoch, point in enumerate(trial.estimate.curve, 1)
    ]
    return pandas.DataFrame(rows, columns=None if rows else ["trial", "epoch"])


def _row(trial: Trial) -> dict[str, Any]:
    estimate = trial.estimate
    row: dict[str, Any] = {"architecture": str(trial.architecture)}
    row |= {f"fidelity_{name}": value for name, value in trial.proposal.fidelity.to_json().items()}
    if trial.proposal.parent is not None:
        row["parent"] = trial.proposal.parent
    if estimate is None:
        return row | {"state": "running"}
    if failure := estimate.failure:
        return row | {
            "state": "failed",
            "cost": estimate.cost,
            "failure": f"{failure.type}: {failure.message}",
        }
    if estimate.refused is not None:
        return row | {"state": "refused", "refused": estimate.refused, **estimate.values}
    return row | {"state": "succeeded", "cost": estimate.cost, **estimate.values}


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError('tables of a study need pandas: pip install "morphogen[notebook]"') from None
    return pandas
