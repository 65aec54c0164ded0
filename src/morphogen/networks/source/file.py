"""The file `network.py`: classes, preprocessing, class names and a command line, with weights beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from morphogen.networks.shapes import Shape
from morphogen.networks.source.code import (
    LONGEST,
    Class,
    Writer,
    named,
    needed,
    quoted,
    sequence,
)
from morphogen.networks.source.layers import Weights
from morphogen.networks.source.network import drawn

if TYPE_CHECKING:
    from torch import Tensor

    from morphogen.architecture import Architecture
    from morphogen.networks.data import ImageData
    from morphogen.networks.network import Network

SOURCE: Final = "network.py"
STATE: Final = "network.pt"

TAKEN: Final = ("Network", "Path", "Tensor")
"""Names that the file has anyway."""


@final
@dataclass(frozen=True)
class Preparation:
    """What an image goes through before a network reads it, and what its logits mean.

    classes: their names. mean, std: of each channel, in the units of the pixels. white: the value of a white
    pixel in the training data; None where its pixels are no colours.
    """

    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    white: float | None = 255.0

    @classmethod
    def of(cls, data: ImageData) -> Preparation:
        """Return how images of `data` are prepared."""
        low, high = float(data.images.min()), float(data.images.max())
        white = None
        if low >= 0:
            white = 255.0 if 127 < high <= 255 else high
        return cls(data.classes, _short(data.mean), _short(data.std), white)


def _short(values: Iterable[Any]) -> tuple[float, ...]:
    """Return numbers of single precision with the digits that tell them from others."""
    import numpy as np

    return tuple(float(str(np.float32(value))) for value in values)


USE: Final = '''
def load(weights: str | Path = HERE / "network.pt") -> Network:
    """Return the trained network, ready to predict."""
    network = Network()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def normalize(pixels: Tensor) -> Tensor:
    """Bring pixels [n, channels, height, width] to the scale of training."""
    mean = torch.tensor(MEAN).reshape(-1, 1, 1)
    std = torch.tensor(STD).reshape(-1, 1, 1)
    return (pixels - mean) / std
'''

FILES: Final = '''
def read(path: str | Path) -> Tensor:
    """Return an image file as what the network reads, [1, channels, height, width]."""
    from PIL import Image  # only files need Pillow

    channels, height, width = IMAGE
    with Image.open(path) as file:
        image = file.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    pixels = pixels.reshape(1, height, width, channels).permute(0, 3, 1, 2)
    return normalize(pixels * (WHITE / 255))


@torch.inference_mode()
def classify(path: str | Path, network: nn.Module) -> tuple[str, float]:
    """Return the most probable class of an image file, and its probability."""
    shares = network(read(path)).softmax(dim=1)[0]
    best = int(shares.argmax())
    return CLASSES[best], float(shares[best])


if __name__ == "__main__":
    trained = load()
    for name in sys.argv[1:]:
        label, share = classify(name, trained)
        print(f"{name}: {label} ({share:.1%})")
'''


def source_of(
    network: Network,
    architecture: Architecture | None = None,
    *,
    symbols: Mapping[tuple[int, ...], str] | None = None,
    preparation: Preparation | None = None,
    about: Sequence[str] = (),
) -> tuple[str, dict[str, Tensor]]:
    """Return a network as the text of a file that needs torch alone, and its weights by the names used there.

    architecture: what the network was made of; without it every cell is one flat class. symbols: for paths of
    its derivation the nonterminals that were replaced there, which name the classes. preparation: how images
    become input; without it the file holds the classes alone. about: sentences for the head of the file.

    Raises:
        SourceError: the network has a layer that is not one of Morphogen's own.
    """
    spec = network.spec
    module, weights = drawn(spec, architecture, symbols or {})
    names = named((m for m in needed(module) if m is not module and not m.text), (*TAKEN, *_verbatim(module)))
    names |= {module: "Network"} | {m: m.base for m in needed(module) if m.text}
    writer = Writer(names)
    bodies = [writer.module(each) for each in dict.fromkeys(needed(module))]
    text = "\n".join(bodies)
    given = preparation is not None
    in_colours = preparation is not None and preparation.white is not None
    files = in_colours and spec.inputs.channels in (1, 3)
    imports = ["import sys"] * files + ["from pathlib import Path"] * given
    imports += [""] * bool(imports) + ["import torch"] * (given or "torch." in text)
    imports += ["from torch import Tensor, nn"] + ["from torch.nn import functional"] * (
        "functional." in text
    )
    parts = ["\n".join(_opening(about, files=files)), "\n".join(imports)]
    if preparation is not None:
        parts[-1] += "\n" + "\n".join(_constants(preparation, spec.inputs))
    parts += bodies
    if given:
        parts.append(USE.strip())
    if files:
        parts.append(FILES.strip())
    head, *rest = parts
    return f"{head}\n\n" + "\n\n\n".join(rest) + "\n", _state(network, weights)


def write_source(folder: str | Path, text: str, state: Mapping[str, Tensor]) -> None:
    """Write what `source_of` returned into `folder`: `network.py` and `network.pt`."""
    import torch

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / SOURCE).write_text(text, encoding="utf-8")
    torch.save(dict(state), place / STATE)


def _verbatim(module: Class) -> list[str]:
    return [each.base for each in needed(module) if each.text]


def _opening(about: Sequence[str], *, files: bool) -> list[str]:
    """Return the docstring of the file."""
    title, *rest = about or ("An image classifier",)
    lines = textwrap.wrap(f'"""{title.rstrip(".")}.', LONGEST)
    for sentence in rest:
        lines += ["", *textwrap.wrap(sentence, LONGEST)]
    if files:
        lines += ["", "    python network.py IMAGE ..."]
    if len(lines) == 1:
        return [f'{lines[0]}"""'] if len(lines[0]) + 3 <= LONGEST else [*lines, '"""']
    return [*lines, '"""']


def _constants(preparation: Preparation, shape: Shape) -> list[str]:
    """Return what is known of the images and the classes."""
    lines = [
        "",
        "HERE = Path(__file__).parent",
        "",
        f"IMAGE = {tuple(shape)}  # channels, height, width",
        *sequence("CLASSES", map(quoted, preparation.classes)),
        "",
        "# Of each channel, over the training images.",
        *sequence("MEAN", map(repr, preparation.mean)),
        *sequence("STD", map(repr, preparation.std)),
    ]
    if preparation.white is not None:
        lines.append(f"WHITE = {preparation.white:g}  # the value of a white pixel there")
    return lines


def _state(network: Network, weights: Weights) -> dict[str, Tensor]:
    """Return the weights by the names of the source; each of the network's is there exactly once."""
    given = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    found: dict[str, Tensor] = {}
    for new, old in weights:
        for name in [name for name in given if name == old or name.startswith(f"{old}.")]:
            found[new + name.removeprefix(old)] = given.pop(name)
    if given:
        raise AssertionError(f"weights that have no place in the source: {', '.join(given)}")
    return found
