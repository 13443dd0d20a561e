"""What detectors counted, by five minutes, and how they stand: from the table, and from memory.

The process that controls a junction knows more than the table: what it has in memory counts.
Another one shows what is written: five minutes that are over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.detector_health import DetectorHealth, Fault, Judged, Standing
from citybrain.domain.signals.five_minutes import FIVE_MINUTES_MS, Carried, FiveMinutes, Mark, Sums
from citybrain.domain.signals.layout import Detector
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.eventstore.reader import patiently
from commands.services import Services
from commands.signals.observation_store import GRACE_MS, SEALED_AFTER_MS, carried_of
from commands.signals.observed import Observed, observed

ROWS = """
SELECT detector, begins, said, readings, vehicles, occupancy, speed, queue_mean, queue_most,
    known_ms, marks, heard_at, occupied, unbroken_since, published_at, published_readings,
    published_vehicles
FROM signal_observations
WHERE junction = $1 AND detector = ANY($2) AND begins >= $3 AND begins < $4
ORDER BY detector, begins
"""
BEFORE = """
SELECT d AS detector, o.begins, heard_at, occupied, unbroken_since
FROM unnest($2::text[]) AS d, LATERAL (
    SELECT begins, heard_at, occupied, unbroken_since FROM signal_observations o
    WHERE o.junction = $1 AND o.detector = d AND o.begins < $3 AND heard_at IS NOT NULL
    ORDER BY o.begins DESC LIMIT 1
) o
"""
STANDINGS = "SELECT junction, detector, standing, fault, since, heard_at FROM signal_detectors"
WRITTEN_EVERY_MS = 5_000


@dataclass(frozen=True, slots=True)
class Counted:
    """Five minutes of a detector. `published`: vehicles when they were first shown as over."""

    detector: str
    begins: datetime
    sums: Sums
    published_at: datetime | None
    published: int | None


@dataclass(frozen=True, slots=True)
class Stands:
    """How a detector of a junction stands."""

    junction: str
    detector: Detector
    judged: Judged
    heard_at: int | None


def known_until(services: Services, junction: str) -> datetime:
    """Up to when this process can tell: now, or the last five minutes that must be written."""
    now = milliseconds(services.clock())
    if observed(services).controls(junction):
        return moment(now)
    over = now - GRACE_MS - 2 * WRITTEN_EVERY_MS
    return moment(over - over % FIVE_MINUTES_MS)


async def counted(
    services: Services,
    junction: str,
    detectors: Mapping[str, Detector],
    since: datetime,
    until: datetime,
) -> list[Counted]:
    """The five minutes that began from `since` to before `until`, by detector and time.

    Each has a row for all of the time, also where nothing was said: a state that was said before
    is carried into it. Walking begins earlier, where late readings may still change what goes on.
    """
    pool, codes = services.store.pool, sorted(detectors)
    at = milliseconds(since)
    begins = moment(at - at % FIVE_MINUTES_MS - SEALED_AFTER_MS)
    rows = await patiently(lambda: pool.fetch(ROWS, junction, codes, begins, until))
    before = await patiently(lambda: pool.fetch(BEFORE, junction, codes, begins))
    carried = {row["detector"]: carried_of(row) for row in before}
    stored: dict[str, dict[int, Any]] = {code: {} for code in codes}
    for row in rows:
        stored[row["detector"]][milliseconds(row["begins"])] = row
    now = milliseconds(services.clock())
    span = range(milliseconds(begins), min(milliseconds(until), now + 1), FIVE_MINUTES_MS)
    found = []
    for code in codes:
        walked = _walk(
            detectors[code],
            stored[code],
            _in_memory(services, junction, code),
            carried.get(code),
            span,
            now,
        )
        found += [each for each in walked if each.begins >= since]
    return found


def _walk(
    detector: Detector,
    stored: Mapping[int, Any],
    memory: Mapping[int, FiveMinutes],
    carried: Carried | None,
    span: range,
    now: int,
) -> list[Counted]:
    """All five minutes of a time, each begun with what went on from those before."""
    found = []
    for begins in span:
        row = stored.get(begins)
        five = memory[begins].copy() if begins in memory else FiveMinutes(begins)
        if row is not None and row["said"] is not None:
            five.merge(FiveMinutes.unpacked(begins, row["said"]))
        if row is not None and row["said"] is None:
            sums = _as_sealed(row)
        else:
            sums = five.sums(detector, carried, now)
        carried = sums.carried or carried
        found.append(_counted(detector.code, begins, sums, row))
    return found


def _counted(detector: str, begins: int, sums: Sums, row: Any) -> Counted:
    published = row is not None and row["published_at"] is not None
    if published and sums.readings > row["published_readings"]:
        sums = replace(sums, marks=sums.marks | {Mark.LATE})
    return Counted(
        detector,
        moment(begins),
        sums,
        row["published_at"] if published else None,
        row["published_vehicles"] if published else None,
    )


def _as_sealed(row: Any) -> Sums:
    return Sums(
        readings=row["readings"],
        vehicles=row["vehicles"],
        occupancy=row["occupancy"],
        speed=row["speed"],
        queue_mean=row["queue_mean"],
        queue_most=row["queue_most"],
        known_ms=row["known_ms"],
        marks=frozenset(Mark(mark) for mark in row["marks"]),
        carried=None if row["heard_at"] is None else carried_of(row),
    )


def _in_memory(services: Services, junction: str, detector: str) -> Mapping[int, FiveMinutes]:
    seen = observed(services).known(junction)
    found = None if seen is None else seen.detectors.get(detector)
    return {} if found is None else found.five


async def standings(services: Services, junctions: Sequence[str]) -> list[Stands]:
    """How the detectors of junctions stand now, in the order of their codes."""
    now = services.clock()
    definitions, memory = services.definitions.of(SignalDefinitions), observed(services)
    written: dict[tuple[str, str], Any] = {}
    if not all(memory.controls(code) for code in junctions):
        rows = await patiently(lambda: services.store.pool.fetch(STANDINGS))
        written = {(row["junction"], row["detector"]): row for row in rows}
    found = []
    for code in junctions:
        if memory.controls(code):
            found += _in_mind(memory, definitions, code, now)
            continue
        dated = definitions.at(code, now)
        layout = {} if dated is None else dated.junction.layout.detectors
        found += [
            _stands(code, detector, written.get((code, detector.code)))
            for _, detector in sorted(layout.items())
        ]
    return found


def _in_mind(
    memory: Observed, definitions: SignalDefinitions, code: str, now: datetime
) -> list[Stands]:
    """The detectors of a junction as this process judges them; looking at one changes nothing."""
    seen, dated, at = memory.known(code), definitions.at(code, now), milliseconds(now)
    known = {} if seen is None else seen.detectors
    layout = {} if dated is None else dated.junction.layout.detectors
    found = []
    for name, detector in sorted(layout.items()):
        health = DetectorHealth(detector, memory.watched_from(code))
        if name in known and known[name].detector == detector:
            health = known[name].health
        found.append(Stands(code, detector, health.judged(at), health.heard_at))
    return found


def _stands(junction: str, detector: Detector, row: Any) -> Stands:
    if row is None:
        return Stands(junction, detector, Judged(Standing.UNHEARD, None, 0), None)
    fault = None if row["fault"] is None else Fault(row["fault"])
    return Stands(
        junction, detector, Judged(Standing(row["standing"]), fault, row["since"]), row["heard_at"]
    )
