"""A small hierarchical space for small images: stages of blocks, with one or two halvings between."""

from __future__ import annotations

from functools import cache

from morphogen.spaces.space import Space

GRAMMAR = """
NET -> chain(STAGE, DOWN, STAGE) | chain(STAGE, DOWN, STAGE, DOWN, STAGE)
STAGE -> BLOCK | chain(BLOCK, BLOCK) | residual(BLOCK, BLOCK, identity)
BLOCK -> cell(OP, OP, OP)
OP -> zero | identity | conv1x1 | conv3x3 | sep_conv3x3 | avg_pool | max_pool
DOWN -> resblock | conv3x3_down | max_pool_down
require connected
"""


@cache
def digits_small() -> Space:
    """Networks of two or three stages for images of 8 x 8 pixels and more."""
    return Space.from_text(GRAMMAR, "digits_small")
