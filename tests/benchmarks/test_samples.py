"""Tables of samples: cells of DARTS and recurrent cells with learning curves, each exactly the list of its space."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.benchmarks import NASBench301, NASBenchNLP, nasbench301, nasbench_nlp
from morphogen.estimators.table import TableError
from morphogen.journal.memory import Memory
from morphogen.pools import Simulated
from morphogen.records import Fidelity, Proposal
from morphogen.spaces.darts_cell import darts_cell
from morphogen.strategies.random_search import RandomSearch
from morphogen.study.limits import Limit
from morphogen.study.loop import search

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("dataset", "size"), nasbench301.DATASETS.items())
def test_the_darts_cells_are_the_listed_ones(dataset: str, size: int, data: Path) -> None:
    benchmark = NASBench301(dataset, data)
    rows = benchmark.estimator.rows
    assert len(rows) == size == benchmark.space.count() == len({cell.key for cell in rows})
    assert list(benchmark.space.enumerate()) == list(rows)
    assert all(cell in benchmark.space and cell in darts_cell() for cell in rows)
    other = darts_cell().sample(RNG)
    assert other not in benchmark.space
    with pytest.raises(TableError, match=f"nasbench301 {dataset} has no row for darts_stack"):
        benchmark.estimator.estimate(Proposal(other), RNG)


def test_a_darts_cell_is_read() -> None:
    normal, reduction = (
        "(0,0),(1,0),(2,4),(0,0),(1,2),(3,6),(3,1),(4,5)",
        "(1,2),(0,6),(1,1),(2,0),(3,1),(2,5),(1,3),(4,6)",
    )
    cell = nasbench301.from_official(f"(({normal}),({reduction}))")
    assert str(cell.args[0]) == (
        "darts_cell(pair_0_1(max_pool, max_pool), pair_0_2(max_pool, sep_conv5x5), "
        "pair_1_3(identity, dil_conv5x5), pair_3_4(avg_pool, dil_conv3x3))"
    )
    assert cell in darts_cell()
    for wrong in (
        "",
        "((),())",
        f"(({normal}))",
        f"(({normal}),({reduction[:-2]}7)))",
        f"(({normal}),({reduction.replace('(0,6)', '(1,6)')}))",
        f"(({normal}),({reduction.replace('(4,6)', '(6,6)')}))",
    ):
        with pytest.raises(TableError, match="is not a pair of DARTS cells"):
            nasbench301.from_official(wrong)


LSTM = (
    "rnn1(input, state0, state1, identity, identity, linear, identity, identity, linear, identity, identity, "
    "linear, identity, identity, linear, identity, tanh, identity, sigmoid, identity, sigmoid, identity, tanh, "
    "identity, identity, product, identity, identity, product, identity, identity, add, identity, tanh, identity, "
    "identity, product, next0, next1)"
)


def test_the_recurrent_cells_have_their_curves(data: Path) -> None:
    """The LSTM is the second recipe; its numbers are those of the file."""
    from pyarrow import parquet

    benchmark = NASBenchNLP(folder=data)
    table, cell = benchmark.estimator, benchmark.space.parse(LSTM)
    assert benchmark.best()[0] == cell and math.exp(benchmark.best()[1]) == pytest.approx(96.49, abs=0.01)
    file = parquet.read_table(data / "nasbench_nlp_wikitext2.parquet").to_pylist()
    runs = [run for run in file if run["recipe"] == file[1]["recipe"]]
    for epochs in (1, 3, 50):
        estimate = table.estimate(Proposal(cell, Fidelity(epochs=epochs)), RNG)
        assert len(estimate.curve) == epochs and set(estimate.curve[0]) == {"validation"}
        for epoch, point in enumerate(estimate.curve):
            assert point["validation"] == pytest.approx(np.mean([run["val_loss"][epoch] for run in runs]))
        assert estimate.values["validation"] == estimate.curve[-1]["validation"]
        assert estimate.values["parameters"] == pytest.approx(file[1]["num_params"] / 1e6)
        assert estimate.cost == pytest.approx(np.mean([sum(run["wall_time_s"][:epochs]) for run in runs]))
    assert table.estimate(Proposal(cell), RNG) == table.estimate(Proposal(cell, Fidelity(epochs=50)), RNG)
    with pytest.raises(TableError, match="cannot tell {'epochs': 51}"):
        table.estimate(Proposal(cell, Fidelity(epochs=51)), RNG)


def test_every_recipe_is_a_row_of_the_list(data: Path) -> None:
    from pyarrow import parquet

    benchmark = NASBenchNLP("test", data)
    recipes = {json.dumps(json.loads(text)) for text in
               parquet.read_table(data / "nasbench_nlp_wikitext2.parquet").column("recipe").to_pylist()}  # fmt: skip
    rows = list(benchmark.estimator.rows)
    assert rows == list(benchmark.space.enumerate()) and all(cell in benchmark.space for cell in rows)
    assert len(recipes) == 291 and len(rows) == 277, "some recipes differ in names, or in what leads nowhere"
    assert len({cell.key for cell in rows}) == 265


def test_what_broke_down_is_a_failed_trial(data: Path) -> None:
    """Three cells have a run that ended in NaN: the whole training fails, its first epoch may not."""
    benchmark = NASBenchNLP(folder=data)
    table = benchmark.estimator
    broken = [cell for cell, row in table.rows.items() if np.isnan(table.column()[row])]
    assert len(broken) == 3 and np.isnan(table.column(epochs=1)).sum() < 3
    strategy = RandomSearch()
    study = search(
        benchmark.space, strategy, table, Memory(), limit=Limit(trials=265), pool=Simulated(4), alike=9
    )
    assert len(study.trials) == 265
    assert {trial.architecture.key for trial in study.trials if trial.failed} <= {cell.key for cell in broken}


def recipe(**nodes: tuple[str, list[str]]) -> dict[str, Any]:
    return {name: {"op": op, "input": inputs} for name, (op, inputs) in nodes.items()}


def test_a_recurrent_cell_is_read() -> None:
    simple = recipe(f=("linear", ["x", "h_prev_0"]), h_new_0=("activation_tanh", ["f"]))
    assert str(nasbench_nlp.from_official(simple)) == (
        "cell(input, state0, identity, identity, linear, identity, tanh, next0)"
    )
    renamed = recipe(g=("linear", ["h_prev_0", "x"]), h_new_0=("activation_tanh", ["g"]))
    idle = simple | recipe(z=("activation_sigm", ["f"]))
    keys = {nasbench_nlp.from_official(made).key for made in (simple, renamed, idle)}
    assert len(keys) == 1, "names, the order of inputs and what leads nowhere change nothing"
    orders = (["x", "h_prev_0", "h_prev_1"], ["x", "h_prev_1", "h_prev_0"])
    blends = [recipe(h_new_0=("blend", order)) for order in orders]
    assert len({nasbench_nlp.from_official(made).key for made in blends}) == 2, "the order in a blend counts"
    for wrong in (
        {}, recipe(f=("linear", ["x"])), recipe(h_new_0=("conv", ["x"])), recipe(h_new_0=("linear", ["y"])),
        recipe(f=("linear", ["g"]), g=("linear", ["f"]), h_new_0=("linear", ["f"])), {"h_new_0": {"op": "linear"}},
    ):  # fmt: skip
        with pytest.raises(TableError, match="is no recurrent cell"):
            nasbench_nlp.from_official(wrong)


def test_wrong_words_are_refused() -> None:
    with pytest.raises(ValueError, match="no dataset 'imagenet'; there are cifar10"):
        NASBench301("imagenet")
    with pytest.raises(ValueError, match="no objective 'perplexity'"):
        NASBenchNLP("perplexity")
