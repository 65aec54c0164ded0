"""A search killed at random moments and resumed each time writes the journal of an uninterrupted one.

The child process searches and is killed with SIGKILL; what it estimates goes to a log beside the journal as
well, so that an estimate made twice cannot hide.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, final

import numpy as np

from morphogen.estimators.estimator import Estimator
from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.journal.journal import Event
from morphogen.journal.sql import SQLite
from morphogen.records import Estimate, Metric, Proposal
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.study.events import without_times
from morphogen.study.inline import Inline
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.pool import Pool
from morphogen.study.processes import Processes
from morphogen.study.study import Study

SECONDS: Final = 0.004  # of one estimate
PER_KILL: Final = 8  # trials of the search for each kill, so that it is not over before the last one
ALIKE: Final = 1000


@final
@dataclass(frozen=True)
class Logged(Estimator):
    """Scores convolutions with some noise, fails one trial in ten, writes the name of its stream to a log."""

    log: str

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("score"), Metric("took", maximize=False, unit="s"))

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        begun = time.perf_counter()
        with Path(self.log).open("a", encoding="utf-8") as log:
            log.write(f"{_name(rng)}\n")
        time.sleep(SECONDS * 2 * rng.random())
        if rng.random() < 0.1:
            raise RuntimeError(f"a failure that belongs to {proposal.architecture}")
        took = time.perf_counter() - begun
        return Estimate(
            {"score": str(proposal.architecture).count("conv") + rng.random(), "took": took}, cost=took
        )


def _name(rng: np.random.Generator) -> int:
    """Return the first number of a stream, which tells one trial from all others."""
    return int(rng.integers(2**62))


def searched(
    journal: Path,
    log: Path,
    seed: int,
    trials: int,
    pool: Pool,
    on_event: Callable[[Event], None] | None = None,
) -> Study:
    """Search, or search on, until `trials`."""
    strategy = RegularizedEvolution(population=20, tournament=5)
    return search(
        cell201(),
        strategy,
        Logged(str(log)),
        journal,
        limit=Limit(trials=trials),
        seed=seed,
        pool=pool,
        alike=ALIKE,
        on_event=on_event,
    )


def experiment(kills: int, seed: int, pool: str = "inline") -> dict[str, Any]:
    """Kill a search `kills` times, resume it each time, let it end, compare it with one that nobody killed.

    pool: "inline" or "processes" (one worker). Returns the counts of kills, of finished trials that were lost
    or changed by a kill, of those that were run again, and whether the journals are equal, byte for byte but
    for times.
    """
    trials = PER_KILL * kills + 20
    rng = stream(seed, "moments")
    numbers = {_name(stream(seed, n, "estimate")): n for n in range(trials)}
    with TemporaryDirectory(prefix="morphogen-") as name:
        journal, log = Path(name, "killed.db"), Path(name, "killed.log")
        log.touch()
        moments: list[_Moment] = []
        for _ in range(kills):
            command = [
                sys.executable,
                "-m",
                __spec__.name,
                str(journal),
                str(log),
                str(seed),
                str(trials),
                pool,
            ]
            if (lived := _killed(command, rng)) is None:
                break  # it was over before
            moments.append(_Moment(lived, log.stat().st_size, _told(journal)))
        searched(journal, log, seed, trials, Inline())
        whole = searched(Path(name, "whole.db"), Path(name, "whole.log"), seed, trials, Inline())
        with SQLite(journal) as killed:
            resumed = Study(killed)
            equal = _words(resumed) == _words(whole)
            failures = len(resumed.failures)
        told, logged = _told(journal), log.read_bytes()
    return {
        "kills": len(moments),
        "trials": trials,
        "failures": failures,
        "lost": sum(told.get(n) != estimate for moment in moments for n, estimate in moment.told.items()),
        "run_again": sum(
            numbers[int(name)] in moment.told
            for moment in moments
            for name in logged[moment.logged :].split()
        ),
        "estimates": len(logged.split()),
        "equal": equal,
        "seconds_to_kill": [round(moment.lived, 4) for moment in moments],
    }


@final
@dataclass(frozen=True)
class _Moment:
    """When the search was killed, and what was there then: bytes of the log, finished trials."""

    lived: float
    logged: int
    told: Mapping[int, Any]


def _words(study: Study) -> list[str]:
    """Return the events of a study as they are written, without times."""
    return [json.dumps(event) for event in without_times(study.journal.read())]


def _told(journal: Path) -> dict[int, Any]:
    """Return the estimates in the journal by trial; there may be no journal yet."""
    if not journal.exists() or not journal.stat().st_size:
        return {}
    with SQLite(journal, read_only=True) as opened:
        return {event["number"]: event["estimate"] for event in opened.read() if event["kind"] == "told"}


def _killed(command: list[str], rng: np.random.Generator) -> float | None:
    """Start the search, kill it at a random moment; return the seconds it lived, None where it ended before.

    Three of four are killed within a few trials after their first event, the fourth anywhere: while Python
    starts, while the journal is replayed.
    """
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if rng.random() < 0.75:
            process.stdout.readline()
            time.sleep(rng.random() * PER_KILL * SECONDS)
        else:
            time.sleep(rng.random())
        process.kill()
        lived = time.perf_counter() - begun
    if process.returncode not in (0, -signal.SIGKILL):  # a child that breaks down by itself is no kill
        raise RuntimeError(f"the search ended by itself with exit code {process.returncode}")
    return lived if process.returncode else None


def findings(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Kill searches in both pools, and show that the comparison finds journals that were tampered with."""
    runs = (("inline", 4),) if quick else (("inline", 50), ("processes", 10))
    for place, (pool, kills) in enumerate(runs):
        progress(f"killing a search {kills} times, its estimates {pool}", place / len(runs))
        found = experiment(kills, 0, pool)
        yield Finding(f"{pool}: kills", found["kills"], Bar("at least", kills))
        yield Finding(f"{pool}: finished trials lost or changed", found["lost"], Bar("equals", 0))
        yield Finding(f"{pool}: finished trials run again", found["run_again"], Bar("equals", 0))
        same = int(found["equal"])
        yield Finding(f"{pool}: journals equal to an uninterrupted one, of 1", same, Bar("equals", 1))
    yield from tampered()


