"""A search as a scikit-learn classifier: `fit` searches, trains the best network on all samples, and predicts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from morphogen.catalog import find
from morphogen.estimators.estimator import Estimator
from morphogen.estimators.training import Training, retrain
from morphogen.networks.data import ImageData, from_arrays
from morphogen.networks.image_files import channels_first
from morphogen.records import Fidelity
from morphogen.seeding import stream
from morphogen.spaces.dag_chain import dag_chain
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.space import Space
from morphogen.strategies.strategy import Strategy
from morphogen.study.inline import Inline
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.outcomes import RehearsalFailed
from morphogen.study.processes import Processes

TRIALS: Final = 20
LONGER: Final = 4
FEWEST_STEPS: Final = 200
_AT_ONCE: Final = 256  # samples a pass of the network

Shape: TypeAlias = tuple[int, int] | tuple[int, int, int]
Images: TypeAlias = tuple[int, int, int]


@final
class NASClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier that finds its network: a search on part of the samples, then training on all of them.

    Samples are rows of features [n, features], or images [n, h, w] or [n, channels, h, w] (a channel axis of
    at most four at the end is understood, too). Rows whose `image_shape` is given are images; all other rows
    are standardized feature by feature, and read by networks of linear layers.

    space: a `Space` or a name (`morphogen list spaces`); None is `digits_small` for images, and chains of two
    modules of linear layers (`dag_chain`) for rows. strategy: a `Strategy` or a name. estimator: None trains
    each network as said below; else a name such as "fade", an estimator, or a function that takes the
    `ImageData` of the fit and returns an estimator, as `functools.partial(Training, optimizer="adamw")` does.
    limit: of the search, a `Limit` or a number of trials; None is 20 trials.

    epochs: None is 10, or more where they would be less than 200 steps. channels: width of the first stage;
    None is 16 for images and 64 for rows. batch_size, learning_rate: as in `Training`, which descends by sgd
    on images and by adamw on rows. final_epochs: of the training of the best network on all samples; None is
    four times `epochs`.

    image_shape: (h, w) or (channels, h, w) of samples that come as rows. validation_fraction: of the samples
    of each class, by which networks are judged. journal: where the search is written down; None is memory. A
    `fit` that was killed goes on with its journal, if samples and settings are the same and `random_state` is
    a number; another fit is refused. n_jobs: worker processes; None is this one, -1 one a core. random_state:
    a number for the same result each time.

    Attributes: `classes_`, `n_features_in_` (pixels of an image), `feature_names_in_` (where columns have
    names), `image_shape_` (None for rows), `study_`, `best_architecture_`, `best_score_` (the metric of the
    search on the validation split), `network_` (the trained torch module), `scaler_` (of rows).
    """

    def __init__(
        self,
        space: Space | str | None = None,
        strategy: Strategy[Any] | str = "regularized_evolution",
        estimator: Estimator | Callable[[ImageData], Estimator] | str | None = None,
        limit: Limit | int | None = None,
        *,
        epochs: int | None = None,
        final_epochs: int | None = None,
        channels: int | None = None,
        batch_size: int = 64,
        learning_rate: float | None = None,
        image_shape: Shape | None = None,
        validation_fraction: float = 0.2,
        journal: str | Path | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.space = space
        self.strategy = strategy
        self.estimator = estimator
        self.limit = limit
        self.epochs = epochs
        self.final_epochs = final_epochs
        self.channels = channels
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.image_shape = image_shape
        self.validation_fraction = validation_fraction
        self.journal = journal
        self.n_jobs = n_jobs
        self.random_state = random_state

    # --- fit ------------------------------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Search on part of the samples, and train the best network found on all of them.

        X: samples as the class says. y: labels [n] of any type.

        Raises:
            ValueError: samples or settings that do not fit; the message says which and what would.
            SearchError: the networks of the space cannot be trained on these samples, or trial after trial
            failed alike.
        """
        rows, shape = _flat(X)
        shape = self._shape(shape)
        rows, y = validate_data(self, rows, y, dtype=np.float64 if shape is None else "numeric")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if self.classes_.size < 2:
            raise ValueError(f"there is one class only ({self.classes_[0]}): a classifier needs at least two")
        if (few := np.bincount(labels)).min() < 2:
            name = self.classes_[few.argmin()]
            raise ValueError(
                f"class {name} has one sample: each needs two or more, one to train on and one to judge by"
            )
        if shape is not None and math.prod(shape) != rows.shape[1]:
            raise ValueError(f"image_shape {shape} has {math.prod(shape)} pixels, the rows {rows.shape[1]}")
        self.image_shape_ = shape
        self.scaler_ = None if shape else StandardScaler().fit(rows)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        data = from_arrays(
            self._images(rows),
            labels,
            classes=[str(name) for name in self.classes_],
            name="samples",
            validation_fraction=self.validation_fraction,
            test_fraction=0.0,  # whoever wants to test has kept samples back
            seed=seed,
            layout="nchw",
        )
        training, estimator = self._estimator(data)
        self._find(estimator, seed)
        self._train(training, seed)
        self._mean, self._std = data.mean, data.std
        return self

    def _shape(self, found: Images | None) -> Images | None:
        """Return channels, height and width of the images, None for rows of features."""
        if self.image_shape is None:
            return found
        given = tuple(int(length) for length in self.image_shape)
        given = (1, *given) if len(given) == 2 else given
        if len(given) != 3 or min(given) < 1:
            raise ValueError(f"image_shape is (h, w) or (channels, h, w), got {self.image_shape!r}")
        if found not in (None, given):
            raise ValueError(f"image_shape is {self.image_shape}, but the images have shape {found}")
        return given[0], given[1], given[2]

    def _images(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return checked rows as images [n, channels, h, w]; those of features have one pixel."""
        if self.image_shape_ is not None:
            return rows.reshape(-1, *self.image_shape_)
        assert self.scaler_ is not None
        return np.asarray(self.scaler_.transform(rows), np.float32)[:, :, None, None]

    def _estimator(self, data: ImageData) -> tuple[Training, Estimator]:
        """Return the training of single networks, and what estimates in the search."""
        steps = math.ceil(data.train.size / self.batch_size)
        epochs = self.epochs if self.epochs is not None else max(10, math.ceil(FEWEST_STEPS / steps))
        training = Training(
            data,
            epochs=epochs,
            channels=self.channels or (64 if self.image_shape_ is None else 16),
            batch_size=self.batch_size,
            optimizer="adamw" if self.image_shape_ is None else "sgd",
            learning_rate=self.learning_rate,
        )
        if self.estimator is None or self.estimator == "training":
            return training, training
        wanted = (
            find("estimator", self.estimator).load() if isinstance(self.estimator, str) else self.estimator
        )
        made = wanted if isinstance(wanted, Estimator) else wanted(data)
        if not isinstance(made, Estimator):
            raise TypeError(
                f"estimator: {self.estimator!r} made {type(made).__name__} of the data, expected an estimator"
            )
        if isinstance(made, Training):
            return replace(made, data=data), made
        return replace(training, **made.alone), made

    def _find(self, estimator: Estimator, seed: int) -> None:
        """Search, and keep the study and the best of it."""
        space = self.space
        if space is None:
            space = dag_chain(depth=2, vertices=4) if self.image_shape_ is None else digits_small()
        elif isinstance(space, str):
            space = find("space", space).load()()
        strategy = self.strategy
        strategy = find("strategy", strategy).load()() if isinstance(strategy, str) else strategy
        limit = TRIALS if self.limit is None else self.limit
        try:
            self.study_ = search(
                space,
                strategy,
                estimator,
                self.journal,
                limit=limit if isinstance(limit, Limit) else Limit(trials=int(limit)),
                seed=seed,
                pool=Inline()
                if self.n_jobs in (None, 1)
                else Processes(None if self.n_jobs == -1 else self.n_jobs),
            )
        except RehearsalFailed as error:
            if self.image_shape_ is None:
                error.add_note(
                    "Samples are rows of features, which linear layers can read (space=dag_chain(...)). Are they "
                    "the pixels of images? Then give image_shape=(h, w) or (channels, h, w)."
                )
            raise
        try:
            best = self.study_.best()
        except LookupError:
            first = self.study_.failures[0].estimate
            why = (
                f"{first.failure.type}: {first.failure.message}"
                if first and first.failure
                else "nothing asked"
            )
            raise ValueError(f"no network could be trained; the first failed by {why}") from None
        metric = self.study_.metric
        self.best_architecture_ = best.architecture
        self.best_score_ = metric.score(best) if metric.maximize else -metric.score(best)

    def _train(self, training: Training, seed: int) -> None:
        """Train the best network on all samples."""
        epochs = self.final_epochs if self.final_epochs is not None else LONGER * training.epochs
        trained = retrain(self.best_architecture_, training, stream(seed, "final"), Fidelity(epochs=epochs))
        self.network_ = trained.network.eval()

    # --- predict --------------------------------------------------------------------------------------------

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the share of each class for each sample [n, classes], in the order of `classes_`."""
        import torch

        check_is_fitted(self)
        rows, shape = _flat(X)
        if shape not in (None, self.image_shape_):
            raise ValueError(
                f"X has images of shape {shape}, fit had {self.image_shape_ or 'rows of features'}"
            )
        rows = validate_data(self, rows, reset=False, dtype="numeric" if self.image_shape_ else np.float64)
        images = self._images(rows)
        place = next(self.network_.parameters()).device
        mean, scale = (torch.from_numpy(a).to(place)[:, None, None] for a in (self._mean, 1 / self._std))
        shares = np.empty((len(images), self.classes_.size), np.float32)
        with torch.inference_mode():
            for start in range(0, len(images), _AT_ONCE):
                some = torch.from_numpy(images[start : start + _AT_ONCE].astype(np.float32)).to(place)
                logits = self.network_(some.sub_(mean).mul_(scale))
                shares[start : start + _AT_ONCE] = logits.softmax(1).cpu().numpy()
        return shares

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likeliest class of each sample [n]."""
        shares = self.predict_proba(X)
        return np.asarray(self.classes_[shares.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _flat(X: Any) -> tuple[Any, Images | None]:
    """Return images as rows of pixels, with their shape; anything else as it is, for scikit-learn to judge."""
    array = X if hasattr(X, "shape") else np.asarray(X)
    if len(array.shape) not in (3, 4):
        if len(array.shape) > 4:
            raise ValueError(
                f"X has {len(array.shape)} axes, expected rows [n, features] or images [n, channels, h, w]"
            )
        return X, None
    images = channels_first(np.asarray(array), "X")
    _, channels, height, width = images.shape
    return images.reshape(len(images), -1), (channels, height, width)
