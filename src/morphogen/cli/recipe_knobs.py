"""`recipe --knob NAME=A,B`: what recipes may vary, as far as it fits the data and the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from morphogen.cli.errors import Wrong, note

if TYPE_CHECKING:
    from morphogen.architecture import Architecture
    from morphogen.estimators.training import Training
    from morphogen.records import Fidelity

OPTIONS: Final = ("epochs", "channels", "cells", "batch_size", "learning_rate", "resolution")
"""Settings that an option of the same name sets for all trainings."""


def setting(rule: str) -> str:
    """Return in words the setting that a rule of a space of recipes is about."""
    from morphogen.recipes import SETTINGS

    return next(name for name in SETTINGS if name.title().replace("_", "") == rule).replace("_", " ")


def given_knobs(
    words: Sequence[str], full: Fidelity, training: Training, networks: tuple[Architecture, ...]
) -> Mapping[str, tuple[float, ...]]:
    """Return the knobs that were given, each with the values that fit; raise `Wrong` for what cannot be."""
    from morphogen.recipes import SETTINGS

    found: dict[str, tuple[float, ...]] = {}
    for text in words:
        name, equals, listed = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in SETTINGS:
            raise Wrong(f"--knob {text}: write NAME=A,B,... with NAME one of {', '.join(SETTINGS)}")
        try:
            values = tuple(float(value) for value in listed.split(",") if value.strip())
        except ValueError:
            raise Wrong(f"--knob {text}: the values are numbers with commas between") from None
        if len(set(values)) < 2:
            set_by = f" (--{name.replace('_', '-')} sets it for all trainings)" if name in OPTIONS else ""
            raise Wrong(f"--knob {text}: a knob needs two values or more to choose from{set_by}")
        if name in ("precision", "cutout"):
            raise Wrong(f"--knob {text}: Morphogen's own training has no {name}")
        if name == "resolution":
            values = _that_fit(values, full, training, networks, text)
        found[name] = values
    return found


def _that_fit(
    values: tuple[float, ...],
    full: Fidelity,
    training: Training,
    networks: tuple[Architecture, ...],
    text: str,
) -> tuple[float, ...]:
    """Return the resolutions at which at least half of the networks can be built; say which are left out."""
    from morphogen import budgeted
    from morphogen.records import Fidelity

    kept = []
    for value in values:
        if value != int(value) or value < 1:
            raise Wrong(f"--knob {text}: a resolution is a whole number of pixels")
        at = Fidelity(resolution=int(value)).over(full)
        fitting = sum(budgeted.fits(network, training, at) for network in networks)
        if 2 * fitting > len(networks):
            kept.append(value)
        else:
            note(
                f"resolution {value:g} is left out: {len(networks) - fitting} of {len(networks)} networks "
                "downsample more often than it has pixels"
            )
    if len(kept) < 2:
        raise Wrong(f"--knob {text}: fewer than two of these resolutions fit the networks: take larger ones")
    return tuple(kept)
