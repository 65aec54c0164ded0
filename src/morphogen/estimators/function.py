"""Any function as an estimator: `def train(architecture, fidelity, rng)` that returns its metrics."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, final, overload

import numpy as np

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Fidelity, Metric, Proposal
from morphogen.scripts import ScriptError, load_object, reference_to
from morphogen.spaces.space import Space

Train: TypeAlias = Callable[[Architecture, Fidelity, np.random.Generator], Any]
Metrics: TypeAlias = Mapping[str, Literal["maximize", "minimize"]] | Sequence[Metric]

ACCURACY: Final = (Metric("accuracy"),)
CURVE: Final = "curve"


@final
@dataclass(frozen=True)
class Function(Estimator):
    """A function that trains and scores an architecture, made by `estimator`; still callable as the function.

    function: takes an architecture, a fidelity (follow its settings that are not None) and a generator for
    all its randomness; returns a number for each metric, or the number alone where there is one metric; may
    add `curve`, a list of such records, one an epoch. declared: the metrics. repeatable: whether the same
    generator gives the same numbers. rehearsal: with what fidelity the function is tried once before a
    search, None for not at all.
    """

    function: Train
    declared: tuple[Metric, ...] = ACCURACY
    repeatable: bool = True
    rehearsal: Fidelity | None = None

    def __call__(self, architecture: Architecture, fidelity: Fidelity, rng: np.random.Generator) -> Any:
        """Call the function itself."""
        return self.function(architecture, fidelity, rng)

    def __reduce__(self) -> tuple[Any, ...]:
        # The function's name leads to this estimator, not to the function, so pickle needs help.
        return _restored, (reference_to(self.function), self.declared, self.repeatable, self.rehearsal)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.declared

    @property
    def deterministic(self) -> bool:
        return self.repeatable

    @property
    def fingerprint(self) -> str:
        directions = ", ".join(f"{m.name} {'up' if m.maximize else 'down'}" for m in self.declared)
        return f"function {_name(self.function)} ({directions})"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        """Call the function and check what it returns.

        Raises:
            TypeError: it returned something else than numbers by name.
        """
        begun = time.perf_counter()
        found = self.function(proposal.architecture, proposal.fidelity, rng)
        cost = time.perf_counter() - begun
        name = _name(self.function)
        if not isinstance(found, Mapping):
            if len(self.declared) != 1 or found is None:
                wanted = ", ".join(f'"{m.name}": ...' for m in self.declared)
                raise TypeError(f"{name} returned {type(found).__name__}, expected {{{wanted}}}")
            found = {self.declared[0].name: found}
        values = {key: _number(name, key, value) for key, value in found.items() if key != CURVE}
        curve = tuple({k: _number(name, k, v) for k, v in point.items()} for point in found.get(CURVE, ()))
        return Estimate(values, cost, curve)

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        """Call the function once with the fidelity set for rehearsals, if there is one."""
        if self.rehearsal is not None:
            self.estimate(Proposal(space.sample(rng), self.rehearsal.over(fidelity)), rng)


@overload
def estimator(function: Train, /) -> Function: ...
@overload
def estimator(
    *, metrics: Metrics = ..., deterministic: bool = ..., rehearsal: Fidelity | None = ...
) -> Callable[[Train], Function]: ...
def estimator(
    function: Train | None = None,
    /,
    *,
    metrics: Metrics = ACCURACY,
    deterministic: bool = True,
    rehearsal: Fidelity | None = None,
) -> Function | Callable[[Train], Function]:
    """Make an estimator of a function; used as `@estimator` or `@estimator(metrics={"loss": "minimize"})`.

    metrics: what the function returns, name -> "maximize" or "minimize", the one that a search improves
    first; alone it is accuracy, to be maximized. deterministic: whether the same generator gives the same
    numbers. rehearsal: a small fidelity with which the function is tried once before each search.

    Raises:
        TypeError: the function does not take (architecture, fidelity, rng).
        ValueError: no metrics, or another direction.
    """
    declared = _declared(metrics)

    def made(function: Train) -> Function:
        try:
            inspect.signature(function).bind(None, None, None)
        except TypeError as error:
            raise TypeError(
                f"{_name(function)} must take three arguments: (architecture, fidelity, rng)"
            ) from error
        return Function(function, declared, deterministic, rehearsal)

    return made if function is None else made(function)


@final
@dataclass(frozen=True)
class FromFile(Estimator):
    """The estimator that a reference such as `my.py:train` names; each process loads the file for itself.

    It may name a decorated function, a plain function (its metric is accuracy), or any estimator.
    """

    reference: str

    @property
    def target(self) -> Estimator:
        """The estimator in the file. Raises ScriptError where there is none."""
        return _target(self.reference)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.target.metrics

    @property
    def regions(self) -> bool:
        return self.target.regions

    @property
    def alone(self) -> Mapping[str, Any]:
        return self.target.alone

    @property
    def deterministic(self) -> bool:
        return self.target.deterministic

    @property
    def fingerprint(self) -> str:
        return self.target.fingerprint

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        return self.target.estimate(proposal, rng)

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        return self.target.known(proposal)

    def examine(self, proposal: Proposal) -> None:
        self.target.examine(proposal)

    def rehearse(self, space: Space, rng: np.random.Generator, fidelity: Fidelity = Fidelity()) -> None:
        self.target.rehearse(space, rng, fidelity)


def from_file(reference: str) -> FromFile:
    """Return the estimator that `FILE.py:NAME` names; the file runs at once, so that mistakes show here.

    Raises:
        ScriptError: no such file or name, an error in the file, or something that cannot estimate.
    """
    place, colon, name = reference.rpartition(":")
    found = FromFile(f"{Path(place).resolve()}:{name}" if colon and place.endswith(".py") else reference)
    _target.cache_clear()
    _target(found.reference)
    return found


@lru_cache
def _target(reference: str) -> Estimator:
    """Load the target of `reference`; kept, so that a file changed during a search changes nothing in it."""
    found = load_object(reference)
    if isinstance(found, type) and issubclass(found, Estimator):
        raise ScriptError(
            f"{reference} is a class; name an estimator made of it, as in it = {found.__name__}(...)"
        )
    if not isinstance(found, Estimator) and not callable(found):
        raise ScriptError(f"{reference} is {type(found).__name__}, expected a function or an estimator")
    return found if isinstance(found, Estimator) else estimator(found)


def _restored(
    reference: str, declared: tuple[Metric, ...], repeatable: bool, rehearsal: Fidelity | None
) -> Function:
    found = load_object(reference)
    function = found.function if isinstance(found, Function) else found
    return Function(function, declared, repeatable, rehearsal)


def _declared(metrics: Metrics) -> tuple[Metric, ...]:
    if not metrics:
        raise ValueError('name at least one metric, such as metrics={"accuracy": "maximize"}')
    if not isinstance(metrics, Mapping):
        return tuple(metrics)
    for name, direction in metrics.items():
        if direction not in ("maximize", "minimize"):
            raise ValueError(f"metric {name}: expected maximize or minimize, got {direction!r}")
    return tuple(Metric(name, direction == "maximize") for name, direction in metrics.items())


def _name(function: Train) -> str:
    return getattr(function, "__qualname__", repr(function))


def _number(function: str, name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{function} returned {name}={value!r}, expected a number") from error
