"""ONNX files: any batch, the logits of the network, a latency; and one line where the packages are missing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from morphogen import spaces
from morphogen.networks import build, onnx_file
from morphogen.seeding import stream

WHY = "ONNX is an extra: morphogen[onnx]"


def test_any_batch_gives_the_logits_of_the_network(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason=WHY)
    space = spaces.darts_cell()
    network = build(space.sample(stream(0)), (3, 9, 8), 5, channels=2)
    other = build(space.sample(stream(0)), (3, 9, 8), 5, channels=2, seed=1)
    path = tmp_path / "network.onnx"
    onnx_file.write_onnx(network, path, {"classes": "a\nb"})
    for count in (1, 7):
        images = stream(1).standard_normal((count, 3, 9, 8)).astype(np.float32)
        with torch.inference_mode():
            given, strange = (each.eval()(torch.from_numpy(images)).numpy() for each in (network, other))
        found = onnx_file.logits(path, images)
        assert np.abs(found - given).max() < 1e-5 < np.abs(found - strange).max()
    model = onnx.load(str(path))
    assert [(entry.key, entry.value) for entry in model.metadata_props] == [("classes", "a\nb")]
    assert model.opset_import[0].version == onnx_file.OPSET
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    found_latency = onnx_file.latency(path, repeats=20)
    assert 0 < found_latency.low <= found_latency.median <= found_latency.high
    assert not cores or os.sched_getaffinity(0) == cores


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    network = build(spaces.cell201().sample(stream(0)), (1, 8, 8), 2, channels=2)
    with pytest.raises(
        ImportError, match=r'onnx and onnxruntime not installed: pip install "morphogen\[onnx\]"'
    ):
        onnx_file.write_onnx(network, tmp_path / "network.onnx")
