"""Networks as source: the same logits, laid out as a formatter would, in an environment with torch alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from morphogen import spaces
from morphogen.architecture import Architecture
from morphogen.networks import OPERATIONS, Operation, build, source
from morphogen.networks.layers import Layer
from morphogen.networks.network import Network
from morphogen.networks.shapes import Cost, Shape
from morphogen.networks.source import faithful
from morphogen.networks.source.faithful import made
from morphogen.seeding import stream
from morphogen.spaces import Space

PREPARATION = source.Preparation(("cat", 'a "dog"', "it's"), (4.87,), (6.0,), 16.0)

OWN = """
topology bridge: 1-2 1-3 2-3 2-4 3-4
NET -> chain(STAGE, DOWN, STAGE)
STAGE -> bridge(OP, OP, OP, OP, OP) | branch(OP, OP) | residual(BLOCK, BLOCK, identity)
BLOCK -> chain(relu, bare_conv3x3, layer_norm) | chain(OP, OP, OP, OP, OP)
OP -> conv3x3 | depthwise3x3 | identity | max_pool | instance_norm
DOWN -> factorized_reduce | resblock
"""

CASES: dict[str, tuple[Callable[[], Space], int]] = {
    "digits_small": (spaces.digits_small, 3),
    "cell201": (spaces.cell201, 2),
    "hierarchical201": (spaces.hierarchical201, 1),
    "flat201": (spaces.flat201, 2),
    "darts_cell": (spaces.darts_cell, 2),
    "cell101": (spaces.cell101, 3),
    "dag_chain": (spaces.dag_chain, 2),
    "dag_chain_conv": (lambda: spaces.dag_chain(modules="conv"), 2),
    "own": (lambda: Space.from_text(OWN, "own"), 5),
}


def written(space: Space, architecture: Architecture, **sizes: int) -> tuple[Network, str, dict[str, Tensor]]:
    """Return a network whose normalizations have seen something, its source and the weights of that."""
    network = build(architecture, (1, 9, 8), 3, channels=4, **sizes)
    images = torch.randn(8, 1, 9, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.train()(images)
    symbols = {decision.path: decision.nonterminal for decision in space.decisions(architecture)}
    about = ("A classifier of digits images", "Found in no time. " * 8)
    text, state = source.source_of(
        network.eval(), architecture, symbols=symbols, preparation=PREPARATION, about=about
    )
    return network, text, state


def difference(network: nn.Module, other: nn.Module) -> float:
    """Return the largest difference of logits in double precision, where no rounding hides anything."""
    images = torch.randn(4, 1, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return float((network.double()(images) - other.double()(images)).abs().max())


@pytest.mark.parametrize("name", CASES)
def test_the_source_gives_the_same_logits_and_is_formatted(name: str, tmp_path: Path) -> None:
    space, count = CASES[name][0](), CASES[name][1]
    for seed in range(count):
        architecture = space.sample(stream(seed, name, "source"))
        network, text, state = written(space, architecture, cells=1 + seed % 2)
        assert difference(network, made(text, state)) < 1e-9, architecture
        imports = {
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert imports <= {"sys", "pathlib", "torch", "torch.nn", "PIL"}
        (tmp_path / f"network_{seed}.py").write_text(text)
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["format", "--diff"], ["check", "--select", "E,F,I,UP,B,RET,D100,D101,D103"]):
        run = subprocess.run(
            [*ruff, *words, "--isolated", str(tmp_path)], capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stdout


SPECIAL = (
    "cell(zero, zero, zero, zero, zero, zero)",
    "cell(identity, zero, zero, identity, zero, zero)",
    "cell(identity, identity, identity, identity, identity, identity)",
    "cell(conv3x3, zero, identity, zero, zero, identity)",
    "cell(zero, conv1x1, zero, zero, conv3x3, identity)",
    "cell(identity, conv1x1, conv1x1, avg_pool, conv3x3, identity)",
)


@pytest.mark.parametrize("cell", SPECIAL)
def test_cells_that_are_nothing_a_copy_or_a_multiple(cell: str) -> None:
    space = spaces.cell201()
    network, text, state = written(space, space.parse(f"stack({cell})"))
    assert difference(network, made(text, state)) < 1e-9


def test_the_parts_of_a_hierarchy_are_classes_called_as_in_its_grammar() -> None:
    space = spaces.digits_small()
    text = (
        "chain(residual(cell(conv3x3, zero, conv3x3), cell(conv1x1, max_pool, conv1x1), identity), resblock, "
    )
    text += "residual(cell(conv3x3, zero, conv3x3), cell(conv1x1, max_pool, conv1x1), identity))"
    _, found, _ = written(space, space.parse(text))
    names = [node.name for node in ast.parse(found).body if isinstance(node, ast.ClassDef)]
    # Both stages are alike: one class, called with twice the channels.
    assert sorted(names) == ["Block", "Conv1x1", "Conv3x3", "Conv3x3Conv3x3", "Network", "Resblock", "Stage"]
    assert "self.stage_1 = Stage(4)" in found and "self.stage_2 = Stage(8)" in found


def test_without_a_derivation_cells_are_flat_and_the_same() -> None:
    space = spaces.digits_small()
    architecture = space.sample(stream(3))
    network, _, _ = written(space, architecture)
    text, state = source.source_of(network)
    assert difference(network, made(text, state)) < 1e-9
    assert "CLASSES" not in text and "load" not in text


def test_where_rounding_would_be_seen_cells_are_flat_and_the_logits_equal_bit_for_bit() -> None:
    images = torch.randn(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    shallow, deep = (
        space.sample(stream(7, "deep")) for space in (spaces.cell201(), spaces.hierarchical201())
    )
    for architecture, flat in ((shallow, False), (deep, True)):
        network = build(architecture, (1, 16, 16), 3, channels=4).eval()
        text, state = source.source_of(network, architecture)
        noise = torch.randn(faithful.NOISE, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        tried = torch.cat([images, noise])
        seen = faithful.largest_difference(network, made(text, state), tried)
        assert (seen > faithful.TRIED) is flat
        found = source.faithful_source(network, architecture, images)
        assert found.flat is flat
        assert found.difference == (0 if flat else seen)
        assert (found.text == text) is not flat
        assert ("rounding in another order" in " ".join(found.text.split())) is flat


def test_weights_of_another_architecture_are_refused_or_differ() -> None:
    space = spaces.cell201()
    one = space.parse("stack(cell(conv3x3, zero, identity, zero, zero, identity))")
    two = space.parse("stack(cell(conv3x3, identity, zero, zero, conv1x1, identity))")
    network, text, state = written(space, one)
    other = build(two, (1, 9, 8), 3, channels=4, seed=1)
    _, strange = source.source_of(other.eval(), two)
    try:
        assert difference(network, made(text, strange)) > 1e-3
    except RuntimeError as error:
        assert "Error(s) in loading state_dict" in str(error)
    with pytest.raises(ValueError, match="was not made of the architecture"):
        source.source_of(network, space.parse(f"stack({SPECIAL[5]})"))
    assert difference(network, made(text, state)) < 1e-9


class Blur(Layer):
    """A layer of a user's own."""

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return shape, Cost()

    def module(self, shape: Shape) -> nn.Module:
        return nn.Identity()


