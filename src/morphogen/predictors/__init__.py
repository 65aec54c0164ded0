"""Predictors: surrogates that guess the score of an architecture from those of others."""

from morphogen.predictors.predictor import Belief, Fitted, Model, Predictor, PredictorError, Scale

__all__ = ["Belief", "Fitted", "Model", "Predictor", "PredictorError", "Scale"]
