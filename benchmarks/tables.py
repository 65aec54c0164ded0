"""How long the tables take to open: CPU time from the start of Python to a table that answers.

    python benchmarks/tables.py [--repeats 3] [--json FILE]

The bar: importing and opening a benchmark takes at most 1.5 s on one idle core. Each is opened in a new process;
what is printed is the median of the repeats, and which part of it is importing. Exits with 1 where one is above
the bar. Tables whose files are neither in the folder that MORPHOGEN_DATA names nor in a package are left out,
and named.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from morphogen import catalog

BAR = 1.5  # seconds

OPENED: dict[str, tuple[tuple[object, ...], ...]] = {
    "nasbench201": (("cifar10",), ("cifar100", "score"), ("imagenet16-120", "test")),
    "transbench101_macro": (("jigsaw",),),
    "nasbench_graph": (("cora",), ("arxiv", "test")),
    "nasbench301": (("cifar10",), ("svhn",)),
    "ecnas101": ((4,), (5,)),
}
"""Settings of each that are tried; of one that is not named here the settings it comes with."""

PACKAGED = {"nasbench201": ("cifar10",), "nasbench_graph": ("cora",)}
"""Those that are opened from packages, too."""

OPEN = """
import time
from morphogen.catalog import find
made = find("benchmark", {name!r}).load()
imported = time.process_time()
benchmark = made(*{settings!r})
table, space = benchmark.estimator, benchmark.space
print(imported, time.process_time(), len(table.rows))
"""


def opened(
    name: str, settings: tuple[object, ...], variables: dict[str, str]
) -> tuple[float, float, int] | str:
    """Open a benchmark in a new process; return seconds of importing, of all, and the rows, or what is missing."""
    code = OPEN.format(name=name, settings=settings)
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    if run.returncode:
        last = run.stderr.strip().splitlines()[-1]
        if "MissingData" not in last:
            raise SystemExit(run.stderr)
        return last.partition(": ")[2]
    imported, whole, rows = run.stdout.split()
    return float(imported), float(whole), int(rows)


def main(repeats: int) -> dict[str, float]:
    """Measure every table, turn by turn, and print the medians."""
    jobs = [
        (entry.name, settings, {}, "")
        for entry in catalog.entries("benchmark")
        for settings in OPENED.get(entry.name, ((),))
    ]
    nowhere = {"MORPHOGEN_DATA": "nowhere"}
    jobs += [(name, settings, nowhere, ", from its package") for name, settings in PACKAGED.items()]
    times: dict[str, list[tuple[float, float, int]]] = {}
    for repeat in range(repeats):
        for name, settings, variables, how in jobs:
            title = "/".join(map(str, (name, *settings))) + how
            found = opened(name, settings, variables)
            if isinstance(found, str):
                times[title] = []
                if repeat == 0:
                    print(f"{title:48s} left out: {found}")
            else:
                times.setdefault(title, []).append(found)
    medians: dict[str, float] = {}
    for title, runs in times.items():
        if runs:
            imported, whole = (statistics.median(run[i] for run in runs) for i in (0, 1))
            medians[title] = whole
            missed = "" if whole <= BAR else "   MISSED"
            print(f"{title:48s} {runs[0][2]:7,} rows {whole:6.2f} s, {imported:.2f} of it importing{missed}")
    print(f"the bar is {BAR} s; medians of {repeats}")
    return medians


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    seconds = main(given.repeats)
    if given.json:
        given.json.write_text(json.dumps(seconds, indent=1) + "\n")
    sys.exit(any(value > BAR for value in seconds.values()))
