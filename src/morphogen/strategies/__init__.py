"""Search strategies: one small file a method, all of them pure functions of a state."""

from morphogen.strategies.listed import Listed
from morphogen.strategies.local_search import LocalSearch
from morphogen.strategies.nsga2 import NSGA2
from morphogen.strategies.one_shot import OneShot
from morphogen.strategies.predictor_guided import PredictorGuided
from morphogen.strategies.pseudo_gradient_evolution import PseudoGradientEvolution
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.strategies.seen import Seen, Unique
from morphogen.strategies.strategy import Strategy

__all__ = [
    "Listed",
    "LocalSearch",
    "NSGA2",
    "OneShot",
    "PredictorGuided",
    "PseudoGradientEvolution",
    "RandomSearch",
    "RegularizedEvolution",
    "Seen",
    "Strategy",
    "Unique",
]
