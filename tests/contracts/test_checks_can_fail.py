"""Each checker finds what it is there for: broken spaces, strategies, estimators and journals are planted."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.architecture import Architecture
from morphogen.estimators.estimator import Estimator
from morphogen.journal.journal import Event, Journal
from morphogen.journal.memory import Memory
from morphogen.records import Estimate, Failure, Fidelity, Metric, Proposal, Trial
from morphogen.spaces import moves
from morphogen.spaces.space import Space
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.strategy import Strategy
from morphogen.testing import estimators, journals, spaces, strategies
from morphogen.testing import moves as testing_moves

PLAIN = "NET -> chain(OP, OP, OP)\nOP -> zero | identity | conv3x3 | avg_pool\n"
TWINS = "NET -> branch(OP, OP, OP)\nOP -> identity | conv3x3 | avg_pool | conv1x1\n"
CONSTRAINED = PLAIN + "require connected\nrequire at_most(conv3x3, 1)\n"
HALVING = "NET -> residual(OP, OP, OP)\nOP -> conv3x3 | resblock\nrequire downsampling(resblock)\n"
DEEP = "NET -> chain(NET, OP) | OP\nOP -> identity | conv3x3\ndepth 3\n"
WEIGHTED = "NET -> chain(OP, OP)\nOP -> conv3x3 [5] | identity | zero\n"


def failing(check: Callable[[Any], None], setting: Any) -> str:
    """Return the sentence of a check that must fail."""
    with pytest.raises(AssertionError) as error:
        check(setting)
    return str(error.value)


# --- spaces -------------------------------------------------------------------------------------------------


class Elsewhere(Space):
    """Samples from another space."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        return Space.from_text("NET -> chain(OP, OP)\nOP -> conv3x3 | identity\n").sample(rng)


class Stubborn(Space):
    """Always gives the architecture that comes first."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        return self.unrank(0)


class Restless(Space):
    """Gives another architecture every time, whatever the stream."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
        return self.unrank(self.__dict__["calls"] % self.count())


class Uneven(Space):
    """Draws productions where it should draw architectures, and the reverse."""

    def sample(self, rng: np.random.Generator, *, over: Any = "architectures") -> Architecture:
        other = "architectures" if over == "productions" else "productions"
        return super().sample(rng, over=other)  # type: ignore[arg-type]


class Generous(Space):
    """Counts one more than there are."""

    def count(self, *, weighted: bool = False) -> int:
        return super().count(weighted=weighted) + 1


class Unconstrained(Space):
    """Forgets its constraints when it samples and moves."""

    def sample(self, rng: np.random.Generator, **_: Any) -> Architecture:
        free = replace(self.grammar, constraints=(), depth=None if "NET(" in str(self.grammar) else 9)
        return Space(free).sample(rng)


class Anonymous(Space):
    """Has a fingerprint of its own in every process."""

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return str(hash(str(self.grammar)))


class Silent(Space):
    """Tells no decision."""

    def decisions(self, architecture: Architecture) -> tuple[Any, ...]:
        return ()


class Wide(Space):
    """Its regions are the whole space."""

    def region(self, candidates: Any, *, at: Architecture | None = None) -> Space:
        return Space(self.grammar)

    def decisions(self, architecture: Architecture) -> tuple[Any, ...]:
        return Space(self.grammar).decisions(architecture)


class Shifted(Space):
    """Ranks one too low."""

    def rank(self, architecture: Architecture) -> int:
        return (super().rank(architecture) - 1) % self.count()


class Verbose(Space):
    """Reads all texts as one architecture."""

    def parse(self, text: str) -> Architecture:
        return self.unrank(0)


BROKEN_SPACES = [
    (spaces.samples_are_inside, Elsewhere, PLAIN, "is not in"),
    (spaces.texts_are_read_back, Verbose, PLAIN, "came back as"),
    (spaces.the_same_stream_draws_the_same, Restless, PLAIN, "equal streams differ"),
    (spaces.ranks_are_a_bijection, Shifted, PLAIN, "has rank"),
    (spaces.counting_is_enumerating, Generous, PLAIN, "65 counted"),
    (spaces.uniform_sampling_is_uniform, Stubborn, PLAIN, "chi-square"),
    (spaces.uniform_sampling_is_uniform, Uneven, WEIGHTED, "chi-square"),
    (spaces.productions_are_drawn_by_weight, Uneven, WEIGHTED, "chi-square"),
    (spaces.a_space_is_the_same_everywhere, Anonymous, PLAIN, "another space"),
    (spaces.constraints_hold, Unconstrained, CONSTRAINED, "breaks `require"),
    (spaces.constraints_hold, Unconstrained, HALVING, "breaks `require downsampling"),
    (spaces.recursion_ends_at_the_bound, Unconstrained, DEEP, "deep, over 3"),
    (spaces.decisions_tell_the_architecture, Silent, PLAIN, "share their decisions"),
    (spaces.regions_are_spaces, Wide, PLAIN, "the region at"),
    (spaces.every_operation_is_known, Space, "NET -> conv3x3 | teleport\n", "teleport"),
]


