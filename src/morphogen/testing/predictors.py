"""Checks of a predictor: a function of its arguments that learns, knows how sure it is, and is blind to notation."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.agreement import spearman
from morphogen.architecture import Architecture
from morphogen.predictors.predictor import Belief, Fitted, Predictor, PredictorError
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.space import Space
from morphogen.testing.check import Check, named

Floats = NDArray[np.float64]

TRAINED: Final = 60
UNSEEN: Final = 200

LEARNT: Final = 0.4
"""Rank correlation (Spearman) with a planted objective on unseen architectures that every predictor reaches."""

CHANCE: Final = 0.35
"""What the mean of four fits to permuted labels stays below; at chance its standard deviation is about 0.1."""

COVERED: Final = (0.7, 1.0)
"""How many of the unseen scores lie in the intervals that should hold 90%."""


@dataclass(frozen=True)
class Setting:
    """A predictor and the space whose architectures it judges; what is fitted once for all checks."""

    predictor: Predictor
    space: Space

    @cached_property
    def architectures(self) -> list[Architecture]:
        """Architectures of the space, no two of them the same network: first those to learn from."""
        rng, found = stream(0, "architectures"), dict[str, Architecture]()
        while len(found) < TRAINED + UNSEEN:
            architecture = self.space.sample(rng)
            found.setdefault(architecture.key, architecture)
        return list(found.values())

    @cached_property
    def scores(self) -> Floats:
        """A planted objective: operations are worth something each, and the more the deeper they stand."""
        return np.array([planted(architecture) for architecture in self.architectures])

    @cached_property
    def fitted(self) -> Fitted:
        """The predictor after `TRAINED` architectures."""
        return self.fit(self.architectures[:TRAINED], self.scores[:TRAINED])

    def fit(self, architectures: Sequence[Architecture], scores: Floats) -> Fitted:
        """Fit with the same generator as ever."""
        return self.predictor.fit(architectures, scores, stream(0, "fit"))


def planted(architecture: Architecture) -> float:
    """Return a score that depends on the network only."""
    graph = architecture.args[0].graph if architecture.terminal.name == "stack" else architecture.graph
    depth = [0] * len(graph.labels)
    total = 0.0
    for vertex in range(graph.inputs, len(graph.labels)):
        depth[vertex] = 1 + max(depth[source] for source in graph.predecessors[vertex])
        total += sum(map(ord, graph.labels[vertex])) % 7 * depth[vertex]
    return math.log1p(total)


def checks(predictor: Predictor, space: Space | None = None) -> tuple[Check, ...]:
    """Return all checks for a predictor, on architectures of `space` (`cell201` unless told)."""
    setting = Setting(predictor, space or cell201())
    found: tuple[Callable[[Setting], None], ...] = (
        beliefs_have_the_shape_of_the_question,
        it_learns,
        permuted_labels_teach_nothing,
        intervals_hold_what_they_should,
        isomorphic_architectures_get_the_same_belief,
        the_same_generator_gives_the_same_beliefs,
        what_was_fitted_before_does_not_matter,
        one_and_two_points_are_enough,
        ties_are_no_trouble,
        bad_scores_are_named,
        other_architectures_are_no_trouble,
        settings_are_values,
    )
    return named(found, setting)


def beliefs_have_the_shape_of_the_question(here: Setting) -> None:
    """A belief has a finite mean and a spread of at least 0 for each architecture; for none it is empty."""
    for asked in ([], here.architectures[:1], here.architectures):
        belief = here.fitted.predict(asked)
        _check_sound(belief, len(asked))


def it_learns(here: Setting) -> None:
    """Unseen architectures are ordered much as a planted objective orders them."""
    found = here.fitted.predict(here.architectures[TRAINED:]).mean
    agreement = _alike(found, here.scores[TRAINED:])
    assert agreement >= LEARNT, (
        f"rank correlation {agreement:.2f} with a planted objective, less than {LEARNT}"
    )


def permuted_labels_teach_nothing(here: Setting) -> None:
    """Fitted to scores that were dealt out anew, it agrees with the truth by chance only."""
    found = []
    for deal in range(4):
        dealt = stream(deal, "deal").permutation(here.scores[:TRAINED])
        fitted = here.fit(here.architectures[:TRAINED], dealt)
        found.append(_alike(fitted.predict(here.architectures[TRAINED:]).mean, here.scores[TRAINED:]))
    assert abs(np.mean(found)) < CHANCE, f"permuted labels, rank correlations {np.round(found, 2)}: it cheats"


def intervals_hold_what_they_should(here: Setting) -> None:
    """The intervals of 90% hold most unseen scores, and not by being wider than ignorance."""
    belief = here.fitted.predict(here.architectures[TRAINED:])
    low, high = belief.interval(0.9)
    known = here.fitted.scale(here.scores[TRAINED:])
    covered = float(((low <= known) & (known <= high)).mean())
    assert COVERED[0] <= covered <= COVERED[1], f"90% intervals hold {covered:.0%}"
    assert (high - low).mean() < 2 * 1.645, "on the average it knows less than nothing: its spread is above 1"


def isomorphic_architectures_get_the_same_belief(here: Setting) -> None:
    """The same network, written another way, is believed to be the same."""
    pairs = twins(here.space)
    assert pairs, "the space writes no network two ways; check with another one"
    one, two = (here.fitted.predict([pair[side] for pair in pairs]) for side in (0, 1))
    _check_equal(one, two, 1e-5, "isomorphic architectures")


def the_same_generator_gives_the_same_beliefs(here: Setting) -> None:
    """A fit is a function of architectures, scores and generator."""
    again = here.fit(here.architectures[:TRAINED], here.scores[:TRAINED])
    asked = here.architectures[TRAINED:]
    _check_equal(here.fitted.predict(asked), again.predict(asked), 0, "a second fit")


def what_was_fitted_before_does_not_matter(here: Setting) -> None:
    """A fit that goes on from remembered ones equals one of a copy that remembers other things."""
    copy: Predictor = pickle.loads(pickle.dumps(here.predictor))
    for n in (20, 50, 55):
        here.fit(here.architectures[:n], here.scores[:n])
    asked = here.architectures[TRAINED:]
    one = here.fit(here.architectures[: TRAINED - 2], here.scores[: TRAINED - 2]).predict(asked)
    copy.fit(here.architectures[TRAINED:], here.scores[TRAINED:], stream(0, "fit"))
    again = copy.fit(here.architectures[: TRAINED - 2], here.scores[: TRAINED - 2], stream(0, "fit"))
    _check_equal(one, again.predict(asked), 0, "a fit after others")


def one_and_two_points_are_enough(here: Setting) -> None:
    """However few scores there are, there is a belief."""
    for n in (1, 2, 3, 5):
        belief = here.fit(here.architectures[:n], here.scores[:n]).predict(here.architectures)
        _check_sound(belief, len(here.architectures))


def ties_are_no_trouble(here: Setting) -> None:
    """Equal scores, some or all of them, and architectures that were scored twice are fine."""
    asked, some = here.architectures[TRAINED:], here.architectures[:20]
    _check_sound(here.fit(some, np.zeros(20)).predict(asked), len(asked))
    _check_sound(here.fit(some, np.arange(20.0) // 10).predict(asked), len(asked))
    _check_sound(here.fit([*some, *some], np.arange(40.0)).predict(asked), len(asked))


def bad_scores_are_named(here: Setting) -> None:
    """A score that is no number, or one too few, is refused with a reason."""
    some = here.architectures[:3]
    for scores, word in (([0.0, math.nan, 1.0], "score 1"), ([0.0, 1.0, math.inf], "score 2"), ([0.0], "3")):
        try:
            here.fit(some, np.array(scores))
        except PredictorError as error:
            assert word in str(error), f"scores {scores}: the error does not say {word!r}: {error}"
        else:
            raise AssertionError(f"scores {scores} were accepted")
    try:
        here.fit([], np.zeros(0))
    except PredictorError:
        return
    raise AssertionError("it learnt from nothing")


def other_architectures_are_no_trouble(here: Setting) -> None:
    """Architectures with operations and sizes that were never seen have a belief too."""
    rng = stream(0, "others")
    others = [hierarchical201().sample(rng) for _ in range(2)]
    _check_sound(here.fitted.predict(others), 2)
    _check_sound(here.fit(others, np.arange(2.0)).predict(here.architectures[:3]), 3)


def settings_are_values(here: Setting) -> None:
    """Settings are frozen, hashable, picklable and untouched by a fit."""
    copy = pickle.loads(pickle.dumps(here.predictor))
    assert copy == here.predictor, "a pickled predictor differs"
    before = pickle.dumps(here.predictor)
    here.fit(here.architectures[:5], here.scores[:5])
    assert pickle.dumps(here.predictor) == before, "the settings were changed by a fit"
    hash(here.predictor)


def twins(space: Space, count: int = 20, draws: int = 2000) -> list[tuple[Architecture, Architecture]]:
    """Return pairs of different architectures that are the same network."""
    rng, seen = stream(0, "twins"), dict[str, Architecture]()
    pairs: list[tuple[Architecture, Architecture]] = []
    for _ in range(draws):
        architecture = space.sample(rng)
        other = seen.setdefault(architecture.key, architecture)
        if other != architecture and len(pairs) < count:
            pairs.append((other, architecture))
    return pairs


def _alike(one: Floats, other: Floats) -> float:
    """Return the rank correlation of two lists; 0 where one of them is constant."""
    return float(np.nan_to_num(spearman(one, other)))


def _check_sound(belief: Belief, n: int) -> None:
    for name, values in (("mean", belief.mean), ("spread", belief.spread)):
        assert values.shape == (n,), f"{name} has the shape {values.shape} for {n} architectures"
        assert np.isfinite(values).all(), f"{name} has a value that is not finite"
    assert (belief.spread >= 0).all(), "a spread is below 0"
    assert belief.noise >= 0, "the noise is below 0"


def _check_equal(one: Belief, two: Belief, by: float, what: str) -> None:
    for name in ("mean", "spread"):
        apart = float(np.abs(getattr(one, name) - getattr(two, name)).max())
        assert apart <= by, f"{what}: {name} differs by {apart:.3g}"
