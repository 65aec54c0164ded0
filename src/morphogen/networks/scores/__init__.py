"""Zero-cost scores: what a network shows before any training; one file a thought, torch is loaded late."""

from morphogen.networks.scores.score import SCORES, Score, UndefinedScore, UnknownScore, find

__all__ = ["SCORES", "Score", "UndefinedScore", "UnknownScore", "find"]
