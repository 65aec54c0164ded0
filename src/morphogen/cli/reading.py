"""How commands read studies, and how they write numbers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from morphogen.cli.errors import Wrong

if TYPE_CHECKING:
    from morphogen.records import Metric, Trial
    from morphogen.study import Ledger, Study


def open_study(word: str) -> Study:
    """Return the study in the file `word`; a search may be writing it."""
    from morphogen.study import Study

    path = Path(word)
    if "://" not in word and not path.exists():
        known = sorted(str(p) for p in path.parent.glob("*.db")) if path.parent.is_dir() else []
        there = f"; there is {', '.join(known[:8])}" if known else ""
        raise Wrong(f"there is no study {word}{there}")
    return Study.open(word)


def running(study: Study) -> bool:
    """Whether a search holds the journal at this moment."""
    from morphogen.journal import Exclusive, JournalError

    path = Path(f"{study.journal}.lock")
    if not path.exists() or not isinstance(study.journal, Exclusive):
        return False
    try:
        with study.journal.lease():
            return False
    except JournalError as error:
        return "in use" in str(error)


def number(value: float, metric: Metric | None = None) -> str:
    """Return a number as people read it: counts with commas, measures with four digits."""
    if metric is not None and metric.unit == "s":
        return f"{value:.1f}"
    if metric is not None and metric.unit == "ms":
        return f"{value:.3f}"
    if float(value).is_integer() and abs(value) >= 10:
        return f"{int(value):,}"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"


def value_of(trial: Trial, metric: Metric) -> str:
    """Return the value of a trial as text, or what became of it."""
    if trial.estimate is None:
        return "running"
    if trial.estimate.failure is not None:
        return "failed"
    if trial.estimate.refused is not None:
        return "refused"
    return number(metric.value(trial), metric)


def plural(count: int, noun: str) -> str:
    """Return `1 trial`, `2 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def cut(text: str, width: int) -> str:
    """Return what of a line fits into `width`."""
    return text if len(text) <= width else f"{text[: max(1, width - 1)]}…"


def wrapped(text: str, width: int, indent: int) -> str:
    """Return an architecture's text in lines of at most `width`, broken after commas and indented."""
    import textwrap

    lead = " " * indent
    return textwrap.fill(
        text,
        width,
        initial_indent=lead,
        subsequent_indent=lead,
        break_on_hyphens=False,
        break_long_words=False,
    )


def ledger_line(ledger: Ledger) -> str:
    """Return where the time of the workers went, in one line."""
    offered = max(ledger.offered, 1e-9)
    return (
        f"{ledger.wall:.0f} s: {ledger.estimates / offered:.0%} in trials, {ledger.idle / offered:.0%} idle, "
        f"{ledger.strategy:.2f} s strategy, {ledger.journal:.2f} s journal"
    )


def reasons(trials: Iterable[Trial]) -> list[tuple[str, int, int]]:
    """Return the reasons of failures, the most frequent first: text, how often, the first trial."""
    from morphogen.study import events

    return events.reasons(trials)
