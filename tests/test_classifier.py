"""The classifier keeps scikit-learn's laws, sees images and rows alike, and learns what there is to learn."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import morphogen as mg
from morphogen.journal import JournalError
from morphogen.study import RehearsalFailed

NASClassifier = mg.NASClassifier
SMALL = mg.Space.from_text("NET -> chain(OP, OP)\nOP -> conv3x3 | conv1x1 | conv3x3_down", "small")
TINY = {"limit": 1, "epochs": 2, "final_epochs": 8, "channels": 16, "batch_size": 32, "random_state": 0}


# All of scikit-learn's checks, none of them excused.
@parametrize_with_checks([NASClassifier(limit=1, epochs=2, final_epochs=8, channels=16, batch_size=32)])
def test_the_laws_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    found = load_digits()
    return found.images[:400], found.target[:400]


@pytest.fixture(scope="module")
def fitted(digits: tuple[Any, Any]) -> Any:
    """A classifier of images with words for labels."""
    images, labels = digits
    words = np.array([f"digit {label}" for label in labels], dtype=object)
    return NASClassifier(SMALL, **{**TINY, "limit": 2, "channels": 8}).fit(images[:300], words[:300])


def test_images_are_told_apart_far_better_than_by_chance(fitted: Any, digits: tuple[Any, Any]) -> None:
    images, labels = digits
    words = np.array([f"digit {label}" for label in labels], dtype=object)
    assert fitted.image_shape_ == (1, 8, 8) and fitted.n_features_in_ == 64
    assert fitted.score(images[300:], words[300:]) > 0.5
    assert set(fitted.predict(images[300:])) <= set(fitted.classes_)
    assert fitted.predict_proba(images[300:]).shape == (100, 10)
    assert len(fitted.study_.trials) == 2
    assert fitted.best_architecture_ == fitted.study_.best().architecture


def test_an_image_may_come_as_a_row_of_its_pixels(fitted: Any, digits: tuple[Any, Any]) -> None:
    images, labels = digits
    rows = images.reshape(len(images), -1)
    shares = fitted.predict_proba(images[300:])
    np.testing.assert_array_equal(fitted.predict_proba(rows[300:]), shares)
    np.testing.assert_array_equal(fitted.predict_proba(images[300:, None]), shares)
    other = clone(fitted).set_params(image_shape=(8, 8))
    other.fit(rows[:300], [f"digit {label}" for label in labels[:300]])
    np.testing.assert_array_equal(other.predict_proba(rows[300:]), shares)


def test_shuffled_labels_are_not_learned(digits: tuple[Any, Any]) -> None:
    images, labels = digits
    lies = np.random.default_rng(0).permutation(labels[:300])
    liar = NASClassifier(SMALL, **{**TINY, "channels": 8}).fit(images[:300], lies)
    assert liar.score(images[300:], labels[300:]) < 0.3


def test_a_pickle_takes_the_study_along(fitted: Any, digits: tuple[Any, Any]) -> None:
    images, _ = digits
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(images[300:]), fitted.predict(images[300:]))
    assert copy.study_.trials == fitted.study_.trials


def test_columns_of_any_scale_count() -> None:
    """A feature that moves by seconds about a date of today is lost in 32 bits; so is one of picometres."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    for place, scale in ((1.7e9, 1.0), (0.0, 1e-9)):
        rows = rng.normal(size=(200, 3))
        rows[:, 1] = place + scale * (6 * labels + rng.normal(size=200))
        assert NASClassifier(**TINY).fit(rows[:120], labels[:120]).score(rows[120:], labels[120:]) > 0.9


def test_it_is_searched_like_any_other_classifier() -> None:
    rows, labels = load_wine(return_X_y=True)
    name = "nasclassifier__strategy"
    pipeline = make_pipeline(MinMaxScaler(), NASClassifier(**TINY))
    grid = {name: ["random_search", mg.strategies.LocalSearch()]}
    found = GridSearchCV(pipeline, grid, cv=2).fit(rows, labels)
    assert found.best_score_ > 0.8
    assert len(found.cv_results_["mean_test_score"]) == 2


def test_a_fit_goes_on_with_its_journal_and_refuses_that_of_another(tmp_path: Path) -> None:
    rows, labels = load_wine(return_X_y=True)
    journal = tmp_path / "wine.db"
    begun = NASClassifier(**TINY, journal=journal).fit(rows, labels)
    more = NASClassifier(**{**TINY, "limit": mg.Limit(trials=2)}, journal=str(journal)).fit(rows, labels)
    assert len(more.study_.trials) == 2
    assert more.study_.trials[0].estimate == begun.study_.trials[0].estimate
    with pytest.raises(JournalError, match="belongs to another search: the estimator is"):
        NASClassifier(**TINY, journal=journal).fit(rows[1:], labels[1:])


def test_the_estimator_is_made_of_the_samples() -> None:
    rows, labels = load_wine(return_X_y=True)
    adapted = partial(mg.estimators.Training, epochs=1, optimizer="adamw", label_smoothing=0.1)
    found = NASClassifier(**{**TINY, "final_epochs": 1}, estimator=adapted).fit(rows, labels)
    assert "label_smoothing=0.1" in found.study_.estimator and "on samples" in found.study_.estimator
    scored = NASClassifier(**TINY, estimator="zero_cost").fit(rows, labels)
    assert scored.study_.metric.name != "accuracy"
    assert scored.best_score_ == scored.study_.best().estimate.values[scored.study_.metric.name]
    with pytest.raises(TypeError, match="made int of the data, expected an estimator"):
        NASClassifier(**TINY, estimator=lambda data: 3).fit(rows, labels)


@pytest.mark.parametrize(
    ("settings", "X", "message"),
    [
        ({"image_shape": (3, 3)}, np.zeros((4, 8)), r"\(1, 3, 3\) has 9 pixels, the rows 8"),
        (
            {"image_shape": (4,)},
            np.zeros((4, 4)),
            r"image_shape is \(h, w\) or \(channels, h, w\), got \(4,\)",
        ),
        ({"image_shape": (2, 2)}, np.zeros((4, 2, 3)), r"the images have shape \(1, 2, 3\)"),
        ({}, np.zeros((4, 1, 2, 2, 2)), "X has 5 axes"),
        ({"strategy": "regularised_evolution"}, np.eye(4), "did you mean regularized_evolution"),
    ],
)
def test_what_does_not_fit_is_named(settings: dict[str, Any], X: Any, message: str) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        NASClassifier(**TINY, **settings).fit(X, [0, 1, 0, 1])


def test_a_class_of_one_sample_is_named() -> None:
    with pytest.raises(ValueError, match="class rare has one sample"):
        NASClassifier(**TINY).fit(np.eye(3), ["often", "often", "rare"])


def test_images_of_another_shape_are_refused(fitted: Any) -> None:
    with pytest.raises(ValueError, match=r"images of shape \(1, 4, 16\), fit had \(1, 8, 8\)"):
        fitted.predict(np.zeros((2, 4, 16)))


def test_rows_for_networks_of_images_are_explained() -> None:
    with pytest.raises(RehearsalFailed) as caught:
        NASClassifier("cell201", **TINY).fit(np.eye(8), [0, 1] * 4)
    assert any("give image_shape=(h, w)" in note for note in caught.value.__notes__)
