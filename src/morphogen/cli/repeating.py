"""The command that runs a search again, from what its journal notes."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from morphogen.cli.settings import Settings
    from morphogen.study import Study

FLAGS: Final = {"options": "-o", "training": "--train", "seconds": "--time", "recipe": "--fidelity"}
"""Settings whose option is not called as they are."""

ALWAYS: Final = ("space", "strategy", "seed")
"""What is said even where it is the default, which another version may change."""


def command(settings: Settings, study: Path) -> str:
    """Return the words of `morphogen search` that give these settings, and the study `study`."""
    words, known = ["morphogen", "search"], _by_recipe(settings)
    if known is None:
        settings, known = replace(settings, recipe=None), {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name == "fidelity":
            for name, number in value.items():
                if known.get(name) == number:
                    continue
                words += [f"--{name.replace('_', '-')}", _word(number)]
        elif field.name == "final_epochs" and value == 0:
            words.append("--no-final")
        elif field.name == "space" and settings.benchmark is not None:
            continue  # a table has its own
        elif field.name in ALWAYS or (field.default is not MISSING and value != field.default):
            words += _option(field.name, value)
    return shlex.join([*words, "--study", str(study)])


def _by_recipe(settings: Settings) -> Mapping[str, float] | None:
    """Return what the file of a recipe sets, so that it need not be said; None where it is no longer there."""
    if settings.recipe is None:
        return {}
    from morphogen.found_recipe import FoundRecipe, RecipeError

    try:
        return FoundRecipe.read(Path(settings.recipe)).fidelity.to_json()
    except RecipeError:
        return None


def _option(name: str, value: Any) -> list[str]:
    flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
    if isinstance(value, tuple):
        flag = flag if name in FLAGS else flag.removesuffix("s")
        return [word for one in value for word in (flag, str(one))]
    return [flag, _word(value)]


def baseline(settings: Settings, study: Study, path: Path, to: Path) -> tuple[str, ...]:
    """Return the commands that search at random at equal cost, and hold the study against that.

    The limits are those of the search; the seed is another one, so that no draw is the study's own. A study of
    regions is held against architectures that are trained as those which its regions lead to.

    Raises:
        Wrong, DataError: the images of a study of regions cannot be read.
    """
    random = path.with_name(f"{path.stem}-random.db")
    chosen = replace(
        settings, strategy="random_search", options=(), seed=settings.seed + 1000, final_epochs=0
    )
    if study.regions:
        chosen = replace(_alone(chosen), trials=None, seconds=None, cost=math.ceil(study.ledger.cost))
    elif not settings.limited:
        chosen = replace(chosen, trials=len(study.trials))
    held = ["morphogen", "report", str(path), "--baseline", str(random), "--to", str(to)]
    return command(chosen, random), shlex.join(held)


def _alone(settings: Settings) -> Settings:
    """Return settings that train architectures as an estimator of regions trains what it derives."""
    from morphogen.records import Fidelity

    _, training = settings.find_estimator()
    assert training is not None  # an estimator of regions has images
    usual = type(training)(training.data)
    sizes = Fidelity.among(training).to_json()
    names = (f.name for f in fields(training) if f.init and f.name not in ("data", *sizes))
    own = {name: getattr(training, name) for name in names}
    words = tuple(f"{n}={_word(value)}" for n, value in own.items() if value != getattr(usual, n))
    fidelity = {**sizes, **settings.fidelity}
    return replace(settings, estimator="training", training=words, fidelity=fidelity, recipe=None)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
