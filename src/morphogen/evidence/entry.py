"""The form of evidence: a claim, its experiment, a control that a fake would pass, and the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, final, get_args

from morphogen.analysis.intervals import Interval

Progress: TypeAlias = Callable[[str, float], None]
"""Told what an experiment is doing, and which share of it, 0 to 1, is done."""

Relation: TypeAlias = Literal["equals", "within", "at most", "at least", "covers", "below", "above"]

FORMAT: Final = 1
"""The version of a result's JSON."""


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """What a finding must satisfy.

    The value `equals` `of`, lies `within` `by` of it, is `at most` or `at least` it; or the finding's whole
    interval `covers` it, lies `below` or `above` it.
    """

    relation: Relation
    of: float
    by: float = 0.0

    def __post_init__(self) -> None:
        if self.relation not in get_args(Relation):
            raise ValueError(
                f"a bar knows no relation {self.relation!r}; it knows {', '.join(get_args(Relation))}"
            )

    def __str__(self) -> str:
        of = f"{self.of:,}" if isinstance(self.of, int) else f"{self.of:.6g}"
        return (
            f"{self.relation} {self.by:.6g} of {of}" if self.relation == "within" else f"{self.relation} {of}"
        )

    def met(self, value: float, interval: Interval | None) -> bool:
        """Whether a value, or its interval, satisfies the bar."""
        if self.relation in ("covers", "below", "above"):
            if interval is None:
                raise ValueError(f"the bar `{self}` is about an interval, and the finding has none")
            if self.relation == "covers":
                return interval.covers(self.of)
            return interval.high < self.of if self.relation == "below" else interval.low > self.of
        return {
            "equals": value == self.of,
            "within": abs(value - self.of) <= self.by,
            "at most": value <= self.of,
            "at least": value >= self.of,
        }[self.relation]


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """One number that was found, with its interval where it is statistical, and the bar it must meet.

    A finding without a bar is reported beside the others. `control` marks one that shows the experiment can
    fail: it holds where the fake was caught.
    """

    name: str
    value: float
    bar: Bar | None = None
    interval: Interval | None = None
    control: bool = False

    @property
    def holds(self) -> bool:
        """Whether the bar is met; always so where there is none."""
        return self.bar is None or bool(self.bar.met(self.value, self.interval))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, floats with six digits."""
        record: dict[str, Any] = {"name": self.name, "value": _brief(self.value)}
        if self.interval is not None:
            record["interval"] = {name: _brief(end) for name, end in self.interval._asdict().items()}
        if self.bar is not None:
            bar = {"relation": self.bar.relation, "of": _brief(self.bar.of)}
            record["bar"] = bar | ({"by": _brief(self.bar.by)} if self.bar.relation == "within" else {})
            record["holds"] = self.holds
        if self.control:
            record["control"] = True
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            record["name"],
            record["value"],
            Bar(**record["bar"]) if "bar" in record else None,
            Interval(**record["interval"]) if "interval" in record else None,
            record.get("control", False),
        )


def _brief(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")  # also of a NumPy number


@final
@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim and how it is tested.

    name: as in the catalogue. claim: what is said to be true, in one or two sentences. source: who says so.
    control: what a fake would pass, and must not. experiment: called with whether to be quick and whom to
    tell of progress, yields findings; may raise `MissingData`. seeds, quick_seeds: how many; they are 0, 1,
    ... packages: whose versions belong to the result. refuted: of a claim that does not hold here, why; its
    result is committed all the same.
    """

    name: str
    claim: str
    source: str
    control: str
    experiment: Callable[[bool, Progress], Iterable[Finding]]
    seeds: int
    quick_seeds: int
    packages: tuple[str, ...] = ("numpy",)
    refuted: str = ""


@final
@dataclass(frozen=True, kw_only=True)
class Result:
    """What came out of an entry's experiment.

    command: what to type to get it again. environment: versions of Python and the packages used. date: the
    day, in UTC. seconds: how long it took.
    """

    name: str
    claim: str
    source: str
    control: str
    command: str
    version: str
    environment: Mapping[str, str]
    date: str
    quick: bool
    seeds: int
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether there are findings with a bar, a control among them, and all of them hold."""
        barred = [finding for finding in self.findings if finding.bar is not None]
        return any(finding.control for finding in barred) and all(finding.holds for finding in barred)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "findings"}
        return {
            "format": FORMAT,
            **plain,
            "holds": self.holds,
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raise `ValueError` for anything else."""
        if record.get("format") != FORMAT:
            raise ValueError(f"not a result of format {FORMAT}: format is {record.get('format')!r}")
        try:
            plain = {f.name: record[f.name] for f in fields(cls) if f.name != "findings"}
            return cls(**plain, findings=tuple(Finding.from_json(finding) for finding in record["findings"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a result: {error}") from error

    def write(self, path: str | Path) -> None:
        """Write the result as JSON, one finding a line."""
        record = self.to_json()
        findings = ",\n".join(f"  {json.dumps(finding)}" for finding in record.pop("findings"))
        head = json.dumps(record, indent=1, ensure_ascii=False).removesuffix("\n}")
        Path(path).write_text(f'{head},\n "findings": [\n{findings}\n ]\n}}\n', encoding="utf-8")
