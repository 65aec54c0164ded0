"""NAS-Bench-NLP (Klyuchnikov et al. 2020): recurrent cells on WikiText-2, with their learning curves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture, Primitive, Topology
from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import data_file, read_columns
from morphogen.estimators.table import Table, TableError
from morphogen.records import Metric
from morphogen.spaces.listed import listed
from morphogen.spaces.space import Space

FILE: Final = "nasbench_nlp_wikitext2.parquet"

EPOCHS: Final = 50

COLUMNS: Final = {"validation": "val_loss", "test": "test_loss"}
"""Our objectives -> the table's columns: losses in nats a word, after each epoch."""

OPERATIONS: Final = {
    "linear": "linear",
    "blend": "blend",
    "elementwise_prod": "product",
    "elementwise_sum": "add",
    "activation_sigm": "sigmoid",
    "activation_tanh": "tanh",
    "activation_leaky_relu": "leaky_relu",
}
"""The benchmark's words for operations -> ours."""

BLENDED: Final = ("gate", "kept", "new")
"""The three inputs of a blend, whose order counts: gate * kept + (1 - gate) * new."""

Wiring = tuple[tuple[int, int], ...]


def from_official(recipe: Mapping[str, Any], name: str = "cell") -> Architecture:
    """Return a recurrent cell from the benchmark's recipe: node -> its operation `op` and inputs `input`.

    The cell becomes a topology called `name` with two nodes for each node of the recipe: what enters it, and,
    behind its operation, what leaves it. `input` and `state0`, `state1`, ... stand on the edges from the
    source, `next0`, `next1`, ... (the states of the next step) on those to the sink. Nodes that lead to no
    state are left out.

    Raises:
        TableError: an operation that there is not, an input that is no node, a circle.
    """
    wiring, words = _wired(recipe)
    return Architecture(Topology(name, wiring), tuple(Architecture(Primitive(word)) for word in words))


def _wired(recipe: Mapping[str, Any]) -> tuple[Wiring, tuple[str, ...]]:
    """Return the edges of the topology of a cell, and what stands on each."""
    try:
        sources = {node: tuple(made["input"]) for node, made in recipe.items()}
        order = [node for node in TopologicalSorter(sources).static_order() if node in _needed(sources)]
        edges: list[tuple[int, int]] = []
        words: list[str] = []
        leaves: dict[str, int] = {}
        last = 1
        for node in order:
            if node not in recipe:
                last += 1
                edges.append((1, last))
                words.append("input" if node == "x" else f"state{_number(node, 'h_prev_')}")
            else:
                made = recipe[node]
                last += 2
                edges += [(leaves[source], last - 1) for source in sources[node]]
                words += BLENDED if made["op"] == "blend" else ["identity"] * len(sources[node])
                edges.append((last - 1, last))
                words.append(OPERATIONS[made["op"]])
            leaves[node] = last
        for node in sorted(_ends(sources)):
            edges.append((leaves[node], last + 1))
            words.append(f"next{_number(node, 'h_new_')}")
        if not words:
            raise ValueError("no node is called h_new_0")
    except (KeyError, TypeError, ValueError, CycleError) as error:
        raise TableError(f"{json.dumps(recipe)[:80]} is no recurrent cell: {error!r}") from None
    return tuple(edges), tuple(words)


def _ends(sources: Iterable[str]) -> list[str]:
    """Return the nodes that are states of the next step: h_new_0, h_new_1, ..."""
    return [node for node in sources if node.startswith("h_new_") and node.removeprefix("h_new_").isdigit()]


def _needed(sources: Mapping[str, tuple[str, ...]]) -> set[str]:
    needed, todo = set[str](), _ends(sources)
    while todo:
        node = todo.pop()
        if node not in needed:
            needed.add(node)
            todo += sources.get(node, ())
    return needed


def _number(node: str, prefix: str) -> int:
    if not node.startswith(prefix):
        raise ValueError(f"{node} is neither a node nor x nor {prefix}0, {prefix}1, ...")
    return int(node.removeprefix(prefix))


@final
@dataclass(frozen=True)
class NASBenchNLP(Benchmark):
    """The table of one objective, "validation" or "test" loss in nats a word, after each of 50 epochs.

    folder: where the file lies, `MORPHOGEN_DATA` unless told. A proposal may ask for any number of epochs up
    to 50; an estimate has the learning curve up to there, `parameters` in millions, and costs the seconds of
    these epochs. Cells that were trained more than once have the mean. Where a training broke down, the
    estimate of the later epochs fails.

    The space is the list of the cells, which are 345 trainings of the benchmark's 14,322.

    Raises, when it is first used:
        MissingData: the file is not there, or pyarrow is not.
    """

    objective: str = "validation"
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        if self.objective not in COLUMNS:
            raise ValueError(
                f"NAS-Bench-NLP has no objective {self.objective!r}; there are {', '.join(COLUMNS)}"
            )

    @property
    def space(self) -> Space:
        """The cells of the table, read when it is first asked for."""
        return _space(data_file(FILE, self.folder))

    @cached_property
    def estimator(self) -> Table:
        """The table, read when it is first asked for."""
        path, value = data_file(FILE, self.folder), COLUMNS[self.objective]
        columns = read_columns(path, [value, "wall_time_s", "num_params"])
        rows, places = _rows(path)
        repeats = np.bincount(places)

        def means(values: Any) -> Any:
            found = np.zeros((len(rows), *np.shape(values)[1:]))
            np.add.at(found, places, values)
            return found.T / repeats

        curves, seconds = (np.stack([_full(run) for run in columns[name]]) for name in (value, "wall_time_s"))
        return Table(
            "nasbench_nlp",
            rows,
            {
                Metric(self.objective, maximize=False, unit="nats"): means(curves),
                Metric("parameters", maximize=False, unit="M"): means(columns["num_params"] / 1e6),
            },
            seconds=np.cumsum(np.nan_to_num(means(seconds)), axis=0),
            epochs=range(1, EPOCHS + 1),
        )


def _full(run: Any) -> Any:
    """Return the values of a run [epochs]; NaN after its end."""
    values = np.full(EPOCHS, np.nan)
    values[: len(run)] = run
    return values


@cache
def _space(path: Path) -> Space:
    return listed(_rows(path)[0], "nasbench_nlp")


@cache
def _rows(path: Path) -> tuple[Mapping[Architecture, int], NDArray[np.int64]]:
    """Return the row of each cell, and that of each training; alike wirings share a name."""
    names: dict[Wiring, str] = {}
    rows: dict[Architecture, int] = {}
    places = []
    for text in read_columns(path, ["recipe"])["recipe"]:
        recipe = json.loads(text)
        name = names.setdefault(_wired(recipe)[0], f"rnn{len(names)}")
        places.append(rows.setdefault(from_official(recipe, name), len(rows)))
    return rows, np.array(places)
