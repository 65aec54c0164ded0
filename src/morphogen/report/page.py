"""The page of a study: everything it says, gathered and put into one file."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, final

from morphogen import __version__
from morphogen.predictors.predictor import one_thread
from morphogen.records import Metric, Trial
from morphogen.report import choices, estimates, figures, ranks, table
from morphogen.report.chronicle import Chronicle, chronicle, weighed
from morphogen.report.drawing import svg
from morphogen.report.figures import Figure
from morphogen.report.levels import levels
from morphogen.report.sentences import judgement
from morphogen.report.verdict import judge
from morphogen.report.wording import clock, counted, number, percent, plain
from morphogen.study.events import reasons
from morphogen.study.study import Study

COSTS: Final = 3
"""Charts of accuracy against a cost at most."""

REASONS: Final = 10
"""Kinds of failures that are told at most."""


class Missing(Exception):
    """A package that the page is made with is not installed."""


@final
@dataclass(frozen=True, kw_only=True)
class Words:
    """What the page cannot know from the journal.

    status: how the search stands. repeat: the command that runs it again; "" where there is none. baseline: the
    commands that run random search at equal cost and hold the study against it. refresh: seconds after which
    the page loads itself anew; None: never.
    """

    status: str = ""
    repeat: str = ""
    baseline: Sequence[str] = ()
    refresh: int | None = None


@final
@dataclass
class _Charts:
    """The charts in the order of the page, each with the name of its place."""

    drawn: dict[str, Figure] = field(default_factory=dict)

    def put(self, name: str, figure: Figure | None) -> str | None:
        """Keep a chart and return its name; None stays None."""
        if figure is None:
            return None
        self.drawn[name] = figure
        return name


def page(study: Study, baselines: Sequence[Study] = (), words: Words = Words()) -> str:
    """Return the page of a study as HTML, all in one.

    baselines: studies by random search of the same space, metric and estimator, pooled.

    Raises:
        Missing: jinja2 or plotly is not installed.
    """
    with one_thread():  # forests and jackknives are many small products
        return str(_template().render(_context(study, baselines, words)))


def _context(study: Study, baselines: Sequence[Study], words: Words) -> dict[str, Any]:
    """Return everything that the template names."""
    story = chronicle(study)
    others = [chronicle(other) for other in baselines]
    verdict, reference = judge(story, others)
    judged = weighed(story, study.goal)
    if judged is not story:
        verdict, _ = judge(judged, [weighed(other, study.goal) for other in others])
    strategy = _called(study.strategy)
    charts = _Charts()
    context: dict[str, Any] = {
        "version": __version__,
        "words": words,
        "study": study,
        "strategy": strategy,
        "name": Path(str(study.journal)).name or str(study.journal),
        "noun": story.noun,
        "verdict": judgement(judged, verdict, strategy),
        "baselines": [str(other.journal) for other in baselines],
        "tiles": _tiles(story),
        "progress": [
            charts.put(f"progress-{over}", figures.progress(story, reference, over=over))
            for over in ("trials", "seconds")
        ],
        "costs": [charts.put(f"cost-{m.name}", figures.against_cost(story, m)) for m in _costs(story)],
        **_best(story, charts),
        "places": [
            (place, charts.put(f"ranks-{i}", place.figure)) for i, place in enumerate(ranks.places(story))
        ],
        **_choices(story, charts),
        **_estimates(story, charts),
        "ledger": study.ledger.parts,
        "failures": _failures(study),
        "settings": _settings(study),
    }
    context["progress"].append(charts.put("hypervolume", figures.hypervolume(story)))
    context["charts"] = charts.drawn
    context["payload"] = packed(
        {
            "figures": {name: figure.to_json() for name, figure in charts.drawn.items()},
            "trials": table.columns(story),
        }
    )
    context["plotly"] = _plotly()
    return context


def packed(values: Any) -> str:
    """Return plain values as JSON, compressed, in letters."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


