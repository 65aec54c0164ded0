"""The face of the package: every name is there, and comes only when it is asked for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import morphogen as mg


def test_every_name_is_found() -> None:
    assert all(getattr(mg, name) is not None for name in mg.__all__)
    assert dir(mg) == sorted(mg.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(mg.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    names = {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names | {"__version__"} == set(mg.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        mg.nothing  # noqa: B018 - the look is the test


def test_rooms_hand_on_what_users_name() -> None:
    assert mg.pools.Processes(2).workers == 2 and mg.pools.Inline() is not None
    assert mg.strategies.RandomSearch() is not None
    assert mg.Limit(trials=3).trials == 3 and mg.Fidelity(epochs=2).epochs == 2
