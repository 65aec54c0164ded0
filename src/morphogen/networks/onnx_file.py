"""ONNX: networks as files for other runtimes, checked with onnxruntime and measured on one pinned thread."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from morphogen.networks.latency import one_pinned_thread

if TYPE_CHECKING:
    from morphogen.networks.network import Network

ONNX: Final = "network.onnx"

OPSET: Final = 17
"""The version of ONNX's operators; onnxruntime 1.12 of 2022 and all later ones know it."""

INPUT: Final = "images"
OUTPUT: Final = "logits"

WARM: Final = 5
"""Runs before those whose time counts."""


class Latency(NamedTuple):
    """How long one image takes on one thread, in milliseconds: the median of `repeats`, and its quartiles."""

    median: float
    low: float
    high: float
    repeats: int


def missing() -> list[str]:
    """Return the packages that are not installed of those that this file needs."""
    return [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]


def write_onnx(network: Network, path: str | Path, notes: Mapping[str, str] | None = None) -> None:
    """Write a network in evaluation mode as ONNX: `images` [batch, c, h, w] in, `logits` [batch, classes] out.

    The batch may have any size. notes: kept in the file's metadata.

    Raises:
        ImportError: onnx is not installed; names the extra.
    """
    _require()
    import onnx
    import torch

    # The exporter that traces: it takes a tenth of the time of torch's newer one, and the graph is the same.
    axes = {INPUT: {0: "batch"}, OUTPUT: {0: "batch"}}
    images = torch.zeros(2, *network.spec.inputs)
    network.eval().cpu()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of its age, and of norms that have no running statistics
        torch.onnx.export(
            network,
            (images,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes=axes,
        )
    model = onnx.load(str(path))
    for name, text in (notes or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, text
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def logits(path: str | Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what onnxruntime makes of images [n, c, h, w]: logits [n, classes]."""
    found: NDArray[np.float32] = _session(path).run([OUTPUT], {INPUT: images})[0]
    return found


def latency(path: str | Path, *, repeats: int = 200) -> Latency:
    """Measure how long onnxruntime takes for one image, on one thread that stays on one core."""
    with one_pinned_thread():
        session = _session(path)
        shape = [1, *session.get_inputs()[0].shape[1:]]
        feed = {INPUT: np.random.default_rng(0).standard_normal(shape, dtype=np.float32)}
        times = []
        for _ in range(WARM + repeats):
            begun = time.perf_counter_ns()
            session.run([OUTPUT], feed)
            times.append((time.perf_counter_ns() - begun) / 1e6)
    low, median, high = statistics.quantiles(times[WARM:], n=4)
    return Latency(median, low, high, repeats)


def _session(path: str | Path) -> Any:
    _require()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _require() -> None:
    if gone := missing():
        raise ImportError(f'{" and ".join(gone)} not installed: pip install "morphogen[onnx]"')
