"""Recipes: a space of them, the fidelity each stands for, and what cannot be one."""

from __future__ import annotations

import pytest

from morphogen.recipes import fidelity_of, recipe_of, recipe_space
from morphogen.records import Fidelity
from morphogen.seeding import stream
from morphogen.spaces import Space, SpaceError
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.moves import mutate, neighbours

KNOBS = {"epochs": [1, 4, 15], "fraction": [0.1, 0.25, 1], "learning_rate": [0.01, 0.00003], "cutout": [0, 4]}


def test_a_recipe_is_a_fidelity_and_back() -> None:
    space = recipe_space(KNOBS)
    assert space.count() == 36
    found = {fidelity_of(recipe) for recipe in space.enumerate()}
    assert len(found) == 36
    assert Fidelity(epochs=4, fraction=0.1, learning_rate=0.00003, cutout=0) in found
    assert all(recipe_of(fidelity) in space for fidelity in found)
    assert len({recipe.key for recipe in space.enumerate()}) == 36


def test_it_is_a_space_like_any_other() -> None:
    space = recipe_space(KNOBS)
    assert Space.from_text(str(space.grammar)).count() == 36
    recipe = space.sample(stream(0))
    assert space.parse(str(recipe)) == recipe
    assert str(recipe_of(Fidelity(epochs=4, learning_rate=3e-5))) == (
        "recipe(epochs_4, learning_rate_0.00003)"
    )
    child = mutate(space, recipe, stream(1))
    assert sum(a != b for a, b in zip(recipe.args, child.args, strict=True)) == 1
    assert len(list(neighbours(space, recipe))) == 2 + 2 + 1 + 1


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({}, "needs a knob or more"),
        ({"epoch": [1, 2]}, "epoch is no setting of a recipe; there are epochs"),
        ({"epochs": [3]}, "the knob epochs needs two values or more, each once, got \\[3\\]; what is not"),
        ({"epochs": [3, 3]}, "each once"),
        ({"epochs": [1, 2.5]}, "whole numbers, got 2.5"),
        ({"fraction": [0.5, 1.5]}, "fraction must be at most 1"),
        ({"cutout": [0, -2]}, "cutout must be positive, got -2"),
    ],
)
def test_knobs_that_cannot_be(knobs: dict[str, list[float]], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        recipe_space(knobs)


def test_what_is_no_recipe_is_refused() -> None:
    with pytest.raises(SpaceError, match="is not a setting of a recipe"):
        fidelity_of(cell201().unrank(0))
    with pytest.raises(SpaceError, match="sets nothing"):
        fidelity_of(Space.from_text("NET -> a | b").unrank(0))
    with pytest.raises(SpaceError, match="nothing is set"):
        recipe_of(Fidelity())
