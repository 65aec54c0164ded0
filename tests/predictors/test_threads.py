"""Predictors compute on one thread, and leave the number of threads as it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from morphogen.architecture import Architecture
from morphogen.predictors.predictor import Floats, Model, Predictor, PredictorError, one_thread
from morphogen.spaces.cell201 import cell201


def threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


class Counting(Predictor):
    """Fails, having looked at the threads."""

    seen: list[int]

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        self.seen = threads()
        raise PredictorError("as planned")


def test_learning_takes_one_thread_and_gives_the_others_back() -> None:
    predictor = Counting()
    with one_thread():
        pass  # the libraries are loaded
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        assert max(before) == 2
        with pytest.raises(PredictorError, match="as planned"):
            predictor.fit([cell201().unrank(0)], [1.0], np.random.default_rng(0))
        assert predictor.seen == [1] * len(before)
        assert threads() == before
