"""A plate bound to a citizen, so that parking is paid without stopping.

Stream `plate_binding-<id>`, one for each plate and citizen; its events are in `binding_events`. It
begins with a consent, is proved by the vehicle registry, and ends at once: whatever comes after
the end is not debited. Which of several citizens holds a plate is said by `holding`.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.money import Fen
from citybrain.domain.parking import binding_events as events
from citybrain.domain.parking.binding_events import OPEN, BindingStatus
from citybrain.domain.parking.registration import Registration
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.domain.times import as_text, moment
from citybrain.errors import Forbidden, InvalidInput, Refused

AGREEMENT = "parking-debit"

UNBOUND, SOLD, CONSENT_WITHDRAWN = "unbound", "sold", "consent-withdrawn"
OWNERSHIP_ENDED, DECEASED, ERASED = "ownership-ended", "person-deceased", "person-erased"
REGISTRY_SILENT = "registry-silent"
NOT_REGISTERED, NOT_BEGUN, HELD_BY_ANOTHER = (
    "not-registered-to-you",
    "registration-not-begun",
    "held-by-another",
)
STILL_REGISTERED, NO_DATE = "still-registered-to-you", "registry-names-no-day"


class NotYourBinding(Forbidden):
    """A binding is its citizen's, and of nobody else's business."""

    code = "not-your-binding"


class BindingEnded(Refused):
    """The binding has ended, or was refused."""

    code = "plate-binding-ended"


class BindingNotProved(Refused):
    """The registry has not said yet that the vehicle is, or was, theirs."""

    code = "plate-binding-not-proved"


class TransferKnown(Refused):
    """A transfer was shown, and is being looked at, or was confirmed."""

    code = "transfer-known"


class TransferDayImpossible(InvalidInput):
    """A vehicle is sold after it was registered to whoever sells it, and not tomorrow."""

    code = "transfer-day-impossible"


class DebitAboveLimit(Refused):
    """More than the citizen lets be debited by itself; `left_fen` is what may be."""

    code = "debit-above-limit"


class PlateBinding(StreamAggregate):
    """One citizen's binding of one plate."""

    TOPIC: ClassVar[str] = "parking.plate_binding"
    category: ClassVar[str] = "plate_binding"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = events.EVENTS

    def __init__(
        self,
        citizen_id: str,
        consent_id: str,
        plate: dict[str, Any],
        per_debit_fen: int,
        per_day_fen: int,
        terms_version: str,
        waits_until: str,
    ) -> None:
        self.citizen_id = citizen_id
        self.consent_id = consent_id
        self.plate = plate
        self.per_debit_fen = per_debit_fen
        self.per_day_fen = per_day_fen
        self.waits_until = moment(waits_until)
        self.status = BindingStatus.ASKED.value
        self.question: dict[str, str] | None = None
        self.registration: dict[str, Any] | None = None
        self.owned: dict[str, Any] | None = None
        self.answered_at: datetime | None = None
        self.signed_sealed: str | None = None
        self.ask_again_at: datetime | None = None
        self.held_at: datetime | None = None
        self.good_until: datetime | None = None
        self.ended: dict[str, Any] | None = None
        self.held_until: list[Any] | None = None
        self.transfer: dict[str, str] | None = None
        self.debits: dict[str, Any] = {"day": "", "fen": {}}

    @property
    def plate_id(self) -> str:
        """By which its plate is found."""
        return str(self.plate["plate_id"])

    @property
    def since(self) -> datetime | None:
        """Since when it is, or was, theirs, by the registry; None where it never said so."""
        return None if self.owned is None else moment(self.owned["since"])

    @property
    def proved(self) -> bool:
        """Whether the registry has ever said that it is theirs."""
        return self.owned is not None

    @property
    def use(self) -> str | None:
        """What the vehicle is for, in the registry's word."""
        return None if self.owned is None else str(self.owned["use"])

    @property
    def transfer_waits(self) -> bool:
        """Whether a transfer was shown that the registry has not spoken of."""
        return self.transfer is not None and self.transfer["outcome"] == "shown"

    def left_fen(self, day: date, session_id: str | None = None) -> int:
        """How much one more debit may be, on a day of the city; `session_id`: of this stay."""
        taken: dict[str, int] = self.debits["fen"] if self.debits["day"] == str(day) else {}
        used = sum(fen for each, fen in taken.items() if each != session_id)
        return max(min(self.per_debit_fen, self.per_day_fen - used), 0)

    @classmethod
    def ask(
        cls,
        now: datetime,
        *,
        binding_id: str,
        citizen_id: str,
        consent_id: str,
        plate: dict[str, Any],
        per_debit_fen: Fen,
        per_day_fen: Fen,
        terms_version: str,
        waits_until: datetime,
        question: dict[str, str],
    ) -> "PlateBinding":
        """A citizen asks for it; the registry is asked whether it is theirs."""
        binding = cls._create(
            events.PlateBindingAsked,
            id=binding_id,
            timestamp=now,
            citizen_id=citizen_id,
            consent_id=consent_id,
            plate=plate,
            per_debit_fen=int(per_debit_fen),
            per_day_fen=int(per_day_fen),
            terms_version=terms_version,
            waits_until=as_text(waits_until),
        )
        binding.request_proof(now, question, reason="asked")
        return binding

    # --- the registry ---------------------------------------------------------------------

    def request_proof(self, now: datetime, question: dict[str, str], *, reason: str) -> None:
        """Ask the registry, unless it is being asked, or it is time to wait no longer."""
        if self.question is not None or not (self.status in OPEN or self.transfer_waits):
            return
        if self.status == BindingStatus.UNKNOWN and now >= self.waits_until:
            self._end(now, REGISTRY_SILENT)
            return
        self._trigger(events.PlateProofRequested, now, reason=reason, **question)

    def answer(
        self,
        now: datetime,
        request_id: str,
        registration: Registration,
        *,
        again_at: datetime,
        good_until: datetime,
        evidence: dict[str, Any],
    ) -> None:
        """What the registry said, and what follows; an answer to another question is left out."""
        if self.question is None or self.question["request_id"] != request_id:
            return
        self._trigger(
            events.PlateRegistryAnswered,
            now,
            request_id=request_id,
            again_at=as_text(again_at),
            good_until=as_text(good_until),
            evidence=evidence,
            **registration.members(),
        )
        if self.transfer_waits:
            self._judge_transfer(now, registration)
        if self.status in (BindingStatus.ASKED, BindingStatus.UNKNOWN):
            self._judge_ownership(now, registration)
        elif self.status in OPEN and not registration.holds_at(now):
            last = self.held_at or now
            until = registration.until
            self._end(now, OWNERSHIP_ENDED, until or last, proved=until is not None)

    def silent(self, now: datetime, request_id: str, *, again_at: datetime, **why: Any) -> None:
        """The registry did not answer: it is asked again, and nothing is decided."""
        if self.question is not None and self.question["request_id"] == request_id:
            self._trigger(
                events.PlateRegistrySilent,
                now,
                request_id=request_id,
                again_at=as_text(again_at),
                **why,
            )

    def _judge_ownership(self, now: datetime, registration: Registration) -> None:
        if registration.holds_at(now):
            assert registration.since is not None
            self._trigger(events.PlateBindingProved, now, since=as_text(registration.since))
            return
        reason = NOT_REGISTERED
        if registration.registered and registration.since is not None:
            reason = NOT_BEGUN if registration.since > now else OWNERSHIP_ENDED
        self._refuse(now, reason)

    def _judge_transfer(self, now: datetime, registration: Registration) -> None:
        assert self.transfer is not None
        shown = {name: self.transfer[name] for name in ("transfer_id", "transferred_on")}
        until = registration.until
        if until is not None and until <= now:
            held_until = max(until, self._held_since())
            self._trigger(
                events.PlateTransferConfirmed, now, held_until=as_text(held_until), **shown
            )
        else:
            reason = STILL_REGISTERED if registration.registered else NO_DATE
            self._trigger(events.PlateTransferRefused, now, reason=reason, **shown)

    # --- its life -------------------------------------------------------------------------

    def activate(self, now: datetime) -> None:
        """The plate is held by this binding alone; told twice, nothing happens."""
        if self.status == BindingStatus.PROVED:
            self._trigger(events.PlateBindingActivated, now)

    def refuse(self, now: datetime, reason: str = HELD_BY_ANOTHER) -> None:
        """By the registry it is somebody else's as well, or was: nobody is debited on that."""
        if self.status == BindingStatus.PROVED:
            self._refuse(now, reason)

    def check_own(self, actor: Actor) -> None:
        """Raise `NotYourBinding` for whoever is not its citizen."""
        if not (actor.has(Role.CITIZEN) and actor.subject == self.citizen_id):
            raise NotYourBinding("this binding is not yours")

    def change_limits(
        self, actor: Actor, now: datetime, *, per_debit_fen: Fen, per_day_fen: Fen, terms: str
    ) -> None:
        """Let more or less be debited, from now on."""
        self.check_own(actor)
        self._check_open()
        if (int(per_debit_fen), int(per_day_fen)) != (self.per_debit_fen, self.per_day_fen):
            self._trigger(
                events.PlateLimitsChanged,
                now,
                per_debit_fen=int(per_debit_fen),
                per_day_fen=int(per_day_fen),
                terms_version=terms,
            )

    def unbind(self, actor: Actor, now: datetime) -> None:
        """The citizen ends it."""
        self.check_own(actor)
        self._check_open()
        self._end(now, UNBOUND)

    def end(self, now: datetime, reason: str) -> None:
        """Something else ends it; what has ended stays so."""
        if self.status in OPEN:
            self._end(now, reason)

    def give_up(self, now: datetime, reason: str) -> None:
        """The registry cannot be asked any more: of somebody dead or erased, of an erased plate."""
        self.end(now, reason)
        if self.transfer_waits and self.transfer is not None:
            shown = {name: self.transfer[name] for name in ("transfer_id", "transferred_on")}
            self._trigger(events.PlateTransferRefused, now, reason=reason, **shown)

    def show_transfer(
        self,
        actor: Actor,
        now: datetime,
        *,
        transfer_id: str,
        transferred_on: date,
        document_sha256: str | None,
        question: dict[str, str],
    ) -> None:
        """The vehicle was sold: it ends at once; the registry is asked until when it was theirs.

        It may have ended before. What the registry says counts, not the day that is shown.
        """
        self.check_own(actor)
        if not self.proved:
            raise BindingNotProved("the registry has not said that this vehicle was yours")
        if self.transfer is not None and self.transfer["outcome"] != "refused":
            raise TransferKnown("the transfer is known")
        if not city_day(self._held_since()) <= transferred_on <= city_day(now):
            raise TransferDayImpossible("a day since the vehicle is registered to you, until today")
        self._trigger(
            events.PlateTransferShown,
            now,
            transfer_id=transfer_id,
            transferred_on=str(transferred_on),
            document_sha256=document_sha256,
        )
        self.end(now, SOLD)
        self.request_proof(now, question, reason="transfer")

    # --- what is debited ------------------------------------------------------------------

    def take_debit(self, now: datetime, *, session_id: str, amount_fen: Fen) -> None:
        """Use so much of the limits for a stay; once for each stay and day."""
        if self.status != BindingStatus.ACTIVE:
            raise BindingEnded("the binding is not active")
        day = city_day(now)
        if self.debits["day"] == str(day) and session_id in self.debits["fen"]:
            return
        left = self.left_fen(day)
        if amount_fen > left:
            raise DebitAboveLimit("this is more than may be debited by itself", left_fen=left)
        self._trigger(
            events.PlateDebitTaken,
            now,
            session_id=session_id,
            amount_fen=int(amount_fen),
            day=str(day),
        )

    def give_back_debit(self, now: datetime, *, session_id: str) -> None:
        """Nothing was debited for this stay; of another day it does not count any more."""
        if session_id in self.debits["fen"]:
            self._trigger(events.PlateDebitGivenBack, now, session_id=session_id)

    def _held_since(self) -> datetime:
        return self.since or self.created_on

    def _check_open(self) -> None:
        if self.status not in OPEN:
            raise BindingEnded("the binding has ended")

    def _refuse(self, now: datetime, reason: str) -> None:
        registration = self.registration or {"since": None, "until": None}
        said = {name: registration[name] for name in ("since", "until")}
        self._trigger(events.PlateBindingRefused, now, reason=reason, **said)

    def _end(
        self, now: datetime, reason: str, held_until: datetime | None = None, proved: bool = False
    ) -> None:
        until = max(min(held_until or now, now), self._held_since())
        self._trigger(
            events.PlateBindingEnded, now, reason=reason, held_until=as_text(until), proved=proved
        )

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)
