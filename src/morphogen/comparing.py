"""Comparing strategies on a benchmark: many seeds of each, in worker processes, and what came out."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.comparison import Comparison, FrontComparison, compare_fronts, compare_scores
from morphogen.analysis.hypervolume import Box, hypervolume_of_trials
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.goals import Objectives, goal_of
from morphogen.journal.memory import Memory
from morphogen.records import Goal
from morphogen.strategies.strategy import Strategy
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.outcomes import Interrupted, PoolError
from morphogen.study.parcel import pack, unpack
from morphogen.study.starting import quiet_and_single
from morphogen.study.study import Study

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
    told = _runs(benchmark, strategies, (), queries, seeds, workers, progress)
    return compare_scores(_truth(benchmark), told)


def compare_frontiers(
    benchmark: Benchmark,
    strategies: Mapping[str, Strategy[Any]],
    objectives: Sequence[str],
    *,
    queries: int = 300,
    seeds: int = 30,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> FrontComparison:
    """Run each strategy with seeds 0, 1, ... for the frontier of several metrics, and return how they compare.

    objectives: metrics of the benchmark's table. All else as in `compare`; a query that fails adds nothing.

    Raises:
        ValueError: as in `compare`; an objective that the table does not have, fewer than two of them, or a
            strategy that improves one number.
        MissingMoocore: it is not installed. PoolError, KeyboardInterrupt: as in `compare`.
    """
    if len(set(objectives)) < 2:
        raise ValueError(f"a frontier needs two objectives or more, got {', '.join(objectives) or 'none'}")
    goal = goal_of(benchmark.estimator.metrics, objectives=objectives)
    if single := [name for name, strategy in strategies.items() if strategy.objectives is not None]:
        raise ValueError(
            f"{', '.join(single)} improves one number: leave it out where frontiers are compared"
        )
    told = _runs(benchmark, strategies, tuple(objectives), queries, seeds, workers, progress)
    return compare_fronts(_truths(benchmark, goal), told, objectives)


def _runs(
    benchmark: Benchmark,
    strategies: Mapping[str, Strategy[Any]],
    objectives: tuple[str, ...],
    queries: int,
    seeds: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Floats]:
    """Return of each strategy its scores, or the hypervolumes of its objectives, `[seeds, queries]`."""
    if not strategies or seeds < 2 or queries < 1 or workers < 1:
        raise ValueError(
            f"a comparison needs a strategy, 2 seeds, a query and a worker or more, got {len(strategies)} "
            f"strategies, {seeds} seeds, {queries} queries and {workers} workers"
        )
    budget = min(queries, len(benchmark.estimator))
    jobs = [(name, seed) for seed in range(seeds) for name in strategies]
    told = {name: np.empty((seeds, budget)) for name in strategies}
    searches = (
        _searches_here(benchmark, strategies, objectives, budget, jobs)
        if workers == 1
        else _searches_apart(benchmark, strategies, objectives, budget, jobs, min(workers, len(jobs)))
    )
    with closing(searches):  # whatever happens here, the workers are ended
        for done, (name, seed, scores) in enumerate(searches, 1):
            told[name][seed] = scores
            if progress is not None:
                progress(done, len(jobs))
    return told


def scores_of(benchmark: Benchmark, strategy: Strategy[Any], queries: int, seed: int) -> Floats:
    """Return the score of each query of one search `[queries]`, larger is better."""
    metric = benchmark.estimator.metrics[0]
    scores = np.full(queries, _truth(benchmark).min())
    for trial in _searched(benchmark, strategy, (), queries, seed).trials:
        if trial.succeeded:
            scores[trial.number] = metric.score(trial)
    return scores


def hypervolumes_of(
    benchmark: Benchmark, strategy: Strategy[Any], objectives: Sequence[str], queries: int, seed: int
) -> Floats:
    """Return the hypervolume after each query of one search `[queries]`, in the box of the whole table."""
    study = _searched(benchmark, strategy, objectives, queries, seed)
    grown = hypervolume_of_trials(study.trials, study.goal, Box.of(_truths(benchmark, study.goal)))
    return np.pad(grown, (0, queries - len(grown)), mode="edge")


def _searched(
    benchmark: Benchmark, strategy: Strategy[Any], objectives: Sequence[str], queries: int, seed: int
) -> Study:
    try:
        return search(
            benchmark.space,
            strategy,
            benchmark.estimator,
            Memory(),
            limit=Limit(trials=queries),
            seed=seed,
            alike=queries + 1,
            objectives=objectives,
        )
    except Interrupted:
        raise KeyboardInterrupt from None


def _truths(benchmark: Benchmark, goal: Goal) -> Floats:
    """Return the scores of each row in each objective `[rows, objectives]`, larger is better."""
    assert isinstance(goal, Objectives)
    table = benchmark.estimator
    return np.stack([table.column(m.name) * (1 if m.maximize else -1) for m in goal.metrics], axis=1)


def _truth(benchmark: Benchmark) -> Floats:
    """Return the score of each row, larger is better; a training that broke down counts as the worst row."""
    scores = benchmark.estimator.scores()
    return np.where(np.isnan(scores), np.nanmin(scores), scores)


# --- here and in worker processes ---------------------------------------------------------------------------

Job = tuple[str, int]
Done = tuple[str, int, Floats]

_GIVEN: dict[str, Any] = {}  # what a worker process was started with


def _searches_here(
    benchmark: Benchmark,
    strategies: Mapping[str, Strategy[Any]],
    objectives: tuple[str, ...],
    queries: int,
    jobs: list[Job],
) -> Generator[Done, None, None]:
    for name, seed in jobs:
        yield name, seed, _run(benchmark, strategies[name], objectives, queries, seed)


def _run(
    benchmark: Benchmark, strategy: Strategy[Any], objectives: tuple[str, ...], queries: int, seed: int
) -> Floats:
    if objectives:
        return hypervolumes_of(benchmark, strategy, objectives, queries, seed)
    return scores_of(benchmark, strategy, queries, seed)


def _searches_apart(
    benchmark: Benchmark,
    strategies: Mapping[str, Strategy[Any]],
    objectives: tuple[str, ...],
    queries: int,
    jobs: list[Job],
    workers: int,
) -> Generator[Done, None, None]:
    before = set(multiprocessing.active_children())
    crew: set[Any] = set()
    with TemporaryDirectory(prefix="morphogen-", ignore_cleanup_errors=True) as folder:
        # By a file: what goes to a new process by its pipe blocks for good where that process dies at once.
        parcel = Path(folder, "comparison")
        pack((benchmark, dict(strategies), objectives, queries), parcel)
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
    _GIVEN.update(
        zip(("benchmark", "strategies", "objectives", "queries"), unpack(Path(parcel)), strict=True)
    )


def _search(name: str, seed: int) -> Done:
    strategy = _GIVEN["strategies"][name]
    return name, seed, _run(_GIVEN["benchmark"], strategy, _GIVEN["objectives"], _GIVEN["queries"], seed)


# --- a picture ----------------------------------------------------------------------------------------------


def draw(
    comparison: Comparison | FrontComparison, path: str | Path, *, title: str = "", unit: str = ""
) -> None:
    """Draw the mean regret of each strategy over its queries, with 95% bands.

    Where one metric is improved exact random search stands beside them. path: where to; its ending (.svg, .png,
    .pdf) says how.

    Raises:
        ImportError: matplotlib is not installed. ValueError: an ending that it does not know.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = np.arange(1, comparison.queries[-1] + 1)
    usual = comparison.standings[0].curve
    if isinstance(comparison, Comparison):
        usual = comparison.random_curve
        axes.plot(steps, usual, "k--", linewidth=1, label="random search (exact)")
    for standing in comparison.standings:
        (line,) = axes.plot(steps, standing.curve, linewidth=1.5, label=standing.name)
        low = np.maximum(standing.low, 0)
        axes.fill_between(steps, low, standing.high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set_xlabel("queries")
    lacks = "regret" if isinstance(comparison, Comparison) else "share of the hypervolume that is lacking"
    axes.set_ylabel(f"{lacks} ({unit})" if unit else lacks)
    settled = usual[min(10, len(steps)) - 1]  # the first queries would hide the rest
    axes.set_ylim(0, 1.2 * settled if settled > 0 else None)
    axes.set_title(title)
    axes.legend(frameon=False)
    figure.savefig(path)
