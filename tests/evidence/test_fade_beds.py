"""Test beds of FaDE: what their candidates are, and how read-outs are added."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from morphogen.evidence.fade_beds import Bed, Ranked, depths, positions, truth
from morphogen.evidence.fade_candidates import PILOT, by_length, modules, stretched_rows
from morphogen.evidence.fade_images import digits
from morphogen.spaces.dag_chain import dags


def longest(bed: Bed) -> list[set[float]]:
    lone = modules([(2, "0")])
    return [
        set(depths(replace(bed, candidates=(row, lone))) - depths(replace(bed, candidates=(lone, lone))))
        for row in bed.candidates
    ]


def test_stretched_rows_hold_modules_of_different_lengths() -> None:
    rows = stretched_rows(910, 2)
    assert rows == stretched_rows(910, 2) != stretched_rows(911, 2)
    assert stretched_rows(910, 3)[:2] == rows
    for found in longest(Bed("stretched", digits, rows)):
        assert len(found) == 5
        assert found <= {0, 1, 2, 3, 4, 5}


def test_every_dag_has_one_length() -> None:
    table = by_length()
    assert sorted(table) == [1, 2, 3, 4, 5, 6]
    assert table[1] == {size: ("0" * (size * (size - 1) // 2),) for size in range(2, 7)}
    for size in range(2, 7):
        assert sum(len(row.get(size, ())) for row in table.values()) == len(dags(size))


def test_both_read_outs_count_alike() -> None:
    rng = np.random.default_rng(0)
    logs = tuple(np.log(rng.dirichlet(np.ones(3), size=2)) for _ in range(2))
    alone = tuple(rng.normal(size=(2, 3)) for _ in range(2))
    found = Ranked(logs, alone, 1.0, 1.0, 1.0)
    summed = sum(
        positions((rows[0][i][:, None] + rows[1][i]).ravel()) for rows in (logs, alone) for i in range(2)
    )
    assert np.array_equal(found.scores("both", range(2)), summed)
    same = replace(found, alone=logs)
    assert np.array_equal(same.scores("both", range(2)), 2 * same.scores("log", range(2)))


def test_the_truth_follows_its_seeds() -> None:
    bed = Bed("small", digits, (PILOT[:2], PILOT[1:2]), steps=2)
    told: list[float] = []
    first = truth(bed, range(2), told.append)
    assert first.losses.shape == (2, 2)
    assert told == [1.0]
    assert np.array_equal(first.losses, truth(bed, range(2), told.append).losses)
    assert not np.isin(first.losses, truth(bed, range(500, 502), told.append).losses).any()
