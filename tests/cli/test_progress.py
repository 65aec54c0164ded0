"""What is counted and drawn while a search runs."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from morphogen.cli.options import clock, seconds
from morphogen.cli.progress import picture
from morphogen.cli.tally import Tally
from morphogen.study import Limit

OPENED = {
    "kind": "opened",
    "metric": "loss",
    "metrics": [{"name": "loss", "maximize": False, "unit": ""}, {"name": "parameters", "maximize": False}],
}


def asked(number: int) -> dict[str, Any]:
    architecture = f"chain({', '.join(['conv3x3'] * 30)})"
    return {"kind": "asked", "number": number, "proposal": {"architecture": architecture}}


def told(number: int, loss: float | None, wall: float = 2.0) -> dict[str, Any]:
    values = {} if loss is None else {"loss": loss, "parameters": 123456.0, "seconds": 3.0}
    estimate: dict[str, Any] = {"values": values, "cost": 3.0}
    if loss is None:
        estimate["failure"] = {"type": "ValueError", "message": "no\n" * 50}
    return {"kind": "told", "number": number, "estimate": estimate, "spent": {"wall": wall, "estimates": 3.0}}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def some(limit: Limit) -> tuple[Tally, Clock]:
    now = Clock()
    tally = Tally(limit, now)
    for event in (OPENED, asked(0), asked(1), told(0, 0.5), asked(2), told(1, None), asked(3), told(2, 0.25)):
        now.time += 1
        tally.see(event)
    return tally, now


def test_counts_and_best() -> None:
    tally, _ = some(Limit(trials=10))
    assert (tally.done, tally.failed, list(tally.running)) == (3, 1, [3])
    assert tally.best is not None and tally.best[:2] == (
        2,
        {"loss": 0.25, "parameters": 123456.0, "seconds": 3.0},
    )


def test_time_left_by_trials_and_by_the_clock() -> None:
    tally, now = some(Limit(trials=10))
    assert tally.rate == pytest.approx(3 / 8)
    assert tally.left == pytest.approx(7 * 8 / 3)
    assert tally.share == pytest.approx(0.3)
    timed, now = some(Limit(seconds=20))
    assert timed.elapsed == pytest.approx(6.0) and timed.left == pytest.approx(14.0)
    now.time += 4
    assert timed.left == pytest.approx(10.0) and timed.share == pytest.approx(0.5)


def test_time_of_earlier_sessions_counts_but_not_for_the_rate() -> None:
    now = Clock()
    tally = Tally(Limit(seconds=100), now)
    tally.replay([OPENED, asked(0), told(0, 0.5, wall=40.0), asked(1)])
    now.time += 1000
    fresh = Tally(Limit(seconds=100), now)
    fresh.replay([OPENED, asked(0), told(0, 0.5, wall=40.0), asked(1)])
    now.time += 10
    assert fresh.elapsed == pytest.approx(50.0) and fresh.rate is None and list(fresh.running) == [1]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_picture_fits_the_terminal(width: int) -> None:
    tally, _ = some(Limit(trials=10, seconds=3600))
    stream = io.StringIO()
    Console(file=stream, width=width, force_terminal=False).print(picture(tally, 2, width))
    text = stream.getvalue()
    lines = text.splitlines()
    assert all(len(line.rstrip()) <= width for line in lines)
    assert len(lines) <= 14
    assert "done 3" in text and "failed 1" in text and "0.2500" in text


def test_before_the_first_event_it_says_what_it_does() -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(picture(Tally(Limit(trials=3)), 2, 80))
    assert "getting ready" in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "value"),
    [("90s", 90), ("3m", 180), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), ("45", 45), ("0.5s", 0.5)],
)
def test_times(text: str, value: float) -> None:
    assert seconds("--time", text) == value


@pytest.mark.parametrize(("value", "text"), [(7, "0:07"), (150, "2:30"), (3900, "1:05:00"), (-3, "0:00")])
def test_clock(value: float, text: str) -> None:
    assert clock(value) == text
