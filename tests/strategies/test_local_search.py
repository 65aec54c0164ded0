"""Local search: the first better neighbour is the next place, and where there is none the walk starts anew."""

from __future__ import annotations

from collections.abc import Callable

from morphogen.architecture import Architecture
from morphogen.records import Estimate, Failure, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space, distance, neighbours
from morphogen.spaces.cell201 import cell201
from morphogen.strategies.local_search import LocalSearch
from morphogen.strategies.seen import Unique
from morphogen.testing.strategies import Objective, fold, planted, search

LADDER = Space.from_text("NET -> chain(OP, OP, OP, OP)\nOP -> a | b | c\n", "ladder")
HEIGHT = {"a": 0, "b": 1, "c": 2}


def score_by(height: Callable[[Architecture], float]) -> Objective:
    return lambda trial: Estimate({"score": height(trial.architecture)})


def climb(a: Architecture) -> float:
    return sum(HEIGHT[part.terminal.name] for part in a.args)


def test_the_walk_moves_on_the_first_improvement() -> None:
    strategy = LocalSearch(initial=1, unique=Unique.ARCHITECTURE)
    events = search(strategy, LADDER, score_by(climb), 40)
    here = None
    for end, trial in enumerate(events):
        if trial.pending and here is not None and trial.proposal.parent is not None:
            assert trial.proposal.parent == here.number
            assert distance(LADDER, trial.architecture, here.architecture) == 1
        if not trial.pending:
            started = trial.proposal.parent is None
            if started or climb(trial.architecture) > climb(here.architecture):
                here = trial
        state = fold(strategy, LADDER, events[: end + 1])
        if not trial.pending:
            assert state.here == here


def test_a_top_is_left_only_when_all_around_it_is_known() -> None:
    """On a ladder there is one top; it is reached, all its neighbours are asked, then a new start is drawn."""
    strategy = LocalSearch(initial=1, unique=Unique.ARCHITECTURE)
    events = search(strategy, LADDER, score_by(climb), 81)
    order = [t.architecture for t in events if t.pending]
    starts = [i for i, t in enumerate(t for t in events if t.pending) if t.proposal.parent is None]
    assert starts[0] == 0
    second = starts[1]
    top = max(order[:second], key=climb)
    assert str(top) == "chain(c, c, c, c)"
    assert set(neighbours(LADDER, top)) <= set(order[:second])


def test_the_best_of_the_first_draws_is_the_first_place() -> None:
    strategy = LocalSearch(initial=6)
    events = search(strategy, cell201(), planted, 7)
    drawn = [t for t in events if not t.pending][:6]
    assert all(t.proposal.parent is None for t in drawn)
    best = max(drawn, key=lambda t: planted(t).values["score"])
    assert events[-1].proposal.parent == best.number


def test_a_restart_is_estimated_before_the_walk_goes_on() -> None:
    """A flat landscape has no improvements: every start is walked round and left."""
    strategy = LocalSearch(initial=1, unique=Unique.ARCHITECTURE)
    events = search(strategy, LADDER, score_by(lambda a: 0.0), 81)
    order = [t for t in events if t.pending]
    assert len({t.architecture for t in order}) == LADDER.count() == 81
    starts = [t.number for t in order if t.proposal.parent is None]
    for start, following in zip(starts, [*starts[1:], 81], strict=True):
        assert {t.proposal.parent for t in order[start + 1 : following]} <= {start}


def test_a_failed_start_is_followed_by_another() -> None:
    def objective(trial: Trial) -> Estimate:
        return Estimate(failure=Failure("E", "m")) if trial.number < 5 else planted(trial)

    events = search(LocalSearch(initial=2), cell201(), objective, 12)
    order = [t for t in events if t.pending]
    assert [t.proposal.parent is None for t in order[:6]] == [True] * 6
    assert order[6].proposal.parent == 5


def test_a_late_neighbour_of_an_old_place_still_counts() -> None:
    """The walk has restarted when an estimate arrives that is better than the new place."""
    strategy = LocalSearch(initial=1, unique=Unique.ARCHITECTURE)
    low, high = LADDER.parse("chain(a, a, a, b)"), LADDER.parse("chain(a, a, a, c)")
    state = fold(strategy, LADDER, [])
    start = Trial(0, strategy.ask(state, stream(0, 0)))  # type: ignore[arg-type]
    state = strategy.tell(strategy.tell(state, start), start.told(Estimate({"score": 0.5})))
    asked = []
    for n in range(1, 9):
        proposal = strategy.ask(state, stream(0, n))
        assert proposal is not None
        asked.append(Trial(n, proposal))
        state = strategy.tell(state, asked[-1])
    assert {t.proposal.parent for t in asked} == {0}
    proposal = strategy.ask(state, stream(0, 9))
    assert proposal is not None
    assert proposal.parent is None
    state = strategy.tell(state, Trial(9, proposal))
    assert state.here is None
    # While the new start is under way nothing is compared with it; afterwards the better one is the place.
    assert strategy.tell(state, asked[0].told(Estimate({"score": 9.0}))).here is None
    state = strategy.tell(state, Trial(9, proposal).told(Estimate({"score": 1.0})))
    state = strategy.tell(state, asked[0].told(Estimate({"score": 9.0})))
    assert state.here is not None
    assert state.here.number == asked[0].number
    assert low != high
