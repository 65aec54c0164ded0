"""Functions as estimators: what they may return, and how they reach other processes."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.estimators.at_fidelity import AtFidelity
from morphogen.estimators.estimator import Estimator
from morphogen.estimators.function import FromFile, Function, estimator, from_file
from morphogen.records import Estimate, Fidelity, Metric, Proposal
from morphogen.scripts import ScriptError
from morphogen.seeding import stream
from morphogen.spaces.space import Space

SPACE = Space.from_text("NET -> chain(OP, OP)\nOP -> identity | conv3x3")
NET = SPACE.parse("chain(conv3x3, identity)")

SCRIPT = """
import numpy as np
import morphogen.estimators.function as function
import neighbour

@function.estimator(metrics={"score": "maximize", "loss": "minimize"})
def train(architecture, fidelity, rng):
    return {"score": neighbour.size(architecture), "loss": rng.random()}

def plain(architecture, fidelity, rng):
    return fidelity.epochs or 7

class Mine(function.Estimator):
    metrics = (function.Metric("size"),)
    def estimate(self, proposal, rng):
        return function.Estimate({"size": proposal.architecture.size})

mine = Mine()
number = 3
"""


@estimator
def alone(architecture: Architecture, fidelity: Fidelity, rng: np.random.Generator) -> float:
    return architecture.size / 10


@estimator(metrics={"loss": "minimize", "accuracy": "maximize"}, deterministic=False)
def pair(architecture: Architecture, fidelity: Fidelity, rng: np.random.Generator) -> dict[str, Any]:
    curve = [{"epoch": 1, "loss": np.float32(2)}, {"epoch": 2, "loss": 1}]
    return {"loss": np.array(0.5), "accuracy": float(rng.random()), "curve": curve}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "my.py").write_text(SCRIPT)
    (tmp_path / "neighbour.py").write_text("def size(a):\n    return a.size\n")
    return tmp_path / "my.py"


def estimated(it: Estimator, seed: int = 0) -> Estimate:
    return it.estimate(Proposal(NET), stream(seed))


# --- the decorator ------------------------------------------------------------------------------------------


def test_a_bare_decorator_declares_accuracy() -> None:
    assert isinstance(alone, Function)
    assert alone.metrics == (Metric("accuracy"),)
    assert alone.deterministic
    assert alone(NET, Fidelity(), stream(0)) == 0.3
    found = estimated(alone)
    assert found.values == {"accuracy": 0.3}
    assert found.cost >= 0
    assert found.failure is None


def test_declared_metrics_keep_order_direction_and_curve() -> None:
    assert pair.metrics == (Metric("loss", maximize=False), Metric("accuracy"))
    assert not pair.deterministic
    found = estimated(pair)
    assert found.values == {"loss": 0.5, "accuracy": stream(0).random()}
    assert found.curve == ({"epoch": 1, "loss": 2}, {"epoch": 2, "loss": 1})
    assert all(type(value) is float for value in found.values.values())
    assert pair.fingerprint != alone.fingerprint
    spoken = estimator(metrics=[Metric("latency", maximize=False, unit="ms")])(lambda a, f, r: 3)
    assert spoken.metrics[0].unit == "ms"


def test_wrong_declarations_are_refused() -> None:
    with pytest.raises(TypeError, match="short must take three arguments"):

        @estimator  # type: ignore[arg-type]
        def short(architecture: Architecture) -> float:
            return 0

    with pytest.raises(ValueError, match="metric loss: expected maximize or minimize, got 'down'"):
        estimator(metrics={"loss": "down"})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="name at least one metric"):
        estimator(metrics={})


@pytest.mark.parametrize("value", [None, "good", {"accuracy": None}, {"accuracy": [1, 2]}, (1, 2)])
def test_what_is_not_a_number_is_refused(value: Any) -> None:
    it = estimator(lambda architecture, fidelity, rng: value)
    with pytest.raises(TypeError, match="returned .*expected"):
        estimated(it)


def test_one_number_for_two_metrics_is_refused() -> None:
    it = estimator(metrics={"a": "maximize", "b": "minimize"})(lambda architecture, fidelity, rng: 1.0)
    with pytest.raises(TypeError, match=r'expected \{"a": ..., "b": ...\}'):
        estimated(it)


def test_a_rehearsal_calls_once_where_it_is_asked_for() -> None:
    seen: list[Fidelity] = []

    def train(architecture: Architecture, fidelity: Fidelity, rng: np.random.Generator) -> float:
        seen.append(fidelity)
        return math.pi

    estimator(train).rehearse(SPACE, stream(0))
    assert seen == []
    estimator(rehearsal=Fidelity(epochs=1))(train).rehearse(SPACE, stream(0))
    assert seen == [Fidelity(epochs=1)]
    common = Fidelity(epochs=9, resolution=6)
    AtFidelity(estimator(rehearsal=Fidelity(epochs=1))(train), common).rehearse(SPACE, stream(0))
    assert seen[1:] == [Fidelity(epochs=1, resolution=6)]


# --- other processes ----------------------------------------------------------------------------------------


def run(it: Estimator) -> Estimate:
    return estimated(it)


def test_a_decorated_function_pickles_by_its_name() -> None:
    back = pickle.loads(pickle.dumps(pair))
    assert back == pair
    assert estimated(back).values == estimated(pair).values


def test_what_no_other_process_can_find_says_so() -> None:
    local = estimator(lambda architecture, fidelity, rng: 1.0)
    with pytest.raises(ScriptError, match="only at the top level of a file"):
        pickle.dumps(local)


def test_an_estimator_from_a_file_works_in_a_spawned_process(script: Path) -> None:
    kinds = {"train": {"score", "loss"}, "plain": {"accuracy"}, "mine": {"size"}}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for name, metrics in kinds.items():
            it = from_file(f"{script}:{name}")
            assert {metric.name for metric in it.metrics} == metrics
            assert it.deterministic
            here = estimated(it)
            assert set(here.values) == metrics
            assert pool.submit(run, it).result(timeout=60).values == here.values


def test_a_decorated_function_of_the_running_script_works_in_a_spawned_process(script: Path) -> None:
    main = """
