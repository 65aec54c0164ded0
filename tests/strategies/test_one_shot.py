"""One shot: regions as wide as can be, the same ones again after a cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from morphogen.estimators import Darts
from morphogen.networks.data import load
from morphogen.records import Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import SpaceError
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.space import Space
from morphogen.strategies import OneShot
from morphogen.study import Limit, search

METRIC = Metric("score")


def asked(strategy: OneShot, space: Space, seed: int = 0) -> Proposal:
    return strategy.ask(strategy.start(space, METRIC), stream(seed))


def test_a_region_of_a_cell_space_is_the_whole_space() -> None:
    space = cell201()
    one, other = (asked(OneShot(), space, seed) for seed in (0, 1))
    assert one.architecture != other.architecture
    for proposal in (one, other):
        assert {str(p.candidates[0]) for p in proposal.region} == {
            str(a) for a in proposal.architecture.args[0].args
        }
        region = space.region({p.path: p.candidates for p in proposal.region}, at=proposal.architecture)
        assert region.count() == space.count() == 15_625


@pytest.mark.parametrize(
    ("space", "nonterminal"), [(cell201(), "CELL"), (hierarchical201(), "OP"), (cell201(), None)]
)
def test_more_alternatives_than_candidates_are_drawn(space: Space, nonterminal: str | None) -> None:
    strategy = OneShot(candidates=3, nonterminal=nonterminal)
    one, other = (asked(strategy, space, seed) for seed in (0, 1))
    assert one.region and one != other and one == asked(strategy, space, 0)
    for position in one.region:
        assert position.candidates[0] == one.architecture.at(position.path)
        assert len({part.key for part in position.candidates}) == len(position.candidates) == 3


def test_a_nonterminal_that_is_not_everywhere_is_found() -> None:
    space = Space.from_text("NET -> chain(A, conv1x1) | conv1x1\nA -> conv3x3 | avg_pool | conv1x1")
    for seed in range(20):
        (position,) = asked(OneShot(nonterminal="A"), space, seed).region
        assert len(position.candidates) == 3
    with pytest.raises(SpaceError, match="no choice is left in conv1x1"):
        asked(OneShot(), Space.from_text("NET -> conv1x1"))


def test_nothing_told_changes_what_is_asked() -> None:
    strategy, space = OneShot(), cell201()
    state = strategy.start(space, METRIC)
    assert strategy.tell(state, Trial(0, strategy.ask(state, stream(0)))) == state


def test_wrong_settings_are_named() -> None:
    with pytest.raises(
        SpaceError, match=r"has no nonterminal CEL \(did you mean CELL\?\); it has NET, CELL, OP"
    ):
        OneShot(nonterminal="CEL").start(cell201(), METRIC)
    with pytest.raises(ValueError, match="a choice needs at least 2, got 1"):
        OneShot(candidates=1)


def test_a_search_that_is_cut_goes_on_with_the_same_supernets(tmp_path: Path) -> None:
    darts = Darts(load("digits"), epochs=1, channels=4, batch_size=256, validate=False)

    def trials(name: str, *limits: int) -> list[object]:
        for most in limits:
            study = search(cell201(), OneShot(), darts, tmp_path / name, limit=Limit(trials=most), seed=3)
        assert all(t.estimate is not None and t.architecture in cell201() for t in study.trials)
        return [
            (t.proposal, t.estimate.ranks, t.estimate.derived, replace(t.estimate, cost=0.0).values["loss"])
            for t in study.trials
            if t.estimate
        ]

    whole = trials("whole.db", 2)
    assert trials("cut.db", 1, 2) == whole
    assert whole[0] != whole[1]
