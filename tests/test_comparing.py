"""Comparing on a benchmark: the same in worker processes, failures count, and Ctrl-C ends all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from morphogen.benchmarks import OwnTable
from morphogen.comparing import compare, compare_frontiers, draw, scores_of
from morphogen.estimators.table import Table
from morphogen.records import Metric
from morphogen.spaces.space import Space
from morphogen.strategies.local_search import LocalSearch
from morphogen.strategies.nsga2 import NSGA2
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.seen import Unique

SPACE = Space.from_text(
    "NET -> chain(OP, OP, OP, OP)\nOP -> conv3x3 | conv1x1 | avg_pool | max_pool\n", "tiny"
)
WORTH = {"conv3x3": 3.0, "conv1x1": 2.0, "max_pool": 1.0, "avg_pool": 0.0}
STRATEGIES = {"random": RandomSearch(unique=Unique.ARCHITECTURE), "local": LocalSearch()}


def bench(rows: int = 256, *, maximize: bool = True) -> OwnTable:
    """A table in which each 3x3 convolution helps, so that a climber climbs."""
    known = list(SPACE.enumerate())[:rows]
    values = [sum(4**i * WORTH[str(part)] for i, part in enumerate(a.args)) for a in known]
    column = np.array(values) if maximize else -np.array(values)
    return OwnTable(
        SPACE, Table("tiny", {a: n for n, a in enumerate(known)}, {Metric("acc", maximize): column})
    )


def test_a_climber_beats_random_search() -> None:
    told: list[tuple[int, int]] = []
    found = compare(bench(), STRATEGIES, queries=40, seeds=20, progress=lambda *done: told.append(done))
    assert 40 in found.wins("local", "random") and not found.wins("random", "local")
    assert told == [(n, 40) for n in range(1, 41)]
    assert found.size == 256 and found.optimum == 255


def test_workers_change_nothing() -> None:
    here, apart = (compare(bench(), STRATEGIES, queries=12, seeds=3, workers=n) for n in (1, 2))
    assert here.to_json() == apart.to_json()


def frontier_bench() -> OwnTable:
    """Convolutions help, and take long; a few of both lie on the frontier."""
    known = list(SPACE.enumerate())
    values = np.array([[WORTH[str(part)] for part in a.args] for a in known])
    columns = {Metric("acc"): values.sum(axis=1), Metric("ms", maximize=False): (values**2).sum(axis=1)}
    return OwnTable(SPACE, Table("tiny", {a: n for n, a in enumerate(known)}, columns))


def test_all_queries_reach_the_whole_frontier() -> None:
    strategies = {"random": RandomSearch(unique=Unique.ARCHITECTURE), "nsga2": NSGA2(10)}
    here, apart = (
        compare_frontiers(frontier_bench(), strategies, ("acc", "ms"), queries=256, seeds=2, workers=n)
        for n in (1, 2)
    )
    assert here.to_json() == apart.to_json()
    assert (here.size, here.queries[-1], here.seeds) == (256, 256, 2)
    # The frontier: k parts of worth n and 4 - k of n + 1, for each n. 13 sums, each at its least square sum.
    assert here.front == 13
    random = here.standings[0]
    assert random.regrets[-1] == pytest.approx(0, abs=1e-12) and random.regrets[0] > 0.01
    assert (np.diff(random.curve) <= 1e-12).all()


@pytest.mark.parametrize(
    ("strategies", "objectives", "words"),
    [
        ({"local": LocalSearch()}, ("acc", "ms"), "local improves one number"),
        ({"random": RandomSearch()}, ("acc", "acc"), "two objectives or more, got acc, acc"),
        ({"random": RandomSearch()}, ("acc", "mss"), "did you mean ms"),
        ({}, ("acc", "ms"), "needs a strategy"),
    ],
)
def test_frontiers_that_cannot_be_compared(
    strategies: dict[str, RandomSearch], objectives: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        compare_frontiers(frontier_bench(), strategies, objectives)


def test_less_may_be_better() -> None:
    more, less = (compare(bench(maximize=m), STRATEGIES, queries=15, seeds=4) for m in (True, False))
    assert [s.regrets for s in more.standings] == [s.regrets for s in less.standings]


def test_a_failed_query_is_the_worst_row() -> None:
    part = bench(rows=100)
    scores = scores_of(part, RandomSearch(unique=Unique.ARCHITECTURE), 60, seed=0)
    worst = part.estimator.column().min()
    assert len(scores) == 60 and (scores == worst).sum() > 20 and part.estimator.queries == 60


def test_queries_end_with_the_rows() -> None:
    assert compare(bench(rows=30), STRATEGIES, queries=300, seeds=2).queries == (25, 30)


def test_what_cannot_be_compared() -> None:
    for settings in ({"seeds": 1}, {"queries": 0}, {"workers": 0}):
        with pytest.raises(ValueError, match="a strategy, 2 seeds, a query and a worker or more"):
            compare(bench(), STRATEGIES, **settings)
    with pytest.raises(ValueError, match="got 0 strategies"):
        compare(bench(), {})


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_picture(ending: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    found = compare(bench(), STRATEGIES, queries=30, seeds=3)
    draw(found, tmp_path / f"regret.{ending}", title="tiny", unit="%")
    drawn = (tmp_path / f"regret.{ending}").read_bytes()
    assert drawn.startswith(b"\x89PNG" if ending == "png" else b"<?xml") and len(drawn) > 5_000


DYING = """
import os
import sys
sys.path.insert(0, {folder!r})
from test_comparing import STRATEGIES, bench
from morphogen.comparing import compare

if __name__ == "__main__":
    compare(bench(), STRATEGIES, queries=20, seeds=3, workers=2)
else:
    os._exit(3)
"""


def test_workers_that_die_at_once_end_the_comparison(tmp_path: Path) -> None:
    script = tmp_path / "dying.py"
    script.write_text(DYING.format(folder=str(Path(__file__).parent)))
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and "PoolError: a worker process of the comparison died" in run.stderr


SLOW = """
import multiprocessing
import sys
sys.path.insert(0, {folder!r})
from test_comparing import STRATEGIES, bench
from morphogen.comparing import compare

if __name__ == "__main__":
    def say(done, total):
        print(done, flush=True)
    try:
        compare(bench(), STRATEGIES, queries=200, seeds=2_000, workers=2, progress=say)
    except KeyboardInterrupt:
        print("interrupted", len(multiprocessing.active_children()), flush=True)
"""


def test_an_interrupt_ends_all_workers(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW.format(folder=str(Path(__file__).parent)))
    with subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "1\n", "a worker has done something"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        begun = time.monotonic()
        out, err = process.communicate(timeout=60)
        assert "interrupted 0" in out and process.returncode == 0 and err == ""
        assert time.monotonic() - begun < 30
