"""Predictor-guided search: what is asked, from which pool, and that only what was told decides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from morphogen import catalog
from morphogen.architecture import Architecture
from morphogen.predictors.acquisition import (
    Acquisition,
    ExpectedImprovement,
    Greedy,
    ThompsonSampling,
    UpperConfidenceBound,
)
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.records import Metric
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.moves import distance, neighbours
from morphogen.spaces.space import Space
from morphogen.strategies.candidates import (
    Candidates,
    Evolved,
    Full,
    Mixed,
    Mutants,
    Neighbours,
    Random,
    Situation,
)
from morphogen.strategies.predictor_guided import PredictorGuided
from morphogen.testing import strategies

SPACE = cell201()
PARENTS = tuple(SPACE.unrank(number) for number in (9000, 5, 77))


def situation(space: Space = SPACE, best: tuple[Architecture, ...] = PARENTS, asked: int = 3) -> Situation:
    return Situation(
        space, best, lambda asked: np.array([str(a).count("conv3x3") for a in asked]), "s", asked
    )


def test_pools_are_what_they_say() -> None:
    near = {a for parent in PARENTS for a in neighbours(SPACE, parent)}
    drawn = {rule: rule.draw(situation(), stream(0)) for rule in (Full(), Neighbours(), Mutants(50, twice=0))}
    assert len(set(drawn[Full()])) == SPACE.count()
    assert set(drawn[Neighbours()]) == near
    assert len(drawn[Mutants(50, twice=0)]) == 50
    assert set(drawn[Mutants(50, twice=0)]) < near
    twice = Mutants(200, parents=1, twice=1).draw(situation(), stream(1))
    assert {distance(SPACE, PARENTS[0], a) for a in twice} == {0, 1, 2}
    assert len(Random(30).draw(situation(), stream(0))) == 30
    assert len(Full(most=100, sample=7).draw(situation(), stream(0))) == 7
    assert len(Mixed((Random(3), Random(4))).draw(situation(), stream(0))) == 7


def test_two_rings_are_all_within_two_decisions() -> None:
    space = Space.from_text("NET -> chain(OP, OP, OP, OP)\nOP -> conv1x1 | conv3x3 | max_pool")
    centre = space.unrank(0)
    found = Neighbours(radius=2).draw(situation(space, (centre,)), stream(0))
    assert {a for a in space.enumerate() if distance(space, centre, a) <= 2} == {*found, centre}


def test_a_kept_sample_is_drawn_anew_after_some_queries() -> None:
    rule = Random(20, kept=10)
    pools = [rule.draw(situation(asked=asked), stream(asked)) for asked in (0, 9, 10)]
    assert pools[0] == pools[1]
    assert not set(pools[0]) & set(pools[2])


def test_evolution_on_the_score_climbs_it() -> None:
    here = situation(best=(SPACE.unrank(0),))
    found = Evolved(size=200).draw(here, stream(0))
    assert len(found) == 200
    assert max(here.score(found[-20:])) >= 5 > 3 > max(here.score(found[:20]))


def test_of_large_neighbourhoods_a_part_is_drawn() -> None:
    space = hierarchical201()
    parent = space.sample(stream(0))
    found = Neighbours(most=10).draw(situation(space, (parent,)), stream(0))
    assert 1 < len(found) <= 10
    assert all(space.contains(a) for a in found)
    assert found == Neighbours(most=10).draw(situation(space, (parent,)), stream(1))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("full", Full()),
        ("random(50)", Random(50)),
        ("mutate(20)", Mutants(20)),
        ("neighbours", Neighbours()),
        ("neighbours(2)", Neighbours(2)),
        ("evolve(30)", Evolved(30)),
        ("mixed", Mixed()),
        ("mutate(5) + random(6)", Mixed((Mutants(5), Random(6)))),
    ],
)
def test_a_pool_is_written_as_a_word(text: str, rule: Candidates) -> None:
    assert Candidates.parse(text) == rule


@pytest.mark.parametrize(
    ("text", "acquisition"),
    [
        ("greedy", Greedy()),
        ("expected_improvement", ExpectedImprovement()),
        ("ucb", UpperConfidenceBound(1)),
        ("ucb(0.5)", UpperConfidenceBound(0.5)),
        ("thompson(2)", ThompsonSampling(2)),
    ],
)
def test_an_acquisition_is_written_as_a_word(text: str, acquisition: Acquisition) -> None:
    assert Acquisition.parse(text) == acquisition


@pytest.mark.parametrize("text", ["", "most", "random()", "random(0)", "random(-1)", "mixed(3)", "full+"])
def test_what_is_no_pool_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a pool rule: full"):
        Candidates.parse(text)


@pytest.mark.parametrize("text", ["", "ei", "greedy(2)", "ucb(x)"])
def test_what_is_no_acquisition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one of expected_improvement"):
        Acquisition.parse(text)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"k": 0}, "k must be 1 or more"),
        ({"initial": 0}, "initial must be 1 or more"),
        ({"explored": 2.0}, "explored is a share"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PredictorGuided(**setting)  # type: ignore[arg-type]


def test_a_round_is_the_best_of_the_pool() -> None:
    events = strategies.search(PredictorGuided(), SPACE, strategies.planted, 12)
    strategy = PredictorGuided(pool=Full(), acquisition=Greedy(), k=7, initial=12)
    state = strategy.learn(strategies.fold(strategy, SPACE, events))
    fitted = GaussianProcess().fit(state.architectures, state.scores, stream(0))
    told = {a.key for a in state.architectures}
    means = {a.key: m for a, m in zip(Full().draw(situation(), stream(0)), _means(fitted), strict=True)}
    best = sorted((m for key, m in means.items() if key not in told), reverse=True)[:7]
    assert [means[a.key] for a in state.queue] == pytest.approx(best)


def _means(fitted: object) -> np.ndarray:
    return fitted.predict(list(SPACE.enumerate())).mean  # type: ignore[attr-defined,no-any-return]


def test_a_part_of_a_round_is_explored() -> None:
    events = strategies.search(PredictorGuided(), SPACE, strategies.planted, 12)
    queues = []
    for seed, explored in enumerate((0.0, 0.5, 1.0)):
        strategy = PredictorGuided(pool=Full(), acquisition=Greedy(), k=6, initial=12, explored=explored)
        queues.append(strategy.learn(strategies.fold(strategy, SPACE, events)).queue)
        assert len(queues[seed]) == 6
    assert [len({*queues[0]} & {*queue}) for queue in queues] == [6, 3, 0]


def test_a_warm_start_begins_with_the_best_of_a_cheap_score() -> None:
    def convolutions(asked: object) -> np.ndarray:
        return np.array([str(a).count("conv3x3") for a in asked])  # type: ignore[attr-defined]

    warm = PredictorGuided(warm_start=convolutions, initial=8)
    counts = [
        np.mean(convolutions([t.architecture for t in strategies.search(s, SPACE, strategies.planted, 8)]))
        for s in (warm, PredictorGuided(initial=8))
    ]
    assert counts[0] > counts[1] + 1


@pytest.mark.parametrize("name", ["bananas", "npenas", "brp_nas", "neural_predictor"])
def test_presets_search_with_their_own_predictor(name: str) -> None:
    strategy = dataclasses.replace(catalog.find("strategy", name).load()(), initial=12)
    state = strategy.start(SPACE, Metric("score"))
    for trial in strategies.search(PredictorGuided(initial=12), SPACE, strategies.planted, 12):
        state = strategy.tell(state, trial)
    learned = strategy.learn(state)
    assert len({a.key for a in learned.queue}) == strategy.k
    assert not {a.key for a in learned.queue} & {a.key for a in state.architectures}