def test_a_layer_of_ones_own_has_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "blur", Operation("blur", "blurs", Blur()))
    space = Space.from_text("NET -> chain(conv3x3, blur)", "blurred")
    architecture = space.sample(stream(0))
    with pytest.raises(source.SourceError, match="no source for layers of the kind Blur: leave the format"):
        source.source_of(build(architecture, (1, 8, 8), 3), architecture)


ALONE = """
import sys
for name in ("morphogen", "numpy", "safetensors", "sklearn", "PIL"):
    sys.modules[name] = None
import warnings
warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import importlib.util, pathlib, torch
for folder in sorted(pathlib.Path().iterdir()):
    spec = importlib.util.spec_from_file_location(folder.name, folder / "network.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    images, logits = torch.load(folder / "expected.pt", weights_only=True)
    with torch.inference_mode():
        assert (network(module.normalize(images)) - logits).abs().max() < 1e-5, folder
    print(folder)
"""


def test_sources_run_where_there_is_torch_alone(tmp_path: Path) -> None:
    names = ("digits_small", "cell201", "flat201", "darts_cell", "cell101", "dag_chain")
    for name in names:
        space = CASES[name][0]()
        network, text, state = written(space, space.sample(stream(9, name)))
        source.write_source(tmp_path / name, text, state)
        pixels = torch.rand(4, 1, 9, 8, generator=torch.Generator().manual_seed(0)) * 16
        with torch.inference_mode():
            logits = network((pixels - 4.87) / 6.0)
        torch.save((pixels, logits), tmp_path / name / "expected.pt")
    run = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == sorted(names)


def test_what_a_white_pixel_is_follows_from_the_data() -> None:
    from morphogen.networks.data import from_arrays

    def white(images: Any) -> float | None:
        return source.Preparation.of(from_arrays(images, np.arange(40) % 2)).white

    grey = stream(0).integers(0, 256, (40, 5, 5)).astype(np.uint8)
    assert white(grey) == 255
    assert white(grey // 16) == 15
    assert white((grey / 255).astype(np.float32)) == 1
    assert white((grey - 128.0).astype(np.float32)) is None
