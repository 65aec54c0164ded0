"""Searches of several objectives under constraints: what is refused, resumed and told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import EVOLUTION, TINY, Smooth

from morphogen.estimators.at_fidelity import AtFidelity
from morphogen.estimators.estimator import Estimator
from morphogen.estimators.table import Table
from morphogen.goals import Constraint, GoalError, Objectives
from morphogen.journal import Event, JournalError, Memory
from morphogen.records import Estimate, Fidelity, Metric, Proposal
from morphogen.strategies.local_search import LocalSearch
from morphogen.strategies.nsga2 import NSGA2
from morphogen.strategies.random_search import RandomSearch
from morphogen.study import Limit, Processes, SearchStopped, Simulated, Study, loop, search, without_times

ACCURACY, SIZE, SLOW = Metric("accuracy"), Metric("size", maximize=False), Metric("slow", maximize=False)


def size(text: str) -> float:
    return 9 * text.count("3x3") + text.count("1x1")


@dataclass(frozen=True)
class Sized(Estimator):
    """Large networks are better and slower; how large they are is known without estimating."""

    folder: str = ""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (ACCURACY, SIZE, SLOW)

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        return {"size": size(str(proposal.architecture))}

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        text = str(proposal.architecture)
        if self.folder:
            Path(self.folder, text).touch()
        if rng.random() < 0.1:
            raise RuntimeError("unlucky")
        values = {"accuracy": size(text) + 0.1 * text.count("max"), "size": size(text)}
        return Estimate({**values, "slow": text.count("pool") + size(text) / 100}, cost=1.0)


SMALL = {"constraints": ["size<=10"]}


def run(strategy: Any, journal: Memory | None = None, trials: int = 12, **options: Any) -> Study:
    return search(TINY, strategy, Sized(), journal or Memory(), limit=Limit(trials=trials), seed=3, **options)


def test_what_is_known_to_break_a_constraint_is_not_estimated(tmp_path: Path) -> None:
    estimator = Sized(str(tmp_path))
    study = search(TINY, RandomSearch(), estimator, limit=Limit(trials=10), constraints=["size<=10"])
    assert len(study.trials) == 10 + len(study.refused) and study.refused
    trained = {path.name for path in tmp_path.iterdir()}
    assert trained == {str(t.architecture) for t in study.trials if not t.refused}
    for trial in study.refused:
        found = size(str(trial.architecture))
        assert trial.estimate is not None and trial.estimate.values == {"size": found} and found > 10
        assert trial.estimate.refused == f"size is {found:g}, not at most 10"
        assert not trial.failed and not trial.succeeded and not trial.pending
    assert study.ledger.cost <= 10


@pytest.mark.parametrize("strategy", [NSGA2(population=4), EVOLUTION, LocalSearch(initial=2)], ids=repr)
def test_cut_at_any_event_it_goes_on_alike(strategy: Any) -> None:
    options: dict[str, Any] = {"constraints": ["size<=10", "slow<=2.05"]}
    if strategy.objectives is None:
        options["objectives"] = ["accuracy", "slow"]
    whole = Memory()
    run(strategy, whole, **options)
    events = without_times(whole.read())
    assert any("refused" in event.get("estimate", {}) for event in events)
    for cut in range(1, len(events)):
        journal = Memory()
        for event in whole.read()[:cut]:
            journal.append(event)
        run(strategy, journal, **options)
        assert without_times(journal.read()) == events, f"cut after {cut} events"


def test_workers_refuse_alike() -> None:
    here = run(RandomSearch(), **SMALL)
    apart = run(RandomSearch(), pool=Processes(2), **SMALL)
    assert [t.number for t in apart.refused] == [t.number for t in here.refused]
    assert [t.proposal for t in apart.trials] == [t.proposal for t in here.trials]


def test_many_workers_on_a_simulated_clock_search_a_frontier() -> None:
    pool = Simulated(workers=5)
    study = run(NSGA2(population=6), trials=30, objectives=["accuracy", "slow"], pool=pool, **SMALL)
    assert len(study.trials) - len(study.refused) == 30
    assert pool.clock == pytest.approx(6)  # refused ones took no time of a worker


def test_a_fidelity_in_between_still_knows() -> None:
    estimator = AtFidelity(Sized(), Fidelity(epochs=2))
    study = search(TINY, RandomSearch(), estimator, limit=Limit(trials=3), constraints=["size<=10"])
    assert study.refused


def test_when_nothing_is_allowed_the_search_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "REFUSED", 20)
    journal = Memory()
    for times in (1, 2):
        with pytest.raises(
            SearchStopped, match="20 proposals in a row break a constraint, the last one since size"
        ):
            run(RandomSearch(), journal, constraints=["size<=-1"])
        study = Study(journal)
        assert len(study.refused) == len(study.trials) == 20 * times
    with pytest.raises(
        LookupError, match=r"no trial .* succeeded yet; the nearest is trial \d+: size is 0, not"
    ):
        study.best()


def test_the_best_keeps_the_constraints() -> None:
    study = run(EVOLUTION, trials=20, constraints=["slow<=1.1"])
    assert not study.refused  # how slow it is shows in its estimate
    best = study.best()
    assert best.estimate is not None and best.estimate.values["slow"] <= 1.1
    free = max(t.estimate.values["accuracy"] for t in study.trials if t.succeeded and t.estimate)
    assert best.estimate.values["accuracy"] <= free
    assert all(not study.broken_by(trial) for trial in study.frontier())
    assert "slow is" in study.broken_by(
        next(t for t in study.trials if t.succeeded and study.goal.violation(t))
    )
    none = run(EVOLUTION, trials=5, constraints=["slow<=-1"])
    with pytest.raises(
        LookupError, match="no trial of the journal in memory keeps all constraints; the nearest"
    ):
        none.best()
    assert none.frontier() == () and none.to_json()["best"] is None


def test_a_study_knows_its_goal() -> None:
    study = run(NSGA2(population=4), objectives=["accuracy", "slow"], **SMALL)
    assert study.objectives == (ACCURACY, SLOW) and study.metric == ACCURACY
    assert study.constraints == (Constraint("size", "<=", 10),) and study.weights == ()
    assert study.goal == Objectives((ACCURACY, SLOW), study.constraints)
    assert study.frontier() == study.frontier(["accuracy", "slow"])
    grown = study.hypervolume()
    assert len(grown) == len(study.trials) and (np.diff(grown) >= 0).all() and 0 < grown[-1] <= 1
    weighted = run(EVOLUTION, weights={"accuracy": 1, "slow": 5})
    assert weighted.weights == (1.0, 5.0)
    scores = {t.number: weighted.goal.score(t) for t in weighted.trials if t.succeeded}
    assert weighted.best().number == max(scores, key=scores.__getitem__)
    plain = run(EVOLUTION)
    assert plain.objectives == (ACCURACY,) and plain.goal == ACCURACY and plain.constraints == ()


def test_another_goal_is_another_search() -> None:
    journal = Memory()
    run(NSGA2(population=4), journal, objectives=["accuracy", "slow"])
    with pytest.raises(JournalError, match="objectives are accuracy, slow there and accuracy, size here"):
        run(NSGA2(population=4), journal, objectives=["accuracy", "size"])
    with pytest.raises(JournalError, match="constraints are none there and size<=10 here"):
        run(NSGA2(population=4), journal, objectives=["accuracy", "slow"], **SMALL)
    with pytest.raises(JournalError, match="weights are none there and 1.0, 2.0 here"):
        run(NSGA2(population=4), journal, objectives=["accuracy", "slow"], weights={"accuracy": 1, "slow": 2})


def test_a_plain_search_is_written_as_before() -> None:
    journal = Memory()
    run(EVOLUTION, journal)
    opening: Event = journal.read()[0]
    assert not {"objectives", "constraints", "weights"} & set(opening)


def test_a_goal_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    journal = Memory()
    with pytest.raises(
        ValueError, match="RegularizedEvolution improves one number, and there are 2 objectives: take"
    ):
        run(EVOLUTION, journal, objectives=["accuracy", "slow"])
    with pytest.raises(GoalError, match="not speed"):
        run(EVOLUTION, journal, objectives=["speed"])
    with pytest.raises(GoalError, match="column 5"):
        run(EVOLUTION, journal, constraints=["size"])
    assert journal.read() == []


def test_estimators_that_know_nothing_refuse_nothing() -> None:
    study = search(TINY, RandomSearch(), Smooth(), limit=Limit(trials=10), constraints=["size<=0"])
    assert not study.refused and len(study.trials) == 10
    rows = {a: n for n, a in enumerate(TINY.enumerate())}
    table = Table("tiny", rows, {ACCURACY: np.arange(64.0), SIZE: np.arange(64.0)})
    found = search(TINY, RandomSearch(), table, limit=Limit(trials=10), constraints=["size<=10"])
    assert not found.refused and table.queries == 10  # a look at a table is a query


def test_the_frontier_is_drawn_of_the_objectives() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="pictures need matplotlib")
    study = run(NSGA2(population=4), objectives=["accuracy", "slow"])
    assert study.plot_frontier().get_xlabel() == "slow"
    assert run(EVOLUTION).plot_frontier().get_xlabel() == "size"
    pyplot.close("all")
