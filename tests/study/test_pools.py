"""Pools: what raises, exits, crashes or hangs costs one trial; nothing is copied, left or lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from searches import TINY, Behaves, Holds, InOrder, Smooth

from morphogen.estimators.estimator import Estimator
from morphogen.journal import SQLite
from morphogen.records import Estimate, Metric, Proposal
from morphogen.study import Inline, Limit, Pool, PoolError, Processes, Study, search
from morphogen.study.parcel import pack, unpack

TESTS = str(Path(__file__).parent)

SURVIVED_INLINE = {
    "raise": "ValueError: trial 0 went wrong",
    "exit": "SystemExit: 3",
    "nan": "EstimateError: accuracy is nan",
    "infinite": "EstimateError: accuracy is -inf",
    "text": "EstimateError: accuracy is '0.5', not a number",
    "none": "EstimateError: accuracy is None, not a number",
    "missing": "EstimateError: the estimate has no accuracy",
    "extra": "EstimateError: the estimate has loss, which the estimator does not declare",
    "dict": "EstimateError: the estimator returned dict, not an Estimate",
    "cost": "EstimateError: the cost is -1.0",
}

SURVIVED_APART = SURVIVED_INLINE | {
    "os exit": "WorkerDied: the worker process ended itself with exit code 4",
    "die": "WorkerDied: the worker process was killed by SIGKILL",
    "segfault": "WorkerDied: the worker process was killed by SIGSEGV",
    "hang": "Timeout: no estimate after 2 seconds",
    "print": "ValueError: after printing",
}


def failures(acts: dict[str, str], pool: Pool) -> dict[str, Estimate]:
    """Search with one trial for each act and one good trial after them; return what came of the acts."""
    study = search(
        TINY, InOrder(), Behaves(tuple(acts)), limit=Limit(trials=len(acts) + 1), pool=pool, alike=99
    )
    assert study.trials[-1].succeeded
    return {act: trial.estimate for act, trial in zip(acts, study.trials, strict=False) if trial.estimate}


def check(acts: dict[str, str], found: dict[str, Estimate]) -> None:
    for number, (act, words) in enumerate(acts.items()):
        failure = found[act].failure
        assert failure is not None, act
        assert f"{failure.type}: {failure.message}".startswith(words.replace("trial 0", f"trial {number}")), (
            act
        )
        assert not found[act].values


def test_inline_survives_what_python_survives() -> None:
    found = failures(SURVIVED_INLINE, Inline())
    check(SURVIVED_INLINE, found)
    assert found["raise"].failure is not None
    assert "searches.py" in found["raise"].failure.traceback
    assert "pool.py" not in found["raise"].failure.traceback


@pytest.mark.skipif(sys.platform == "win32", reason="looks at POSIX signals")
def test_processes_survive_everything_and_keep_the_last_words() -> None:
    found = failures(SURVIVED_APART, Processes(2, timeout=2.0))
    check(SURVIVED_APART, found)
    said = {act: estimate.failure.output for act, estimate in found.items() if estimate.failure}
    assert said["die"] == "last words"
    assert said["hang"] == "hanging"
    assert said["print"].splitlines() == [*(f"line {line}" for line in range(61, 100)), "from C"]
    assert said["raise"] == ""
    assert 1.5 < found["hang"].cost < 10


def test_numbers_of_arrays_become_plain_and_what_is_not_finite_leaves_the_curve() -> None:
    study = search(TINY, InOrder(), Behaves(("float32",)), limit=Limit(trials=1))
    estimate = study.trials[0].estimate
    assert estimate == Estimate({"accuracy": 0.5}, cost=2.0, curve=({},))
    assert type(estimate.values["accuracy"]) is float
    assert type(estimate.cost) is float


def test_two_workers_work_at_the_same_time() -> None:
    study = search(TINY, InOrder(), Smooth(0.3), limit=Limit(trials=6), pool=Processes(2), alike=99)
    assert len([trial for trial in study.trials if not trial.pending]) == 6
    told = [event["at"] for event in study.journal.read() if event["kind"] == "told"]
    assert told[-1] - told[0] < 5 * 0.3 - 0.15
    assert study.ledger.estimates > 6 * 0.3
    assert study.ledger.idle < study.ledger.offered - 6 * 0.3 + 0.01


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_array_is_shared_by_workers_that_have_one_thread_and_may_write() -> None:
    data = np.ones(4_000_000)
    study = search(TINY, InOrder(), Holds(data), limit=Limit(trials=4), pool=Processes(2))
    for trial in study.trials:
        assert trial.estimate is not None
        values = trial.estimate.values
        assert 4_000_000 <= values["total"] <= 4_000_004
        assert values["writes"] == values["total"] - 4_000_000 + 2
        assert values["threads"] == 1
        assert 0 <= values["private"] < 100_000  # of 32 megabytes, only pages that were written to
    assert data.sum() == 4_000_000


def test_a_parcel_holds_what_was_packed(tmp_path: Path) -> None:
    value = {"a": np.arange(7, dtype=np.uint8), "b": np.eye(3), "c": "text", "empty": np.zeros((0, 3))}
    value["b"].setflags(write=False)
    pack(value, tmp_path / "parcel")
    found = unpack(tmp_path / "parcel")
    assert found["c"] == "text"
    for name in ("a", "b", "empty"):
        np.testing.assert_array_equal(found[name], value[name])
        assert found[name].dtype == value[name].dtype
    assert found["a"].flags.writeable
    assert not found["b"].flags.writeable


@pytest.mark.parametrize("given", [{"workers": 0}, {"timeout": 0}, {"timeout": -1.0}])
def test_pools_refuse_what_means_nothing(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="worker|time-out"):
        Processes(**given)  # type: ignore[arg-type]


def test_one_worker_a_core_unless_told_otherwise() -> None:
    assert Processes().capacity == len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()


# --- workers that cannot start ------------------------------------------------------------------------------


class Hidden(Estimator):
    """Where `picked` is a lambda, nobody can send it anywhere."""

    metrics = (Metric("accuracy"),)

    def __init__(self, picked: Callable[[], float]) -> None:
        self.picked = picked

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        return Estimate({"accuracy": self.picked()})


def test_an_estimator_that_cannot_be_sent_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("morphogen-*"))
    with pytest.raises(PoolError, match="the estimator cannot be sent to worker processes .*inline"):
        search(
            TINY, InOrder(), Hidden(lambda: 1.0), tmp_path / "a.db", limit=Limit(trials=1), pool=Processes(1)
        )
    assert not (tmp_path / "a.db").exists()
    assert set(Path(tempfile.gettempdir()).glob("morphogen-*")) <= before


UNGUARDED = """
from searches import *
from morphogen.study import *
search(TINY, InOrder(), Smooth(), {journal!r}, limit=Limit(trials=2), pool=Processes(2))
"""

VANISHED = """
import sys
from searches import *
from morphogen.study import *
class Local(Smooth): pass
if __name__ == "__main__":
    Local.__module__ = "here"
    sys.modules["here"] = sys.modules["__main__"]
    search(TINY, InOrder(), Local(), {journal!r}, limit=Limit(trials=2), pool=Processes(2))
