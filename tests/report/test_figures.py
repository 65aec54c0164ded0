"""Charts: plotly knows every word of them, axes have units, and numbers are those of the study."""

from __future__ import annotations

import base64
import gzip
import json
import re

import numpy as np
import pytest
from studies import Planted, regions, searched

import morphogen as mg
from morphogen.records import Metric
from morphogen.report import figures, page
from morphogen.report.choices import importance
from morphogen.report.chronicle import chronicle
from morphogen.report.estimates import agreements
from morphogen.report.figures import Figure
from morphogen.report.wording import clock, number, percent, titled
from morphogen.study.study import Study


def payload(text: str) -> dict[str, dict[str, dict[str, object]]]:
    """Return what a page holds beside its words."""
    packed = re.search(r'<script id="payload"[^>]*>([^<]*)</script>', text)
    assert packed is not None
    found: dict[str, dict[str, dict[str, object]]] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return found


@pytest.mark.parametrize("study", [searched(80), regions()], ids=["trials", "regions"])
def test_plotly_knows_every_word(study: Study) -> None:
    objects = pytest.importorskip("plotly.graph_objects", reason="no plotly")
    found = payload(page(study))["figures"]
    assert len(found) >= 4
    for figure in found.values():
        words = re.sub('"--[a-z-]+"', '"#000000"', json.dumps(figure))  # colours are the page's
        objects.Figure(json.loads(words))


def test_the_trials_of_the_page_are_those_of_the_study() -> None:
    study = searched(40)
    trials = payload(page(study))["trials"]
    assert trials["number"] == list(range(40))
    assert trials["architecture"] == [str(trial.architecture) for trial in study.trials]
    told: list[float | None] = trials["metrics"][0]["values"]  # type: ignore[index]
    for trial, value in zip(study.trials, told, strict=True):
        assert trial.estimate is not None
        wanted = trial.estimate.values.get("accuracy")
        assert value == (None if wanted is None else pytest.approx(wanted, rel=1e-6))
    assert None in told


def test_the_frontier_is_that_of_the_study() -> None:
    study = searched(60, estimator=Planted(failing=0))
    story = chronicle(study)
    cost = next(m for m in study.metrics if m.name == "parameters")
    figure = figures.against_cost(story, cost)
    assert figure is not None
    trials = study.frontier([study.metric, cost])
    points = {(t.estimate.values["parameters"], t.estimate.values["accuracy"]) for t in trials if t.estimate}
    line = set(zip(figure.traces[1]["x"], figure.traces[1]["y"], strict=True))
    assert {tuple(np.round(p, 5)) for p in line} == {tuple(np.round(p, 5)) for p in points}


def test_the_staircase_ends_at_the_best() -> None:
    study = searched(60)
    figure = figures.progress(chronicle(study), None, over="seconds")
    assert figure is not None
    best = study.best().estimate
    assert best is not None and figure.traces[-1]["y"][-1] == pytest.approx(best.values["accuracy"], rel=1e-6)
    assert figure.traces[-1]["x"][-1] == pytest.approx(
        study.ledger.wall if not chronicle(study).simulated else study.ledger.cost
    )


def test_cheap_estimates_of_a_study() -> None:
    found = {row.name: row for row in agreements(chronicle(searched(80, estimator=Planted(failing=0))))}
    assert {"parameters", "accuracy after 1 epoch", "accuracy after 5 epochs"} <= found.keys()
    late, early = found["accuracy after 5 epochs"], found["accuracy after 1 epoch"]
    assert late.tau > early.tau and late.between.covers(late.tau) and late.of == 80
    assert agreements(chronicle(searched(5))) == ()


def test_importance_only_where_there_is_enough() -> None:
    few = importance(chronicle(searched(30)))
    assert isinstance(few, str) and "there are" in few
    space = mg.spaces.Space.from_text(
        "NET -> chain(A, B, B)\nA -> conv3x3 | identity\nB -> max_pool | avg_pool"
    )
    enough = importance(chronicle(searched(8, space=space)))
    assert isinstance(enough, str)
    found = importance(chronicle(searched(90, mg.strategies.RandomSearch(), Planted(failing=0))))
    assert isinstance(found, Figure) and len(found.traces[0]["x"]) == 12


def test_several_objectives_and_a_constraint() -> None:
    bound = int(np.nanmedian(chronicle(searched(40, mg.strategies.RandomSearch())).column("parameters")))
    study = mg.search(
        mg.spaces.digits_small(),
        mg.strategies.RandomSearch(),
        Planted(),
        limit=mg.Limit(trials=40),
        objectives=("accuracy", "latency"),
        constraints=(f"parameters<={bound}",),
    )
    text = page(study)
    found = payload(text)
    assert f"parameters&lt;={bound}" in text and "cost-latency" in found["figures"]
    outside = found["trials"]["outside"]
    assert outside == [t.number for t in study.trials if t.succeeded and study.goal.violation(t) > 0]
    assert outside and found["trials"]["best"] == study.best().number
    shares = found["figures"]["hypervolume"]["data"][0]["y"]  # type: ignore[index]
    assert shares == pytest.approx(study.hypervolume(), rel=1e-6) and shares == sorted(shares)
    none = mg.search(
        mg.spaces.digits_small(),
        mg.strategies.RandomSearch(),
        Planted(),
        limit=mg.Limit(trials=9),
        constraints=("parameters<=1",),
        alike=99,
    )
    assert payload(page(none))["trials"]["best"] is None


def test_numbers_and_units() -> None:
    assert (number(0.9512), number(17306.0), number(1234.5)) == ("0.9512", "17,306", "1,234.5")
    assert (number(np.nan), number(1e-5), number(3.0)) == ("–", "1e-05", "3.0000")
    assert (clock(0.061), clock(23.4), clock(208), clock(7500)) == (
        "0.061 s",
        "23 s",
        "3 min 28 s",
        "2 h 05 min",
    )
    assert (percent(0.0004), percent(0.5), percent(0.043)) == ("<0.1%", "50%", "4.3%")
    shares, many = np.array([0.2, np.nan]), np.array([91.0])
    assert titled(Metric("accuracy"), shares) == "accuracy (fraction)"
    assert titled(Metric("accuracy"), many) == "accuracy (no unit)"
    assert titled(Metric("latency", unit="ms"), many) == "latency (ms)"
