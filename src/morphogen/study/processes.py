"""A pool of worker processes: one thread each, the estimator sent once, its arrays shared.

A worker that raises, crashes, exits or hangs costs the trial it was at; a new one takes its place.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, final

from morphogen.estimators.estimator import Estimator
from morphogen.records import Estimate, Failure, Proposal
from morphogen.study.outcomes import PoolError
from morphogen.study.parcel import pack
from morphogen.study.pool import Finished, Pool
from morphogen.study.starting import cores, quiet_and_single
from morphogen.study.worker import READY, with_output, work

START: Final = 300.0  # seconds in which a worker must have loaded the estimator
GRACE: Final = 2.0  # seconds in which a worker with nothing to do must have ended
BEAT: Final = 1.0  # seconds after which workers are looked after although no pipe moved


@final
class Processes(Pool):
    """Estimates in `workers` processes, one a core unless told otherwise; each may take `timeout` seconds.

    The script that starts a search must be importable: `search(...)` stands under `if __name__ ==
    "__main__":`.
    """

    apart = True

    def __init__(self, workers: int | None = None, timeout: float | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"a pool needs at least one worker, got {workers}")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"the time-out of a trial must be positive seconds, got {timeout}")
        self.workers = workers if workers is not None else cores()
        self.timeout = math.inf if timeout is None else timeout
        self._folder: TemporaryDirectory[str] | None = None
        self._seed = 0
        self._crew: list[_Worker] = []
        self._finished: deque[Finished] = deque()

    def __repr__(self) -> str:
        return f"Processes({self.workers})"

    @property
    def capacity(self) -> int:
        """How many estimates may run at once: one a worker."""
        return self.workers

    @property
    def busy(self) -> int:
        """How many trials were submitted and have not come back."""
        return len(self._finished) + sum(worker.job is not None for worker in self._crew)

    def start(self, estimator: Estimator, seed: int) -> Self:
        """Send the estimator to all workers and wait until they have loaded it.

        Raises:
            PoolError: an estimator that cannot be pickled, or workers that cannot load it.
        """
        self._folder, self._seed = TemporaryDirectory(prefix="morphogen-", ignore_cleanup_errors=True), seed
        try:
            pack(estimator, self._parcel)
        except Exception as error:
            self.stop()
            raise PoolError(
                f"the estimator cannot be sent to worker processes ({type(error).__name__}: {error}): "
                "define its class and functions at the top of a module, or estimate inline"
            ) from error
        try:
            for index in range(self.workers):
                self._crew.append(self._hire(index))
            while not all(worker.ready for worker in self._crew):
                self._look_after()
        except BaseException:
            self.stop()
            raise
        return self

    def submit(self, number: int, proposal: Proposal) -> None:
        """Send the trial to a worker with nothing to do."""
        index = next(i for i, worker in enumerate(self._crew) if worker.job is None)
        if self._crew[index].process.exitcode is not None:
            self._replace(index)
        self._crew[index].give((number, proposal), self.timeout)

    def next(self) -> Finished:
        """Wait for the next estimate to finish."""
        assert self.busy, "submit a trial first"
        while not self._finished:
            self._look_after()
        return self._finished.popleft()

    def stop(self) -> None:
        """End all workers: the idle ones by closing their pipes, the busy ones by force."""
        for worker in self._crew:
            worker.pipe.close()
        patience = time.monotonic() + GRACE
        for worker in self._crew:
            if worker.ready and worker.job is None:
                worker.process.join(max(0.0, patience - time.monotonic()))
            worker.end()
        self._crew.clear()
        self._finished.clear()
        if self._folder is not None:
            self._folder.cleanup()

    # --- the crew -------------------------------------------------------------------------------------------

    @property
    def _parcel(self) -> Path:
        assert self._folder is not None, "start the pool first"
        return Path(self._folder.name, "estimator")

    def _hire(self, index: int) -> _Worker:
        return _Worker(self._parcel, self._parcel.with_name(f"output{index}"), self._seed)

    def _replace(self, index: int) -> None:
        self._crew[index].end()
        self._crew[index] = self._hire(index)

    def _look_after(self) -> None:
        """Wait until something happens to a worker and deal with all that happened."""
        patience = min(worker.deadline for worker in self._crew) - time.monotonic()
        handles: list[Any] = [worker.pipe for worker in self._crew]
        handles += [worker.process.sentinel for worker in self._crew]
        wait(handles, max(0.0, min(patience, BEAT)))
        for index, worker in enumerate(self._crew):
            try:
                if worker.pipe.poll():
                    self._hear(worker, worker.pipe.recv())
                    continue
            except (EOFError, OSError):  # it died, perhaps in the middle of a message
                worker.process.join(GRACE)
                worker.end()
            if worker.process.exitcode is not None:
                self._bury(index, Failure("WorkerDied", _obituary(worker.process.exitcode)))
            elif time.monotonic() >= worker.deadline:
                self._bury(index, Failure("Timeout", f"no estimate after {self.timeout:g} seconds"))

    def _hear(self, worker: _Worker, message: object) -> None:
        if isinstance(message, Finished):
            self._finished.append(message)
            worker.job, worker.deadline = None, math.inf
        elif message == READY:
            worker.ready, worker.deadline = True, math.inf
            worker.restart_clock(self.timeout)
        else:
            assert isinstance(message, Failure)
            raise PoolError(
                f"a worker process cannot load the estimator ({message.type}: {message.message}): "
                f"it must be made of what stands in modules that workers can import\n{message.traceback}"
            )

    def _bury(self, index: int, failure: Failure) -> None:
        """Put down the trial of a dead or overdue worker as failed, and hire another."""
        worker = self._crew[index]
        if not worker.ready:
            worker.end()
            reason = "it was not ready in time" if failure.type == "Timeout" else failure.message
            raise PoolError(
                f"a worker process could not be started: {reason}. Its own message stands above. "
                'A script that starts a search must do so under `if __name__ == "__main__":`'
            )
        if worker.job is not None:
            seconds = time.monotonic() - worker.begun
            worker.end()
            estimate = Estimate(cost=seconds, failure=with_output(failure, worker.output))
            self._finished.append(Finished(worker.job[0], estimate, seconds))
        self._replace(index)


class _Worker:
    """One process with its pipe, and what it is doing."""

    def __init__(self, parcel: Path, output: Path, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.output = output
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        # Not a daemon: daemons may have no children, and data loaders are children.
        self.process: SpawnProcess = context.Process(
            target=work, args=(theirs, parcel, output, seed), name="estimates"
        )
        try:
            with quiet_and_single():
                self.process.start()
        finally:
            theirs.close()
        self.ready = False
        self.job: tuple[int, Proposal] | None = None
        self.begun = time.monotonic()
        self.deadline = self.begun + START

    def give(self, job: tuple[int, Proposal], timeout: float) -> None:
        """Send a trial; a worker that is still loading begins with it afterwards."""
        self.job = job
        with suppress(BrokenPipeError):  # it died this moment: it will be missed, and the trial with it
            self.pipe.send(job)
        if self.ready:
            self.restart_clock(timeout)

    def restart_clock(self, timeout: float) -> None:
        """Count the seconds of the trial from now on."""
        self.begun = time.monotonic()
        if self.job is not None:
            self.deadline = self.begun + timeout

    def end(self) -> None:
        """End the process, and what it started, at once."""
        if sys.platform != "win32" and self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _obituary(code: int) -> str:
    if code >= 0:
        return f"the worker process ended itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", perhaps because memory ran out" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
