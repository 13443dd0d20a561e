"""Observations of detectors, by the thousand: each is counted or says why not, for itself.

A reading that cannot be true is refused, and held against its detector. What is late counts where
it belongs, and changes nothing that was decided; what is sent again changes nothing at all.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from citybrain.domain.actor import Actor, check_speaks_for
from citybrain.domain.signals.five_minutes import FIVE_MINUTES_MS, Added, begins_of
from citybrain.domain.signals.observation import (
    LATEST_MS,
    DetectorUnknown,
    LaneUnknown,
    Reading,
    ReadingDiffers,
    ReadingImpossible,
    ReadingInFuture,
    ReadingTooLate,
    wrong,
)
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import CitybrainError, Unavailable
from commands.services import Services
from commands.signals.observation_items import Moments, code_of, read_item
from commands.signals.observation_store import ObservationStore, observation_store
from commands.signals.observed import observed
from commands.signals.seen import SeenDetector
from commands.signals.sharing import SHARDS

MOST_WAIT_SECONDS = 2.0
"""So long a batch waits for those before it."""


class ObservationsBusy(Unavailable):
    """More observations come than this process can take in; nothing of this batch was."""

    code = "signal-observations-busy"


@dataclass(slots=True)
class Taken:
    """What became of a batch: how many are new, how many were known, and why others are not."""

    recorded: int = 0
    known: int = 0
    refused: list[tuple[int, CitybrainError]] = field(default_factory=list)


Sound = tuple[int, int, SeenDetector, Reading, str | None]
"""When it is of, its place in the batch, whose it is, the reading, and what of it is impossible."""


async def observe(items: Sequence[object], actor: Actor, services: Services) -> Taken:
    """Take in a batch; what is of junctions that another process controls is handed over.

    Then raises `StoreUnavailable` where the store is away.
    """
    taken = Taken()
    others = await _taken(items, _Reading(actor, services), taken, services)
    if others:
        await _hand_over(others, items, services)
    for _, index, _, _, impossible in (each for part in others.values() for each in part):
        if impossible is None:
            taken.recorded += 1
        else:
            taken.refused.append((index, ReadingImpossible(impossible)))
    return taken


async def take_over(items: Sequence[object], services: Services) -> Taken:
    """Take in what another process was sent, and whose it is."""
    taken = Taken()
    others = await _taken(items, _Reading(None, services), taken, services)
    if others:  # a shard moved meanwhile
        await _hand_over(others, items, services)
    return taken


async def _taken(
    items: Sequence[object], reading: "_Reading", taken: Taken, services: Services
) -> dict[int, list[Sound]]:
    """Read a batch and count what is ours; what is of others, by their shards.

    One batch at a turn of the loop: however many come, decisions have their turn between two.
    Raises `ObservationsBusy`: what would wait longer is worth less than what comes after it.
    """
    memory = observed(services)
    try:
        async with asyncio.timeout(MOST_WAIT_SECONDS):
            await memory.taking.acquire()
    except TimeoutError as error:
        raise ObservationsBusy("more comes than can be taken in") from error
    try:
        ours, others = _shared_out(reading.all_of(items, taken), memory.shards)
        await _count(ours, taken, services)
        await asyncio.sleep(0)
    finally:
        memory.taking.release()
    return others


def _shared_out(
    sound: list[Sound], shards: Collection[int]
) -> tuple[list[Sound], dict[int, list[Sound]]]:
    """What is of our shards, and what is of others, by theirs."""
    if len(shards) == SHARDS:
        return sound, {}
    ours: list[Sound] = []
    parts: dict[int, list[Sound]] = dict.fromkeys(shards, ours)
    for each in sound:
        parts.setdefault(each[2].shard, []).append(each)
    return ours, {shard: part for shard, part in parts.items() if part is not ours}


async def _hand_over(
    others: Mapping[int, list[Sound]], items: Sequence[object], services: Services
) -> None:
    parts = {shard: [items[each[1]] for each in part] for shard, part in others.items()}
    await observation_store(services).hand_over(parts)


async def _count(sound: list[Sound], taken: Taken, services: Services) -> None:
    """Count each in the order of time, under its detector."""
    if not sound:
        return
    sound.sort(key=_when)
    await _recalled(sound, observation_store(services))
    for _, index, seen, reading, impossible in sound:
        if impossible is not None:
            seen.take_impossible(reading)
            taken.refused.append((index, ReadingImpossible(impossible)))
            continue
        added = seen.take(reading)
        if added is Added.NEW:
            taken.recorded += 1
        elif added is Added.KNOWN:
            taken.known += 1
        else:
            error = ReadingDiffers("the detector has said something else of this moment")
            taken.refused.append((index, error))
    observed(services).told({each[2].junction for each in sound})


def _when(sound: Sound) -> int:
    return sound[0]


class _Reading:
    """Reads the items of one batch, and whether who sends them may; None: that was looked at."""

    def __init__(self, actor: Actor | None, services: Services) -> None:
        self._actor, self._memory = actor, observed(services)
        self._clock = services.clock()
        self._now = milliseconds(self._clock)
        self._known: dict[object, dict[str, SeenDetector]] = {}
        self._own: set[str] = set()
        self._moments = Moments()

    def all_of(self, items: Sequence[object], taken: Taken) -> list[Sound]:
        """Those that may be counted, or be held against their detector; the others are refused."""
        found: list[Sound] = []
        moments, known, own, now = self._moments, self._known, self._own, self._now
        for index, item in enumerate(items):
            try:
                reading = read_item(item, moments)
                assert isinstance(item, dict)
                try:
                    seen = known[item["junction"]][item["detector"]]
                except (KeyError, TypeError):
                    seen = self._detector(item)
                if seen.detector.device not in own:
                    self._check_device(seen.detector.device)
                if "lane" in item:
                    _check_lane(item, seen)
                at = reading[0]
                if not now - LATEST_MS <= at <= now + seen.clock_ms:
                    raise _not_of_now(at > now)
                found.append((at, index, seen, reading, wrong(reading, seen.limits)))
            except CitybrainError as error:
                taken.refused.append((index, error))
        return found

    def _detector(self, item: Mapping[str, object]) -> SeenDetector:
        """Of whom an item is, which is the first of its junction, or of no detector at all."""
        code, detector = code_of(item, "junction"), code_of(item, "detector")
        known = self._known[code] = self._memory.seen(code, self._clock).detectors
        if detector not in known:
            raise DetectorUnknown("the junction has no such detector")
        return known[detector]

    def _check_device(self, device: str) -> None:
        if self._actor is not None:
            check_speaks_for(self._actor, device)
        self._own.add(device)


def _check_lane(item: Mapping[str, object], seen: SeenDetector) -> None:
    if item["lane"] is not None and code_of(item, "lane") != seen.detector.lane:
        raise LaneUnknown("the detector watches no such lane")


def _not_of_now(later: bool) -> CitybrainError:
    if later:
        return ReadingInFuture("the reading is of a moment that has not come")
    return ReadingTooLate("what is so late is not counted any more")


async def _recalled(sound: Sequence[Sound], store: ObservationStore) -> None:
    """Have the five minutes in memory that these belong to, as far as any are stored."""
    missing = {
        (seen, begins)
        for at, _, seen, reading, _ in sound
        if at < seen.stored_before + FIVE_MINUTES_MS
        and (begins := begins_of(reading)) not in seen.five
        and begins < seen.stored_before
    }
    if missing:
        await store.recall(missing)
