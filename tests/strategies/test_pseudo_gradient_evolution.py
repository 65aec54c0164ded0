"""Pseudo-gradient evolution: the slope, replacement position by position, no memory, resume, a known landscape."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Failure, Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.dag_chain import dag_chain, features
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.positions import inside, positions
from morphogen.strategies.pseudo_gradient_evolution import PseudoGradientEvolution, Region, ridge_slope
from morphogen.study import Limit, search

METRIC = Metric("score")
SPACE = dag_chain(2, 4, 4)
LARGE = dag_chain(2, 5, 5)


@dataclass(frozen=True)
class Landscape(Estimator):
    """Ranks by a score that is linear in the bits of a module, with noise."""

    seed: int = 0

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (METRIC,)

    @property
    def regions(self) -> bool:
        return True

    def worth(self, part: object) -> float:
        found = features(part)  # type: ignore[arg-type]
        assert found is not None
        return float(found @ stream(self.seed, "weights").normal(size=len(found)))

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        ranks = []
        for position in proposal.region:
            scores = np.exp([self.worth(p) + 0.3 * rng.normal() for p in position.candidates])
            ranks.append(tuple((scores / scores.sum()).tolist()))
        return Estimate({"score": sum(self.worth(p) for p in proposal.architecture.args)}, ranks=tuple(ranks))


def told(strategy: PseudoGradientEvolution, state: Region, number: int) -> tuple[Proposal, Region]:
    proposal = strategy.ask(state, stream(1, number))
    assert proposal is not None
    trial = Trial(number, proposal)
    state = strategy.tell(state, trial)
    assert strategy.ask(state, stream(1, number)) is None, "it waits for the ranks"
    return proposal, strategy.tell(state, trial.told(Landscape().estimate(proposal, stream(2, number))))


def test_the_slope_is_that_of_ridge_regression() -> None:
    rng = stream(0)
    x, y = rng.normal(size=(5, 9)), rng.random(5)
    centred = x - x.mean(0)
    primal = np.linalg.solve(centred.T @ centred + 0.3 * np.eye(9), centred.T @ (y - y.mean()))
    np.testing.assert_allclose(ridge_slope(x, y, 0.3), primal)
    np.testing.assert_allclose(ridge_slope(x, y + 7, 0.3), primal), "ranks matter up to a constant only"


@pytest.mark.parametrize(
    ("space", "nonterminal", "places"), [(SPACE, None, 2), (hierarchical201(), "CONV", None)]
)
def test_a_region_keeps_its_best_and_replaces_its_worst(
    space: Space, nonterminal: str | None, places: int | None
) -> None:
    strategy = PseudoGradientEvolution(candidates=3, keep=0.5, nonterminal=nonterminal)
    state = strategy.start(space, METRIC)
    proposal = strategy.ask(state, stream(0))
    assert proposal is not None
    assert proposal.architecture in space
    assert places in (None, len(proposal.region))
    trial = Trial(0, proposal)
    ranks = tuple((0.2, 0.5, 0.3)[: len(p.candidates)] for p in proposal.region)
    state = strategy.tell(strategy.tell(state, trial), trial.told(Estimate({"score": 0.0}, ranks=ranks)))
    following = strategy.ask(state, stream(1))
    assert following is not None
    assert following.architecture in space
    for before, after in zip(proposal.region, following.region, strict=True):
        assert before.path == after.path
        assert len(set(after.candidates)) == len(after.candidates) == len(before.candidates)
        assert after.candidates[0] == before.candidates[1] == following.architecture.at(after.path)
        assert before.candidates[1] in after.candidates
        if space is SPACE:
            assert before.candidates[0] not in after.candidates
            assert len({part.key for part in after.candidates}) == 3
    assert (
        space.region({p.path: p.candidates for p in following.region}, at=following.architecture).count() > 1
    )


def test_the_state_is_the_candidate_lists_only() -> None:
    strategy = PseudoGradientEvolution()
    state = strategy.start(SPACE, METRIC)
    for number in range(3):
        _, state = told(strategy, state, number)
    fresh = Region(SPACE, state.at, state.positions, state.ranks)
    assert state == fresh
    one, two = (strategy.ask(s, stream(1, 9)) for s in (pickle.loads(pickle.dumps(state)), fresh))
    assert one == two == strategy.ask(state, stream(1, 9))


def test_a_failed_region_is_forgotten() -> None:
    strategy = PseudoGradientEvolution()
    state = strategy.start(SPACE, METRIC)
    proposal = strategy.ask(state, stream(0))
    assert proposal is not None
    pending = strategy.tell(state, Trial(0, proposal))
    failed = strategy.tell(pending, Trial(0, proposal).told(Estimate(failure=Failure("Diverged", "NaN"))))
    assert failed == state
    assert strategy.ask(failed, stream(1)) is not None


def test_an_estimator_without_ranks_is_borne() -> None:
    strategy = PseudoGradientEvolution(candidates=3)
    state = strategy.start(cell201(), METRIC)
    for number in range(3):
        proposal = strategy.ask(state, stream(number))
        assert proposal is not None
        trial = Trial(number, proposal)
        state = strategy.tell(strategy.tell(state, trial), trial.told(Estimate({"score": 1.0})))


def test_it_climbs_a_linear_landscape_and_shuffled_ranks_do_not() -> None:
    def gap(shuffle: bool, seed: int) -> float:
        estimator, strategy = Landscape(seed), PseudoGradientEvolution(shuffle=shuffle)
        study = search(LARGE, strategy, estimator, limit=Limit(trials=9), seed=seed)
        last = study.trials[-1].proposal
        best = max(map(estimator.worth, inside(LARGE, last.architecture, (0,)).enumerate()))
        return float(np.mean([best - max(map(estimator.worth, p.candidates)) for p in last.region]))

    climbed = [gap(False, seed) for seed in range(6)]
    control = [gap(True, seed) for seed in range(6)]
    assert np.mean(climbed) < 0.5 * np.mean(control)


def test_a_search_that_is_cut_asks_for_the_same_next_region(tmp_path: Path) -> None:
    def proposals(cut: int | None, name: str) -> list[object]:
        journal = tmp_path / name
        if cut is not None:
            search(SPACE, PseudoGradientEvolution(), Landscape(), journal, limit=Limit(trials=cut), seed=4)
        study = search(SPACE, PseudoGradientEvolution(), Landscape(), journal, limit=Limit(trials=5), seed=4)
        return [(t.proposal, t.estimate.ranks if t.estimate else None) for t in study.trials]

    whole = proposals(None, "whole.db")
    assert len({str(p) for p in whole}) == 5
    for cut in (1, 3):
        assert proposals(cut, f"cut{cut}.db") == whole


def test_positions_are_outermost_choices_or_occurrences() -> None:
    assert positions(SPACE, SPACE.unrank(0)) == ((0,), (1,))
    space = cell201()
    assert positions(space, space.unrank(0)) == tuple((0, i) for i in range(6))
    assert positions(space, space.unrank(0), "CELL") == ((0,),)
    assert inside(space, space.unrank(0), (0,)).count() == 15_625
    with pytest.raises(ValueError, match="no PART stands in"):
        positions(space, space.unrank(0), "PART")
