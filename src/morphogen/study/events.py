"""The words of a study's journal: what its events hold, and how to read them.

Everything that a clock decides stands in known places (`at`, `spent`, `cost`, metrics in units of time), so that
two journals can be compared without it.
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Any, Final

from morphogen.architecture import Architecture, ArchitectureError
from morphogen.estimators.estimator import Estimator
from morphogen.goals import Constraint, Objectives
from morphogen.journal.journal import Event, JournalError
from morphogen.records import Estimate, Fidelity, Goal, Metric, Position, Proposal, Trial
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy

FORMAT: Final = 1
"""The version of these words; a journal of another one is refused."""


def opened(
    space: Space,
    strategy: Strategy[Any],
    estimator: Estimator,
    goal: Goal,
    seed: int,
    notes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the first event of a study: whose story this is. Notes are kept, and nobody compares them."""
    assert isinstance(goal, Metric | Objectives)
    event = {
        "kind": "opened",
        "format": FORMAT,
        "space": {"name": space.name, "fingerprint": space.fingerprint, "grammar": str(space.grammar)},
        "strategy": re.sub(r" at 0x[0-9a-fA-F]+", "", repr(strategy)),
        "estimator": estimator.fingerprint,
        "metrics": [{"name": m.name, "maximize": m.maximize, "unit": m.unit} for m in estimator.metrics],
        "metric": goal.name if isinstance(goal, Metric) else goal.metrics[0].name,
        **(_plain_goal(goal) if isinstance(goal, Objectives) else {}),
        "seed": int(seed),
        "versions": dict(versions()),
    }
    return {**event, "notes": dict(notes)} if notes else event


def _plain_goal(goal: Objectives) -> dict[str, Any]:
    """Return what there is of a goal beside its first metric; nothing that is empty."""
    names = [metric.name for metric in goal.metrics]
    plain = {
        "objectives": names if len(names) > 1 else [],
        "constraints": list(map(str, goal.constraints)),
        "weights": list(goal.weights),
    }
    return {name: value for name, value in plain.items() if value}


def read_goal(event: Event) -> Goal:
    """Return what the search that an event opened improves."""
    metrics = {record["name"]: Metric(**record) for record in event["metrics"]}
    names, constraints = event.get("objectives", [event["metric"]]), event.get("constraints", ())
    if len(names) == 1 and not constraints:
        return metrics[names[0]]
    bounds, weights = map(Constraint.parse, constraints), event.get("weights", ())
    return Objectives(tuple(metrics[name] for name in names), tuple(bounds), tuple(weights))


@cache
def versions() -> Mapping[str, str]:
    """Return what a search runs with: Python, and the packages that decide its numbers, where installed."""
    found = {"python": platform.python_version()}
    for name in ("morphogen", "numpy", "scikit-learn", "torch"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def check_opening(journal: object, event: Event) -> None:
    """Raise `JournalError` for a first event that opens no search, or one in words of another version."""
    if event["kind"] != "opened":
        raise JournalError(f"{journal} does not begin with the opening of a search: name another journal")
    if event["format"] != FORMAT:
        raise JournalError(
            f"{journal} is written in format {event['format']}, this version knows format {FORMAT}: "
            "use the version that began it, or name another journal"
        )


def check_same(journal: object, there: Event, here: Event) -> None:
    """Raise `JournalError`, naming every difference, unless both first events open the same search."""
    check_opening(journal, there)
    differences = []
    if there["space"]["fingerprint"] != here["space"]["fingerprint"]:
        names = [f"{event['space']['name']} ({event['space']['fingerprint']})" for event in (there, here)]
        differences.append(f"the space is {names[0]} there and {names[1]} here")
    for name in ("strategy", "estimator", "metrics", "metric", "seed"):
        if there[name] != here[name]:
            differences.append(f"the {name} is {_brief(there[name])} there and {_brief(here[name])} here")
    for name in ("objectives", "constraints", "weights"):
        if (one := there.get(name, [])) != (two := here.get(name, [])):
            differences.append(f"{name} are {_listed(one)} there and {_listed(two)} here")
    if differences:
        raise JournalError(
            f"{journal} belongs to another search: {'; '.join(differences)}. "
            "Use the same settings to go on with it, or name another journal"
        )


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values)) or "none"


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(
            metric["name"] + ("" if metric["maximize"] else " (less is better)") for metric in value
        )
    return str(value)


