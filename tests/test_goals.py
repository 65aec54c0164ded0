"""Goals: constraints and their texts, the order of what breaks them, weights, and what is wrong with words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphogen.goals import Constraint, GoalError, Objectives, bounded, goal_of
from morphogen.records import Estimate, Metric, Proposal, Trial
from morphogen.spaces.space import Space

ONE = Space.from_text("NET -> chain(OP)\nOP -> a | b\n").unrank(0)
METRICS = (Metric("accuracy"), Metric("latency_ms", maximize=False, unit="ms"), Metric("parameters", False))


def told(**values: float) -> Trial:
    return Trial(0, Proposal(ONE), Estimate(values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parameters<=20000", Constraint("parameters", "<=", 20_000)),
        ("  latency_ms <= 2.5 ", Constraint("latency_ms", "<=", 2.5)),
        ("accuracy>=.9", Constraint("accuracy", ">=", 0.9)),
        ("multiply_adds<=1.5M", Constraint("multiply_adds", "<=", 1.5e6)),
        ("parameters <=20k", Constraint("parameters", "<=", 20_000)),
        ("parameters<=20,000", Constraint("parameters", "<=", 20_000)),
        ("parameters<=20_000", Constraint("parameters", "<=", 20_000)),
        ("loss<=-1e-3", Constraint("loss", "<=", -0.001)),
    ],
)
def test_a_constraint_is_read(text: str, expected: Constraint) -> None:
    assert Constraint.parse(text) == expected
    assert Constraint.parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "column 1: expected the name of a metric at the end"),
        ("  <=3", "column 3: expected the name of a metric before '<=3'"),
        ("parameters", "column 11: expected <= or >= at the end"),
        ("parameters<3", "column 11: expected <= or >= before '<3'"),
        ("parameters =3", "column 12: expected <= or >= before '=3'"),
        ("parameters<= many", "column 14: expected a number before 'many'"),
        ("parameters<=", "column 13: expected a number at the end"),
        ("parameters<=3 GB", "column 15: expected the end: one bound a constraint before 'GB'"),
        ("0.5<=accuracy", "column 1: expected the name of a metric"),
        ("loss<=1e999", "column 7: expected a finite number"),
    ],
)
def test_what_is_no_constraint_is_pointed_at(text: str, words: str) -> None:
    with pytest.raises(GoalError) as error:
        Constraint.parse(text)
    assert words in str(error.value)
    assert "write a constraint as parameters<=20000" in str(error.value)


@settings(max_examples=40)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(["<=", ">="]))
def test_a_violation_is_zero_where_the_bound_is_kept(value: float, bound: float, relation: str) -> None:
    constraint = Constraint("x", relation, bound)  # type: ignore[arg-type]
    kept = value <= bound if relation == "<=" else value >= bound
    assert (constraint.violation(value) == 0) == kept


def test_who_breaks_a_constraint_is_worse_than_all_and_ordered_by_how_much() -> None:
    goal = Objectives(METRICS[:1], (Constraint("parameters", "<=", 1000), Constraint("accuracy", ">=", 0.5)))
    worst = told(accuracy=0.5, parameters=1000)
    near, both, far = (
        told(accuracy=0.99, parameters=1100),
        told(accuracy=0.4, parameters=1100),
        told(accuracy=0.99, parameters=9000),
    )
    refused = Trial(1, Proposal(ONE), Estimate({"parameters": 1050}, refused="it is large"))
    assert goal.violation(worst) == 0
    assert goal.violation(near) == pytest.approx(0.1) and goal.violation(both) == pytest.approx(0.3)
    ordered = sorted([far, worst, both, refused, near], key=goal.score, reverse=True)
    assert ordered == [worst, refused, near, both, far]
    assert goal.broken_by({"parameters": 1050}) == "parameters is 1,050, not at most 1,000"
    assert goal.broken_by({"accuracy": 0.4, "parameters": 2e6}) == (
        "parameters is 2e+06, not at most 1,000; accuracy is 0.4, not at least 0.5"
    )


def test_weights_make_one_number_of_several() -> None:
    goal = goal_of(METRICS, objectives=("accuracy", "latency_ms"), weights={"latency_ms": 0.1, "accuracy": 2})
    assert goal == Objectives(METRICS[:2], (), (2.0, 0.1))
    assert goal.score(told(accuracy=0.9, latency_ms=3.0)) == pytest.approx(1.5)
    assert goal.scores(told(accuracy=0.9, latency_ms=3.0)) == (0.9, -3.0)


def test_one_metric_without_constraints_is_the_metric_itself() -> None:
    assert goal_of(METRICS) is METRICS[0]
    assert goal_of(METRICS, "parameters") is METRICS[2]
    assert goal_of(METRICS, objectives=("parameters",)) is METRICS[2]
    assert goal_of(METRICS, "parameters", constraints=["accuracy>=0.5"]) == Objectives(
        METRICS[2:], (Constraint("accuracy", ">=", 0.5),)
    )


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"metric": "loss"}, "reports accuracy, latency_ms, parameters, not loss"),
        ({"objectives": ["accuracy", "latncy_ms"]}, r"not latncy_ms \(did you mean latency_ms\?\)"),
        ({"constraints": ["paramters<=3"]}, r"did you mean parameters\?"),
        ({"metric": "parameters", "objectives": ["accuracy", "latency_ms"]}, "one metric, or several"),
        ({"objectives": ["accuracy"], "weights": {"parameters": 1}}, "weight of parameters: it is not among"),
        ({"objectives": ["accuracy", "parameters"], "weights": {"accuracy": 1}}, "parameters have no weight"),
        ({"weights": {"accuracy": 1, "parameters": -1}}, "weight of parameters must be positive, got -1"),
    ],
)
def test_a_goal_that_cannot_be_is_refused(how: dict[str, object], words: str) -> None:
    with pytest.raises(GoalError, match=words):
        goal_of(METRICS, **how)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(1e-6, 100) | st.just(0.0)), min_size=1, max_size=20)
)
def test_bounded_scores_keep_their_order(trials: list[tuple[float, float]]) -> None:
    goal = Objectives(METRICS[:1], (Constraint("parameters", "<=", 1),))
    scores = [goal.score(told(accuracy=value, parameters=1 + broken)) for value, broken in trials]
    found = bounded(scores)
    order = sorted(range(len(scores)), key=scores.__getitem__)
    assert all(found[a] <= found[b] for a, b in zip(order, order[1:], strict=False))
    feasible = [value for value, broken in trials if not broken]
    assert [f for f, (_, broken) in zip(found, trials, strict=True) if not broken] == feasible
    span = (max(feasible) - min(feasible) if feasible else 0) or 1
    assert min(found) >= min(feasible, default=0) - span * 1.000001
