"""The verdict: right about random search, right about a search that is better, and silent where it must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from studies import Planted, regions, searched

import morphogen as mg
from morphogen.goals import Objectives
from morphogen.report.chronicle import Chronicle, chronicle, weighed
from morphogen.report.randomness import drawn_at_random
from morphogen.report.sentences import HEADLINES, judgement
from morphogen.report.verdict import AgainstRandom, judge
from morphogen.study.study import Study

RANDOM = mg.strategies.RandomSearch()
SURE = Planted(failing=0)
QUIET = Planted(noise=0.002, failing=0, epochs=1)


def story(trials: int, *args: object, **named: object) -> Chronicle:
    return chronicle(searched(trials, *args, **named))  # type: ignore[arg-type]


def test_draws_are_found_in_any_search() -> None:
    bred = searched(60, estimator=SURE)
    assert drawn_at_random(bred, bred.trials) == frozenset(range(20))
    assert all((t.proposal.parent is None) == (t.number < 20) for t in bred.trials)
    plain = searched(60, RANDOM)
    assert drawn_at_random(plain, plain.trials) == frozenset(range(60))
    guided = searched(30, mg.strategies.LocalSearch(), SURE)
    found = drawn_at_random(guided, guided.trials)
    assert 0 in found and len(found) < 15


def test_random_search_is_no_better_than_random_search() -> None:
    said = []
    for seed in range(12):
        verdict, _ = judge(story(40, RANDOM, SURE, seed=seed), [story(40, RANDOM, SURE, seed=100 + seed)])
        assert verdict.random is not None
        said.append(verdict.standing)
    assert said.count("better") == 0 and said.count("worse") <= 2
    assert said.count("even") >= 9


def test_equal_runs_of_equal_length_never_prove_a_best() -> None:
    """However good: of 40 and 40 draws the best is among the first with a chance of a half."""
    verdict, _ = judge(story(40, estimator=SURE), [story(40, RANDOM, SURE, seed=1)])
    assert verdict.random is not None and verdict.random.chance >= 0.4
    assert verdict.random.beats is not None and verdict.random.beats[1].low > 0.5


def test_a_better_search_is_called_better_by_enough_draws() -> None:
    bred = story(100, mg.strategies.RegularizedEvolution(population=20, tournament=8), QUIET)
    drawn = [story(2500, RANDOM, QUIET, seed=9)]
    verdict, reference = judge(bred, drawn)
    found = verdict.random
    assert found is not None and found.above == 0
    assert verdict.standing == "better" and found.chance <= 0.05
    assert found.source == "baseline" and found.equal == np.inf
    # What equal cost buys: the networks that evolution likes cost more here.
    each = drawn[0].spent[-1] / 2500
    assert found.draws == round(bred.spent[-1] / each) > 100
    written = judgement(bred, verdict, "evolution")
    assert written.headline == HEADLINES["better"]
    assert [line.who for line in written.lines] == ["evolution", "random search", "the largest network tried"]
    assert reference is not None and len(reference.scores) == 2500


def test_a_shorter_baseline_is_compared_at_its_own_cost() -> None:
    bred, drawn = story(80, estimator=SURE), story(20, RANDOM, SURE, seed=1)
    verdict, _ = judge(bred, [drawn])
    assert verdict.random is not None
    assert verdict.random.cost == pytest.approx(drawn.spent[-1])
    assert verdict.random.trials < 30 and verdict.random.draws == 20
    assert verdict.random.best == np.nanmax(bred.scores[: verdict.random.trials])


def test_a_baseline_of_the_same_seed_brings_only_what_is_new() -> None:
    bred = story(60, estimator=SURE)
    _, reference = judge(bred, [story(50, RANDOM, SURE, seed=0)])
    assert reference is not None and len(reference.scores) == 30
    _, apart = judge(bred, [story(50, RANDOM, SURE, seed=1)])
    assert apart is not None and len(apart.scores) == 50


def test_what_cannot_be_told_is_not_told() -> None:
    verdict, _ = judge(story(5))
    assert verdict.standing == "unknown" and verdict.is_random
    assert "so far" in judgement(story(5), verdict, "evolution").headline.lower()
    few, _ = judge(chronicle(searched(30, mg.strategies.RegularizedEvolution(population=4))))
    assert few.random is None and "too few" in few.unknown
    ranked, _ = judge(chronicle(regions()))
    assert ranked.random is None and "regions" in ranked.unknown
    failed, _ = judge(story(20, estimator=Planted(failing=1)))
    assert failed.random is None and failed.size is None


def test_parameters_alone_where_they_decide() -> None:
    found = judge(story(60, estimator=Planted(noise=0.0, failing=0)))[0].size
    assert found is not None and found.drawn is False or found is not None and found.of >= 20
    study = searched(60, estimator=Planted(noise=0.0, failing=0))
    sizes = {t.number: t.estimate.values["parameters"] for t in study.trials if t.estimate}
    assert found.parameters == max(sizes.values()) == sizes[found.number]


@pytest.mark.parametrize(
    ("chance", "low", "best", "standing"),
    [
        (0.04, 0.4, 2.0, "better"),
        (0.3, 0.6, 2.0, "ahead"),
        (0.3, 0.45, 2.0, "even"),
        (0.3, 0.6, 0.5, "even"),
        (0.97, 0.3, 0.2, "worse"),
    ],
)
def test_the_word_follows_from_the_numbers(chance: float, low: float, best: float, standing: str) -> None:
    verdict, _ = judge(story(80, estimator=SURE), [story(60, RANDOM, SURE, seed=2)])
    assert verdict.random is not None and verdict.random.beats is not None
    share, between = verdict.random.beats
    made: AgainstRandom = replace(
        verdict.random, chance=chance, best=best, expected=1.0, beats=(share, between._replace(low=low))
    )
    assert made.standing == standing


def test_scores_where_less_is_better(study: Study | None = None) -> None:
    found = mg.search(
        mg.spaces.digits_small(),
        mg.strategies.RegularizedEvolution(population=20),
        SURE,
        limit=mg.Limit(trials=60),
        metric="loss",
    )
    told = chronicle(found)
    assert (told.values == -told.scores).all() and (np.diff(told.best) >= 0).all()
    assert judge(told)[0].random is not None


def test_with_weights_the_weighted_sum_is_judged() -> None:
    study = searched(40, RANDOM, SURE)
    accuracy, _, parameters, _ = SURE.metrics
    alone, free = Objectives((accuracy, parameters)), chronicle(study)
    assert weighed(free, alone) is free
    heavy = weighed(free, Objectives((accuracy, parameters), (), (1.0, 0.01)))
    values = [trial.estimate.values for trial in study.trials if trial.estimate]
    expected = [value["accuracy"] - 0.01 * value["parameters"] for value in values]
    assert heavy.scores == pytest.approx(expected)
    assert np.argmax(heavy.scores) != np.argmax(free.scores)
    said = judgement(heavy, judge(heavy)[0], "random search")
    assert said.of == "weighted sum" and float(said.lines[0].value) == pytest.approx(max(expected), rel=1e-2)


def test_random_search_that_nearly_exhausts_a_space_is_random_search_itself() -> None:
    small = mg.Space.from_text("NET -> chain(A, A, A)\nA -> conv1x1 | conv3x3 | identity\n", "small")
    study = searched(12, RANDOM, SURE, space=small)
    assert len(drawn_at_random(study, study.trials)) < 12
    verdict, _ = judge(chronicle(study))
    assert verdict.is_random and verdict.random is None
    assert "random search itself" in judgement(chronicle(study), verdict, "random search").headline