if __name__ == "__main__":
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from morphogen.records import Proposal
    from morphogen.seeding import stream
    from morphogen.spaces.space import Space
    net = Space.from_text("NET -> chain(OP, OP)\\nOP -> identity | conv3x3").sample(stream(0))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(train.estimate, Proposal(net), stream(1)).result(timeout=60)
    assert found.values == train.estimate(Proposal(net), stream(1)).values
    print(sorted(found.values))
"""
    script.write_text(SCRIPT + main)
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "['loss', 'score']"


def test_a_file_changed_during_a_search_changes_nothing_in_it(script: Path) -> None:
    it = from_file(f"{script}:plain")
    assert estimated(it).values == {"accuracy": 7}
    script.write_text(SCRIPT.replace("or 7", "or 8888"))
    assert estimated(it).values == {"accuracy": 7}
    assert estimated(from_file(f"{script}:plain")).values == {"accuracy": 8888}


def test_references_to_nothing_are_refused(script: Path) -> None:
    with pytest.raises(ScriptError, match="is int, expected a function or an estimator"):
        from_file(f"{script}:number")
    with pytest.raises(ScriptError, match="is a class; name an estimator made of it"):
        from_file(f"{script}:Mine")
    with pytest.raises(ScriptError, match="did you mean train"):
        from_file(f"{script}:trian")
    with pytest.raises(TypeError, match="must take three arguments"):
        from_file(f"{script.with_name('neighbour.py')}:size")


def test_an_installed_estimator_can_be_named_by_its_module() -> None:
    found = FromFile("morphogen.estimators.function:estimator")
    with pytest.raises(TypeError, match="three arguments"):
        _ = found.target
