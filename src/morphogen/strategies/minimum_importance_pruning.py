"""Minimum-importance pruning: find a cheap training recipe by fixing what hardly matters (Zheng et al. 2020).

The paper's equations were not readable; the rounds are rebuilt from its figure and its authors' settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.dominance import staircase
from morphogen.analysis.importance import TREES, Forest, grow
from morphogen.architecture import Architecture
from morphogen.goals import bounded
from morphogen.records import Goal, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces.knobs import Knob, Levels, knobs, readings, settled
from morphogen.spaces.space import Space
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy

Floats = NDArray[np.float64]

LISTED: Final = 20_000
"""Spaces of so many recipes are looked at as a whole; of larger ones, samples are drawn."""

POOL: Final = 40
"""How many recipes of a larger space are drawn to ask for one."""


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """A finished trial: its number, its recipe, its score (larger is better) and its seconds."""

    number: int
    recipe: Architecture
    score: float
    cost: float


@final
@dataclass(frozen=True)
class Pruning:
    """All measured recipes, and the knobs that are fixed: (knob, level), in the order of their pruning.

    finished: trials with an estimate or a failure; `pruned` of them before the last pruning or restart.
    """

    space: Space
    metric: Goal
    seen: Seen
    told: tuple[Measured, ...] = ()
    fixed: tuple[tuple[int, int], ...] = ()
    asked: int = 0
    finished: int = 0
    pruned: int = 0
    passes: int = 0
    first: str = ""

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The knobs of the space."""
        return knobs(self.space)

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the fixed knobs, the least important first."""
        return tuple(self.knobs[knob].name for knob, _ in self.fixed)

    @property
    def free(self) -> tuple[int, ...]:
        """The knobs that are not fixed."""
        gone = {knob for knob, _ in self.fixed}
        return tuple(knob for knob in range(len(self.knobs)) if knob not in gone)


@final
@dataclass(frozen=True)
class MinimumImportancePruning(Strategy[Pruning]):
    """Measure some recipes, fix the knob that explains least, and again until one knob is left.

    recipes: measured in a round (K). draw: which recipes of what is left are asked for: the "cheapest", by
    a law of cost that is fitted to all measured ones; "weighted", at random with weight cost^-1/2; "uniform".
    fix: where a pruned knob is put: at its "cheapest" level, at the "best" by the forest's mean over what is
    left, or at the level of most "gain": what it gains less what its cost would buy elsewhere, at the rate at
    which score follows the logarithm of cost in all measured recipes. choose: how `pick` finds the best
    recipe: as "measured", or by the "forest". trees, seed: of the forest. passes: when one knob is left and
    its levels are asked for, all knobs are free again, and what was measured is kept; so often at most,
    without end if None. unique: what is never asked twice.

    The defaults are the paper's. On real training they did not beat random recipes of equal cost: such a
    search sees cheap recipes only. `improved` are the settings that do not lose.
    """

    recipes: int = 8
    draw: Literal["cheapest", "weighted", "uniform"] = "cheapest"
    fix: Literal["cheapest", "best", "gain"] = "cheapest"
    choose: Literal["measured", "forest"] = "measured"
    trees: int = TREES
    seed: int = 0
    passes: int | None = None
    unique: Unique = Unique.NETWORK

    exceptions = MappingProxyType(
        {
            "random_search_is_beaten": "it explains scores by cheap recipes and fixes knobs where they are cheap"
        }
    )

    def __post_init__(self) -> None:
        if self.recipes < 2 or self.trees < 1:
            raise ValueError(
                f"a round needs two recipes or more and a forest a tree, got {self.recipes} and {self.trees}"
            )
        for name, known in (
            ("draw", ("cheapest", "weighted", "uniform")),
            ("fix", ("cheapest", "best", "gain")),
            ("choose", ("measured", "forest")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")

    @classmethod
    def improved(cls, recipes: int = 8, seed: int = 0) -> Self:
        """Return the settings that did not lose to random recipes in trials on digits."""
        return cls(recipes, draw="weighted", fix="best", choose="forest", seed=seed)

    def start(self, space: Space, metric: Goal) -> Pruning:
        return Pruning(space, metric, Seen(self.unique))

    def learn(self, state: Pruning) -> Pruning:
        """Fix the least important knob when a round is measured, or when nothing is left to ask for."""
        while state.finished - state.pruned >= self.recipes or (state.told and not _unseen(state)):
            before = state
            if len(state.free) > 1:
                state = self._fixed(state)
            elif not _unseen(state) and self.passes != state.passes + 1:
                again = replace(state, fixed=(), pruned=state.finished, passes=state.passes + 1)
                state = again if _unseen(again) else state
            if state is before:
                return state
        return state

    def _fixed(self, state: Pruning) -> Pruning:
        """Return the state with one more knob fixed; the same state where the scores say nothing."""
        forest = self._forest(state)
        if forest is None:
            return state
        forest = forest.within(dict(state.fixed))
        try:
            shares = forest.importance().shares
        except ValueError:  # nothing varies in what is left: every knob is as unimportant as any other
            shares = (0.0,) * len(state.knobs)
        knob = min(state.free, key=lambda number: shares[number])
        price = Price.of(state).levels(knob)
        worth = forest.marginal(knob)
        if self.fix == "cheapest":
            level = int(np.argmin(price))
        elif self.fix == "best":
            level = int(np.argmax(worth))
        else:
            level = int(np.argmax(worth - _rate(state) * price))
        return replace(state, fixed=(*state.fixed, (knob, level)), pruned=state.finished)

    def _forest(self, state: Pruning) -> Forest | None:
        """Return the forest of all measured recipes, None where they do not differ."""
        if len({known.score for known in state.told}) < 2 or not state.knobs:
            return None
        return _grown(state.space, state.told, self.trees, (self.seed, state.first))

    def ask(self, state: Pruning, rng: np.random.Generator) -> Proposal | None:
        chosen = next(self._drawn(state, rng), None)
        if chosen is None and (self.passes is None or len(state.free) > 1):
            # What is left of the space is asked for, but it cannot be pruned: no score is known yet.
            chosen = state.seen.fresh(state.space, rng, state.space.sample)
        return Proposal(chosen) if chosen else None

    def _drawn(self, state: Pruning, rng: np.random.Generator) -> Iterator[Architecture]:
        """Yield unseen recipes of what is left of the space, in the order in which they are wanted."""
        pool, rows = _pool(state, rng)
        if not pool:
            return
        if self.draw == "cheapest":
            # Before cost tells them apart, levels that the space lists first count as cheap.
            keys = [rows.sum(axis=1), np.round(Price.of(state).recipes(rows), 9)]
        else:
            # Largest sums of log-weight and Gumbel noise: a weighted draw without replacement.
            half = 0.5 if self.draw == "weighted" else 0.0
            keys = [half * Price.of(state).recipes(rows) - rng.gumbel(size=len(pool))]
        for place in np.lexsort(keys):
            if pool[place] not in state.seen:
                yield pool[place]

    def tell(self, state: Pruning, trial: Trial) -> Pruning:
        if trial.pending:
            return replace(
                state,
                seen=state.seen.add(trial.architecture),
                asked=state.asked + 1,
                first=state.first or trial.architecture.key,
            )
        told = state.told
        if trial.estimate is not None and trial.succeeded:
            score = state.metric.score(trial)
            told = (*told, Measured(trial.number, trial.architecture, score, trial.estimate.cost))
        return replace(state, told=told, finished=state.finished + 1)

    # --- what came out --------------------------------------------------------------------------------------

    def read(self, space: Space, metric: Goal, trials: Iterable[Trial]) -> Pruning:
        """Return the state after the trials of a study, as if they had been asked one by one."""
        state = self.start(space, metric)
        for trial in trials:
            state = self.tell(self.learn(state), Trial(trial.number, trial.proposal))
            if not trial.pending:
                state = self.tell(state, trial)
        return self.learn(state)

    def front(self, state: Pruning) -> tuple[Measured, ...]:
        """Return the measured recipes that no other beats in cost and score, the cheapest first.

        The first is the paper's BPE-1, the last its BPE-2.
        """
        told = sorted(state.told, key=lambda known: known.number)
        return tuple(told[i] for i in staircase([k.cost for k in told], [k.score for k in told]))

    def pick(self, state: Pruning, limit: float = math.inf) -> Architecture:
        """Return the best recipe of at most `limit` seconds: as measured, or of all recipes by the forest.

        What a recipe costs that was not measured is foretold by the law of cost.

        Raises:
            ValueError: nothing was measured, or nothing costs so little.
        """
        within = [known for known in state.told if known.cost <= limit]
        if not within:
            least = min((f"the cheapest takes {known.cost:.3g} s" for known in self.front(state)), default="")
            raise ValueError(
                f"no measured recipe takes at most {limit:g} s ({least or 'there is none'}); give a higher limit"
            )
        best = max(within, key=lambda known: known.score).recipe
        forest = self._forest(state) if self.choose == "forest" else None
        if forest is None:
            return best
        rng = stream(self.seed, state.first, "pick")
        pool, rows = _pool(replace(state, fixed=()), rng)
        measured = {known.recipe: known.cost for known in state.told}
        foretold = np.exp(Price.of(state).recipes(rows) + Price.of(state).level)
        cost = np.array([measured.get(a, c) for a, c in zip(pool, foretold.tolist(), strict=True)])
        allowed = np.flatnonzero(cost <= limit)
        if not len(allowed):
            return best
        values = forest.predict(rows[allowed])
        # Recipes in one box of every tree have one value: of these the cheapest.
        return pool[int(allowed[np.lexsort([cost[allowed], -np.round(values, 9)])[0]])]


@lru_cache(maxsize=32)  # several knobs may be fixed by one forest
def _grown(space: Space, told: tuple[Measured, ...], trees: int, seed: tuple[int, str]) -> Forest:
    rows = readings(knobs(space), [known.recipe for known in told])
    rng = stream(seed[0], *seed[1:], len(told))
    return grow(knobs(space), rows, bounded([known.score for known in told]), rng, trees=trees)


def _rate(state: Pruning) -> float:
    """Return how much score a unit of log-cost buys in the measured recipes, by least squares; not below 0."""
    cost = np.log([max(known.cost, 1e-9) for known in state.told])
    score = np.array(bounded([known.score for known in state.told]))
    spread = float(((cost - cost.mean()) ** 2).sum())
    return max(0.0, float((cost - cost.mean()) @ (score - score.mean())) / spread) if spread > 0 else 0.0


@final
@dataclass(frozen=True, eq=False)
class Price:
    """A law of cost: log seconds are a sum over the levels, by ridge regression on all measured recipes.

    Levels that are positive numbers have a slope in their logarithm too, which is hardly penalized: a level
    that was never measured costs what the trend says. level: the mean log cost; starts: of each knob's.
    """

    weights: Floats
    starts: NDArray[np.intp]
    level: float

    @classmethod
    def of(cls, state: Pruning) -> Price:
        """Fit the law to a state; without measurements everything costs the same."""
        return _price(state.space, state.told)

    def recipes(self, rows: Levels) -> Floats:
        """Return the log cost of levels [n, knobs] less the mean, [n]."""
        return np.asarray(self.weights[rows + self.starts[:-1]].sum(axis=1))

    def levels(self, knob: int) -> Floats:
        """Return the log cost of each level of a knob less the mean, [levels]."""
        return self.weights[self.starts[knob] : self.starts[knob + 1]]


@lru_cache(maxsize=8)
def _price(space: Space, told: tuple[Measured, ...]) -> Price:
    listed = knobs(space)
    starts = np.cumsum([0, *(len(knob.levels) for knob in listed)]).astype(np.intp)
    width = int(starts[-1])
    if not told or not listed:
        return Price(np.zeros(width), starts, 0.0)
    cost = np.log([max(known.cost, 1e-9) for known in told])
    slopes = np.zeros((width, len(listed)))
    for column, knob in enumerate(listed):
        numbers = np.array(knob.numbers or [1.0])
        if len(numbers) > 1 and numbers.min() > 0:
            values = np.log(numbers)
            slopes[starts[column] : starts[column + 1], column] = (values - values.mean()) / np.ptp(values)
    design = np.concatenate([np.eye(width), slopes], axis=1)  # of one level: its own column, its slope
    rows = readings(listed, [known.recipe for known in told]) + starts[:-1]
    matrix = design[rows].sum(axis=1)
    middle = matrix.mean(axis=0)
    penalty = np.diag(np.concatenate([np.full(width, 1.0), np.full(len(listed), 1e-3)]))
    centred = matrix - middle
    solved = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (cost - cost.mean()))
    weights = design @ solved
    # The mean over the measured recipes becomes the zero of the law.
    level = float(cost.mean() - weights[rows].sum(axis=1).mean())
    return Price(weights, starts, level)


def _pool(state: Pruning, rng: np.random.Generator) -> tuple[tuple[Architecture, ...], Levels]:
    """Return recipes of what is left of the space, all or a sample of them, and their levels [n, knobs]."""
    if state.space.count() > LISTED:
        fixed = {state.knobs[knob].path: state.knobs[knob].levels[level] for knob, level in state.fixed}
        drawn = (settled(state.space, fixed, rng) for _ in range(POOL))
        some = tuple(dict.fromkeys(a for a in drawn if a is not None))
        return some, readings(state.knobs, some)
    return _left(state.space, state.fixed)


@lru_cache(maxsize=16)
def _left(space: Space, fixed: tuple[tuple[int, int], ...]) -> tuple[tuple[Architecture, ...], Levels]:
    if not fixed:
        everything = tuple(space.enumerate())
        return everything, readings(knobs(space), everything)
    above, rows = _left(space, fixed[:-1])
    knob, level = fixed[-1]
    places = np.flatnonzero(rows[:, knob] == level)
    return tuple(above[place] for place in places), rows[places]


def _unseen(state: Pruning) -> bool:
    """Whether a recipe of what is left may still be asked for; of a large space, always."""
    if state.space.count() > LISTED:
        return True
    return any(recipe not in state.seen for recipe in _left(state.space, state.fixed)[0])
