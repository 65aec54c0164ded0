"""Random streams by name: the stream of trial n follows from the seed and n, never from what ran before it."""

from __future__ import annotations

import hashlib
from typing import Any, final

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray


@final
class _Digest(ISeedSequence):
    """A digest as the seed of a generator: already well mixed, so it needs no seed sequence, which costs thrice."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint32) -> NDArray[Any]:
        return np.frombuffer(self.digest, dtype=dtype)[:n_words]


def stream(seed: int, *path: int | str) -> np.random.Generator:
    """Return the generator that belongs to `seed` and `path`, such as `stream(7, 12, "estimate")`.

    Equal arguments give equal generators in every process and on every platform; different arguments give
    independent ones (seed and path are hashed into the 256 bits of state).
    """
    # Each part with its type and its length, so that no two paths have one text.
    text = str(int(seed))
    for part in path:
        word = part if isinstance(part, str) else str(int(part))
        text += f"/{'s' if part is word else 'i'}{len(word)}:{word}"
    digest = hashlib.blake2b(text.encode(), digest_size=32).digest()
    return np.random.Generator(np.random.PCG64(_Digest(digest)))  # type: ignore[arg-type]  # stubs lack it
