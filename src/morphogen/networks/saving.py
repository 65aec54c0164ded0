"""Trained networks on disk: weights as safetensors beside a JSON description; nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from morphogen.networks.skeleton import NetworkSpec

if TYPE_CHECKING:
    from morphogen.networks.network import Network

DESCRIPTION: Final = "network.json"
WEIGHTS: Final = "weights.safetensors"
FORMAT: Final = "morphogen network 1"


class SavedNetworkError(ValueError):
    """A directory that holds no network that can be loaded."""


def save(network: Network, directory: str | Path, about: Mapping[str, Any] | None = None) -> None:
    """Write `network` into `directory` (made where it is missing, overwritten where it holds a network).

    about: JSON values kept in the description for people to read, such as the architecture's text.
    """
    from safetensors.torch import save as to_bytes

    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    record = {"format": FORMAT, "about": dict(about or {}), "network": network.spec.to_json()}
    # The channels_last layout is a matter of the machine, not of the network.
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    _replace(folder / WEIGHTS, to_bytes(weights))
    _replace(folder / DESCRIPTION, (json.dumps(record, indent=1) + "\n").encode())


def load(directory: str | Path) -> Network:
    """Return the network that `save` wrote, ready to predict (`eval`): its logits are exactly the same.

    Raises:
        SavedNetworkError: a file is missing or damaged, or the two do not belong together.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    from morphogen.networks.network import Network

    folder = Path(directory)
    try:
        record = json.loads((folder / DESCRIPTION).read_bytes())
        if record["format"] != FORMAT:
            raise ValueError(f"{DESCRIPTION} has format {record['format']!r}, expected {FORMAT!r}")
        network = Network(NetworkSpec.from_json(record["network"]))
        network.load_state_dict(from_bytes((folder / WEIGHTS).read_bytes()))
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise SavedNetworkError(f"{folder} holds no saved network: {missing} is missing") from error
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise SavedNetworkError(
            f"{folder} holds a damaged network ({type(error).__name__}: {reason}); save it again"
        ) from error
    return network.eval()


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen half written."""
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(content)
    draft.replace(path)
