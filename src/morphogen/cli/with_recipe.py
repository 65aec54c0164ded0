"""`search --fidelity FILE`: the settings of a search by a recipe, and a word on whatever does not agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from morphogen.cli.errors import Wrong, note

if TYPE_CHECKING:
    from morphogen.cli.settings import Settings
    from morphogen.found_recipe import FoundRecipe

BOTH: Final = ("channels", "cells", "batch_size", "learning_rate", "resolution")
"""What is given on the command line and also holds for the winner; its epochs are `--final-epochs`."""


def with_recipe(settings: Settings, path: Path, *, quiet: bool) -> Settings:
    """Return the settings with the recipe in a file: what was given on the command line comes before it.

    Raises:
        RecipeError: a file that holds no recipe. Wrong: an estimator that trains by no recipe.
    """
    from morphogen.found_recipe import FoundRecipe

    found = FoundRecipe.read(path)
    if settings.benchmark is not None:
        raise Wrong(
            f"--fidelity {path} is a recipe of training, a table trains nothing: leave one of them out"
        )
    given, own, regions = settings.fidelity, settings.estimator != "training", _of_regions(settings)
    if own and not regions and ":" not in settings.estimator:
        raise Wrong(
            f"--fidelity {path} is a recipe of training, {settings.estimator} trains otherwise: leave one of them out"
        )
    recipe, full = found.fidelity.to_json(), found.full.to_json()
    if regions:
        if "stop" in recipe:
            raise Wrong(
                f"{path} stops a training early, and {settings.estimator} trains supernets, whose logits would "
                "stop half way: give --epochs and --fraction instead"
            )
        for each in (recipe, full):
            each.pop("learning_rate", None)  # it belongs to the optimizer that the recipe was found with
    several = settings.objectives or settings.weights
    words = _merged(found.training, settings.training)
    if not quiet:
        for line in _differences(settings, found, path):
            note(line)
    return replace(
        settings,
        recipe=str(path),
        fidelity={**recipe, **given},
        full={**full, **{name: given[name] for name in BOTH if name in given}},
        training=settings.training if own else words,
        metric=settings.metric if own or several else settings.metric or found.metric,
    )


def _of_regions(settings: Settings) -> bool:
    """Whether the estimator trains supernets: a recipe sets their epochs, images and sizes."""
    from morphogen.catalog import entries

    return any(entry.name == settings.estimator and entry.regions for entry in entries("estimator"))


def _merged(theirs: Sequence[str], mine: Sequence[str]) -> tuple[str, ...]:
    """Return settings of the training by name; mine come before theirs."""
    named = {word.partition("=")[0]: word for word in (*theirs, *mine)}
    return tuple(named.values())


def _differences(settings: Settings, found: FoundRecipe, path: Path) -> list[str]:
    """Say what the recipe is, and what of this search is not as when it was found."""
    cheaper = f"{found.speedup:.0f} times cheaper than full training, Spearman {found.spearman:.2f}"
    said = [f"by {path} ({cheaper}); the winner is trained in full"]
    recipe = found.fidelity.to_json()
    for name, value in settings.fidelity.items():
        if name in recipe and recipe[name] != value:
            option = name.replace("_", "-")
            said.append(f"--{option} {value:g} takes the place of {recipe[name]:g} in {path}")
    theirs = dict(word.partition("=")[::2] for word in found.training)
    for word in settings.training:
        name, _, text = word.partition("=")
        if theirs.get(name, text) != text or name not in theirs:
            was = f"{name}={theirs[name]}" if name in theirs else f"no {name}"
            said.append(f"-t {word} differs from the training that {path} was found by ({was})")
    space = settings.find_space()
    if space.fingerprint != found.space.get("fingerprint"):
        said.append(
            f"{path} was found on {found.space.get('name')}: how well it ranks {space.name} was not measured"
        )
    if found.kind == "early stopping":
        said.append(
            "no recipe beat full training stopped early when it was found, so trials are stopped early"
        )
    return said
