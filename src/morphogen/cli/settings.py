"""What a search was asked for, in words: kept in its journal, so that `resume` can ask for the same."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, final

from morphogen.cli.errors import Wrong
from morphogen.cli.finding import configured, find_benchmark, find_space, find_strategy, loaded, shared_out

if TYPE_CHECKING:
    from morphogen.benchmarks import Benchmark
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

SMALL: Final = "digits_small"
"""The space that is searched unless told."""

PLACES: Final = ("space", "data", "test_data", "strategy", "estimator", "recipe")


@final
@dataclass(frozen=True, kw_only=True)
class Settings:
    """The words of one search, as on the command line.

    recipe: the file by which the trials are trained. full: how the winner is trained then. final_epochs: of the
    winner; 0 for no retraining.
    """

    space: str = SMALL
    data: str | None = None
    test_data: str | None = None
    strategy: str = "regularized_evolution"
    options: tuple[str, ...] = ()
    estimator: str = "training"
    training: tuple[str, ...] = ()
    fidelity: Mapping[str, float]
    recipe: str | None = None
    full: Mapping[str, float] = field(default_factory=dict)
    trials: int | None = None
    seconds: float | None = None
    cost: float | None = None
    timeout: float | None = None
    workers: int | None = None
    seed: int = 0
    metric: str | None = None
    benchmark: str | None = None
    objectives: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    final_epochs: int | None = None

    def to_notes(self, study: Path) -> dict[str, Any]:
        """Return plain values without what is empty; paths are as seen from the folder of the study."""
        record: dict[str, Any] = {
            n: value for n, value in asdict(self).items() if value not in (None, (), {})
        }
        if self.benchmark is not None:
            del record["space"]  # a table has its own
        here = {name: _seen(record[name], Path(), study.parent) for name in PLACES if name in record}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in (record | here).items()}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], study: Path) -> Self:
        """Read what `to_notes` wrote for the same study."""
        known = {field.name for field in fields(cls)}
        if "begun_by" in notes:
            raise Wrong(f"{study} is part of `{notes['begun_by']}`: the same command goes on with it")
        if not {"strategy", "estimator"} <= set(notes) <= known or not {"space", "benchmark"} & set(notes):
            raise Wrong(
                f"{study} was not begun by `morphogen search`: go on with it from the program that began it"
            )
        record: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in notes.items()}
        here = {name: _seen(record[name], study.parent, Path()) for name in PLACES if name in record}
        given: dict[str, Any] = {"fidelity": {}} | record | here
        return cls(**given)

    def find_space(self) -> Space:
        """Return the space."""
        return find_space(self.space) if self.benchmark is None else self._benchmark.space

    @cached_property
    def _benchmark(self) -> Benchmark:
        assert self.benchmark is not None
        return find_benchmark(self.benchmark, self.wanted)

    def goal_words(self) -> dict[str, Any]:
        """Return what is improved, as `morphogen.search` takes it; raise `Wrong` where it cannot be understood."""
        from morphogen.goals import Constraint, GoalError

        weights: dict[str, float] = {}
        for word in self.weights:
            name, equals, number = word.partition("=")
            try:
                weights[name.strip()] = float(number)
            except ValueError:
                equals = ""
            if not equals:
                raise Wrong(f"--weight {word}: write NAME=NUMBER, such as latency_ms=0.02")
        try:
            constraints = tuple(Constraint.parse(text) for text in self.constraints)
        except GoalError as error:
            raise Wrong(f"--constraint {error}") from None
        words = {"objectives": self.objectives, "constraints": constraints, "weights": weights}
        return {"metric": self.metric, **words}

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of all metrics that are improved or bounded."""
        words = self.goal_words()
        bounds = (constraint.name for constraint in words["constraints"])
        named = ([self.metric] if self.metric else [], self.objectives, words["weights"], bounds)
        return tuple(dict.fromkeys(name for names in named for name in names))

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
        if self.workers == 0 or (self.benchmark is not None and self.workers is None):
            return Inline()
        pool, most = Processes(self.workers, self.timeout), self.find_strategy().at_once
        useful = pool.workers if most is None else min(pool.workers, most)
        return pool if self.workers is not None else Processes(useful, self.timeout)

    def find_estimator(self) -> tuple[Estimator, Training | None]:
        """Return the estimator, and how a winner is trained; None where that is the user's own business."""
        from morphogen.estimators.at_fidelity import AtFidelity
        from morphogen.estimators.function import from_file
        from morphogen.estimators.training import LATENCY, Training
        from morphogen.networks.data import load
        from morphogen.records import Fidelity

        try:
            wanted = Fidelity(**self.fidelity)  # type: ignore[arg-type]
        except ValueError as error:
            raise Wrong(str(error)) from None
        if self.benchmark is not None:
            if self.data is not None or self.training or self.fidelity:
                raise Wrong(
                    f"{self.benchmark} is a table: --data and the settings of a training go without it"
                )
            return self._benchmark.estimator, None
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
            words = (*self._shared_out[1], *self.training)
            if kind is Training:
                given = {"epochs": EPOCHS, **given}
                if LATENCY.name in self.wanted and not any(word.startswith("latency=") for word in words):
                    given["latency"] = True
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
        """Raise `Wrong` where the goal is not the estimator's or the strategy's, or one of them speaks of regions."""
        from morphogen.catalog import entries

        self._check_goal(strategy, estimator)
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

    def _check_goal(self, strategy: Strategy[Any], estimator: Estimator) -> None:
        from morphogen.estimators.training import LATENCY, Training
        from morphogen.goals import GoalError, goal_of, named

        words = self.goal_words()
        known = estimator.metrics
        if isinstance(estimator, Training) and not estimator.latency:
            known = (*known, LATENCY)  # it would be measured, were it asked for
        bounds = [("--constraint", c.name, str(c)) for c in words["constraints"]]
        objectives = [("--objective", name, name) for name in self.objectives]
        weights = [("--weight", name, name) for name in words["weights"]]
        metric = [("--metric", self.metric, self.metric)] if self.metric else []
        for option, name, text in (*metric, *objectives, *weights, *bounds):
            try:
                named(name, known)
            except GoalError as error:
                who = self.benchmark or self.estimator
                raise Wrong(f"{option} {text}: {str(error).replace('the estimator', who, 1)}") from None
        try:
            goal_of(estimator.metrics, **words)
        except GoalError as error:
            raise Wrong(str(error)) from None
        if len(self.objectives) > 1 and not self.weights and strategy.objectives is not None:
            first, *rest = self.objectives
            raise Wrong(
                f"{self.strategy} improves one number: --strategy nsga2 searches the frontier; or bound "
                f"{' and '.join(rest)} by --constraint and name one --objective; or say what a unit of each is "
                f"worth, as in --weight {first}=1"
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
        own = Fidelity(
            epochs=self.final_epochs or LONGER * training.epochs,
            resolution=self.fidelity.get("resolution"),  # type: ignore[arg-type]
        )
        return own.over(Fidelity.among(training))


def strategy_for(objectives: Sequence[str], weights: Sequence[str]) -> str:
    """Return the strategy that is taken where none is named."""
    return "nsga2" if len(objectives) > 1 and not weights else Settings.strategy


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
