"""Permits to park for nothing: a disabled person's badge, of residents, by the month, of services.

Stream `parking_permit-<id>`; its events are in `permit_events`. What is worth money two officers of
parking decide, and neither on their own. A badge is of a person and covers one car at a time: that
of the day. Ending one changes nothing that was before.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking import permit_events as events
from citybrain.domain.parking.permit_events import Decision, PermitStatus
from citybrain.domain.parking.stay import Permit
from citybrain.domain.separation import check_apart
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.domain.times import as_text
from citybrain.errors import Forbidden, InvalidInput, Refused

OFFICERS = (Role.OFFICIAL, Role.SUPERVISOR)
ON_STATUS = {
    Decision.GRANT: PermitStatus.ASKED,
    Decision.DENY: PermitStatus.ASKED,
    Decision.END: PermitStatus.GRANTED,
}
MOST_AHEAD = timedelta(days=31)
"""How long before a day its car is named at most."""


class Part(StrEnum):
    """A part that somebody had: the rule that a refusal names."""

    OWN_CASE = "own-case"
    PROPOSED = "proposed-it"


class NotYourPermit(Forbidden):
    """A permit is its citizen's, and of nobody else's business."""

    code = "not-your-permit"


class PermitOutOfStep(Refused):
    """As the permit stands this cannot be done; `status` says how it stands."""

    code = "permit-out-of-step"


class NothingProposed(Refused):
    """No officer has proposed anything that a second one could decide."""

    code = "permit-nothing-proposed"


class PermitTimesWrong(InvalidInput):
    """A permit begins and ends within what its kind allows."""

    code = "permit-times-wrong"


class PermitHasOneCar(Refused):
    """The permit is of one vehicle, not of a person."""

    code = "permit-has-one-car"


class CarOfDayNamed(Refused):
    """A car was named for this day; it stays that one."""

    code = "car-of-day-named"


class CarOfDayTooFar(InvalidInput):
    """The car of a day is named on that day, or some weeks ahead; never afterwards."""

    code = "car-of-day-too-far"


class ParkingPermit(StreamAggregate):
    """One permit."""

    TOPIC: ClassVar[str] = "parking.permit"
    category: ClassVar[str] = "parking_permit"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = events.EVENTS
    class_version: ClassVar[int] = 2  # of its snapshots

    def __init__(
        self,
        citizen_id: str | None,
        kind: str,
        of_person: bool,
        plate: dict[str, Any],
        zone_id: str | None,
        document_sha256: str | None,
        kinds_version: str | None = None,
    ) -> None:
        self.kinds_version = kinds_version
        self.citizen_id = citizen_id
        self.kind = kind
        self.of_person = of_person
        self.plate = plate
        self.zone_id = zone_id
        self.document_sha256 = document_sha256
        self.status = PermitStatus.ASKED.value
        self.proposal: dict[str, Any] | None = None
        self.begins: datetime | None = None
        self.ends: datetime | None = None
        self.ended_at: datetime | None = None
        self.reason: str | None = None
        self.cars: list[dict[str, Any]] = []

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Snapshots from before a permit named the version of its kind."""
        state["kinds_version"] = None

    @property
    def plate_id(self) -> str:
        """Of its vehicle; of a person's permit that of the car they use as a rule."""
        return str(self.plate["plate_id"])

    @classmethod
    def ask(
        cls,
        now: datetime,
        *,
        permit_id: str,
        citizen_id: str | None,
        kind: str,
        of_person: bool,
        plate: dict[str, Any],
        zone_id: str | None,
        document_sha256: str | None,
        kinds_version: str,
    ) -> "ParkingPermit":
        """Somebody asks for it."""
        return cls._create(
            events.PermitAsked,
            id=permit_id,
            timestamp=now,
            citizen_id=citizen_id,
            kind=kind,
            of_person=of_person,
            plate=plate,
            zone_id=zone_id,
            document_sha256=document_sha256,
            kinds_version=kinds_version,
        )

    # --- what two officers decide ---------------------------------------------------------

    def check_officer(self, actor: Actor, departments: Collection[str]) -> None:
        """Raise unless an officer of parking acts, on somebody else's permit."""
        if not actor.has(*OFFICERS) or actor.department not in departments:
            raise RoleNotAllowed("officers of the department of parking decide on permits")
        check_apart(actor, {Part.OWN_CASE: [] if self.citizen_id is None else [self.citizen_id]})

    def propose(
        self,
        actor: Actor,
        now: datetime,
        *,
        departments: Collection[str],
        decision: Decision,
        reason: str,
        note_sealed: str | None,
        begins: datetime | None = None,
        ends: datetime | None = None,
        longest: timedelta = timedelta(0),
        reaches_back: timedelta = timedelta(0),
    ) -> None:
        """An officer says what is to be done; it takes the place of what was proposed before."""
        self.check_officer(actor, departments)
        self._expect(ON_STATUS[decision])
        if decision is Decision.GRANT:
            if begins is None or ends is None or not begins < ends <= begins + longest:
                raise PermitTimesWrong("a permit begins, and ends within its longest time")
            if begins < self.created_on - reaches_back or ends <= now:
                raise PermitTimesWrong("a permit does not reach back so far, or is over")
        elif begins is not None or ends is not None:
            raise PermitTimesWrong("only a permit that is given has times")
        self._trigger(
            events.PermitDecisionProposed,
            now,
            decision=decision.value,
            proposed_by=actor.subject,
            begins=begins and as_text(begins),
            ends=ends and as_text(ends),
            reason=reason,
            note_sealed=note_sealed,
        )

    def check_may_decide(
        self, actor: Actor, departments: Collection[str], decision: Decision
    ) -> dict[str, Any]:
        """What somebody else has proposed; raises where this officer is not the second one."""
        self.check_officer(actor, departments)
        if self.proposal is None or self.proposal["decision"] != decision:
            raise NothingProposed("this is not what was proposed")
        check_apart(actor, {Part.PROPOSED: [self.proposal["proposed_by"]]})
        return self.proposal

    def confirm(
        self,
        actor: Actor,
        now: datetime,
        *,
        departments: Collection[str],
        decision: Decision,
        kinds_version: str,
    ) -> None:
        """A second officer agrees, and it is so."""
        proposal = self.check_may_decide(actor, departments, decision)
        proposed_by, reason = proposal["proposed_by"], proposal["reason"]
        self._expect(ON_STATUS[decision])
        if decision is Decision.GRANT:
            self._trigger(
                events.PermitGranted,
                now,
                begins=proposal["begins"],
                ends=proposal["ends"],
                proposed_by=proposed_by,
                granted_by=actor.subject,
                kinds_version=kinds_version,
            )
        elif decision is Decision.DENY:
            self._trigger(
                events.PermitDenied,
                now,
                reason=reason,
                proposed_by=proposed_by,
                denied_by=actor.subject,
            )
        else:
            self._end(now, reason, actor.subject, proposed_by)

    def turn_back(
        self,
        actor: Actor,
        now: datetime,
        *,
        departments: Collection[str],
        decision: Decision,
        reason: str,
    ) -> None:
        """A second officer does not agree; it stands as before."""
        self.check_may_decide(actor, departments, decision)
        self._trigger(
            events.PermitDecisionTurnedBack,
            now,
            decision=decision.value,
            turned_back_by=actor.subject,
            reason=reason,
        )

    # --- what its citizen does ------------------------------------------------------------

    def check_own(self, actor: Actor) -> None:
        """Raise `NotYourPermit` for whoever is not its citizen."""
        if not (actor.has(Role.CITIZEN) and actor.subject == self.citizen_id):
            raise NotYourPermit("this permit is not yours")

    def give_back(self, actor: Actor, now: datetime) -> None:
        """The citizen ends it, or does not ask for it any more."""
        self.check_own(actor)
        if self.status not in (PermitStatus.ASKED, PermitStatus.GRANTED):
            raise PermitOutOfStep("the permit has ended", status=self.status)
        self._end(now, "given-back", actor.subject)

    def end(self, now: datetime, *, reason: str, by: str) -> None:
        """A rule ends it: its holder is dead, or erased. What has ended stays so."""
        if self.status in (PermitStatus.ASKED, PermitStatus.GRANTED):
            self._end(now, reason, by)

    def name_car(self, actor: Actor, now: datetime, *, day: date, plate: dict[str, Any]) -> None:
        """The car of a day: once a day, never afterwards; it is covered from now on."""
        self.check_own(actor)
        self._expect(PermitStatus.GRANTED)
        if not self.of_person:
            raise PermitHasOneCar("this permit is of one vehicle")
        today = city_day(now)
        if not today <= day <= today + MOST_AHEAD:
            raise CarOfDayTooFar("today, or a day of the next weeks")
        if any(car["day"] == str(day) for car in self.cars):
            raise CarOfDayNamed("a car was named for this day")
        begins, until = _beginning(day), _beginning(day + timedelta(days=1))
        self._trigger(
            events.PermitCarNamed,
            now,
            day=str(day),
            plate=plate,
            since=as_text(max(begins, now)),
            until=as_text(until),
        )

    # --- what it covers -------------------------------------------------------------------

    def covers(self, plate_id: str, begins: datetime, ends: datetime) -> list[Permit]:
        """When within a time it covers a vehicle, as it is known now; at each moment one vehicle.

        One that was never given covers nothing; one that has ended covers what was before.
        """
        if self.begins is None or self.ends is None:
            return []
        last = self.ends if self.ended_at is None else min(self.ends, self.ended_at)
        spans = [
            (max(since, begins, self.begins), min(until, ends, last))
            for since, until in self._times_of(plate_id)
        ]
        return [Permit(self.kind, since, until) for since, until in spans if since < until]

    def _times_of(self, plate_id: str) -> list[tuple[datetime, datetime]]:
        """When a vehicle is the one that it covers: named for a day, or the usual one otherwise."""
        assert self.begins is not None
        assert self.ends is not None
        named = sorted(self.cars, key=lambda car: car["since"])
        times = [(c["since"], c["until"]) for c in named if c["plate_id"] == plate_id]
        if plate_id == self.plate_id:
            at = self.begins
            for car in named:
                times.append((at, car["since"]))
                at = max(at, car["until"])
            times.append((at, self.ends))
        return sorted(times)

    def _expect(self, status: PermitStatus) -> None:
        if self.status != status:
            raise PermitOutOfStep(f"the permit is {self.status}", status=self.status)

    def _end(self, now: datetime, reason: str, by: str, proposed_by: str | None = None) -> None:
        self._trigger(events.PermitEnded, now, reason=reason, ended_by=by, proposed_by=proposed_by)

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)


def _beginning(day: date) -> datetime:
    """Of a day in the city."""
    return datetime.combine(day, time(), CITY_ZONE).astimezone(UTC)
