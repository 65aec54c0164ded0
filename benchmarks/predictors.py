"""What predictors cost: CPU time to encode and score all of cell201, and of the refits and asks of a search.

    python benchmarks/predictors.py [--queries 300] [--json FILE]

The aims, on one idle core: encoding and scoring all 15,625 cells takes at most 1 s when nothing was read
before, and a Gaussian process refitted after every one of 300 queries and asked about 1,240 candidates at each
takes at most 2 s; asked at trial 2,000, it takes at most 50 ms with its share of the refits. Exits with 1
where one is missed. Scores are planted: this measures time, not quality.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from morphogen import catalog
from morphogen.architecture import Architecture
from morphogen.predictors.gaussian_process import GaussianProcess
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.testing.predictors import planted

AIMS = {"cold": 1.0, "search": 2.0, "late ask": 0.05}  # seconds
CANDIDATES = 1240


def timed(work: Callable[[], Any]) -> float:
    """Return the CPU seconds of `work`."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def asks(cells: list[Architecture], scores: np.ndarray, first: int, last: int) -> float:
    """Refit after each query from `first` to `last`, ask about candidates each time; return the CPU seconds."""
    rng = stream(0, "candidates")
    begun = time.process_time()
    for n in range(first, last):
        fitted = GaussianProcess().fit(cells[:n], scores[:n], rng)
        at = rng.integers(len(cells), size=CANDIDATES)
        fitted.predict([cells[i] for i in at])
    return time.process_time() - begun


def main(queries: int) -> dict[str, float]:
    """Measure everything and print it as it comes."""
    space = cell201()
    cells = [space.unrank(int(i)) for i in stream(0, "order").permutation(space.count())]
    scores = np.array([planted(a) for a in cells]) + stream(0, "noise").normal(0, 0.1, len(cells))
    found: dict[str, float] = {}

    def report(name: str, seconds: float, aim: float | None = None) -> None:
        found[name] = seconds
        verdict = "" if aim is None else f"   aim {aim} s{'' if seconds <= aim else ', MISSED'}"
        print(f"{name:58s} {seconds:8.3f} s{verdict}", flush=True)

    GaussianProcess().fit([space.unrank(0)], [0.0], stream(0))  # loads what is loaded once
    for n in (100, 400):
        for entry in catalog.entries("predictor"):
            predictor = entry.load()()
            rng = stream(0, "fit")
            begun = time.process_time()
            fitted = predictor.fit(cells[:n], scores[:n], rng)
            fit = time.process_time() - begun
            score = timed(lambda f=fitted: f.predict(cells))
            first = n == 100 and entry.name == "gaussian_process"
            report(f"{entry.name}: fit to {n} cells", fit)
            what = "encode and score all, read for the first time" if first else "score all"
            report(f"{entry.name}: {what}", score, AIMS["cold"] if first else None)
    report(f"{queries} queries, refit and ask at each", asks(cells, scores, 5, queries), AIMS["search"])
    asks(cells, scores, 1999, 2000)
    report("ask at trial 2,000, mean of 20", asks(cells, scores, 2000, 2020) / 20, AIMS["late ask"])
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = main(options.queries)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    aims = {"first time": AIMS["cold"], "queries": AIMS["search"], "trial 2,000": AIMS["late ask"]}
    sys.exit(
        any(seconds > aim for name, seconds in found.items() for word, aim in aims.items() if word in name)
    )
