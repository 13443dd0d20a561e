"""The calendar of a berth: who has it when, one at a time.

Stream `berth_calendar-<berth>`: one for a berth and all its days, so that a span over midnight is
decided like any other. A hold that has run out is nobody's from that moment; what is over is
dropped with a later event, so the state stays small. The stream is strict: of two who want one
span, one is first, whichever process they came to.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar, TypedDict

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

REMEMBERED = timedelta(days=1)
"""How long a claim that is over is still known: what was seen of it may come late."""


class Claim(TypedDict):
    """A span, [start, end), that one reservation has; for good where `until` is None."""

    start: datetime
    end: datetime
    until: datetime | None


# --- events -------------------------------------------------------------------------------


class CalendarOpened(StreamCreated):
    """Somebody wants this berth for the first time."""

    TOPIC: ClassVar[str] = "parking.calendar_opened"
    berth: str


class BerthHeld(StreamEvent):
    """A reservation has the berth until its deposit is there, or the time for that is over."""

    TOPIC: ClassVar[str] = "parking.calendar_held"
    claim_id: str
    start: datetime
    end: datetime
    until: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.put(self.timestamp, self.claim_id, self.start, self.end, self.until)


class BerthKept(StreamEvent):
    """A reservation has the berth for good."""

    TOPIC: ClassVar[str] = "parking.calendar_kept"
    claim_id: str
    start: datetime
    end: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.put(self.timestamp, self.claim_id, self.start, self.end, None)


class BerthFreed(StreamEvent):
    """A claim has ended, and is never made again: not even by who has not heard of it yet."""

    TOPIC: ClassVar[str] = "parking.calendar_freed"
    claim_id: str
    end: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.drop(self.timestamp, self.claim_id, self.end)


# --- refusals -----------------------------------------------------------------------------


class BerthTaken(Refused):
    """Somebody else has the berth for a part of this span."""

    code = "berth-taken"


class ClaimEnded(Refused):
    """This claim was given up, or its span is over."""

    code = "berth-claim-ended"


# --- state and decisions ------------------------------------------------------------------


class BerthCalendar(StreamAggregate):
    """The claims on one berth."""

    TOPIC: ClassVar[str] = "berth_calendar"
    category: ClassVar[str] = "berth_calendar"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        CalendarOpened,
        BerthHeld,
        BerthKept,
        BerthFreed,
    )

    def __init__(self, berth: str) -> None:
        self.berth = berth
        self.claims: dict[str, Claim] = {}
        self.ended: dict[str, datetime] = {}

    @staticmethod
    def id_of(berth: str) -> str:
        """The stream of a berth."""
        return f"{BerthCalendar.category}-{berth}"

    @classmethod
    def open(cls, now: datetime, *, berth: str) -> "BerthCalendar":
        """Nobody has wanted it before."""
        return cls._create(CalendarOpened, id=cls.id_of(berth), timestamp=now, berth=berth)

    def hold(
        self, now: datetime, *, claim_id: str, start: datetime, end: datetime, until: datetime
    ) -> None:
        """Have it for a while; told twice, once. Raises `BerthTaken` or `ClaimEnded`."""
        at = self._check(now, claim_id, start, end)
        if not self._has(claim_id, start, end, at):
            self.trigger_event(
                BerthHeld, timestamp=at, claim_id=claim_id, start=start, end=end, until=until
            )

    def keep(self, now: datetime, *, claim_id: str, start: datetime, end: datetime) -> None:
        """Have it for good, also where the hold ran out and nobody came; told twice, once.

        Raises `BerthTaken` or `ClaimEnded`.
        """
        at = self._check(now, claim_id, start, end)
        claim = self.claims.get(claim_id)
        if claim is None or claim["until"] is not None:
            self.trigger_event(BerthKept, timestamp=at, claim_id=claim_id, start=start, end=end)

    def free(self, now: datetime, *, claim_id: str, end: datetime) -> None:
        """Give it up, whether it was had or not; nothing where that is known, or over."""
        at = max(now, self.modified_on)
        if claim_id not in self.ended and at < end:
            self.trigger_event(BerthFreed, timestamp=at, claim_id=claim_id, end=end)

    def check_free(
        self, now: datetime, start: datetime, end: datetime, claim_id: str | None = None
    ) -> None:
        """Raise `BerthTaken` where another claim than this one has a part of the span."""
        for other, claim in self.claims.items():
            apart = claim["end"] <= start or end <= claim["start"]
            if other != claim_id and not apart and _counts(claim, now):
                raise BerthTaken("somebody else has this berth for a part of that time")

    def around(self, at: datetime, ahead: timedelta) -> list[str]:
        """The claims, by their start, that a moment lies in, or not longer than `ahead` before."""
        near = [
            (claim["start"], claim_id)
            for claim_id, claim in self.claims.items()
            if claim["start"] - ahead <= at < claim["end"]
        ]
        return [claim_id for _, claim_id in sorted(near)]

    def put(
        self, at: datetime, claim_id: str, start: datetime, end: datetime, until: datetime | None
    ) -> None:
        """Note a claim."""
        self._forget(at)
        self.claims[claim_id] = {"start": start, "end": end, "until": until}

    def drop(self, at: datetime, claim_id: str, end: datetime) -> None:
        """Note the end of a claim."""
        self._forget(at)
        self.claims.pop(claim_id, None)
        self.ended[claim_id] = end

    def _check(self, now: datetime, claim_id: str, start: datetime, end: datetime) -> datetime:
        """When it is decided; raises where the claim cannot be made."""
        at = max(now, self.modified_on)
        if claim_id in self.ended or end <= at:
            raise ClaimEnded("this claim was given up, or its time is over")
        self.check_free(at, start, end, claim_id)
        return at

    def _has(self, claim_id: str, start: datetime, end: datetime, at: datetime) -> bool:
        claim = self.claims.get(claim_id)
        return (
            claim is not None
            and (claim["start"], claim["end"]) == (start, end)
            and _counts(claim, at)
        )

    def _forget(self, at: datetime) -> None:
        """Drop what is long over, and holds that have long run out."""
        long_ago = at - REMEMBERED
        self.claims = {
            claim_id: claim
            for claim_id, claim in self.claims.items()
            if claim["end"] > long_ago and (claim["until"] is None or claim["until"] > long_ago)
        }
        self.ended = {claim_id: end for claim_id, end in self.ended.items() if end > long_ago}


def _counts(claim: Claim, at: datetime) -> bool:
    """Whether a claim keeps others out: a hold does not from the moment on at which it runs out."""
    return claim["until"] is None or claim["until"] > at
