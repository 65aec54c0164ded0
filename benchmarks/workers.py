"""How much sooner two worker processes of one thread each finish the demo's search than one.

The search is the demo's own, cut to fewer trials than its population of 30: those are random and the same in both runs.
Runs are interleaved, the median of each counts; worker start-up is part of it, as a user waits for it too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from morphogen.estimators.training import Training
from morphogen.networks.data import load
from morphogen.spaces.digits_small import digits_small
from morphogen.strategies import RegularizedEvolution
from morphogen.study import Limit, Processes, search

AIM = 1.7


def seconds(workers: int, trials: int) -> float:
    """Return the wall time of the search with so many workers."""
    begun = time.perf_counter()
    study = search(
        digits_small(),
        RegularizedEvolution(),
        Training(load("digits")),
        limit=Limit(trials=trials),
        pool=Processes(workers),
    )
    assert len(study.trials) == trials
    assert not study.failures
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, and fail where the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=28)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    times: dict[int, list[float]] = {1: [], 2: []}
    for repeat in range(given.repeats):
        for workers in times:
            times[workers].append(seconds(workers, given.trials))
            print(f"repeat {repeat}: {workers} worker(s), {times[workers][-1]:.1f} s", flush=True)
    one, two = (statistics.median(times[workers]) for workers in (1, 2))
    print(
        f"median {one:.1f} s with one worker, {two:.1f} s with two: {one / two:.2f} times sooner (aim {AIM})"
    )
    if given.json:
        given.json.write_text(json.dumps({"one": one, "two": two, "factor": one / two, "aim": AIM}) + "\n")
    raise SystemExit(int(one / two < AIM))


if __name__ == "__main__":
    main()
