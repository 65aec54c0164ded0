"""An object in a file that many processes map: pickled once, its arrays shared instead of copied."""

from __future__ import annotations

import mmap
import pickle
from pathlib import Path
from typing import Any, Final

ALIGNMENT: Final = 64  # bytes; what vector instructions like arrays to begin at


def pack(value: object, path: Path) -> None:
    """Write `value` to `path`: its pickle (protocol 5), and the buffers of its arrays as they are."""
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    sizes = [len(content), *(view.nbytes for view in views)]
    with path.open("wb") as file:
        file.write(len(sizes).to_bytes(8, "little"))
        for size in sizes:
            file.write(size.to_bytes(8, "little"))
        for part in (memoryview(content), *views):
            file.write(b"\0" * (-file.tell() % ALIGNMENT))
            file.write(part)


def unpack(path: Path) -> Any:
    """Return what `pack` wrote to `path`, its arrays mapped: pages are shared until written to."""
    with path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    numbers = mapped[8 : 8 + 8 * int.from_bytes(mapped[:8], "little")].cast("Q")
    parts, position = [], 8 + numbers.nbytes
    for size in numbers:
        position += -position % ALIGNMENT
        parts.append(mapped[position : position + size])
        position += size
    return pickle.loads(parts[0], buffers=parts[1:])
