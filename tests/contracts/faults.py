"""What the tests of the checkers share: a plain space, a move out of any, the sentence of a check that must fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from morphogen.architecture import Architecture
from morphogen.spaces.space import Space

PLAIN = "NET -> chain(OP, OP, OP)\nOP -> zero | identity | conv3x3 | avg_pool\n"


def failing(check: Callable[[Any], None], setting: Any) -> str:
    """Return the sentence of a check that must fail."""
    with pytest.raises(AssertionError) as error:
        check(setting)
    return str(error.value)


def leaving(space: Space, *_: Any, **__: Any) -> Architecture:
    """Return an architecture of another space."""
    return Space.from_text("NET -> chain(conv7x7, OP)\nOP -> conv3x3 | identity\n").unrank(0)
