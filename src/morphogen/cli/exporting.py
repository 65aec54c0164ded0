"""The files of an export, each checked against the network that it holds."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from morphogen.cli.errors import Failed, Wrong

if TYPE_CHECKING:
    from torch import Tensor, nn

    from morphogen.cli.winner import Winner
    from morphogen.networks.data import ImageData
    from morphogen.networks.network import Network
    from morphogen.networks.onnx_file import Latency
    from morphogen.records import Trial
    from morphogen.study import Study

FORMATS: Final = ("safetensors", "onnx", "source", "card")

ONNX_TOLERANCE: Final = 1e-4
IMAGES: Final = 32
"""So many images of the test split, and as many of noise, are put through both networks."""

INSTALL: Final = 'pip install "morphogen[onnx]"'


def chosen(words: Sequence[str]) -> tuple[list[str], str]:
    """Return the formats to write, all of them where none is asked for, and what to say of those left out."""
    from morphogen.networks.onnx_file import missing

    for word in words:
        if word not in FORMATS:
            from morphogen.cli.errors import hint

            raise Wrong(f"--format {word}: there is no such format; {hint(word, FORMATS)}")
    gone = missing()
    if not gone:
        return list(words or FORMATS), ""
    without = f"{' and '.join(gone)} not installed"
    if "onnx" in words:
        raise Wrong(f"--format onnx: {without}: {INSTALL}")
    left = [name for name in words or FORMATS if name != "onnx"]
    return left, "" if words else f"no network.onnx: {without} ({INSTALL})"


@final
@dataclass(frozen=True)
class Exporting:
    """A trained network on its way into a folder.

    data: in the resolution that the network reads.
    """

    study: Study
    trial: Trial
    winner: Winner
    data: ImageData
    folder: Path

    @cached_property
    def network(self) -> Network:
        """The network, ready to predict."""
        from morphogen.networks import load

        return load(self.winner.folder)

    @cached_property
    def images(self) -> Tensor:
        """Images of the test split, prepared, and as many of noise."""
        import torch

        data = self.data
        pixels = torch.from_numpy(data.images[data.test[:IMAGES]].astype("float32"))
        mean, std = (torch.from_numpy(value.copy()).reshape(-1, 1, 1) for value in (data.mean, data.std))
        noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
        return torch.cat([(pixels - mean) / std, noise])

    @cached_property
    def given(self) -> Any:
        """The logits of the network for the images."""
        return _logits(self.network, self.images)

    def onnx(self) -> tuple[float, Latency]:
        """Write `network.onnx`; return by how much its logits differ, and how long an image takes."""
        from morphogen.networks import onnx_file

        path = self.folder / onnx_file.ONNX
        data = self.data
        notes = {
            "classes": "\n".join(data.classes),
            "mean": " ".join(map(str, data.mean)),
            "std": " ".join(map(str, data.std)),
            "input": "images [batch, channels, height, width], (pixels - mean) / std",
        }
        onnx_file.write_onnx(self.network, path, notes)
        found = onnx_file.logits(path, self.images.numpy())
        difference = self._compared("network.onnx", found, ONNX_TOLERANCE)
        return difference, onnx_file.latency(path)

    def source(self, title: str) -> float:
        """Write `network.py` and `network.pt`; return by how much the logits differ."""
        from morphogen.networks.source import Preparation, faithful_source, write_source
        from morphogen.networks.source.faithful import TOLERANCE
        from morphogen.spaces import SpaceError

        try:
            decisions = self.study.space.decisions(self.trial.architecture)
        except SpaceError:  # derived from a region of another space: terminals name its parts
            decisions = ()
        source = faithful_source(
            self.network,
            self.trial.architecture,
            self.images,
            symbols={decision.path: decision.nonterminal for decision in decisions},
            preparation=Preparation.of(self.data),
            about=[title, *self._told()],
        )
        write_source(self.folder, source.text, source.state)
        network = imported(self.folder / "network.py")
        return self._compared("network.py", _logits(network, self.images), TOLERANCE)

    def _told(self) -> list[str]:
        test = self.winner.values
        return [
            f"Found by Morphogen in the space {self.study.space.name}; "
            f"{test['accuracy']:.2%} of {test['tested']:,} test images are classified right "
            f"(95% interval {test['low']:.1%} to {test['high']:.1%})."
        ]

    def _compared(self, name: str, found: Any, tolerance: float) -> float:
        """Return the largest difference of logits; raise where it is more than rounding explains."""
        import numpy as np

        given = self.given
        difference = float(np.abs(given - found).max())
        if difference > tolerance:
            exact = _logits(self.network.double(), self.images.double())
            self.network.float()
            rounding = float(np.abs(given - exact).max())
            if not difference <= max(tolerance * float(np.abs(given).max()), 4 * rounding):
                raise Failed(
                    f"{self.folder / name} is another network: its logits differ by {difference:.3g}; "
                    "please report it, with the study"
                )
        return difference


def imported(path: Path) -> nn.Module:
    """Return the trained network of an exported source, by importing the file."""
    name = f"exported_{abs(hash(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no __pycache__ beside the files
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    load: Callable[[], nn.Module] = module.load
    return load()


def _logits(network: nn.Module, images: Tensor) -> Any:
    import torch

    with torch.inference_mode():
        return network.eval()(images).numpy()