@pytest.mark.parametrize(("check", "kind", "text", "words"), BROKEN_SPACES)
def test_broken_spaces_are_found(
    check: Callable[[Space], None], kind: type[Space], text: str, words: str
) -> None:
    assert words in failing(check, kind.from_text(text))
    if kind is not Space:
        check(Space.from_text(text))


def leaving(space: Space, *_: Any, **__: Any) -> Architecture:
    return Space.from_text("NET -> chain(conv7x7, OP)\nOP -> conv3x3 | identity\n").unrank(0)


BROKEN_MOVES = [
    (testing_moves.mutants_differ_and_stay_inside, "mutate", lambda space, a, rng: a, "into itself"),
    (testing_moves.mutants_differ_and_stay_inside, "mutate", leaving, "which is not in"),
    (testing_moves.neighbours_are_symmetric, "neighbours", lambda s, a: [a], "its own neighbour"),
    (
        testing_moves.neighbours_are_symmetric,
        "neighbours",
        lambda s, a: [x for x in moves.neighbours(s, a) if x > a],
        "not the reverse",
    ),
    (
        testing_moves.neighbours_are_symmetric,
        "neighbours",
        lambda s, a: [y for x in moves.neighbours(s, a) for y in moves.neighbours(s, x) if y != a],
        "twice",
    ),
    (testing_moves.distance_is_a_metric, "distance", lambda s, a, b: moves.distance(s, a, b) ** 3, "shorter"),
    (testing_moves.distance_is_a_metric, "distance", lambda s, a, b: int(a > b), "another distance"),
    (testing_moves.distance_is_a_metric, "distance", lambda s, a, b: 0, "apart"),
    (testing_moves.crossing_stays_inside, "cross", leaving, "not in"),
    (testing_moves.crossing_stays_inside, "cross", lambda s, a, b, rng, anywhere: b, "the father as child"),
    (testing_moves.swapping_stays_inside, "self_cross", lambda s, a, rng: s.sample(rng), "terminals"),
]


