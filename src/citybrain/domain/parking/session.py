"""A parking session: one vehicle on one place, from its arrival to its last fen.

Stream `parking-<id>`; its events are in `session_events`. What devices say comes here as a presence
(`presence`): the session follows it, as often as that changes, and says each change once. Nothing
here prices or pays: it says what the next step is, and on what it rests.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.digests import event_sha256
from citybrain.domain.parking import session_claims
from citybrain.domain.parking.debt_events import (
    DEBTS,
    SessionDeferred,
    SessionReopened,
    SessionSettled,
)
from citybrain.domain.parking.gate_events import GATES
from citybrain.domain.parking.judging import Plated, Status, judged, status_of
from citybrain.domain.parking.prepaying_events import PREPAYING
from citybrain.domain.parking.presence import Ending, Presence
from citybrain.domain.parking.session_events import (
    EVENTS,
    SessionClaimed,
    SessionClaimLowered,
    SessionHeld,
    SessionOpened,
    SessionPriced,
    SessionReleased,
    SessionUnseen,
    SessionVoided,
)
from citybrain.domain.stream import StreamAggregate, StreamEvent

CLONE = "plate-seen-elsewhere"
CHARGED_BACK = "charged-back"
NOT_SEEN_LEAVING = "exit-not-seen"
COUNTED_FEWER = "loop-counted-fewer"
FACILITY = "facility"
UNSEEN_AT_GATES = (Ending.NOT_SEEN, Ending.SILENT, Ending.TAKEN)


class Step(StrEnum):
    """What is done next, without people."""

    PRICE = "price"
    HOLD = "hold"
    LOWER = "lower"
    CLAIM = "claim"
    SETTLE = "settle"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vehicle stands, as that was when it arrived."""

    place_id: str
    kind: str
    zone_id: str | None
    area_id: str | None
    tariff_zone: str
    time_zone: str


