"""The loop of every search: ask, write down, estimate, write down, tell; until the limit is reached.

Resuming is the only way to begin. Everything that a strategy knows is a fold over the journal, and the
randomness of trial n is a function of the seed and n. So a search that was killed anywhere replays its
journal, estimates again what was pending, by the same stream, and asks what it would have asked. Nothing in a
journal tells that it was resumed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from morphogen.estimators.estimator import Estimator
from morphogen.goals import Constraint, Objectives, goal_of
from morphogen.journal.journal import Event, Journal
from morphogen.journal.lease import Exclusive
from morphogen.journal.opening import open_journal
from morphogen.records import Estimate, Failure, Goal, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy
from morphogen.study.events import objection, opened
from morphogen.study.inline import Inline
from morphogen.study.limits import Limit
from morphogen.study.notebook import Live
from morphogen.study.notebook import output as notebook_output
from morphogen.study.outcomes import Interrupted, RehearsalFailed, SearchStopped
from morphogen.study.pool import Finished, Pool
from morphogen.study.precheck import precheck
from morphogen.study.story import Story
from morphogen.study.study import Study

ALIKE: Final = 5

REFUSED: Final = 1000
"""After so many proposals in a row that break a constraint before they are trained, a search stops."""


def search(
    space: Space,
    strategy: Strategy[Any],
    estimator: Estimator,
    journal: str | Path | Journal | None = None,
    *,
    limit: Limit,
    seed: int = 0,
    pool: Pool | None = None,
    metric: str | None = None,
    objectives: Sequence[str] = (),
    constraints: Iterable[str | Constraint] = (),
    weights: Mapping[str, float] | None = None,
    alike: int = ALIKE,
    callbacks: Iterable[Callable[[Trial], object]] = (),
    show: bool = True,
    on_event: Callable[[Event], None] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Study:
    """Search `space` until the limit is reached or the strategy has nothing left to ask; return the study.

    journal: a journal, or where one is kept (a path, `sqlite:///path`, `memory:`); one that holds the
    beginning of this search is gone on with. metric: the name of what is improved, the estimator's first
    metric unless told otherwise. objectives: several instead, for a strategy of frontiers such as NSGA2.
    constraints: bounds such as `parameters<=20000`; where the estimator knows before training that a proposal
    breaks one, it is refused: told to the strategy and written down, but not trained, and no limit counts it.
    weights: what a unit of each objective is worth, for strategies that improve one number.
    alike: how many trials in a row may fail alike before the search stops.
    callbacks: each is called with each trial that finishes (refused ones do not), after it was written down
    and told to the strategy. What a callback raises ends the search, and loses nothing: no trial is begun any
    more, those that run are waited for and written down, then it is raised, and the same search goes on from
    there. show: in a notebook, show a table of the search while it runs. on_event: called with each event
    after it was written. notes: plain values kept in the opening of a new journal, such as how the search was
    asked for; they are not compared when it is gone on with.

    Raises:
        ValueError: an unknown metric, several objectives for a strategy of one, or a strategy and an estimator
        of which one speaks of regions and the other of single architectures.
        JournalError: a journal that cannot be used, is in use, or belongs to another search; nothing was
        changed.
        RehearsalFailed, PoolError: the estimator fails at once, or cannot be sent to workers; nothing was
        written.
        SearchStopped: too many trials failed alike, or were refused.
        Interrupted: Ctrl-C.
    """
    begun = time.perf_counter()
    if alike < 1:
        raise ValueError(f"alike: a search stops after at least one failure, got {alike}")
    if strategy.regions != estimator.regions:
        raise ValueError(_apart(strategy, estimator))
    goal = goal_of(estimator.metrics, metric, objectives=objectives, constraints=constraints, weights=weights)
    if strategy.objectives is not None and (wrong := _too_many(strategy, goal)):
        raise ValueError(wrong)
    opening = opened(space, strategy, estimator, goal, seed, notes)
    kept = open_journal(journal)
    with kept.lease() if isinstance(kept, Exclusive) else nullcontext():
        story = Story(space, strategy, goal)
        story.replay(kept, opening)
        found = Study(kept, space)
        listening = [*callbacks]
        live = Live(found, limit, output) if show and (output := notebook_output()) else None
        if live is not None:
            listening.append(live)
        session = _Session(story, kept, limit, seed, pool or Inline(), alike, listening, on_event, begun)
        try:
            session.run(estimator, opening)
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted; {story.finished} finished trials are in {kept}, the same search goes on there"
            ) from None
        finally:
            if live is not None and story.asked:
                live.now()
    return found


def _apart(strategy: Strategy[Any], estimator: Estimator) -> str:
    """Say why a strategy and an estimator do not go together, and what would."""
    asks, answers = type(strategy).__name__, type(estimator).__name__
    if strategy.regions:
        return (
            f"{asks} proposes regions and {answers} estimates single architectures: "
            "take an estimator of regions, such as Fade or Darts, or another strategy"
        )
    return (
        f"{asks} proposes single architectures and {answers} estimates regions: "
        "take a strategy of regions, such as PseudoGradientEvolution or OneShot, or another estimator"
    )


def _too_many(strategy: Strategy[Any], goal: Goal) -> str:
    """Say that a strategy improves fewer numbers than the goal has, and what would; nothing where it does not."""
    if not isinstance(goal, Objectives) or goal.weights or len(goal.metrics) <= (strategy.objectives or 1):
        return ""
    first, *rest = (metric.name for metric in goal.metrics)
    return (
        f"{type(strategy).__name__} improves one number, and there are {len(goal.metrics)} objectives: take NSGA2, "
        f"or bound {' and '.join(rest)} by constraints and improve {first}, or give each objective a weight"
    )


class _Session:
    """One run of the loop over a story, with its clocks."""

    def __init__(
        self,
        story: Story,
        journal: Journal,
        limit: Limit,
        seed: int,
        pool: Pool,
        alike: int,
        callbacks: list[Callable[[Trial], object]],
        on_event: Callable[[Event], None] | None,
        begun: float,
    ) -> None:
        self.story = story
        self.journal = journal
        self.limit = limit
        self.seed = seed
        self.pool = pool
        self.alike = alike
        self.callbacks = callbacks
        self.raised: Exception | None = None  # by a callback
        self.on_event = on_event
        self.marked = begun  # up to here wall time is in the journal
        self.thought = 0.0  # seconds in the strategy since then
        self.wrote = 0.0  # seconds in the journal since then

    def run(self, estimator: Estimator, opening: Event) -> None:
        """Do what is left to do."""
        story, pool = self.story, self.pool
        self.stop_if_alike()
        if not (story.pending or self.allowed()):
            return
        fresh = not story.events
        if fresh:
            self.rehearse(estimator)
        waiting = deque(story.pending.values())  # lost with their workers: same stream, same estimate
        with pool.start(estimator, self.seed):
            if fresh:
                self.write({**opening, "at": time.time()})
            while True:
                while (
                    pool.free
                    and self.raised is None
                    and (trial := waiting.popleft() if waiting else self.ask())
                ):
                    if (refused := precheck(estimator, story.goal, trial.proposal)) is None:
                        pool.submit(trial.number, trial.proposal)
                    else:
                        self.tell(Finished(trial.number, refused, 0.0))
                        self.stop_if_refused(refused)
                if len(story.pending) == len(waiting):  # nothing runs
                    break
                self.tell(pool.next())
                if self.raised is None:
                    self.stop_if_alike()
        if self.raised is not None:
            raise self.raised

    def ask(self) -> Trial | None:
        """Ask for the next trial and write it down; None where the limit or the strategy says so."""
        if not self.allowed():
            return None
        story, begun = self.story, time.perf_counter()
        learned = story.strategy.learn(story.state)
        proposal = story.strategy.ask(learned, stream(self.seed, story.asked))
        self.thought += time.perf_counter() - begun
        if proposal is None:
            return None
        trial = Trial(story.asked, proposal)
        self.write(
            {"kind": "asked", "at": time.time(), "number": trial.number, "proposal": proposal.to_json()}
        )
        begun = time.perf_counter()
        story.ask(trial, learned)
        self.thought += time.perf_counter() - begun
        return trial

    def tell(self, finished: Finished) -> None:
        """Write down what came back and tell the strategy; a failure is an estimate, not an exception."""
        number, estimate, seconds = finished
        if wrong := objection(self.story.pending[number].proposal, estimate, self.story.space):
            estimate = Estimate(cost=estimate.cost, failure=Failure("EstimateError", wrong))
        record, spent = estimate.to_json(), self.spent(seconds)
        self.write({"kind": "told", "at": time.time(), "number": number, "estimate": record, "spent": spent})
        begun = time.perf_counter()
        told = self.story.tell(number, estimate, spent)
        self.thought += time.perf_counter() - begun
        if not told.refused:
            self.call(told)

    def call(self, trial: Trial) -> None:
        """Call who wants to know of a finished trial, until one of them raises."""
        try:
            for callback in self.callbacks if self.raised is None else ():
                callback(trial)
        except Exception as error:
            error.add_note(
                f"A callback raised this for trial {trial.number}. Nothing is lost: what finished is in "
                f"{self.journal}, and the same search goes on from there."
            )
            self.raised = error

    def spent(self, seconds: float) -> dict[str, float]:
        """Return where the time since the last told event went, and begin to count anew."""
        now = time.perf_counter()
        wall, self.marked = now - self.marked, now
        offered = wall * self.pool.capacity if self.pool.apart else wall - self.thought - self.wrote
        thought, wrote, self.thought, self.wrote = self.thought, self.wrote, 0.0, 0.0
        return {
            "wall": round(wall, 6),
            "estimates": round(seconds, 6),
            "strategy": round(thought, 6),
            "journal": round(wrote, 6),
            "offered": round(offered, 6),
        }

    def allowed(self) -> bool:
        """Whether one more trial may begin."""
        ledger = self.story.ledger
        wall = ledger.wall + time.perf_counter() - self.marked
        return self.limit.allows(self.story.asked - self.story.refused, wall, ledger.cost)

    def write(self, event: Event) -> None:
        """Append an event and show it to who listens."""
        begun = time.perf_counter()
        self.journal.append(event)
        self.wrote += time.perf_counter() - begun
        if self.on_event is not None:
            self.on_event(event)

    def rehearse(self, estimator: Estimator) -> None:
        """Let the estimator try one small step, and look at the first region, before anything is written."""
        failed = "the estimator failed on its first step"
        try:
            estimator.rehearse(self.story.space, stream(self.seed, "rehearse"))
            if estimator.regions and (first := self.first_proposal()) is not None:
                failed = "the first region cannot be estimated"
                estimator.examine(first)
        except (Exception, SystemExit) as error:
            raise RehearsalFailed(f"{failed}: {type(error).__name__}: {error}") from error

    def first_proposal(self) -> Proposal | None:
        """Return what will be asked first; asking changes nothing."""
        story = self.story
        return story.strategy.ask(story.strategy.learn(story.state), stream(self.seed, story.asked))

    def stop_if_refused(self, last: Estimate) -> None:
        """End the search where nothing that is proposed satisfies the constraints."""
        if self.story.refused_in_a_row < REFUSED:
            return
        reason = f"{REFUSED:,} proposals in a row break a constraint, the last one since {last.refused}"
        self.write({"kind": "stopped", "at": time.time(), "reason": reason})
        raise SearchStopped(
            f"stopped: {reason}. Loosen the constraint and name another journal, or search a space of smaller "
            "networks; the same search again tries as many more"
        )

    def stop_if_alike(self) -> None:
        """End the search where the last trials all failed for one reason."""
        story = self.story
        if story.alike < self.alike:
            return
        reason = f"{story.alike} trials in a row failed alike, trial {story.failed} by {story.failure}"
        self.write({"kind": "stopped", "at": time.time(), "reason": reason})
        raise SearchStopped(
            f"stopped: {reason}. `morphogen why {self.journal} {story.failed}` shows traceback and output. "
            "Mend the cause and start the same search again: it goes on from here"
        )
