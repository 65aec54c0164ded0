"""A study as a small table of HTML, which a notebook shows and, while the search runs, keeps up to date."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from html import escape
from typing import Any, Final, Protocol, final

from morphogen.records import Metric, Trial
from morphogen.spaces.space import Space
from morphogen.study.ledger import Ledger
from morphogen.study.limits import Limit

LAST: Final = 5
EVERY: Final = 0.5  # seconds between two pictures of a running search
COLUMNS: Final = ("parameters", "multiply_adds", "seconds")


class Readable(Protocol):
    """What is shown of a study."""

    @property
    def space(self) -> Space:
        """Where is searched."""

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""

    @property
    def metric(self) -> Metric:
        """What is improved."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is reported."""

    @property
    def ledger(self) -> Ledger:
        """What was spent."""

    def best(self) -> Trial:
        """Return the best trial."""


def picture(study: Readable, limit: Limit | None = None) -> str:
    """Return a study as HTML: how far it is, its best trial, its last ones. Colors are those of the page."""
    trials, metric = study.trials, study.metric
    done = [trial for trial in trials if not (trial.pending or trial.refused)]
    running, refused = (sum(t.pending for t in trials), sum(t.refused for t in trials))
    failed = sum(trial.failed for trial in trials)
    counts = f"{len(done)} {'trial' if len(done) == 1 else 'trials'} finished"
    counts += f", {failed} failed" if failed else ""
    counts += f", {refused} refused" if refused else ""
    counts += f", {running} running" if running else ""
    parts = [f"<p><b>{escape(study.space.name)}</b>: {counts}{_left(study, limit, len(done))}</p>"]
    try:
        best = study.best()
    except LookupError as error:  # none succeeded, or none keeps the constraints
        if done:
            parts += [f"<p>{escape(str(error))}</p>", _table(study, done, metric, None)]
    else:
        text = f"<b>{escape(metric.name)} {_number(metric.value(best))}</b> (trial {best.number})"
        parts.append(f"<p>best {text}<br><code>{escape(str(best.architecture))}</code></p>")
        parts.append(_table(study, done, metric, best))
    return f'<div class="morphogen-study" style="overflow-x: auto">{"".join(parts)}</div>'


def _left(study: Readable, limit: Limit | None, done: int) -> str:
    if limit is None:
        return ""
    words = [] if limit.trials is None else [f"of {limit.trials}"]
    if limit.wall < float("inf"):
        words.append(f"{study.ledger.wall:,.0f} of {limit.wall:,.0f} s")
    if limit.cost is not None:
        words.append(f"cost {study.ledger.cost:,.0f} of {limit.cost:,.0f} s")
    return f" ({', '.join(words)})"


def _table(study: Readable, done: list[Trial], metric: Metric, best: Trial | None) -> str:
    shown = [metric, *(m for m in study.metrics if m.name in COLUMNS and m != metric)]
    names = ("trial", *(m.name for m in shown))
    head = "".join(f'<th style="text-align: right">{escape(name)}</th>' for name in names)
    rows = []
    for trial in done[-LAST:]:
        cells = [str(trial.number)]
        failure = trial.estimate.failure if trial.estimate else None
        if failure:
            said = escape(f"failed, {failure.type}: {failure.message}".splitlines()[0])
            row = f'<td style="text-align: right">{cells[0]}</td><td colspan="{len(shown)}">{said}</td>'
        else:
            cells += [_number(m.value(trial)) for m in shown]
            row = "".join(f'<td style="text-align: right">{cell}</td>' for cell in cells)
        bold = ' style="font-weight: bold"' if best is not None and trial.number == best.number else ""
        rows.append(f"<tr{bold}>{row}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.4g}"


# --- while a search runs ------------------------------------------------------------------------------------


@final
class Live:
    """Shows a study again after a trial, at most twice a second; called with each finished trial."""

    def __init__(
        self,
        study: Readable,
        limit: Limit,
        show: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.study = study
        self.limit = limit
        self.show = show
        self.clock = clock
        self.shown = -EVERY

    def __call__(self, trial: Trial) -> None:
        """Show the study, unless that was just done."""
        if self.clock() - self.shown >= EVERY:
            self.now()

    def now(self) -> None:
        """Show the study."""
        self.shown = self.clock()
        self.show(picture(self.study, self.limit))


def output() -> Callable[[str], None] | None:
    """Return what shows HTML below the cell that runs, each time in place of the last; None outside notebooks."""
    if "IPython" not in sys.modules:  # who has not loaded it is in no notebook
        return None
    from IPython import get_ipython
    from IPython.display import HTML, display

    shell = get_ipython()
    if getattr(shell, "kernel", None) is None:  # IPython in a terminal
        return None
    handle: list[Any] = []

    def show(text: str) -> None:
        if handle:
            handle[0].update(HTML(text))
        else:
            handle.append(display(HTML(text), display_id=True))

    return show
