"""Comparing strategies on a benchmark: many seeds of each, in worker processes, and what came out."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.comparison import Comparison, compare_scores
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.journal.memory import Memory
from morphogen.strategies.strategy import Strategy
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.outcomes import Interrupted, PoolError
from morphogen.study.parcel import pack, unpack
from morphogen.study.starting import quiet_and_single

Floats = NDArray[np.float64]


def compare(
    benchmark: Benchmark,
    strategies: Mapping[str, Strategy[Any]],
    *,
    queries: int = 300,
    seeds: int = 30,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run each strategy with seeds 0, 1, ... on a benchmark and return how they compare.

    queries: looks at the table a search; no more than it has rows. workers: processes of one thread each; 1
    is this one. A script that asks for more does so under `if __name__ == "__main__":`. progress: told how
    many searches are done, and of how many. The result does not depend on `workers`.

    A query that fails counts as the worst row of the table. A strategy that has nothing left to ask keeps
    what it found.

    Raises:
        ValueError: no strategies, or fewer than two seeds. PoolError: a worker died. KeyboardInterrupt: on
            Ctrl-C, with all workers ended.
    """
    if not strategies or seeds < 2 or queries < 1 or workers < 1:
        raise ValueError(
            f"a comparison needs a strategy, 2 seeds, a query and a worker or more, got {len(strategies)} "
            f"strategies, {seeds} seeds, {queries} queries and {workers} workers"
        )
    truth = _truth(benchmark)
    budget = min(queries, len(truth))
    jobs = [(name, seed) for seed in range(seeds) for name in strategies]
    told = {name: np.empty((seeds, budget)) for name in strategies}
    searches = (
        _searches_here(benchmark, strategies, budget, jobs)
        if workers == 1
        else _searches_apart(benchmark, strategies, budget, jobs, min(workers, len(jobs)))
    )
    with closing(searches):  # whatever happens here, the workers are ended
        for done, (name, seed, scores) in enumerate(searches, 1):
            told[name][seed] = scores
            if progress is not None:
                progress(done, len(jobs))
    return compare_scores(truth, told)


def scores_of(benchmark: Benchmark, strategy: Strategy[Any], queries: int, seed: int) -> Floats:
    """Return the score of each query of one search `[queries]`, larger is better."""
    table = benchmark.estimator
    metric = table.metrics[0]
    scores = np.full(queries, _truth(benchmark).min())
    try:
        study = search(
            benchmark.space,
            strategy,
            table,
            Memory(),
            limit=Limit(trials=queries),
            seed=seed,
            alike=queries + 1,
        )
    except Interrupted:
        raise KeyboardInterrupt from None
    for trial in study.trials:
        if trial.succeeded:
            scores[trial.number] = metric.score(trial)
    return scores


def _truth(benchmark: Benchmark) -> Floats:
    """Return the score of each row, larger is better; a training that broke down counts as the worst row."""
    scores = benchmark.estimator.scores()
    return np.where(np.isnan(scores), np.nanmin(scores), scores)


# --- here and in worker processes ---------------------------------------------------------------------------

Job = tuple[str, int]
Done = tuple[str, int, Floats]

_GIVEN: dict[str, Any] = {}  # what a worker process was started with


def _searches_here(
    benchmark: Benchmark, strategies: Mapping[str, Strategy[Any]], queries: int, jobs: list[Job]
) -> Generator[Done, None, None]:
    for name, seed in jobs:
        yield name, seed, scores_of(benchmark, strategies[name], queries, seed)


def _searches_apart(
    benchmark: Benchmark,
    strategies: Mapping[str, Strategy[Any]],
    queries: int,
    jobs: list[Job],
    workers: int,
) -> Generator[Done, None, None]:
    before = set(multiprocessing.active_children())
    crew: set[Any] = set()
    with TemporaryDirectory(prefix="morphogen-", ignore_cleanup_errors=True) as folder:
        # By a file: what goes to a new process by its pipe blocks for good where that process dies at once.
        parcel = Path(folder, "comparison")
        pack((benchmark, dict(strategies), queries), parcel)
        executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (str(parcel),))
        try:
            with quiet_and_single():
                futures = [executor.submit(_search, *job) for job in jobs]
                crew = set(multiprocessing.active_children()) - before
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise PoolError(
                "a worker process of the comparison died; its own message stands above. A script that "
                'compares with several workers must do so under `if __name__ == "__main__":`'
            ) from None
        except BaseException:
            for process in crew:
                process.terminate()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


def _begin(parcel: str) -> None:
    _GIVEN.update(zip(("benchmark", "strategies", "queries"), unpack(Path(parcel)), strict=True))


def _search(name: str, seed: int) -> Done:
    scores = scores_of(_GIVEN["benchmark"], _GIVEN["strategies"][name], _GIVEN["queries"], seed)
    return name, seed, scores


# --- a picture ----------------------------------------------------------------------------------------------


def draw(comparison: Comparison, path: str | Path, *, title: str = "", unit: str = "") -> None:
    """Draw the mean regret of each strategy over its queries, with 95% bands, beside exact random search.

    path: where to; its ending (.svg, .png, .pdf) says how.

    Raises:
        ImportError: matplotlib is not installed. ValueError: an ending that it does not know.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = np.arange(1, comparison.queries[-1] + 1)
    axes.plot(steps, comparison.random_curve, "k--", linewidth=1, label="random search (exact)")
    for standing in comparison.standings:
        (line,) = axes.plot(steps, standing.curve, linewidth=1.5, label=standing.name)
        low = np.maximum(standing.low, 0)
        axes.fill_between(steps, low, standing.high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set_xlabel("queries")
    axes.set_ylabel(f"regret ({unit})" if unit else "regret")
    settled = comparison.random_curve[min(10, len(steps)) - 1]  # the first queries would hide the rest
    axes.set_ylim(0, 1.2 * settled if settled > 0 else None)
    axes.set_title(title)
    axes.legend(frameon=False)
    figure.savefig(path)