def read_proposal(record: Mapping[str, Any], space: Space) -> Proposal:
    """Read what `Proposal.to_json` wrote."""
    try:
        architecture = space.parse(record["architecture"])
        region = tuple(
            Position(tuple(position["path"]), tuple(map(space.read, position["candidates"])))
            for position in record.get("region", ())
        )
    except (ArchitectureError, SpaceError) as error:
        raise JournalError(
            f"the journal names an architecture that {space.name} does not know: {error}"
        ) from None
    return Proposal(architecture, Fidelity(**record.get("fidelity", {})), record.get("parent"), region)


def objection(proposal: Proposal, estimate: Estimate, space: Space) -> str | None:
    """Return what is wrong with what an estimate says of a region, None where it can be understood."""
    if not estimate.ranks and estimate.derived is None:  # nearly all, and on the path of every trial
        return None
    wanted = [len(position.candidates) for position in proposal.region]
    given = [len(row) for row in estimate.ranks]
    if given and given != wanted:
        return f"the estimate ranks {given} candidates, the region has {wanted}: one share for each of them"
    if any(not (math.isfinite(share) and share >= 0) for row in estimate.ranks for share in row):
        return "the estimate has ranks that are negative or not finite: they are shares of sum 1"
    if estimate.derived is not None:
        try:
            space.parse(estimate.derived)
        except (ArchitectureError, SpaceError) as error:
            return f"the architecture that was derived is not in the space: {error}"
    return None


def read_derived(estimate: Estimate, space: Space) -> Architecture | None:
    """Return the architecture that an estimate derived from a region, if any."""
    if estimate.derived is None:
        return None
    try:
        return space.read(estimate.derived)
    except (ArchitectureError, SpaceError) as error:
        raise JournalError(
            f"the journal names a derived architecture that {space.name} does not know: {error}"
        ) from None


def likeness(kind: str, message: str) -> str:
    """Return a text that alike failures share: type and message, whatever the numbers in it."""
    return f"{kind}: {re.sub('[0-9]+', '#', message)}"


def reasons(trials: Iterable[Trial]) -> list[tuple[str, int, int]]:
    """Return the reasons of failures, the most frequent first: text, how often, the first trial."""
    found: dict[str, list[Any]] = {}
    for trial in trials:
        assert trial.estimate is not None and trial.estimate.failure is not None
        failure = trial.estimate.failure
        text = f"{failure.type}: {failure.message.strip().splitlines()[0] if failure.message.strip() else ''}"
        found.setdefault(likeness(failure.type, failure.message), [text, 0, trial.number])[1] += 1
    return [(text, count, first) for text, count, first in sorted(found.values(), key=lambda row: -row[1])]


def without_times(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return the events without what clocks decide: when, how long, and metrics in units of time.

    Two runs of one search by one worker are then equal, however often one of them was killed and resumed.
    """
    kept, timed = [], set[str]()
    for event in events:
        plain = {name: value for name, value in event.items() if name not in ("at", "spent")}
        if event["kind"] == "opened":
            timed = {metric["name"] for metric in event["metrics"] if Metric(**metric).timed}
        if "estimate" in event:
            estimate = {name: value for name, value in event["estimate"].items() if name != "cost"}
            estimate["values"] = _untimed(estimate["values"], timed)
            if "curve" in estimate:
                estimate["curve"] = [_untimed(point, timed) for point in estimate["curve"]]
            plain["estimate"] = estimate
        kept.append(plain)
    return kept


def _untimed(values: Mapping[str, float], timed: set[str]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name not in timed}
