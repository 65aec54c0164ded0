"""The other end of the pipe: what a worker process does until its pipe closes or the search dies."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, NoReturn

from morphogen.records import Failure
from morphogen.study.parcel import unpack
from morphogen.study.pool import Finished, attempt, described

LINES: Final = 40  # of a failed trial's output that are kept
BYTES: Final = 16_384  # from the end of the output, in which those lines are looked for

READY: Final = "ready"


def work(pipe: Connection, parcel: Path, output: Path, seed: int) -> None:
    """Serve one search until its end of the pipe closes, because it ended or because it was killed."""
    # Ctrl-C reaches every process of a terminal; what it means is for the search to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.setsid()  # so that ending this worker can end what it started, too
    threading.Thread(target=_die_with_parent, args=(parcel.parent,), daemon=True).start()
    _redirect(output)
    with suppress(EOFError, OSError):
        _serve(pipe, parcel, output, seed)
    shutil.rmtree(parcel.parent, ignore_errors=True)  # a search that was killed cannot clean up itself


def _serve(pipe: Connection, parcel: Path, output: Path, seed: int) -> None:
    """Say `READY`, or why the estimator cannot be loaded; then answer trials until the pipe closes."""
    try:
        estimator = unpack(parcel)
    except (Exception, SystemExit) as error:
        pipe.send(described(error))
        return
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    pipe.send(READY)
    while True:
        number, proposal = pipe.recv()
        os.ftruncate(1, 0)
        pipe.send(_with_output(attempt(estimator, seed, number, proposal), output))


def _die_with_parent(folder: Path) -> NoReturn:
    """Wait for the search to die, then end this worker whatever it does, and its children."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    shutil.rmtree(folder, ignore_errors=True)
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _redirect(output: Path) -> None:
    """Send standard output and error to a file, that of C code too; by lines, so that a crash keeps them."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _with_output(finished: Finished, output: Path) -> Finished:
    failure = finished.estimate.failure
    if failure is None:
        return finished
    sys.stdout.flush()
    sys.stderr.flush()
    told = replace(finished.estimate, failure=with_output(failure, output))
    return finished._replace(estimate=told)


def with_output(failure: Failure, output: Path) -> Failure:
    """Return the failure with the last lines that its worker printed."""
    try:
        with output.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - BYTES))
            text = file.read().decode("utf-8", "backslashreplace")
    except OSError:
        return failure
    return replace(failure, output="\n".join(text.splitlines()[-LINES:]))
