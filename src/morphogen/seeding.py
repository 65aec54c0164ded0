"""Random streams by name: that of trial n is a function of the seed and n, never of what ran before it."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *path: int | str) -> np.random.Generator:
    """Return the generator that belongs to `seed` and `path`, such as `stream(7, 12, "estimate")`.

    Equal arguments give equal generators in every process and on every platform; different arguments give
    independent ones (the path is hashed into the seed sequence).
    """
    text = "/".join([str(int(seed)), *(f"{type(part).__name__[0]}{part}" for part in path)])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
