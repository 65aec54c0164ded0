"""Studies: what a journal tells, also while it grows."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from searches import EVOLUTION, TINY, Behaves, InOrder, Smooth

from morphogen.journal import Event, Journal, JournalError, Memory, SQLite
from morphogen.records import Metric, Proposal
from morphogen.study import Limit, Study, search


@pytest.fixture(scope="module")
def study() -> Study:
    return search(TINY, EVOLUTION, Smooth(0.001), limit=Limit(trials=40), seed=3, metric="size")


def test_a_study_knows_whose_story_it_tells(study: Study) -> None:
    assert study.metric == Metric("size", maximize=False)
    assert study.metrics == Smooth().metrics
    assert study.seed == 3
    assert study.strategy == repr(EVOLUTION)
    assert study.estimator == "Smooth"
    again = Study(study.journal)
    assert again.space is not TINY
    assert again.space.fingerprint == TINY.fingerprint
    assert again.space.name == "tiny"
    assert again.trials == study.trials


def test_the_best_is_the_earliest_of_the_best(study: Study) -> None:
    succeeded = [trial for trial in study.trials if trial.succeeded and trial.estimate]
    least = min(trial.estimate.values["size"] for trial in succeeded if trial.estimate)
    first = next(trial for trial in succeeded if trial.estimate and trial.estimate.values["size"] == least)
    assert study.best() == first
    best = study.best("accuracy")
    assert best.estimate is not None
    assert best.estimate.values["accuracy"] == max(
        t.estimate.values["accuracy"] for t in succeeded if t.estimate
    )
    with pytest.raises(LookupError, match="knows accuracy, size, took, not speed"):
        study.best("speed")


def test_the_frontier_is_what_nothing_beats(study: Study) -> None:
    metrics = [metric for metric in study.metrics if metric.name != "took"]
    succeeded = [trial for trial in study.trials if trial.succeeded]
    scores = {trial.number: [metric.score(trial) for metric in metrics] for trial in succeeded}

    def beats(one: int, other: int) -> bool:
        pairs = list(zip(scores[one], scores[other], strict=True))
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)

    expected = {n for n in scores if not any(beats(other, n) for other in scores)}
    frontier = study.frontier(["accuracy", "size"])
    assert {trial.number for trial in frontier} == expected
    assert 1 < len(expected) < len(succeeded)
    assert frontier[0] == study.best("accuracy")
    assert [scores[trial.number][0] for trial in frontier] == sorted(
        (scores[n][0] for n in expected), reverse=True
    )


def test_failures_say_why(study: Study) -> None:
    assert study.failures
    for trial in study.failures:
        assert trial.estimate is not None
        assert trial.estimate.failure is not None
        assert trial.estimate.failure.message == f"unlucky {trial.architecture}"
        assert 'raise RuntimeError(f"unlucky' in trial.estimate.failure.traceback


def test_the_ledger_adds_up(study: Study) -> None:
    ledger = study.ledger
    assert ledger.estimates > 40 * 0.001
    assert ledger.cost <= ledger.estimates
    assert min(ledger.strategy, ledger.journal) > 0
    parts = ledger.estimates + ledger.strategy + ledger.journal + ledger.idle
    assert parts == pytest.approx(ledger.wall, abs=1e-3)


def test_the_whole_story_is_json(study: Study) -> None:
    story = json.loads(json.dumps(study.to_json(), allow_nan=False))
    assert story["best"] == study.best().number
    assert story["frontier"] == [trial.number for trial in study.frontier()]
    assert [trial["number"] for trial in story["trials"]] == list(range(40))
    assert story["trials"][5]["architecture"] == str(study.trials[5].architecture)
    assert story["seed"] == 3
    assert set(story["ledger"]) == {"wall", "estimates", "strategy", "journal", "idle", "cost"}


def test_a_study_follows_a_running_search(tmp_path: Path) -> None:
    path, seen = tmp_path / "study.db", []

    def look(event: Event) -> None:
        if event["kind"] == "opened":
            watching.append(Study.open(path))
        trials = watching[0].trials
        seen.append((len(trials), sum(not trial.pending for trial in trials)))

    watching: list[Study] = []
    search(TINY, InOrder(), Smooth(), path, limit=Limit(trials=3), on_event=look)
    assert seen == [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]


def test_asking_again_reads_only_what_is_new() -> None:
    reads = []

    class Watched(Journal):
        """Notes what is read."""

        def __init__(self, events: list[Event]) -> None:
            self.events = events

        def append(self, event: Event) -> None:
            self.events.append(event)

        def read(self, since: int = 0) -> list[Event]:
            reads.append(since)
            return self.events[since:]

    journal = Watched([])
    study = search(TINY, InOrder(), Smooth(), journal, limit=Limit(trials=5))
    study.trials, study.best()
    assert reads == [0, 0, 11]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "is empty: no search has begun"),
        ([{"kind": "asked", "number": 0}], "does not begin with the opening"),
        ([{"kind": "opened", "format": 2}], "format 2"),
        ([{"kind": "opened"}], "event 1 cannot be understood"),
    ],
)
def test_a_journal_without_a_search_says_so(events: list[Event], words: str, tmp_path: Path) -> None:
    with SQLite(tmp_path / "study.db") as journal:
        for event in events:
            journal.append(event)
        with pytest.raises(JournalError, match=words) as caught:
            _ = Study(journal).trials
    assert "\n" not in str(caught.value)


def test_without_a_success_there_is_no_best() -> None:
    study = search(TINY, InOrder(), Behaves(("raise",)), limit=Limit(trials=1))
    with pytest.raises(LookupError, match="no trial of the journal in memory succeeded yet"):
        study.best()
    assert study.frontier() == ()
    assert study.to_json()["best"] is None


def test_what_is_not_a_trial_is_handed_on() -> None:
    journal = Memory()
    search(TINY, InOrder(), Smooth(), journal, limit=Limit(trials=2))
    journal.append({"kind": "retrained", "number": 1, "values": {"accuracy": 0.75}})
    study = search(TINY, InOrder(), Smooth(), journal, limit=Limit(trials=3))
    assert len(study.trials) == 3
    assert [event["kind"] for event in study.others] == ["retrained"]


@dataclass(frozen=True)
class Same(InOrder):
    """Asks for one architecture over and over."""

    def ask(self, state: int, rng: np.random.Generator) -> Proposal:
        return Proposal(TINY.unrank(0))


def test_late_trials_cost_what_early_ones_cost(tmp_path: Path) -> None:
    """In units of a fixed piece of work that is timed beside each trial: machines have fast and slow minutes."""
    starts, ends = [], []

    def mark(event: Event) -> None:
        if event["kind"] == "told":
            starts.append(time.process_time())
            sum(range(5000))
            ends.append(time.process_time())

    with SQLite(tmp_path / "study.db") as journal:
        search(TINY, Same(), Behaves(()), journal, limit=Limit(trials=4000), on_event=mark)
    costs = [
        (start - before) / (end - start)
        for before, start, end in zip(ends[:-1], starts[1:], ends[1:], strict=True)
    ]
    assert statistics.median(costs[3000:]) < 1.5 * statistics.median(costs[500:1500])
