"""Training recipes as points of a space: each is the value of a `Fidelity` (Zheng et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from morphogen.architecture import Architecture, Constructor, Primitive
from morphogen.records import Fidelity
from morphogen.spaces.grammar import Alternative, Call, Grammar, Ref, Rule, SpaceError
from morphogen.spaces.space import Space

SETTINGS: Final = tuple(field.name for field in fields(Fidelity))
"""What a recipe can set: the fields of a `Fidelity`."""

FRACTIONAL: Final = ("fraction", "learning_rate", "stop")
"""Those that are no whole numbers."""


def recipe_space(knobs: Mapping[str, Sequence[float]], name: str = "recipes") -> Space:
    """Return the space of all recipes that take one value of each knob.

    knobs: fields of `Fidelity` with two or more values each; give the cheap ones first, for strategies that
    begin where little was measured. A setting with one value belongs into the fidelity of the estimator.

    Raises:
        SpaceError: no knobs, a name that is no setting, fewer than two values, one twice, one that cannot be.
    """
    for setting, values in knobs.items():
        _check(setting, values)
    if not knobs:
        raise SpaceError(f"a space of recipes needs a knob or more, of {', '.join(SETTINGS)}")
    refs = tuple(Ref(setting.title().replace("_", "")) for setting in knobs)
    top = Rule("Recipe", (Alternative(Call(Constructor("recipe", len(refs)), refs)),))
    rules = (
        Rule(ref.name, tuple(Alternative(Call(Primitive(word(setting, value)))) for value in values))
        for ref, (setting, values) in zip(refs, knobs.items(), strict=True)
    )
    return Space(Grammar("Recipe", (top, *rules)), name)


def recipe_of(fidelity: Fidelity) -> Architecture:
    """Return the recipe with the settings of a fidelity, in the order of its fields.

    Raises:
        SpaceError: nothing is set.
    """
    given = fidelity.to_json()
    if not given:
        raise SpaceError("a fidelity in which nothing is set is no recipe")
    parts = tuple(Architecture(Primitive(word(name, value))) for name, value in given.items())
    return Architecture(Constructor("recipe", len(parts)), parts)


def fidelity_of(recipe: Architecture) -> Fidelity:
    """Return the fidelity that a recipe stands for.

    Raises:
        SpaceError: an architecture that is no recipe.
    """
    given: dict[str, float] = {}
    for part in recipe.args:
        setting, _, value = part.terminal.name.rpartition("_")
        if setting not in SETTINGS or part.args:
            raise SpaceError(f"{part} is not a setting of a recipe, such as epochs_10")
        given[setting] = float(value) if setting in FRACTIONAL else int(value)
    if not given:
        raise SpaceError(f"{recipe} is no recipe: it sets nothing; build spaces of them by `recipe_space`")
    return Fidelity(**given)  # type: ignore[arg-type]


def word(setting: str, value: float) -> str:
    """Return the name of a setting with its value, such as `learning_rate_0.025`."""
    if setting in FRACTIONAL:
        return f"{setting}_{np.format_float_positional(float(value), trim='-')}"
    return f"{setting}_{int(value)}"


def _check(setting: str, values: Sequence[float]) -> None:
    if setting not in SETTINGS:
        raise SpaceError(f"{setting} is no setting of a recipe; there are {', '.join(SETTINGS)}")
    if len(values) < 2 or len(set(values)) < len(values):
        raise SpaceError(
            f"the knob {setting} needs two values or more, each once, got {list(values)}; what is not to "
            "be varied belongs into the fidelity of the estimator"
        )
    for value in values:
        if setting not in FRACTIONAL and value != int(value):
            raise SpaceError(f"the knob {setting} takes whole numbers, got {value}")
        try:
            Fidelity(**{setting: value})  # type: ignore[arg-type]
        except ValueError as error:
            raise SpaceError(str(error)) from None
