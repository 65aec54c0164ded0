"""`count` and `sample`: how large a space is, and what is in it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from morphogen.cli import completion
from morphogen.cli.finding import find_space

Space = Annotated[
    str,
    typer.Argument(
        help="A name (`morphogen list spaces`), a grammar file, or my.py:space.",
        autocompletion=completion.spaces,
        show_default=False,
    ),
]


def count(
    space: Space,
    distinct: Annotated[
        bool,
        typer.Option(
            "--distinct", help="Count architectures: an alternative counts once, whatever its weight."
        ),
    ] = False,
    digits: Annotated[
        bool, typer.Option("--digits", help="Print how many digits the number has instead.")
    ] = False,
    brief: Annotated[
        bool, typer.Option("--brief", help="Print it as people read it, such as 10^446.09.")
    ] = False,
) -> None:
    """Print how many derivations a space has, exactly.

    An alternative of weight w counts w times, as in the papers' grammars; --distinct leaves the weights out.
    """
    from morphogen.spaces import brief as shortened

    number = find_space(space).count(weighted=not distinct)
    # Python refuses to write longer integers lest a stranger's input makes it toil; this one is our own.
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        text, short = str(number), shortened(number)
    finally:
        sys.set_int_max_str_digits(before)
    if digits:
        print(len(text))
    elif brief:
        print(short)
    else:
        print(text)
        if len(text) > 12:
            print(f"= {short}, {len(text)} digits", file=sys.stderr)


def sample(
    space: Space,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many.")] = 5,
    seed: Annotated[int, typer.Option(help="Of all randomness.")] = 0,
    productions: Annotated[
        bool,
        typer.Option(
            "--productions", help="Draw production by production (small ones are likelier), not uniformly."
        ),
    ] = False,
) -> None:
    """Print architectures drawn from a space; a quick way to check a grammar file."""
    from morphogen.seeding import stream

    found = find_space(space)
    print(found, file=sys.stderr)
    for index in range(number):
        print(found.sample(stream(seed, index), over="productions" if productions else "architectures"))