@cache
def _plotly() -> str:
    """Return plotly.js, compressed, in letters; it ships in one size, of which so a third is left."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise Missing('the page needs plotly: pip install "morphogen[report]"') from None
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


@cache
def _template() -> Any:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise Missing('the page needs jinja2: pip install "morphogen[report]"') from None
    room = files("morphogen.report")
    loader = FunctionLoader(lambda name: (room / name).read_text(encoding="utf-8"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        sentence=_sentence, number=number, plain=plain, clock=clock, percent=percent, svg=svg
    )
    environment.globals.update(counted=counted, style=(room / "page.css").read_text(encoding="utf-8"))
    environment.globals.update(script=(room / "page.js").read_text(encoding="utf-8"))
    return environment.get_template("page.html")


# --- what stands in the sections ------------------------------------------------------------------------------------


def _sentence(text: str) -> Any:
    """Return a remark as a sentence of the page; what stands in backquotes is code."""
    from markupsafe import Markup, escape

    if not text:
        return ""
    parts = (text[:1].upper() + text[1:]).split("`")
    inside = "".join(f"<code>{escape(p)}</code>" if i % 2 else f"{escape(p)}" for i, p in enumerate(parts))
    return Markup(inside + ".")


def _called(strategy: str) -> str:
    """Return the name of a strategy as it stands in the catalogue, from its text."""
    from morphogen import catalog

    kind = strategy.partition("(")[0]
    named = {entry.where.rpartition(":")[2]: entry.name for entry in catalog.entries("strategy")}
    return plain(named.get(kind, kind))


def _tiles(story: Chronicle) -> list[tuple[str, str, str]]:
    """Return the numbers at the top: name, value, a word on it."""
    study, metric = story.study, story.metric
    what = story.noun
    counts = {
        "failed": len(study.failures),
        "refused": len(study.refused),
        "running": sum(t.pending for t in study.trials),
    }
    more = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    tiles = [(f"{what}s", f"{len(study.trials):,}", more or "none failed")]
    if (best := story.winner) is not None:
        assert best.estimate is not None
        values = best.estimate.values
        unit = f" {metric.unit}" if metric.unit else ""
        tiles.insert(
            0,
            (
                f"best {plain(metric.name)}",
                f"{number(values[metric.name], metric)}{unit}",
                f"{what} {best.number}",
            ),
        )
        if "parameters" in values and metric.name != "parameters":
            unit = next(m.unit for m in study.metrics if m.name == "parameters")
            tiles.append(
                ("its parameters", f"{number(values['parameters'])}{f' {unit}' if unit else ''}", "")
            )
    for event in study.others[::-1]:
        if event["kind"] == "retrained":
            v = event["values"]
            tiles.insert(
                1, ("test accuracy", f"{v['accuracy']:.2%}", f"95%: {v['low']:.1%} to {v['high']:.1%}")
            )
            break
    ledger = study.ledger
    tiles.append(("on the clock", clock(ledger.wall), ""))
    if story.simulated:
        tiles.append(("training, by the table", clock(ledger.cost), ""))
    return tiles


def _costs(story: Chronicle) -> list[Metric]:
    """Return what the metric is drawn against: other objectives, then costs, those of Morphogen's own first."""
    others = [m for m in story.study.metrics if m != story.metric]
    wanted = story.study.objectives
    known = [m for m in others if m in wanted or not (m.maximize or m.name == "loss")]
    order = {m.name: -1 for m in wanted} | ({} if len(wanted) > 1 else {"parameters": 0, "multiply_adds": 1})
    return sorted(known, key=lambda m: order.get(m.name, 2))[:COSTS]


def _best(story: Chronicle, charts: _Charts) -> dict[str, Any]:
    best = story.winner
    if best is None:
        return {"best": None, "levels": (), "curves": [], "values": [], "final": ""}
    assert best.estimate is not None
    named = [story.metric, *(m for m in story.study.metrics if m.name in ("loss",) and m != story.metric)]
    curves = [charts.put(f"curve-{m.name}", figures.learning_curve(story, best, m)) for m in named]
    values = [
        (plain(m.name), number(best.estimate.values[m.name], m), m.unit)
        for m in story.study.metrics
        if m.name in best.estimate.values
    ]
    return {
        "best": best,
        "levels": levels(story.study.space, best.architecture),
        "curves": [name for name in curves if name],
        "values": values,
        "final": _final(story.study, best),
    }


def _final(study: Study, best: Trial) -> str:
    """Return what came of training the best network for longer, if that was done."""
    for event in study.others[::-1]:
        if event["kind"] == "retrained" and event["number"] == best.number:
            epochs, v = event["fidelity"]["epochs"], event["values"]
            return (
                f"Trained anew for {counted(epochs, 'epoch')} and tested once: accuracy {v['accuracy']:.2%} "
                f"on the test split (95%: {v['low']:.1%} to {v['high']:.1%}). Its network is in {event['path']}."
            )
    return ""


def _choices(story: Chronicle, charts: _Charts) -> dict[str, Any]:
    found = choices.importance(story)
    if isinstance(found, str):
        return {"importance": None, "no_importance": found}
    return {"importance": charts.put("importance", found), "no_importance": ""}


def _estimates(story: Chronicle, charts: _Charts) -> dict[str, Any]:
    found = estimates.agreements(story)
    chart = estimates.chart(found, story.metric.name) if found else None
    return {"agreements": found, "estimates": charts.put("estimates", chart)}


def _failures(study: Study) -> list[dict[str, Any]]:
    """Return each reason with how often, the first trial, and what that left behind."""
    trials = study.trials
    return [
        {"text": text, "count": count, "first": first, "failure": _failure(trials[first])}
        for text, count, first in reasons(study.failures)[:REASONS]
    ]


def _failure(trial: Trial) -> Mapping[str, str]:
    assert trial.estimate is not None and trial.estimate.failure is not None
    failure = trial.estimate.failure
    return {
        "traceback": failure.traceback.strip(),
        "output": failure.output.strip(),
        "message": failure.message,
    }


def _settings(study: Study) -> list[tuple[str, str]]:
    """Return everything that decides what the search does, and with what it ran."""
    rows = [
        ("space", f"{study.space} (fingerprint {study.space.fingerprint})"),
        ("strategy", study.strategy),
        ("estimator", study.estimator),
        ("metric", f"{study.metric.name}, {'more' if study.metric.maximize else 'less'} is better"),
        *([("objectives", ", ".join(m.name for m in study.objectives))] if len(study.objectives) > 1 else []),
        *([("constraints", ", ".join(map(str, study.constraints)))] if study.constraints else []),
        ("seed", str(study.seed)),
    ]
    skipped = {
        "objectives",
        "constraints",
        "full",
        "space",
        "strategy",
        "estimator",
        "seed",
        "metric",
        "fidelity",
    }
    notes = {**study.notes, **study.notes.get("fidelity", {})}
    rows += [(plain(name), _said(value)) for name, value in notes.items() if name not in skipped]
    return [*rows, *((f"version of {name}", version) for name, version in study.versions.items())]


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