def tampered() -> Iterator[Finding]:
    """Journals that no right resume writes; none may pass as equal."""
    with TemporaryDirectory(prefix="morphogen-") as name:
        whole, other = (
            searched(Path(name, f"{seed}.db"), Path(name, f"{seed}.log"), seed, 30, Inline()).journal
            for seed in (0, 1)
        )
        events, others = (without_times(journal.read()) for journal in (whole, other))
        for journal in (whole, other):
            assert isinstance(journal, SQLite)
            journal.close()
    told = next(n for n, event in enumerate(events) if n > len(events) / 2 and event["kind"] == "told")
    fakes = {
        "that lost a finished trial": [*events[:told], *events[told + 1 :]],
        "in which a trial finished twice": [*events[:told], events[told], *events[told:]],
        "that went on with other randomness": [*events[:told], *others[told:]],
    }
    for what, fake in fakes.items():
        same = int(json.dumps(fake) == json.dumps(events))
        yield Finding(f"journals {what} and pass as equal", same, Bar("equals", 0), control=True)


ENTRY: Final = Entry(
    name="kill_and_resume",
    claim="A search killed with SIGKILL at 50 random moments and resumed each time loses no finished trial, "
    "runs none twice, and with one worker writes the journal of an uninterrupted search, byte for byte up to "
    "times.",
    source="Morphogen's own: resuming is the only way to begin",
    control="A journal that lost a finished trial, tells one twice, or went on with other randomness does "
    "not pass as equal to the uninterrupted one.",
    experiment=findings,
    seeds=1,
    quick_seeds=1,
)


if __name__ == "__main__":
    searched(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
        Processes(1) if sys.argv[5] == "processes" else Inline(),
        on_event=lambda event: print(event["kind"], flush=True),  # the one who kills waits for the first
    )
