"""The zero-cost estimator: every space, equal streams, failures, fidelities, and its use in a search."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from morphogen import catalog
from morphogen.estimators.zero_cost import SIZES, ZeroCost
from morphogen.evidence import zero_cost as evidence
from morphogen.journal import Memory
from morphogen.networks import UnknownOperation, build, cost
from morphogen.networks.data import ImageData, from_arrays
from morphogen.networks.scores import SCORES, Score, UnknownScore
from morphogen.records import Fidelity, Proposal
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.digits_small import digits_small
from morphogen.strategies import RandomSearch
from morphogen.study.limits import Limit
from morphogen.study.loop import search

ALL = (*SCORES, *SIZES)


@pytest.fixture(scope="module")
def data8() -> ImageData:
    """Noise of 8x8 pixels and ten classes."""
    return from_arrays(stream(0).integers(0, 256, (200, 8, 8), dtype=np.uint8), np.arange(200) % 10)


@pytest.fixture(scope="module")
def zero_cost(data8: ImageData) -> ZeroCost:
    return ZeroCost(data8, ALL, channels=4, cells=1, batch_size=8, device="cpu")


# --- on networks of architectures --------------------------------------------------------------------------

CELL = "stack(cell(conv3x3, identity, conv1x1, zero, avg_pool, conv3x3))"
DEAD = "stack(cell(conv3x3, zero, zero, zero, zero, zero))"


@pytest.mark.parametrize("name", [entry.name for entry in catalog.entries("space")])
def test_every_space_has_scores(name: str, data8: ImageData) -> None:
    space = catalog.find("space", name).load()()
    # Networks of dag_chain have no global average for zen, and an eighth of the channels in their first stage.
    scores = tuple(score for score in ALL if score != "zen" or name != "dag_chain")
    channels = 32 if name == "dag_chain" else 4
    estimator = ZeroCost(data8, scores, channels=channels, cells=1, batch_size=4, device="cpu")
    estimate = estimator.estimate(Proposal(space.sample(stream(0, name))), stream(0))
    assert estimate.failure is None, estimate.failure
    assert tuple(estimate.values) == scores
    assert all(map(math.isfinite, estimate.values.values()))
    assert estimate.cost > 0


def test_sizes_are_exact_and_need_no_torch(zero_cost: ZeroCost) -> None:
    architecture = digits_small().sample(stream(0))
    exact = cost(architecture, (1, 8, 8), 10, channels=4)
    estimate = zero_cost.estimate(Proposal(architecture), stream(0))
    assert (estimate.values["parameters"], estimate.values["multiply_adds"]) == (
        exact.parameters,
        exact.multiply_adds,
    )
    program = (
        "import sys, numpy as np\n"
        "from morphogen.estimators.zero_cost import ZeroCost\n"
        "from morphogen.networks.data import from_arrays\n"
        "from morphogen.spaces.cell201 import cell201\n"
        "data = from_arrays(np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2)\n"
        "sizes = ZeroCost(data, ('parameters', 'multiply_adds')).features([cell201().unrank(100)])\n"
        "assert (sizes > 0).all() and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_same_stream_gives_the_same_scores(zero_cost: ZeroCost) -> None:
    proposal = Proposal(cell201().parse(CELL))
    first, again = (zero_cost.estimate(proposal, stream(3, "estimate")).values for _ in range(2))
    assert first == again
    other = zero_cost.estimate(proposal, stream(4, "estimate")).values
    assert all(first[name] != other[name] for name in SCORES)
    for name in ("zen", "snip"):  # whatever else is asked for
        alone = ZeroCost(zero_cost.data, (name,), 4, 1, 8, "cpu").estimate(proposal, stream(3, "estimate"))
        assert alone.values == {name: first[name]}
    assert zero_cost.deterministic


def test_features_are_those_of_the_network_however_written(zero_cost: ZeroCost) -> None:
    one = cell201().parse("stack(cell(conv3x3, conv1x1, zero, zero, identity, avg_pool))")
    other = cell201().parse("stack(cell(conv1x1, conv3x3, zero, zero, avg_pool, identity))")
    third = cell201().parse(CELL)
    assert one.key == other.key != third.key
    rows = zero_cost.features([one, other, third])
    assert rows.shape == (3, len(ALL))
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
    assert np.array_equal(rows[[2]], pickle.loads(pickle.dumps(zero_cost)).features([third]))


def test_a_network_that_ignores_its_images_fails(data8: ImageData) -> None:
    dead = cell201().parse(DEAD)
    for name, reason in (
        ("naswot", "switch on exactly the same"),
        ("jacob_cov", "all equal"),
        ("zen", "not depend"),
    ):
        estimator = ZeroCost(data8, ("parameters", name), 4, 1, 8, "cpu")
        failed = estimator.estimate(Proposal(dead), stream(0))
        assert not failed.values
        assert failed.failure is not None
        assert failed.failure.type == "UndefinedScore"
        assert failed.failure.message.startswith(f"{name}: ")
        assert reason in failed.failure.message
        assert failed.cost > 0
        assert np.isnan(estimator.features([dead])).tolist() == [[False, True]]
    sound = ZeroCost(data8, ("naswot", "synflow"), 4, 1, 8, "cpu")
    scores = sound.score([dead, cell201().parse(CELL)])
    assert scores[0] == -math.inf
    assert math.isfinite(scores[1])
    assert ZeroCost(data8, ("synflow",), 4, 1, 8, "cpu").features([dead]).tolist() == [[0.0]]


def test_one_image_is_enough_where_maps_are_larger_than_a_pixel(zero_cost: ZeroCost) -> None:
    one = Fidelity(batch_size=1)
    values = zero_cost.estimate(Proposal(cell201().parse(CELL), one), stream(0)).values
    assert values["jacob_cov"] == pytest.approx(-1, abs=1e-4)
    tiny = Fidelity(batch_size=1, resolution=4)
    failed = zero_cost.estimate(Proposal(cell201().parse(CELL), tiny), stream(0)).failure
    assert failed is not None
    assert "larger batch_size" in failed.message


def test_the_fidelity_of_a_proposal_is_followed(zero_cost: ZeroCost) -> None:
    architecture = cell201().parse(CELL)
    asked = Fidelity(channels=6, cells=2, resolution=16, batch_size=5)
    found = zero_cost.estimate(Proposal(architecture, asked), stream(1)).values
    data = zero_cost.data.at(16)
    assert found["parameters"] == cost(architecture, data.shape, 10, channels=6, cells=2).parameters
    set_so = ZeroCost(data, ALL, 6, 2, 5, "cpu").estimate(Proposal(architecture), stream(1)).values
    assert found == set_so


def test_images_are_normalized_and_come_from_the_training_split() -> None:
    rng = stream(0)
    images = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    data = from_arrays(images, np.arange(60) % 3)
    network = build(cell201().parse(CELL), data.shape, 3, channels=4)
    on = ZeroCost(data, device="cpu")._probe(network, data, 6, 0)
    expected = (data.images[data.train[:6]].astype(np.float32) - data.mean) / data.std
    assert np.allclose(on.images.numpy(), expected, atol=1e-5)
    assert on.labels.tolist() == data.labels[data.train[:6]].tolist()
    assert sorted(on.labels.tolist()) == [0, 0, 1, 1, 2, 2]


# --- in use ------------------------------------------------------------------------------------------------


def test_a_search_by_scores_and_its_metrics(zero_cost: ZeroCost) -> None:
    estimator = ZeroCost(zero_cost.data, ("synflow", "parameters"), 4, 1, 8, "cpu")
    study = search(cell201(), RandomSearch(), estimator, Memory(), limit=Limit(trials=4), seed=0)
    assert all(trial.succeeded for trial in study.trials)
    best = max(study.trials, key=estimator.metrics[0].score)
    assert study.best().architecture == best.architecture
    assert [(metric.name, metric.maximize) for metric in estimator.metrics] == [
        ("synflow", True),
        ("parameters", True),
    ]


@pytest.mark.parametrize(
    ("scores", "error", "words"),
    [
        (("naswott",), UnknownScore, "did you mean naswot"),
        (("parameter",), UnknownScore, "did you mean parameters"),
        ((), ValueError, "one or more"),
        (("zen", "zen"), ValueError, "each once"),
    ],
)
def test_scores_that_are_not_there(
    scores: tuple[str, ...], error: type[Exception], words: str, data8: ImageData
) -> None:
    with pytest.raises(error, match=words):
        ZeroCost(data8, scores)


def test_a_score_of_your_own(data8: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_score.py").write_text(
        "def depth(probe):\n"
        "    return float(sum('Conv' in type(m).__name__ for m in probe.network.modules()))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(SCORES, "depth", Score("depth", "convolutions", "", "own_score:depth"))
    shallow, deep = cell201().parse(DEAD), cell201().parse(CELL)
    rows = ZeroCost(data8, ("depth",), 4, 1, 4, "cpu").features([shallow, deep])
    assert rows[1, 0] - rows[0, 0] == 3 * 3


def test_a_rehearsal_finds_what_would_fail_every_time(zero_cost: ZeroCost) -> None:
    zero_cost.rehearse(digits_small(), stream(0))
    with pytest.raises(UnknownOperation, match="blur"):
        zero_cost.rehearse(Space.from_text("NET -> chain(OP, OP)\nOP -> conv3x3 | blur"), stream(0))


def test_the_rank_correlation_of_the_evidence_is_spearman() -> None:
    from scipy.stats import spearmanr

    rng = stream(0)
    one, other = rng.integers(0, 9, (2, 40)).astype(float)
    one[3] = -np.inf
    assert evidence.spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert evidence.spearman(one, np.stack([other, other])) == pytest.approx(
        [float(evidence.spearman(one, other))] * 2
    )


def test_the_number_of_parameters_under_the_name_of_a_score_is_caught(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fake_score.py").write_text(
        "def size(probe):\n    return float(sum(p.numel() for p in probe.network.parameters()))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("synflow", "naswot"):
        monkeypatch.setitem(SCORES, name, Score(name, "", "", "fake_score:size"))
    findings = list(evidence.experiment(True, lambda doing, share: None))
    broken = [finding.name for finding in findings if not finding.holds]
    assert broken == ["synflow: Spearman with the table's", "naswot: Spearman with the table's"]
