"""A training recipe that was found for a space and data, as a small file that a search reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Self, final

from morphogen.records import Fidelity

FORMAT: Final = "morphogen recipe 1"
"""The first line of such a file; a file of another format is refused."""


class RecipeError(ValueError):
    """A file that holds no recipe, or one that cannot be read."""


@final
@dataclass(frozen=True, kw_only=True)
class FoundRecipe:
    """A recipe with what is known of it.

    fidelity: the recipe, complete. full: full training, by which the winner of a search is trained. kind: "recipe",
    or "early stopping" where full training stopped early ranked as well. training: settings of `Training`
    as words, such as `optimizer=adamw`. space, data: name and fingerprint of what it was found on. metric:
    by which it ranks. spearman, low, high: agreement with full training on so many `references`, with its 95 %
    interval. seconds, full_seconds: mean of training a network by it and in full.
    """

    fidelity: Fidelity
    full: Fidelity
    kind: str
    training: tuple[str, ...]
    space: Mapping[str, str]
    data: Mapping[str, str]
    metric: str
    spearman: float
    low: float
    high: float
    references: int
    seconds: float
    full_seconds: float
    version: str = ""

    @property
    def speedup(self) -> float:
        """How many times cheaper than full training it is."""
        return self.full_seconds / self.seconds

    def write(self, path: str | Path) -> None:
        """Write the recipe as JSON that people can read."""
        record = {"format": FORMAT, **asdict(self), "training": list(self.training)}
        record |= {"fidelity": self.fidelity.to_json(), "full": self.full.to_json()}
        for name in ("spearman", "low", "high", "seconds", "full_seconds"):
            record[name] = float(f"{record[name]:.4g}")
        Path(path).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read what `write` wrote.

        Raises:
            RecipeError: a file that cannot be read, or of another format, with what is wrong in it.
        """
        made = "`morphogen recipe --to FILE` writes one"
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(f"{path}: {error.strerror or error}; {made}") from None
        except ValueError as error:  # also of bytes that are no text
            raise RecipeError(f"{path} is no recipe, and no JSON ({error}); {made}") from None
        found = record.get("format") if isinstance(record, dict) else None
        if found != FORMAT:
            raise RecipeError(f"{path} is no recipe: its format is {found!r}, not {FORMAT!r}; {made}")
        try:
            given = {f.name: record[f.name] for f in fields(cls) if f.name in record}
            given |= {name: Fidelity(**given[name]) for name in ("fidelity", "full")}
            read = cls(**given | {"training": tuple(map(str, given["training"]))})
            if not (read.seconds > 0 and read.fidelity.to_json() and read.full.to_json()):
                raise ValueError("it sets nothing, or costs nothing")
        except (KeyError, TypeError, ValueError) as error:
            what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            raise RecipeError(f"{path} is a damaged recipe: {what}; {made}") from None
        return read
