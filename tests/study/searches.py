"""A small space, a strategy that counts, an estimator that behaves as told; importable by workers."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from morphogen.estimators.estimator import Estimator
from morphogen.journal import Event, Memory
from morphogen.records import Estimate, Metric, Proposal, Trial
from morphogen.spaces.space import Space
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.strategies.strategy import Strategy
from morphogen.study import Limit, search

TINY = Space.from_text("NET -> chain(OP, OP, OP)\nOP -> conv3x3 | conv1x1 | avg_pool | max_pool", "tiny")
EVOLUTION = RegularizedEvolution(population=4, tournament=2)


@dataclass(frozen=True)
class InOrder(Strategy[int]):
    """Asks for the architectures of the space by their numbers, so that trial n is architecture n."""

    def start(self, space: Space, metric: Metric) -> int:
        return 0

    def ask(self, state: int, rng: np.random.Generator) -> Proposal | None:
        return Proposal(TINY.unrank(state)) if state < TINY.count() else None

    def tell(self, state: int, trial: Trial) -> int:
        return state + 1 if trial.pending else state


@dataclass(frozen=True)
class Smooth(Estimator):
    """Counts convolutions, with a little noise from the stream; about one trial in eight fails."""

    seconds: float = 0.0

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("accuracy"), Metric("size", maximize=False), Metric("took", maximize=False, unit="s"))

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        begun = time.perf_counter()
        time.sleep(self.seconds)
        if rng.random() < 0.125:
            raise RuntimeError(f"unlucky {proposal.architecture}")
        text = str(proposal.architecture)
        took = time.perf_counter() - begun
        values = {"accuracy": text.count("conv") + rng.random(), "size": text.count("3x3"), "took": took}
        return Estimate(values, cost=took, curve=({"accuracy": 0.5, "took": took},))


@dataclass(frozen=True)
class Behaves(Estimator):
    """Does `acts[n]` when asked for architecture n of the tiny space; after the last, all is good."""

    acts: tuple[str, ...]
    folder: str = ""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("accuracy"),)

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        number = TINY.rank(proposal.architecture)
        act = self.acts[number] if number < len(self.acts) else "good"
        good: dict[str, Any] = {"accuracy": 0.5}
        match act:
            case "raise":
                raise ValueError(f"trial {number} went wrong")
            case "exit":
                sys.exit(3)
            case "os exit":
                os._exit(4)
            case "print":
                for line in range(100):
                    print(f"line {line}")
                os.write(2, b"from C\n")
                raise ValueError("after printing")
            case "die":
                print("last words")
                os.kill(os.getpid(), signal.SIGKILL)
            case "segfault":
                ctypes.string_at(0)
            case "hang":
                print("hanging")
                time.sleep(600)
            case "child":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                Path(self.folder, "child").write_text(str(child.pid))
                time.sleep(600)
            case "busy":
                Path(self.folder, f"busy{os.getpid()}").touch()
                time.sleep(600)
            case "nan":
                return Estimate({"accuracy": float("nan")})
            case "infinite":
                return Estimate({"accuracy": -float("inf")})
            case "text":
                good["accuracy"] = "0.5"
            case "none":
                good["accuracy"] = None
            case "missing":
                good = {}
            case "extra":
                good["loss"] = 1.0
            case "dict":
                return good  # type: ignore[return-value]
            case "cost":
                return Estimate(good, cost=-1.0)
            case "float32":
                curve = ({"loss": np.float64("nan")},)
                return Estimate({"accuracy": np.float32(0.5)}, cost=np.float32(2), curve=curve)
        return Estimate(good)


@dataclass(frozen=True)
class Holds(Estimator):
    """Holds an array and says where its memory lies and whether it may be written to."""

    data: np.ndarray

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(map(Metric, ("total", "private", "threads", "writes")))

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        total = float(self.data.sum())
        self.data[0] += 1
        return Estimate(
            {
                "total": total,
                "private": private_bytes(self.data),
                "threads": int(os.environ["OMP_NUM_THREADS"]),
                "writes": float(self.data[0]),
            }
        )


def private_bytes(array: np.ndarray) -> float:
    """Return how many bytes of the mapping under `array` were copied for this process (Linux)."""
    address, inside = array.__array_interface__["data"][0], False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()[0]
        if "-" in head and not head.endswith(":"):
            low, high = (int(part, 16) for part in head.split("-"))
            inside = low <= address < high
        elif inside and head == "Anonymous:":
            return 1024.0 * int(line.split()[1])
    return -1.0


def searched(journal: Memory, trials: int = 12, **options: Any) -> list[Event]:
    """Search as the tests of the loop do, and return all events."""
    search(TINY, EVOLUTION, Smooth(), journal, limit=Limit(trials=trials), seed=7, **options)
    return journal.read()
