"""A table answers with the row that was asked for, counts, and sees no other row."""

from __future__ import annotations

import numpy as np
import pytest

from morphogen.estimators.table import Table, TableError
from morphogen.records import Fidelity, Metric, Proposal
from morphogen.spaces.flat201 import flat201

SPACE = flat201()
ROWS = {SPACE.unrank(number): number for number in range(200)}
VALUES = np.random.default_rng(0).random(200)
LOSS = Metric("loss", maximize=False)


def table(values: np.ndarray = VALUES) -> Table:
    return Table("a table", ROWS, {Metric("score"): values, LOSS: 1 - values}, seconds=10 * values)


def ask(asked: Table, number: int) -> dict[str, float]:
    return dict(asked.estimate(Proposal(SPACE.unrank(number)), np.random.default_rng(1)).values)


def test_a_row_is_its_value_and_its_cost() -> None:
    asked = table()
    for number in (0, 7, 199):
        estimate = asked.estimate(Proposal(SPACE.unrank(number)), np.random.default_rng(1))
        assert estimate.values == {"score": VALUES[number], "loss": 1 - VALUES[number]}
        assert estimate.cost == 10 * VALUES[number]
    assert [metric.name for metric in asked.metrics] == ["score", "loss"]


def test_every_look_is_counted_and_reading_a_column_is_none() -> None:
    asked = table()
    ask(asked, 3)
    ask(asked, 3)
    with pytest.raises(TableError):
        ask(asked, 200)
    asked.column("loss")
    assert asked.queries == 3


def test_no_other_row_is_seen() -> None:
    whole = table()
    for number in (0, 5, 199):
        poisoned = np.full(200, np.nan)
        poisoned[number] = VALUES[number]
        assert ask(table(poisoned), number) == ask(whole, number)


def test_a_row_without_a_value_says_so() -> None:
    hole = VALUES.copy()
    hole[4] = np.nan
    with pytest.raises(TableError, match=r"a table has no score for stack\(cell"):
        ask(table(hole), 4)
    with pytest.raises(TableError, match=r"a table has no row for stack\(cell"):
        ask(table(), 300)


def test_an_isomorphic_architecture_is_another_row() -> None:
    mirrored = [
        SPACE.parse(f"stack(cell({ops}))")
        for ops in (
            "conv3x3, zero, identity, zero, zero, identity",
            "identity, conv3x3, zero, zero, zero, identity",
        )
    ]
    assert mirrored[0].key == mirrored[1].key
    asked = Table("cells", {mirrored[0]: 0}, {Metric("score"): [1.0]})
    assert asked.estimate(Proposal(mirrored[0]), np.random.default_rng(0)).values == {"score": 1.0}
    with pytest.raises(TableError):
        asked.estimate(Proposal(mirrored[1]), np.random.default_rng(0))


def test_a_proposal_may_name_the_fidelity_of_the_table_or_a_part_of_it() -> None:
    measured = Fidelity(epochs=4, batch_size=32)
    asked = Table("cells", ROWS, {Metric("score"): VALUES}, fidelity=measured)
    for fidelity in (Fidelity(), Fidelity(epochs=4), measured):
        assert asked.estimate(Proposal(SPACE.unrank(1), fidelity), np.random.default_rng(0)).values
    for fidelity in (Fidelity(epochs=5), Fidelity(resolution=8)):
        with pytest.raises(TableError, match="cannot tell"):
            asked.estimate(Proposal(SPACE.unrank(1), fidelity), np.random.default_rng(0))


def test_the_fingerprint_names_the_values() -> None:
    other = VALUES.copy()
    other[0] += 1e-9
    assert table().fingerprint == table().fingerprint != table(other).fingerprint
    shorter = Table("a table", ROWS, {Metric("score"): VALUES})
    assert len({table().fingerprint, shorter.fingerprint}) == 2


def test_a_column_cannot_be_changed_from_outside() -> None:
    values = VALUES.copy()
    asked = table(values)
    values[:] = 0
    assert ask(asked, 9)["score"] == VALUES[9]
    with pytest.raises(ValueError, match="read-only"):
        asked.column()[0] = 1


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="score must have one value for each of 200 rows"):
        Table("a table", ROWS, {Metric("score"): VALUES[:10]})
    with pytest.raises(ValueError, match="needs a column"):
        Table("a table", ROWS, {})
    with pytest.raises(TableError, match="score, loss, not accuracy"):
        table().column("accuracy")


# --- several numbers of epochs --------------------------------------------------------------------------------


def curves(epochs: tuple[int, ...] = (1, 2, 3)) -> Table:
    values = VALUES + np.arange(len(epochs))[:, None]
    seconds = np.outer(epochs, 10 * VALUES)
    return Table("runs", ROWS, {Metric("score"): values, LOSS: 1 - VALUES}, seconds=seconds, epochs=epochs)


def test_a_proposal_may_ask_for_any_of_the_epochs() -> None:
    for epochs in (1, 2, 3):
        proposal = Proposal(SPACE.unrank(7), Fidelity(epochs=epochs))
        estimate = curves().estimate(proposal, np.random.default_rng(0))
        assert estimate.values == {"score": VALUES[7] + (epochs - 1), "loss": 1 - VALUES[7]}
        assert estimate.cost == epochs * 10 * VALUES[7]
        assert estimate.curve == tuple({"score": VALUES[7] + epoch} for epoch in range(epochs))
    whole = curves().estimate(Proposal(SPACE.unrank(7)), np.random.default_rng(0))
    assert whole == estimate, "without a word, the whole training"
    for fidelity in (Fidelity(epochs=4), Fidelity(epochs=2, resolution=8)):
        with pytest.raises(TableError, match=r"at {'epochs': \(1, 2, 3\)}, it cannot tell"):
            curves().estimate(Proposal(SPACE.unrank(7), fidelity), np.random.default_rng(0))


def test_epochs_that_are_not_one_after_another_are_no_curve() -> None:
    asked = curves((2, 4))
    estimate = asked.estimate(Proposal(SPACE.unrank(7), Fidelity(epochs=2)), np.random.default_rng(0))
    assert estimate.values["score"] == VALUES[7] and estimate.curve == ()
    assert np.array_equal(asked.column(epochs=2), VALUES) and np.array_equal(asked.column(), VALUES + 1)
    with pytest.raises(TableError, match="cannot tell"):
        asked.column(epochs=3)
    assert len({curves((2, 4)).fingerprint, curves((1, 4)).fingerprint}) == 2


def test_epochs_that_do_not_fit_are_refused() -> None:
    for epochs in ((2, 1), (0, 1), (3, 3)):
        with pytest.raises(ValueError, match="epochs must be positive and ascend"):
            Table("runs", ROWS, {Metric("score"): VALUES}, epochs=epochs)
    with pytest.raises(ValueError, match=r"seconds need a row for each of the epochs \(1, 2\)"):
        Table("runs", ROWS, {Metric("score"): VALUES}, seconds=VALUES, epochs=(1, 2))
    with pytest.raises(ValueError, match="score must have one value for each of 200 rows"):
        Table("runs", ROWS, {Metric("score"): np.stack([VALUES] * 3)}, epochs=(1, 2))


def test_only_some_rows_are_kept() -> None:
    whole = curves()
    ask(whole, 1)
    some = whole.only([SPACE.unrank(7), SPACE.unrank(5_000)])
    assert (some.queries, whole.queries) == (0, 1)
    assert ask(some, 7) == ask(whole, 7) and np.isnan(some.column()).sum() == 199
    with pytest.raises(TableError, match="has no score"):
        ask(some, 8)
    assert not np.isnan(whole.column()).any()
