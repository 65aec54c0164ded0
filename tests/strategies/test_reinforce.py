"""REINFORCE: its gradient by finite differences, its distribution by counting, its entropy as it learns."""

from __future__ import annotations

import math
from collections import Counter

import immutables
import numpy as np
import pytest

from morphogen.records import Estimate, Failure, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.space import walk
from morphogen.strategies.reinforce import (
    Place,
    Reinforce,
    entropy,
    gradient,
    log_probability,
    probabilities,
    sample,
)
from morphogen.strategies.seen import Unique
from morphogen.testing.strategies import SCORE, planted, search

NESTED = Space.from_text(
    "NET -> chain(A, A) | a | residual(A, NET, b)\nA -> a | b | chain(c, NET)\ndepth 4\n"
)


def random_logits(space: Space, seed: int) -> immutables.Map[Place, tuple[float, ...]]:
    rng, logits = stream(seed), immutables.Map[Place, tuple[float, ...]]()
    for _ in range(50):
        for path, symbol, _, _ in walk(space, space.sample(rng)):
            if (path, symbol) not in logits:
                count = len(space.compiled.symbols[symbol].choices)
                logits = logits.set((path, symbol), tuple(rng.normal(size=count).tolist()))
    return logits


@pytest.mark.parametrize("space", [cell201(), NESTED], ids=["cell201", "nested"])
def test_the_gradient_is_that_of_finite_differences(space: Space) -> None:
    logits, rng, step = random_logits(space, 1), stream(2), 1e-5
    for _ in range(5):
        architecture = space.sample(rng)
        found = gradient(space, logits, architecture)
        for place, known in logits.items():
            for index in range(len(known)):
                ends = []
                for sign in (1, -1):
                    moved = list(known)
                    moved[index] += sign * step
                    ends.append(log_probability(space, logits.set(place, tuple(moved)), architecture))
                slope = found[place][index] if place in found else 0.0
                assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_probabilities_sum_to_one_over_the_space() -> None:
    space = Space.from_text("NET -> chain(A, A) | a | residual(A, NET, b)\nA -> a | chain(c, NET)\ndepth 3\n")
    logits = random_logits(space, 3)
    total = sum(math.exp(log_probability(space, logits, a)) for a in space.enumerate())
    assert total == pytest.approx(1, abs=1e-12)


def test_samples_follow_the_policy() -> None:
    space = Space.from_text("NET -> chain(A, A) | a\nA -> a | b | c\n")
    logits, rng, count = random_logits(space, 4), stream(5), 2000
    drawn = Counter(sample(space, logits, rng) for _ in range(count))
    for architecture in space.enumerate():
        share = math.exp(log_probability(space, logits, architecture))
        error = math.sqrt(share * (1 - share) / count)
        assert abs(drawn[architecture] / count - share) < 4.5 * error


def test_one_reward_moves_the_logits_along_the_gradient() -> None:
    space, strategy = cell201(), Reinforce(learning_rate=0.1, momentum=0.9, scaled=False)
    state = strategy.start(space, SCORE)
    first, second = space.unrank(100), space.unrank(9000)
    state = strategy.tell(state, Trial(0, Proposal(first), Estimate({"score": 0.5})))
    assert (state.baseline, dict(state.logits)) == (0.5, {}), "the first reward is the baseline"
    state = strategy.tell(state, Trial(1, Proposal(second), Estimate({"score": 0.9})))
    wanted = gradient(space, {}, second)
    assert set(state.logits) == set(wanted)
    for place, slope in wanted.items():
        assert state.logits[place] == pytest.approx([0.1 * 0.4 * s for s in slope])
    assert state.baseline == pytest.approx(0.7), "the mean of both, while they are few"
    assert log_probability(space, state.logits, second) > log_probability(space, {}, second)
    failed = strategy.tell(state, Trial(2, Proposal(first), Estimate(failure=Failure("E", "no"))))
    assert failed == state


def test_the_baseline_is_a_moving_average() -> None:
    strategy, space = Reinforce(momentum=0.8), cell201()
    state = strategy.start(space, SCORE)
    rewards = stream(0).normal(size=40)
    for number, reward in enumerate(rewards):
        state = strategy.tell(
            state, Trial(number, Proposal(space.unrank(number)), Estimate({"score": reward}))
        )
    expected = rewards[0]
    for number, reward in enumerate(rewards[1:], 1):
        expected += max(0.2, 1 / (number + 1)) * (reward - expected)
    assert state.baseline == pytest.approx(expected)


def test_scaled_rewards_have_no_unit() -> None:
    def percent(trial: Trial) -> Estimate:
        return Estimate({"score": 100 * planted(trial).values["score"]})

    one = search(Reinforce(), cell201(), planted, 40)
    other = search(Reinforce(), cell201(), percent, 40)
    assert [t.proposal for t in one] == [t.proposal for t in other]


def test_entropy_falls_and_rewards_rise() -> None:
    strategy, space = Reinforce(learning_rate=0.3, unique=Unique.NOTHING), cell201()
    events = search(strategy, space, planted, 300)
    state = strategy.start(space, SCORE)
    entropies, rewards = [], []
    for trial in events:
        state = strategy.tell(state, trial)
        if trial.estimate:
            entropies.append(entropy(space, state.logits, trial.architecture))
            rewards.append(trial.estimate.values["score"])
    assert entropies[0] == pytest.approx(6 * math.log(5))
    assert np.mean(entropies[-20:]) < 0.7 * entropies[0]
    assert np.mean(rewards[-50:]) > np.mean(rewards[:50]) + 0.05


def test_constraints_and_depth_hold() -> None:
    for space in (digits_small(), NESTED):
        logits = random_logits(space, 6)
        rng = stream(7)
        assert all(sample(space, logits, rng) in space for _ in range(100))


def test_what_the_depth_forbids_has_no_probability() -> None:
    root = (), NESTED.compiled.root
    shares = probabilities(NESTED, {}, root, 1)
    names = [choice.terminal.name for choice in NESTED.compiled.symbols[root[1]].choices]
    assert dict(zip(names, shares, strict=True)) == {"chain": 0, "a": 1, "residual": 0}


def test_settings_that_cannot_be() -> None:
    for settings in ({"learning_rate": 0.0}, {"momentum": 1.0}, {"momentum": -0.1}):
        with pytest.raises(ValueError, match="positive and the momentum in"):
            Reinforce(**settings)  # type: ignore[arg-type]
