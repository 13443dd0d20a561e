"""One line of a benchmark: what is measured beside what, its targets, and its JSON.

The JSON object is the contract with whoever reads the results: `bench`, `line`, `value`,
`unit`, `limit`, `of_limit`, `peers`, and where they apply `p50_ms`, `p99_ms`, those of the limit
(`limit_p50_ms`, `limit_p99_ms`), `rss_mb`, `loop_p99_ms`, `recall`, `cpu_us` (of the process
that was measured, for one unit), `db_cpu_us` (of PostgreSQL) and `seconds` (of the whole).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from ops.bench.figures import Sample, Samples

FIGURES = ("p50_ms", "p99_ms", "rss_mb", "loop_p99_ms", "recall", "cpu_us", "db_cpu_us", "seconds")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what was reached; `met` is None where its peer is not installed."""

    target: str
    reached: float | None
    met: bool | None


class Target(Protocol):
    """Something a line has to reach."""

    def judge(self, own: Sample, samples: Samples) -> Verdict:
        """Compare the line's own sample with the target."""
        ...


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The rate is at least `factor` times that of `contender`."""

    factor: float
    contender: str

    def judge(self, own: Sample, samples: Samples) -> Verdict:
        """`reached` is the factor."""
        text = f"≥ {self.factor:g} × {self.contender}"
        other = samples.get(self.contender)
        if not isinstance(other, Sample):
            return Verdict(text, None, None)
        reached = own.rate / other.rate
        return Verdict(text, reached, reached >= self.factor)


@dataclass(frozen=True, slots=True)
class AtMost:
    """A figure of the sample (`p99_ms`, `rss_mb`, …) is at most `bound`."""

    figure: str
    bound: float

    def judge(self, own: Sample, samples: Samples) -> Verdict:
        """`reached` is the figure itself."""
        text = f"{self.figure} ≤ {self.bound:g}"
        value: float | None = getattr(own, self.figure)
        return Verdict(text, value, None if value is None else value <= self.bound)


@dataclass(frozen=True, slots=True)
class Line:
    """The plan of a line: names of contenders, and targets."""

    name: str
    own: str
    limit: str | None
    peers: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    unit: str = "events/s"

    def contenders(self) -> list[str]:
        """Everything that has to be measured for this line."""
        return [self.own, *([self.limit] if self.limit else []), *self.peers]


@dataclass(frozen=True, slots=True)
class Result:
    """A measured line."""

    bench: str
    line: Line
    own: Sample
    limit: float | None
    peers: Mapping[str, float | str]
    verdicts: Sequence[Verdict]
    limit_sample: Sample | None = None

    @property
    def of_limit(self) -> float | None:
        """The value as a share of the limit."""
        return self.own.rate / self.limit if self.limit else None

    def as_dict(self) -> dict[str, Any]:
        """The members of the JSON object, rounded to what the measurement can tell."""
        members: dict[str, Any] = {
            "bench": self.bench,
            "line": self.line.name,
            "value": round(self.own.rate, 1),
            "unit": self.line.unit,
            "limit": _rounded(self.limit, 1),
            "of_limit": _rounded(self.of_limit, 4),
            "peers": {
                name: value if isinstance(value, str) else round(value, 1)
                for name, value in self.peers.items()
            },
        }
        for figure in FIGURES:
            value = getattr(self.own, figure)
            if value is not None:
                members[figure] = round(value, 2)
        members["limit_name"] = self.line.limit
        for figure in ("p50_ms", "p99_ms", "cpu_us"):
            value = getattr(self.limit_sample, figure, None)
            if value is not None:
                members[f"limit_{figure}"] = round(value, 2)
        members["targets"] = [
            {"target": each.target, "reached": _rounded(each.reached, 3), "met": each.met}
            for each in self.verdicts
        ]
        return members

    def to_json(self) -> str:
        """One line of JSON."""
        return orjson.dumps(self.as_dict()).decode()


def composed(bench: str, line: Line, samples: Samples) -> Result:
    """The result of `line` out of everything that was measured.

    Raises `KeyError` where the line's own contender was not measured.
    """
    own = samples[line.own]
    if isinstance(own, str):
        raise KeyError(f"{line.own}: {own}")
    limit = samples.get(line.limit) if line.limit else None
    return Result(
        bench=bench,
        line=line,
        own=own,
        limit=limit.rate if isinstance(limit, Sample) else None,
        peers={name: _rate(samples[name]) for name in line.peers if name in samples},
        verdicts=[target.judge(own, samples) for target in line.targets],
        limit_sample=limit if isinstance(limit, Sample) else None,
    )


def selected(lines: Sequence[Line], names: str | None) -> list[Line]:
    """The lines whose names are in the comma-separated `names`; all where it is absent.

    Raises `ValueError` on a name that does not exist.
    """
    if not names:
        return list(lines)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {line.name: line for line in lines}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"no line {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def _rate(value: Sample | str) -> float | str:
    return value if isinstance(value, str) else value.rate


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
