"""Zero-cost scores: what a network shows before any training; one file a thought, torch is loaded late."""

from morphogen.networks.scores.score import SCORES, Score, UnknownScore, find
from morphogen.networks.scores.undefined import UndefinedScore

__all__ = ["SCORES", "Score", "UndefinedScore", "UnknownScore", "find"]