class ParkingSession(StreamAggregate):
    """One vehicle on one place."""

    TOPIC: ClassVar[str] = "parking_session"
    category: ClassVar[str] = "parking"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (*EVENTS, *DEBTS, *PREPAYING, *GATES)
    class_version: ClassVar[int] = 7  # of its snapshots

    def __init__(
        self,
        place_id: str,
        place_kind: str,
        zone_id: str | None,
        area_id: str | None,
        tariff_zone: str,
        time_zone: str,
        arrived_at: datetime,
        beginning: str,
        detection_ids: list[str],
        rules_version: str,
        continues: str | None,
        simulated: bool,
        tariff_version: str | None = None,
    ) -> None:
        self.tariff_version = tariff_version
        self.place_id, self.place_kind = place_id, place_kind
        self.zone_id, self.area_id = zone_id, area_id
        self.tariff_zone, self.time_zone = tariff_zone, time_zone
        self.arrived_at, self.beginning = arrived_at, beginning
        self.continued: dict[str, str] | None = None
        self.left_at: datetime | None = None
        self.ending: str | None = None
        self.charging: list[dict[str, Any]] = []
        self.detection_ids = list(detection_ids)
        self.rules_version, self.continues, self.simulated = rules_version, continues, simulated
        self.readings: dict[str, dict[str, Any]] = {}
        self.completed: dict[str, str] = {}
        self.corrected: dict[str, Any] | None = None
        self.correctors: list[str] = []
        self.late_signs: dict[str, dict[str, str]] = {}
        self.clones: dict[str, bool | None] = {}
        self.plate: Plated | None = None
        self.doubt: dict[str, Any] | None = None
        self.unseen_since: datetime | None = None
        self.facts, self.priced_facts = 0, -1
        self.price_fen: int | None = None
        self.price_event: str | None = None
        self.held: str | None = None
        self.looked_at = False
        self.claims: dict[str, dict[str, Any]] = {}
        self.held_up: dict[str, dict[str, Any]] = {}
        self.strays: dict[str, bool | None] = {}
        self.tailgated: dict[str, Any] | None = None
        self.due_at: datetime | None = None
        self.remind_at: datetime | None = None
        self.overdue_at: datetime | None = None
        self.reminders = 0
        self.deferred: str | None = None
        self.overdue = self.settled = self.voided = False
        self.dispute: str | None = None
        self.disputants: list[str] = []
        self.deciders: list[str] = []
        self.proposals: dict[str, dict[str, Any]] = {}
        self.judge()

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Snapshots from before a stay named the times of the one that it goes on with."""
        state["continued"] = None

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Snapshots from before chargers said anything."""
        state["charging"] = []

    @staticmethod
    def upcast_v3_v4(state: dict[str, Any]) -> None:
        """Snapshots from before anybody paid before leaving."""
        state["held_up"] = {}

    @staticmethod
    def upcast_v4_v5(state: dict[str, Any]) -> None:
        """Snapshots from before payments for another plate were offered."""
        state |= {"strays": {}, "tailgated": None}

    @staticmethod
    def upcast_v5_v6(state: dict[str, Any]) -> None:
        """Snapshots from before somebody could be out of sight more than once."""
        del state["unseen"]
        state["unseen_since"] = None

    @staticmethod
    def upcast_v6_v7(state: dict[str, Any]) -> None:
        """Snapshots from before a session named the tariff version that it began under."""
        state["tariff_version"] = None

    @classmethod
    def open(
        cls,
        now: datetime,
        *,
        session_id: str,
        place: Place,
        presence: Presence,
        rules_version: str,
        simulated: bool,
        tariff_version: str | None = None,
    ) -> "ParkingSession":
        """A vehicle stands there; what was read of its plate follows by `follow`."""
        return cls._create(
            SessionOpened,
            id=session_id,
            timestamp=now,
            place_id=place.place_id,
            place_kind=place.kind,
            zone_id=place.zone_id,
            area_id=place.area_id,
            tariff_zone=place.tariff_zone,
            time_zone=place.time_zone,
            arrived_at=presence.arrived_at,
            beginning=presence.beginning.value,
            detection_ids=presence.signs[:1],
            rules_version=rules_version,
            continues=None,
            simulated=simulated,
            tariff_version=tariff_version,
        )

    # --- what devices say (what signs come to: `following`) ---------------------------------

    def note_unseen(self, now: datetime, last_sign_at: datetime) -> None:
        """Nobody has seen it for a long time; once for each time."""
        if self.left_at is None and self.unseen_since != last_sign_at:
            self.trigger_event(SessionUnseen, timestamp=now, last_sign_at=last_sign_at)

    def void(self, now: datetime, *, reason: str, voided_by: str | None = None) -> None:
        """There was no such session; once."""
        if not self.voided:
            self.trigger_event(SessionVoided, timestamp=now, reason=reason, voided_by=voided_by)

    # --- what it comes to ----------------------------------------------------------------

    def judge(self) -> None:
        """Which plate it is, by all that is known, and why that is not sure enough to debit."""
        self.plate, self.doubt = judged(self.readings, self.completed, self.corrected)

    @property
    def plate_id(self) -> str | None:
        """The id of the plate it is taken for."""
        return None if self.plate is None else self.plate["plate_id"]

    def digest_of(self, event: StreamEvent) -> str:
        """The digest of one of its events, as payments name it."""
        return event_sha256(event.TOPIC, vars(event))

    def price(
        self,
        now: datetime,
        *,
        amount_fen: int,
        already_fen: int,
        lines: list[dict[str, Any]],
        stay: dict[str, Any],
        tariff_versions: list[str],
        cause: str,
        facts: int,
    ) -> None:
        """Say what it costs; nothing where its facts have changed meanwhile."""
        if facts == self.facts and self.priced_facts != facts:
            self.trigger_event(
                SessionPriced,
                timestamp=now,
                amount_fen=amount_fen,
                already_fen=already_fen,
                lines=lines,
                stay=stay,
                tariff_versions=tariff_versions,
                cause=cause,
                facts=facts,
            )

    def hold(self, now: datetime, reason: str, details: dict[str, Any] | None = None) -> None:
        """Nothing is debited until a person has looked; once for one reason."""
        if self.held != reason:
            self.trigger_event(SessionHeld, timestamp=now, reason=reason, details=details or {})

    def release(self, now: datetime, *, by: str, reason: str) -> None:
        """What held it is no more."""
        if self.held is not None:
            self.trigger_event(SessionReleased, timestamp=now, released_by=by, reason=reason)

    def claim_made(
        self,
        now: datetime,
        *,
        claim_id: str,
        amount_fen: int,
        payer: str | None,
        due_at: datetime,
        debited: bool,
        why_not: str | None,
        terms: dict[str, Any] | None,
    ) -> None:
        """It is owed, and from whom; once for one claim."""
        if claim_id not in self.claims:
            self.trigger_event(
                SessionClaimed,
                timestamp=now,
                claim_id=claim_id,
                amount_fen=amount_fen,
                payer=payer,
                due_at=due_at,
                debited=debited,
                why_not=why_not,
                terms=terms,
            )

    def claim_lowered(self, now: datetime, claim_id: str, amount_fen: int, reason: str) -> None:
        """Less is owed of a claim; once."""
        if self.claims[claim_id]["amount_fen"] > amount_fen:
            self.trigger_event(
                SessionClaimLowered,
                timestamp=now,
                claim_id=claim_id,
                amount_fen=amount_fen,
                reason=reason,
            )

    def settle(self, now: datetime, *, amount_fen: int, how: str, claim_id: str | None) -> None:
        """Nothing is owed any more; once."""
        if not self.settled:
            self.trigger_event(
                SessionSettled, timestamp=now, amount_fen=amount_fen, how=how, claim_id=claim_id
            )

    def reopen(
        self, now: datetime, *, claim_id: str, due_at: datetime, remind_at: datetime
    ) -> None:
        """What was paid was taken back by the payer's bank: paid later; once for one settlement."""
        if self.claims[claim_id]["settled"]:
            self.trigger_event(SessionReopened, timestamp=now, claim_id=claim_id, due_at=due_at)
            self.trigger_event(
                SessionDeferred,
                timestamp=now,
                claim_id=claim_id,
                reason=CHARGED_BACK,
                remind_at=remind_at,
            )

    def defer(self, now: datetime, *, claim_id: str, reason: str, remind_at: datetime) -> None:
        """It is paid later: who owes it is told then; once for one claim."""
        if self.deferred is None and not self.settled and claim_id == self.claim:
            self.trigger_event(
                SessionDeferred,
                timestamp=now,
                claim_id=claim_id,
                reason=reason,
                remind_at=remind_at,
            )

    @property
    def payer(self) -> str | None:
        """The citizen that it is owed by, where one is known."""
        claim = self.claim
        return None if claim is None else self.claims[claim]["payer"]

    @property
    def why_held(self) -> tuple[str, dict[str, Any]] | None:
        """Why nothing may be debited now, beside what a person has looked at."""
        if any(genuine is None for genuine in self.clones.values()):
            return CLONE, {"sessions": [key for key, each in self.clones.items() if each is None]}
        if self.place_kind == FACILITY and self.ending in UNSEEN_AT_GATES:
            return NOT_SEEN_LEAVING, {"ending": self.ending}
        if self.tailgated is not None:
            counted, place = self.tailgated["counted"], self.tailgated["place"]
            if counted is not None and counted < place:
                return COUNTED_FEWER, {"counted": counted, "read": place}
        if self.doubt is not None:
            return self.doubt["reason"], {
                key: value for key, value in self.doubt.items() if key != "reason"
            }
        return None

    @property
    def claim(self) -> str | None:
        """The claim on the plate it is taken for now."""
        return session_claims.claim_on(self.claims, self.plate_id)

    @property
    def owed_fen(self) -> int:
        """What is asked for on leaving: the price, less what was paid before."""
        return session_claims.owed_on_leaving_fen(self.claims, self.plate_id, self.price_fen or 0)

    def to_lower(self) -> tuple[str, int, str] | None:
        """A claim of which less is owed, or nothing: its id, how much now, and why."""
        price_fen = 0 if self.voided else self.price_fen or 0
        return session_claims.to_lower(self.claims, self.plate_id, price_fen, voided=self.voided)

    @property
    def status(self) -> Status:
        """Where it stands."""
        return status_of(
            voided=self.voided,
            left=self.left_at is not None,
            disputed=self.dispute == "open",
            settled=self.settled,
            held=self.held is not None,
            overdue=self.overdue,
            deferred=self.deferred is not None,
            claimed=self.claim is not None,
            priced=self.price_fen is not None,
        )

    def next_step(self) -> Step:
        """What is done next without people."""
        if self.left_at is None:
            return Step.LOWER if session_claims.over(self.claims) else Step.NOTHING
        if self.dispute == "open" or session_claims.under_way(self.claims):
            return Step.NOTHING
        if not self.voided and self.priced_facts != self.facts:
            return Step.PRICE
        if self.to_lower() is not None:
            return Step.LOWER
        if self.voided or self.settled:
            return Step.NOTHING
        if not self.owed_fen:
            return (
                Step.SETTLE
                if session_claims.all_settled(self.claims, self.plate_id)
                else Step.NOTHING
            )
        if self.why_held is not None and self.held is None and not self.looked_at:
            return Step.HOLD
        if self.held is None and session_claims.on_leaving(self.claims, self.plate_id) is None:
            return Step.CLAIM
        return Step.NOTHING
