"""What a search was asked for, in words: kept in its journal, so that `resume` can ask for the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, final

from morphogen.cli.errors import Wrong
from morphogen.cli.finding import configured, find_space, find_strategy, loaded, shared_out

if TYPE_CHECKING:
    from morphogen.estimators.estimator import Estimator
    from morphogen.estimators.training import Training
    from morphogen.records import Fidelity
    from morphogen.spaces import Space
    from morphogen.strategies import Strategy
    from morphogen.study import Limit, Pool

TRIALS: Final = 50
"""How many trials a search makes when no limit is given."""

REGIONS: Final = 5
"""How many where trials are regions: each costs many trainings."""

EPOCHS: Final = 5
"""How many epochs a trial of Morphogen's own training takes unless told: cheap, so that there can be many."""

LONGER: Final = 4
"""The winner is trained for so many times the epochs of a trial."""

PLACES: Final = ("space", "data", "test_data", "strategy", "estimator")


@final
@dataclass(frozen=True, kw_only=True)
class Settings:
    """The words of one search, as on the command line.

    full: how the winner is trained, where the trials are trained by a recipe. final_epochs: of the winner; 0 for
    no retraining.
    """

    space: str = "digits_small"
    data: str | None = None
    test_data: str | None = None
    strategy: str = "regularized_evolution"
    options: tuple[str, ...] = ()
    estimator: str = "training"
    training: tuple[str, ...] = ()
    fidelity: Mapping[str, float]
    full: Mapping[str, float] = field(default_factory=dict)
    trials: int | None = None
    seconds: float | None = None
    cost: float | None = None
    timeout: float | None = None
    workers: int | None = None
    seed: int = 0
    metric: str | None = None
    final_epochs: int | None = None

    def to_notes(self, study: Path) -> dict[str, Any]:
        """Return plain values without what is empty; paths are as seen from the folder of the study."""
        record: dict[str, Any] = {
            n: value for n, value in asdict(self).items() if value not in (None, (), {})
        }
        here = {name: _seen(record[name], Path(), study.parent) for name in PLACES if name in record}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in (record | here).items()}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], study: Path) -> Self:
        """Read what `to_notes` wrote for the same study."""
        known = {field.name for field in fields(cls)}
        if not {"space", "strategy", "estimator"} <= set(notes) <= known:
            raise Wrong(
                f"{study} was not begun by `morphogen search`: go on with it from the program that began it"
            )
        record: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in notes.items()}
        here = {name: _seen(record[name], study.parent, Path()) for name in PLACES if name in record}
        given: dict[str, Any] = {"fidelity": {}} | record | here
        return cls(**given)

    def find_space(self) -> Space:
        """Return the space."""
        return find_space(self.space)

    def find_strategy(self) -> Strategy[Any]:
        """Return the strategy with its settings."""
        return find_strategy(self.strategy, self._shared_out[0])

    @property
    def _shared_out(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return shared_out(self.options, self.strategy, self.estimator)

    @property
    def limited(self) -> bool:
        """Whether any limit was given."""
        return any(limit is not None for limit in (self.trials, self.seconds, self.cost))

    def limit(self) -> Limit:
        """Return the limit; so many trials where none was given."""
        from morphogen.study import Limit

        most = REGIONS if self.find_strategy().regions else TRIALS
        return Limit(trials=self.trials if self.limited else most, seconds=self.seconds, cost=self.cost)

    def pool(self) -> Pool:
        """Return where estimates run."""
        from morphogen.study import Inline, Processes

        if self.workers == 0 and self.timeout is not None:
            raise Wrong("--timeout needs worker processes, which can be ended: --workers 1 or more")
        if self.workers == 0:
            return Inline()
        pool, most = Processes(self.workers, self.timeout), self.find_strategy().at_once
        useful = pool.workers if most is None else min(pool.workers, most)
        return pool if self.workers is not None else Processes(useful, self.timeout)

    def find_estimator(self) -> tuple[Estimator, Training | None]:
        """Return the estimator, and how a winner is trained; None where that is the user's own business."""
        from morphogen.estimators.at_fidelity import AtFidelity
        from morphogen.estimators.function import from_file
        from morphogen.estimators.training import Training
        from morphogen.networks.data import load
        from morphogen.records import Fidelity

        try:
            wanted = Fidelity(**self.fidelity)  # type: ignore[arg-type]
        except ValueError as error:
            raise Wrong(str(error)) from None
        own = ":" in self.estimator
        kind = None if own else loaded("estimator", self.estimator)
        data = None
        if self.data is not None or not own:
            data = load(self.data or "digits", self.test_data)
        elif self.test_data is not None:
            raise Wrong("--test-data goes with --data")
        if kind is None:
            if self.training:
                raise Wrong(f"--train sets up Morphogen's own training; {self.estimator} has no settings")
            estimator: Estimator = from_file(self.estimator)
            rest = wanted
        else:
            given = self._fields_of(kind)
            if kind is Training:
                given = {"epochs": EPOCHS, **given}
            words = (*self._shared_out[1], *self.training)
            estimator = configured(kind, self.estimator, words, data=data, **given)
            rest = Fidelity(**{n: v for n, v in self.fidelity.items() if n not in given})  # type: ignore[arg-type]
        training = estimator if isinstance(estimator, Training) else None
        if training is None and data is not None:
            fit = {"epochs": EPOCHS, **self._fields_of(Training), **estimator.alone}
            training = configured(Training, "training", (), data=data, **fit)
        if rest.to_json():
            estimator = AtFidelity(estimator, rest)
        return estimator, training

    def check(self, strategy: Strategy[Any], estimator: Estimator) -> None:
        """Raise `Wrong` where the metric is unknown, or one of the two speaks of regions and the other does not."""
        from morphogen.catalog import entries

        known = [metric.name for metric in estimator.metrics]
        if self.metric not in (None, *known):
            raise Wrong(f"--metric {self.metric}: {self.estimator} reports {', '.join(known)}")
        if strategy.regions == estimator.regions:
            return
        kind = "estimator" if strategy.regions else "strategy"
        fitting = " or ".join(f"--{kind} {entry.name}" for entry in entries(kind) if entry.regions)
        raise Wrong(
            f"{self.strategy} proposes regions, {self.estimator} takes one architecture at a time: "
            f"{fitting} ranks regions, any other --strategy proposes architectures"
            if strategy.regions
            else f"{self.estimator} ranks regions, {self.strategy} proposes one architecture at a time: "
            f"{fitting} proposes regions, any other --estimator takes architectures"
        )

    def _fields_of(self, kind: Any) -> dict[str, float]:
        """Return the part of the fidelity that is among the settings of an estimator."""
        known = {field.name for field in fields(kind)}
        return {name: value for name, value in self.fidelity.items() if name in known}

    def final(self, training: Training) -> Fidelity:
        """Return how the winner is trained: in full, or as in the search, on all data, for longer."""
        from morphogen.records import Fidelity

        if self.full:
            full = Fidelity(**self.full)  # type: ignore[arg-type]
            return Fidelity(epochs=self.final_epochs).over(full)
        return Fidelity(
            epochs=self.final_epochs or LONGER * training.epochs,
            resolution=self.fidelity.get("resolution"),  # type: ignore[arg-type]
            channels=training.channels,
            cells=training.cells,
            batch_size=training.batch_size,
            learning_rate=training.learning_rate,
        )


def _seen(word: str, here: Path, there: Path) -> str:
    """Return a word whose paths, seen from the folder `here`, are rewritten as seen from `there`."""
    from morphogen.catalog import entries

    if word == "digits" or word in {entry.name for entry in entries()}:
        return word
    parts = []
    for part in word.split(":"):
        found = part and not Path(part).is_absolute() and (here / part).exists()
        parts.append(os.path.relpath(here / part, there) if found else part)
    return ":".join(parts)
