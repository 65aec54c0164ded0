"""Studies of regions: what is derived, who goes together, and bad regions that cost a trial and no study."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from morphogen import catalog
from morphogen.estimators import AtFidelity, Fade, Training
from morphogen.estimators.estimator import Estimator
from morphogen.journal import JournalError, Memory
from morphogen.networks.data import load
from morphogen.records import Estimate, Fidelity, Metric, Position, Proposal, Trial
from morphogen.spaces import Space
from morphogen.strategies import PseudoGradientEvolution, RandomSearch, Strategy
from morphogen.study import Limit, RehearsalFailed, Study, search

SPACE = Space.from_text("NET -> chain(A, B)\nA -> conv3x3 | conv1x1 | conv3x3_down\nB -> conv3x3 | conv1x1")
CONV, POINT, DOWN = (SPACE.read(name) for name in ("conv3x3", "conv1x1", "conv3x3_down"))
HERE = SPACE.parse("chain(conv3x3, conv1x1)")
GOOD = Proposal(HERE, region=(Position((0,), (CONV, POINT)), Position((1,), (CONV, POINT))))
EMPTY = replace(GOOD, region=(Position((0,), ()), GOOD.region[1]))
SHAPES = replace(GOOD, region=(Position((0,), (CONV, DOWN)), GOOD.region[1]))
LARGE = replace(GOOD, fidelity=Fidelity(channels=20_000))
WILD = replace(GOOD, fidelity=Fidelity(learning_rate=1e30))


@dataclass(frozen=True)
class Given(Strategy[int]):
    """Proposes what it was given, in order."""

    proposals: tuple[Proposal, ...]
    regions = True

    def start(self, space: Space, metric: Metric) -> int:
        return 0

    def ask(self, state: int, rng: np.random.Generator) -> Proposal | None:
        return self.proposals[state] if state < len(self.proposals) else None

    def tell(self, state: int, trial: Trial) -> int:
        return state + trial.pending


@pytest.fixture(scope="module")
def fade() -> Fade:
    return Fade(load("digits"), epochs=1, supernets=2, channels=4, batch_size=200)


def test_bad_regions_are_failed_estimates_of_a_whole_study(tmp_path: Path, fade: Fade) -> None:
    path = tmp_path / "study.db"
    proposals = (GOOD, EMPTY, SHAPES, LARGE, WILD, GOOD)
    search(SPACE, Given(proposals), fade, path, limit=Limit(trials=6))
    study = Study.open(path)
    assert [trial.failed for trial in study.trials] == [False, True, True, True, True, False]
    assert [trial.proposal for trial in study.trials] == list(proposals)
    told = [t.estimate.failure for t in study.failures if t.estimate and t.estimate.failure]
    assert [failure.type for failure in told] == ["SpaceError", "SupernetError", "SupernetError", "Diverged"]
    assert "position (0,) has no candidate" in told[0].message
    assert "candidate conv3x3_down gives maps of 8x4x4, others of 4x8x8" in told[1].message
    assert "2 supernets of the region would need about" in told[2].message and "GB" in told[2].message
    assert "lower the learning rate" in told[3].message
    assert study.best().architecture in SPACE


@pytest.mark.parametrize("bad", [EMPTY, SHAPES, LARGE])
def test_a_bad_first_region_is_refused_before_anything_is_written(bad: Proposal, fade: Fade) -> None:
    journal = Memory()
    with pytest.raises(RehearsalFailed, match="the first region cannot be estimated: S"):
        search(SPACE, Given((bad,)), AtFidelity(fade, Fidelity(fraction=0.5)), journal, limit=Limit(trials=1))
    assert not journal.read()


def test_a_trial_stands_for_what_was_derived(tmp_path: Path, fade: Fade) -> None:
    path = tmp_path / "study.db"
    search(SPACE, Given((GOOD, GOOD)), fade, path, limit=Limit(trials=2))
    for trial in Study.open(path).trials:
        assert trial.estimate is not None
        assert str(trial.architecture) == trial.estimate.derived
        chosen = [
            p.candidates[int(np.argmax(r))] for p, r in zip(GOOD.region, trial.estimate.ranks, strict=True)
        ]
        assert len(trial.estimate.ranks) == 2 and all(part in (CONV, POINT) for part in chosen)
    assert Trial(0, GOOD).architecture == HERE


# --- estimates that cannot be understood --------------------------------------------------------------------


@dataclass(frozen=True)
class Says(Estimator):
    """Ranks all candidates alike, and says one thing wrong in its second estimate."""

    ranks: tuple[tuple[float, ...], ...] | None = None
    derived: str | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("score"),)

    @property
    def regions(self) -> bool:
        return True

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        right = tuple((1 / len(p.candidates),) * len(p.candidates) for p in proposal.region)
        if rng.random() < 0.5:
            return Estimate({"score": 1.0}, ranks=right)
        return Estimate(
            {"score": 2.0}, ranks=right if self.ranks is None else self.ranks, derived=self.derived
        )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Says(ranks=((0.5, 0.5), (1.0,))), r"ranks \[2, 1\] candidates, the region has \["),
        (Says(ranks=((float("nan"),) * 3, (0.5, 0.5))), "ranks that are negative or not finite"),
        (Says(derived="chain(conv3x3, conv3x3_down)"), "is not in the space"),
        (Says(derived="chain(conv3x3"), "is not in the space"),
    ],
)
def test_an_estimate_that_cannot_be_understood_is_a_failure(wrong: Says, said: str) -> None:
    journal = Memory()
    study = search(
        SPACE, PseudoGradientEvolution(candidates=3), wrong, journal, limit=Limit(trials=12), alike=13
    )
    assert 0 < len(study.failures) < len(study.trials) == 12
    for trial in study.failures:
        assert trial.estimate is not None and trial.estimate.failure is not None
        assert trial.estimate.failure.type == "EstimateError"
        assert said.replace("\\", "") in trial.estimate.failure.message
    assert study.best().estimate == Estimate({"score": 1.0}, ranks=study.best().estimate.ranks)  # type: ignore[union-attr]


def test_a_journal_with_a_derived_architecture_of_another_space_is_damaged(fade: Fade) -> None:
    journal = Memory()
    search(SPACE, Given((GOOD,)), fade, journal, limit=Limit(trials=1))
    events = [{**event} for event in journal.read()]
    events[-1]["estimate"] = {**events[-1]["estimate"], "derived": "chain(conv3x3, )"}
    spoiled = Memory()
    for event in events:
        spoiled.append(event)
    with pytest.raises(JournalError, match="derived architecture"):
        _ = Study(spoiled).trials


# --- who goes together --------------------------------------------------------------------------------------


def test_regions_need_an_estimator_of_regions_and_the_other_way_round(fade: Fade) -> None:
    journal = Memory()
    with pytest.raises(ValueError, match="take an estimator of regions, such as Fade"):
        search(SPACE, PseudoGradientEvolution(), Training(fade.data), journal, limit=Limit(trials=1))
    with pytest.raises(ValueError, match="take a strategy of regions, such as PseudoGradientEvolution"):
        search(SPACE, RandomSearch(), AtFidelity(fade, Fidelity(epochs=1)), journal, limit=Limit(trials=1))
    assert not journal.read()


def test_the_catalogue_says_who_speaks_of_regions(fade: Fade) -> None:
    said = {entry.name for entry in catalog.entries() if entry.regions}
    assert said == {"pseudo_gradient_evolution", "one_shot", "fade", "darts"}
    for entry in catalog.entries("strategy"):
        assert entry.load().regions == entry.regions
    for entry in catalog.entries("estimator"):
        kind = entry.load()
        needed = [p for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
        if len(needed) == 1:  # those that need no more than data
            assert kind(fade.data).regions == entry.regions


def test_a_network_is_trained_alone_as_in_the_supernet(fade: Fade) -> None:
    alone = Training(fade.data, **fade.alone)
    assert (alone.channels, alone.batch_size, alone.learning_rate) == (4, 200, 0.003)
    assert (alone.optimizer, alone.weight_decay, alone.shift) == ("adamw", 0.0, False)