@pytest.mark.parametrize(("check", "move", "broken", "words"), BROKEN_MOVES)
def test_broken_moves_are_found(
    check: Callable[[Space], None],
    move: str,
    broken: Callable[..., Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = Space.from_text(PLAIN)
    check(space)
    monkeypatch.setattr(testing_moves, move, broken)
    assert words in failing(check, space)


def test_a_certificate_that_reads_the_order_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    space = Space.from_text(TWINS)
    spaces.certificates_ignore_the_order_of_vertices(space)
    monkeypatch.setattr("morphogen.graph.Graph.certificate", lambda graph: str(graph))
    assert "another certificate" in failing(spaces.certificates_ignore_the_order_of_vertices, space)


# --- strategies ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Memo:
    """Asked trials and finished ones, in a list that can be changed."""

    space: Space
    metric: Metric
    told: list[Trial] = field(default_factory=list)


@dataclass(frozen=True)
class Broken(Strategy[Memo]):
    """A strategy with one fault."""

    fault: str = ""

    def start(self, space: Space, metric: Metric) -> Memo:
        return Memo(space, metric)

    def ask(self, state: Memo, rng: np.random.Generator) -> Proposal | None:
        if self.fault == "changes its state":
            state.told.append(Trial(0, Proposal(state.space.unrank(0))))
        if self.fault == "leaves the space":
            return Proposal(leaving(state.space))
        if self.fault == "own randomness":
            rng = np.random.default_rng()
        best = max((t for t in state.told if t.estimate), key=self._score(state), default=None)
        if best is None or self.fault in ("repeats", "random"):
            return Proposal(state.space.sample(rng))
        parent = best.number + 1000 * (self.fault == "orphans")
        return Proposal(moves.mutate(state.space, best.architecture, rng), parent=parent)

    def _score(self, state: Memo) -> Callable[[Trial], float]:
        def score(trial: Trial) -> float:
            assert trial.estimate is not None
            if self.fault == "breaks on failures":
                return trial.estimate.values["score"]
            value = trial.estimate.values.get("score", -9.0)
            return (
                value
                if self.fault == "ignores the direction" or getattr(state.metric, "maximize", True)
                else -value
            )

        return score

    def tell(self, state: Memo, trial: Trial) -> Memo:
        if self.fault == "tells in place":
            state.told.append(trial)
            return state
        if self.fault == "ends early" and len(state.told) > 30:
            raise RuntimeError("enough")
        return replace(state, told=[*state.told, trial])


@dataclass(frozen=True)
class Forgetful(Broken):
    """Loses what it knows when it is pickled."""

    def start(self, space: Space, metric: Metric) -> Memo:
        return Unpicklable(space, metric)


class Unpicklable(Memo):
    """Comes back empty."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Unpicklable, (self.space, self.metric)


class Loose(Broken):
    """Settings that can be changed."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Excused(Broken):
    """Excused from what is not there."""

    exceptions = {"hurry": "it has no time at all"}  # noqa: RUF012


@dataclass(frozen=True)
class Several(Broken):
    """Says that it improves several numbers at once."""

    objectives = None


BROKEN_STRATEGIES = [
    (strategies.exceptions_have_reasons, Excused(), "is no check"),
    (strategies.settings_are_a_value, Loose(), "frozen dataclass"),
    (strategies.asking_leaves_the_state, Broken("changes its state"), "state of"),
    (strategies.asking_leaves_the_state, Broken("tells in place"), "state of"),
    (strategies.asking_leaves_the_state, Broken("own randomness"), "asking twice"),
    (strategies.states_survive_pickling, Forgetful(), "a pickled state asks"),
    (strategies.a_cut_search_goes_on_alike, Broken("own randomness"), "resumed after"),
    (strategies.constraints_are_survived, Broken("own randomness"), "resumed after"),
    (strategies.a_frontier_is_searched, Several("own randomness"), "resumed after"),
    (strategies.proposals_are_inside, Broken("leaves the space"), "is not in"),
    (strategies.proposals_are_inside, Broken("orphans"), "has parent"),
    (strategies.more_or_less_is_better, Broken("ignores the direction"), "the sign"),
    (strategies.networks_are_asked_once, Broken("repeats"), "are distinct"),
    (strategies.random_search_is_beaten, Broken("random"), "it gains"),
    (strategies.a_small_space_is_exhausted, Broken("repeats"), "networks"),
]


@pytest.mark.parametrize(("check", "strategy", "words"), BROKEN_STRATEGIES)
def test_broken_strategies_are_found(
    check: Callable[[strategies.Setting], None], strategy: Strategy[Any], words: str
) -> None:
    setting = strategies.Setting(strategy, trials=20, proposals=300, seeds=4)
    assert words in failing(check, setting)
    if strategies.random_search_is_beaten is not check:
        check(replace(setting, strategy=RandomSearch()))


def test_a_strategy_that_breaks_on_failures_is_found() -> None:
    with pytest.raises(KeyError):
        strategies.failures_are_survived(strategies.Setting(Broken("breaks on failures"), trials=20))


def test_a_strategy_that_takes_a_refused_trial_for_a_measured_one_is_found() -> None:
    with pytest.raises(KeyError):
        strategies.constraints_are_survived(strategies.Setting(Broken("breaks on failures"), trials=20))


def test_a_strategy_that_does_not_survive_repeats_is_found() -> None:
    with pytest.raises(RuntimeError, match="enough"):
        strategies.repeats_are_survived(strategies.Setting(Broken("ends early"), trials=20))


def test_torch_in_a_strategy_is_found() -> None:
    loaded = type("Loaded", (RandomSearch,), {"__module__": "morphogen.networks.modules"})()
    assert "cannot be imported" in failing(strategies.torch_is_not_loaded, strategies.Setting(loaded))


# --- estimators ---------------------------------------------------------------------------------------------

SPACE = Space.from_text(PLAIN)
METRICS = (Metric("size", maximize=False), Metric("seconds", maximize=False, unit="s"))


@dataclass(frozen=True)
class Sizes(Estimator):
    """Counts terminals, with one fault."""

    fault: str = ""
    calls: list[int] = field(default_factory=list)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (*METRICS, *METRICS) if self.fault == "declares twice" else METRICS

    @property
    def fingerprint(self) -> str:
        return f"sizes {len(self.calls) if self.fault == 'changes' else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sizes, ("one more" if self.fault == "pickles badly" else self.fault,)

    def rehearse(self, space: Space, rng: np.random.Generator) -> None:
        if self.fault == "cannot rehearse":
            raise AssertionError("the stage is closed")

    def known(self, proposal: Proposal) -> Mapping[str, float]:
        return {"size": len(str(proposal.architecture)) + (self.fault == "knows better")}

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        self.calls.append(1)
        size = float(len(str(proposal.architecture)))
        failure = None
        values = {"size": size, "seconds": np.random.default_rng().random()}
        if self.fault == "raises":
            raise RuntimeError("out of memory")
        if self.fault == "not finite":
            values["size"] = float("nan")
        if self.fault == "undeclared":
            values["colour"] = 3.0
        if self.fault == "restless":
            values["size"] += len(self.calls)
        if self.fault == "one more":
            values["size"] += 1
        if self.fault == "values and failure":
            failure = Failure("RuntimeError", "half done")
        if self.fault == "tuples":
            values["size"] = np.float32(size)  # type: ignore[assignment]
        cost = -1.0 if self.fault == "paid for" else 0.5
        if self.fault == "touches":
            object.__setattr__(proposal, "fidelity", Fidelity(epochs=len(self.calls)))
        return Estimate(values, cost, failure=failure)


BROKEN_ESTIMATORS = [
    (estimators.metrics_are_declared, "declares twice", "declares a metric twice"),
    (estimators.rehearsing_succeeds, "cannot rehearse", "closed"),
    (estimators.estimates_report_the_declared_metrics, "undeclared", "declared are"),
    (estimators.estimates_report_the_declared_metrics, "not finite", "is not finite"),
    (estimators.estimates_report_the_declared_metrics, "values and failure", "all the same"),
    (estimators.estimates_report_the_declared_metrics, "raises", "out of memory"),
    (estimators.estimates_cost_time, "paid for", "costs -1.0"),
    (estimators.the_same_stream_gives_the_same_values, "restless", "a second time"),
    (estimators.inputs_stay_as_they_are, "touches", "was changed by estimating"),
    (estimators.inputs_stay_as_they_are, "changes", "fingerprint changed"),
    (estimators.copies_estimate_alike, "pickles badly", "pickled"),
    (estimators.what_is_known_is_what_is_found, "knows better", "is known to have size"),
]


@pytest.mark.parametrize(("check", "fault", "words"), BROKEN_ESTIMATORS)
def test_broken_estimators_are_found(
    check: Callable[[estimators.Setting], None], fault: str, words: str
) -> None:
    assert words in failing(check, estimators.Setting(Sizes(fault), SPACE, Fidelity()))
    check(estimators.Setting(Sizes(), SPACE, Fidelity()))


def test_an_estimate_that_is_no_json_is_found() -> None:
    with pytest.raises(TypeError, match="float32"):
        estimators.estimates_are_records(estimators.Setting(Sizes("tuples"), SPACE, Fidelity()))


# --- journals -----------------------------------------------------------------------------------------------


class Faulty(Journal):
    """Keeps events in a pickle file, with one fault."""

    def __init__(self, folder: Path, fault: str = "") -> None:
        self.file, self.fault = folder / "events", fault
        self.cache: list[Event] = self.load()

    def load(self) -> list[Event]:
        found: list[Event] = pickle.loads(self.file.read_bytes()) if self.file.exists() else []
        return found

    def append(self, event: Event) -> None:
        events = self.cache if self.fault == "caches" else self.load()
        self.cache = [event, *events] if self.fault == "reverses" else [*events, event]
        if self.fault == "forgets" and len(self.cache) > 3:
            return
        self.file.write_bytes(pickle.dumps(self.cache))

    def read(self, since: int = 0) -> list[Event]:
        if self.fault == "keeps the list":
            return self.cache
        if self.fault == "caches":
            return self.cache[since:]
        return self.load()[since + (self.fault == "counts from one" and since > 0) :]


BROKEN_JOURNALS = [
    (journals.events_come_back_in_order, "reverses"),
    (journals.reading_begins_where_told, "counts from one"),
    (journals.what_was_written_stays, "keeps the list"),
    (journals.opening_again_finds_all, "forgets"),
    (journals.readers_see_what_writers_write, "caches"),
]


@pytest.mark.parametrize(("check", "fault"), BROKEN_JOURNALS)
def test_broken_journals_are_found(check: Callable[[journals.Open], None], fault: str) -> None:
    assert "the journal holds" in failing(check, lambda folder: Faulty(folder, fault))
    check(Faulty)


@pytest.mark.parametrize("check", [journals.a_dying_process_loses_nothing])
def test_a_journal_that_dies_with_its_process_is_found(check: Callable[[journals.Open], None]) -> None:
    assert "there are []" in failing(check, Forgotten())


class Forgotten:
    """Opens a new journal in memory each time, also in another process."""

    def __call__(self, folder: Path) -> Journal:
        return Memory()

    def __reduce__(self) -> tuple[Any, ...]:
        from functools import partial

        return partial, (Memory,)
