"""The scores by name, each with its formula and source; torch is loaded with the first one that is used."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast, final

if TYPE_CHECKING:
    from morphogen.networks.scores.probe import Probe


class UnknownScore(ValueError):
    """A name that no score has."""


@final
@dataclass(frozen=True, slots=True)
class Score:
    """A number that a fresh network shows; more of it predicts a better network.

    where: `module:function`, a function from a `Probe` to a number. It leaves the probe's network untouched
    and raises `UndefinedScore` where there is no number.
    """

    name: str
    about: str
    source: str
    where: str

    def load(self) -> Callable[[Probe], float]:
        """Import the function; nothing is imported before."""
        module, function = self.where.split(":")
        return cast("Callable[[Probe], float]", getattr(import_module(module), function))


_HERE: Final = "morphogen.networks.scores"

_TABLE: Final = (
    Score(
        "synflow",
        "log(1 + sum of |w dR/dw|), R the network's output for ones, linear and with weights |w|: no data",
        "Tanaka et al. 2020",
        f"{_HERE}.synflow:synflow",
    ),
    Score(
        "naswot",
        "log det K, K_ij the number of activations that are on for both or for none of images i and j",
        "Mellor et al. 2021",
        f"{_HERE}.naswot:naswot",
    ),
    Score(
        "jacob_cov",
        "-sum of log(l + e) + 1 / (l + e), l the eigenvalues of the correlation of the images' gradients",
        "Mellor et al. 2020, first version",
        f"{_HERE}.jacob_cov:jacob_cov",
    ),
    Score(
        "snip",
        "sum of |w dL/dw| over the weights of convolutions and linear layers",
        "Lee et al. 2019; Abdelfattah et al. 2021",
        f"{_HERE}.loss_gradients:snip",
    ),
    Score(
        "grad_norm",
        "sum over convolutions and linear layers of the norm of dL/dw",
        "Abdelfattah et al. 2021",
        f"{_HERE}.loss_gradients:grad_norm",
    ),
    Score(
        "zen",
        "log of the change of the last map under a small change of Gaussian images, plus all norms' log sd",
        "Lin et al. 2021",
        f"{_HERE}.zen:zen",
    ),
)

SCORES: Final[dict[str, Score]] = {score.name: score for score in _TABLE}
"""Every score by its name; a further one is added as `SCORES["mine"] = score`."""


def find(name: str, others: Iterable[str] = ()) -> Score:
    """Return the score called `name`; raise `UnknownScore`, with the nearest name, if there is none."""
    if name not in SCORES:
        known = [*SCORES, *others]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UnknownScore(f"no score is called {name!r}; {hint}")
    return SCORES[name]
