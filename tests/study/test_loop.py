"""The loop: resuming from every cut, limits, stopping, interrupting."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import EVOLUTION, TINY, Behaves, InOrder, Smooth, searched

from morphogen.estimators.estimator import Estimator
from morphogen.journal import Event, Memory, SQLite
from morphogen.records import Estimate, Metric, Proposal, Trial
from morphogen.spaces.space import Space
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.strategy import Strategy
from morphogen.study import (
    Inline,
    Interrupted,
    Limit,
    Processes,
    SearchStopped,
    Study,
    search,
    without_times,
)


def without_traces(events: list[Event]) -> list[Any]:
    """Return the events without times and tracebacks; the latter name the class that was interrupted."""
    plain = json.loads(json.dumps(without_times(events)))
    for event in plain:
        event.get("estimate", {}).get("failure", {}).pop("traceback", None)
    return plain


def test_a_search_cut_at_any_event_and_resumed_writes_the_same_journal() -> None:
    whole = searched(Memory())
    assert len(whole) == 1 + 2 * 12
    assert any("failure" in event["estimate"] for event in whole if event["kind"] == "told")
    expected = [json.dumps(event) for event in without_times(whole)]
    for cut in range(len(whole) + 1):
        resumed = searched(Memory(whole[:cut]))
        assert resumed[:cut] == whole[:cut]
        assert [json.dumps(event) for event in without_times(resumed)] == expected


def test_a_larger_limit_goes_on_as_if_it_had_been_given_first() -> None:
    journal = Memory()
    searched(journal, trials=5)
    assert without_times(searched(journal, trials=12)) == without_times(searched(Memory(), trials=12))


def test_a_finished_search_is_left_as_it_is() -> None:
    journal = Memory()
    assert searched(journal) == searched(journal)


def test_the_same_in_a_file_and_in_worker_processes(tmp_path: Path) -> None:
    expected = without_times(searched(Memory()))
    with SQLite(tmp_path / "study.db") as journal:
        search(TINY, EVOLUTION, Smooth(), journal, limit=Limit(trials=5), seed=7)
        search(TINY, EVOLUTION, Smooth(), journal, limit=Limit(trials=12), seed=7, pool=Processes(1))
        assert without_times(journal.read()) == expected


def test_another_seed_is_another_search() -> None:
    assert (
        without_times(searched(Memory()))[1:]
        != without_times(search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=12), seed=8).journal.read())[1:]
    )


def test_times_are_all_that_is_left_out() -> None:
    events = searched(Memory(), trials=2)
    plain = without_times(events)
    assert set(events[0]) - set(plain[0]) == {"at"}
    assert plain[0]["space"]["grammar"] == str(TINY.grammar)
    assert set(events[2]) - set(plain[2]) == {"at", "spent"}
    assert set(plain[2]["estimate"]) == {"values", "curve"}
    assert set(plain[2]["estimate"]["values"]) == {"accuracy", "size"}
    assert plain[2]["estimate"]["curve"] == [{"accuracy": 0.5}]


def test_what_was_pending_is_estimated_again_with_its_own_stream_and_room_is_kept_to() -> None:
    whole = searched(Memory(), trials=6)
    asked = [event for event in whole if event["kind"] == "asked"]
    journal = Memory([whole[0], *asked])  # six workers had begun and died
    searched(journal, trials=6)
    estimates = {
        event["number"]: event["estimate"] for event in without_times(journal.read()) if "estimate" in event
    }
    assert estimates == {
        event["number"]: event["estimate"] for event in without_times(whole) if "estimate" in event
    }


@dataclass(frozen=True)
class Learning(Strategy[tuple[int, int, int]]):
    """Learns at every third finished trial, asks by what it learnt, has at most two trials running."""

    def start(self, space: Space, metric: Metric) -> tuple[int, int, int]:
        return (0, 0, 0)

    def ask(self, state: tuple[int, int, int], rng: np.random.Generator) -> Proposal | None:
        asked, told, learnt = state
        return Proposal(TINY.unrank((7 * learnt + asked) % TINY.count())) if asked - told < 2 else None

    def tell(self, state: tuple[int, int, int], trial: Trial) -> tuple[int, int, int]:
        asked, told, learnt = state
        return (asked + 1, told, learnt) if trial.pending else (asked, told + 1, learnt)

    def learn(self, state: tuple[int, int, int]) -> tuple[int, int, int]:
        asked, told, learnt = state
        return (asked, told, learnt + (told % 3 == 0))  # not idempotent: how often it is called matters


def test_learning_is_replayed_too() -> None:
    whole = search(TINY, Learning(), Smooth(), limit=Limit(trials=10)).journal.read()
    for cut in range(1, len(whole)):
        journal = Memory(whole[:cut])
        search(TINY, Learning(), Smooth(), journal, limit=Limit(trials=10))
        assert without_times(journal.read()) == without_times(whole)


# --- limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs a limit"),
        ({"trials": 0}, "trials must be positive"),
        ({"hours": float("nan")}, "hours must be positive"),
        ({"seconds": 1, "hours": 1}, "seconds or hours"),
    ],
)
def test_a_limit_must_mean_something(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Limit(**given)


@dataclass(frozen=True)
class Priced(Estimator):
    """Costs ten seconds that it does not take."""

    metrics = (Metric("accuracy"),)

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Any:
        return Estimate({"accuracy": 0.5}, cost=10.0)


def test_summed_cost_ends_a_search_over_sessions() -> None:
    journal = Memory()
    search(TINY, RandomSearch(), Priced(), journal, limit=Limit(cost=25))
    assert len(Study(journal).trials) == 3
    study = search(TINY, RandomSearch(), Priced(), journal, limit=Limit(cost=50))
    assert len(study.trials) == 5
    assert study.ledger.cost == 50


def test_wall_time_ends_a_search_over_sessions() -> None:
    journal = Memory()
    search(TINY, RandomSearch(), Smooth(0.02), journal, limit=Limit(seconds=0.2))
    trials = len(Study(journal).trials)
    assert 4 <= trials <= 10
    search(TINY, RandomSearch(), Smooth(0.02), journal, limit=Limit(seconds=0.2))
    assert len(Study(journal).trials) == trials
    begun = time.perf_counter()
    study = search(TINY, RandomSearch(), Smooth(0.02), journal, limit=Limit(seconds=0.3))
    assert time.perf_counter() - begun < 0.25
    assert len(study.trials) > trials
    assert 0.3 <= study.ledger.wall < 0.5


def test_a_strategy_with_nothing_left_to_ask_ends_a_search() -> None:
    study = search(TINY, InOrder(), Smooth(), limit=Limit(trials=1000), alike=99)
    assert [trial.architecture for trial in study.trials] == list(TINY.enumerate())


# --- stopping -----------------------------------------------------------------------------------------------


def test_alike_failures_stop_a_search_which_then_goes_on() -> None:
    estimator, journal = Behaves(("good", *["raise"] * 9)), Memory()
    go: dict[str, Any] = {"space": TINY, "strategy": InOrder(), "estimator": estimator, "journal": journal}
    with pytest.raises(
        SearchStopped, match="5 trials in a row failed alike, trial 5 by ValueError: trial 5 went wrong"
    ):
        search(**go, limit=Limit(trials=20))
    stopped = journal.read()
    assert stopped[-1]["kind"] == "stopped"
    assert len(stopped) == 1 + 2 * 6 + 1
    # Killed between the last failure and the word "stopped", it stops as it would have.
    cut = Memory(stopped[:-1])
    with pytest.raises(SearchStopped):
        search(**{**go, "journal": cut}, limit=Limit(trials=20))
    assert without_times(cut.read()) == without_times(stopped)
    # Started again, it counts anew: four more failures, then all is well.
    study = search(**go, limit=Limit(trials=20))
    assert len(study.trials) == 20
    assert len(study.failures) == 9
    assert [event["kind"] for event in study.others] == ["stopped"]


def test_failures_that_differ_do_not_stop_a_search() -> None:
    acts = tuple(itertools.islice(itertools.cycle(("raise", "exit", "nan", "missing")), 32))
    assert len(search(TINY, InOrder(), Behaves(acts), limit=Limit(trials=40)).failures) == 32
    acts = tuple(itertools.islice(itertools.cycle(("raise", "raise", "good")), 30))
    assert len(search(TINY, InOrder(), Behaves(acts), limit=Limit(trials=40), alike=3).failures) == 20


def test_ctrl_c_inside_an_estimate_leaves_a_journal_that_goes_on() -> None:
    class Pressed(Smooth):
        """Smooth, until somebody presses Ctrl-C."""

        fingerprint = "Smooth"

        def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Any:
            if str(proposal.architecture) == third:
                raise KeyboardInterrupt
            return super().estimate(proposal, rng)

    whole = searched(Memory())
    third = whole[7]["proposal"]["architecture"]
    journal = Memory()
    with pytest.raises(Interrupted, match="3 finished trials are in the journal in memory"):
        search(TINY, EVOLUTION, Pressed(), journal, limit=Limit(trials=12), seed=7)
    assert without_traces(journal.read()) == without_traces(whole[:8])
    assert without_traces(searched(journal)) == without_traces(whole)


@dataclass(frozen=True)
class Forgetful(InOrder):
    """Has a mistake in its ask."""

    def ask(self, state: int, rng: np.random.Generator) -> Proposal | None:
        if state == 2:
            raise ZeroDivisionError("my mistake")
        return super().ask(state, rng)


def test_a_mistake_in_a_strategy_comes_out_as_it_is() -> None:
    journal = Memory()
    with pytest.raises(ZeroDivisionError, match="my mistake"):
        search(TINY, Forgetful(), Smooth(), journal, limit=Limit(trials=5), pool=Inline())
    assert [event["kind"] for event in journal.read()] == ["opened", "asked", "told", "asked", "told"]


# --- from outside -------------------------------------------------------------------------------------------

SCRIPT = """
import sys
from searches import *
from morphogen.study import *
if __name__ == "__main__":
    pool = Processes(2) if sys.argv[2] == "processes" else Inline()
    search(TINY, InOrder(), Smooth(0.05), sys.argv[1], limit=Limit(trials=50), pool=pool, alike=99,
           on_event=lambda event: print(event["kind"], flush=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("pool", ["inline", "processes"])
def test_ctrl_c_in_a_terminal_ends_cleanly_and_the_search_resumes(pool: str, tmp_path: Path) -> None:
    path, script = tmp_path / "study.db", tmp_path / "script.py"
    script.write_text(SCRIPT)
    folders = [str(Path(__file__).parent), *sys.path]
    process = subprocess.Popen(
        [sys.executable, str(script), str(path), pool],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        start_new_session=True,
    )
    assert process.stdout is not None
    while "told" not in process.stdout.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.strip().splitlines()[-1].startswith("morphogen.study.outcomes.Interrupted: interrupted; ")
    assert errors.count("Traceback") == 1
    with SQLite(path) as journal:
        before = Study(journal).trials
        assert 0 < len(before) < 50
        study = search(TINY, InOrder(), Smooth(0.05), journal, limit=Limit(trials=len(before)), alike=99)
        assert all(trial.estimate is not None for trial in study.trials)
        assert [t for t in study.trials if not before[t.number].pending] == [
            t for t in before if not t.pending
        ]