"""


HERE = "cannot load the estimator (ModuleNotFoundError: No module named 'here')"
GUARD = 'must do so under `if __name__ == "__main__":`'


@pytest.mark.parametrize(
    ("script", "journal", "words"),
    [(UNGUARDED, "memory:", GUARD), (UNGUARDED, "study.db", GUARD), (VANISHED, "study.db", HERE)],
)
def test_workers_that_cannot_start_end_the_search(
    tmp_path: Path, script: str, words: str, journal: str
) -> None:
    (tmp_path / "script.py").write_text(script.format(journal=journal))
    result = subprocess.run(
        [sys.executable, "script.py"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([TESTS, *sys.path])},
        check=False,
    )
    assert result.returncode == 1
    assert "PoolError" in result.stderr
    assert words in result.stderr
    assert not (tmp_path / "study.db").exists()


# --- nothing stays behind -----------------------------------------------------------------------------------

BUSY = """
import sys
from searches import *
from morphogen.study import *
if __name__ == "__main__":
    estimator = Behaves(("busy",) * 9, sys.argv[1])
    search(TINY, InOrder(), estimator, sys.argv[2], limit=Limit(trials=9), pool=Processes(2))
"""


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def soon(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until the condition holds, at most so long."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_in_the_middle_of_an_estimate_die_with_a_killed_search(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(BUSY)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path), str(tmp_path / "study.db")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([TESTS, *sys.path]), "TMPDIR": str(temporary)},
    )
    assert soon(lambda: len(list(tmp_path.glob("busy*"))) == 2)
    workers = [int(path.name.removeprefix("busy")) for path in tmp_path.glob("busy*")]
    assert all(map(alive, workers))
    assert len(list(temporary.iterdir())) == 1
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert soon(lambda: not any(map(alive, workers)))
    assert soon(lambda: list(temporary.iterdir()) == [])
    with SQLite(tmp_path / "study.db", read_only=True) as journal:
        assert [trial.pending for trial in Study(journal).trials] == [True, True]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_worker_started_is_ended_with_it(tmp_path: Path) -> None:
    pool = Processes(1, timeout=1.5)
    study = search(TINY, InOrder(), Behaves(("child",), str(tmp_path)), limit=Limit(trials=2), pool=pool)
    assert [trial.failed for trial in study.trials] == [True, False]
    child = int((tmp_path / "child").read_text())
    assert soon(lambda: not alive(child))


def test_a_pool_that_stops_leaves_no_process_and_no_file() -> None:
    before = set(Path(tempfile.gettempdir()).glob("morphogen-*"))
    with Processes(2).start(Behaves(("hang",)), seed=0) as pool:
        assert isinstance(pool, Processes)
        assert (pool.capacity, pool.free, pool.busy) == (2, 2, 0)
        pool.submit(0, Proposal(TINY.unrank(0)))
        pool.submit(1, Proposal(TINY.unrank(1)))
        assert (pool.free, pool.busy) == (0, 2)
        assert pool.next().number == 1
        assert (pool.free, pool.busy) == (1, 1)
        processes = [worker.process for worker in pool._crew]
    assert all(process.exitcode is not None for process in processes)
    assert set(Path(tempfile.gettempdir()).glob("morphogen-*")) <= before


def test_a_worker_killed_while_it_had_nothing_to_do_costs_nothing() -> None:
    with Processes(1).start(Behaves(()), seed=0) as pool:
        assert isinstance(pool, Processes)
        for number in range(2):
            pool._crew[0].process.kill()
            pool._crew[0].process.join()
            pool.submit(number, Proposal(TINY.unrank(number)))
            assert pool.next().estimate.failure is None
