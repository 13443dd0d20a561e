"""A plate over time: which binding holds it, and who had the vehicle at a moment.

Stream `parking_plate-<id>`, the same id as the plate's; it is strict, so of several who claim one
plate one is first, and at no moment two hold it. It says nothing of the plate itself. Times are
half open: from one on until before the next.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.domain.times import as_text, moment
from citybrain.errors import InvalidInput, Refused

PLATE = "plate-"


# --- events -------------------------------------------------------------------------------


class PlateKnown(StreamCreated):
    """Somebody says that the plate is theirs, for the first time."""

    TOPIC: ClassVar[str] = "parking.plate_known"


class PlateHeld(StreamEvent):
    """A binding holds the plate, alone; the vehicle is its citizen's since `since`."""

    TOPIC: ClassVar[str] = "parking.plate_held"
    binding_id: str
    holder: str
    since: str

    def apply(self, aggregate: Any) -> None:
        aggregate.holds = self.binding_id
        if aggregate.contest == self.binding_id:
            aggregate.contest = None
        aggregate.spans.append(
            {
                "binding_id": self.binding_id,
                "holder": self.holder,
                "since": moment(self.since),
                "until": None,
                "proved": False,
            }
        )


class PlateContested(StreamEvent):
    """Another binding has proved it as well: nobody is debited until the registry has said whose
    it is."""

    TOPIC: ClassVar[str] = "parking.plate_contested"
    binding_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.contest = self.binding_id
        aggregate.contested_at = self.timestamp


class PlateContestDropped(StreamEvent):
    """It holds it no more than before."""

    TOPIC: ClassVar[str] = "parking.plate_contest_dropped"
    binding_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.contest = None


class PlateLetGo(StreamEvent):
    """The vehicle was the holder's until `until`, as is known now; `before`: as was known before.

    `proved`: by the registry. Whoever was debited for what came after is not who had it.
    """

    TOPIC: ClassVar[str] = "parking.plate_let_go"
    binding_id: str
    holder: str
    until: str
    before: str | None
    proved: bool

    def apply(self, aggregate: Any) -> None:
        if aggregate.holds == self.binding_id:
            aggregate.holds = None
        span = aggregate.span_of(self.binding_id)
        span["until"] = moment(self.until)
        span["proved"] = self.proved


class PlateHiredOut(StreamEvent):
    """The holder names who had the vehicle by a contract: from `begins` on until before `ends`.

    `hirer` is a citizen where one has the document that was named, which is sealed with the plate's
    key. `arrived_at` is of the stay that it was asked for.
    """

    TOPIC: ClassVar[str] = "parking.plate_hired_out"
    hire_id: str
    binding_id: str
    hirer: str | None
    hirer_sealed: str
    begins: str
    ends: str
    arrived_at: str
    contract_sha256: str

    def apply(self, aggregate: Any) -> None:
        aggregate.hires.append(
            {
                "hire_id": self.hire_id,
                "binding_id": self.binding_id,
                "hirer": self.hirer,
                "hirer_sealed": self.hirer_sealed,
                "begins": moment(self.begins),
                "ends": moment(self.ends),
                "contract_sha256": self.contract_sha256,
            }
        )


class PlatePermitNoted(StreamEvent):
    """A permit may cover the plate; when it does, the permit says."""

    TOPIC: ClassVar[str] = "parking.plate_permit_noted"
    permit_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.permits.append(self.permit_id)


# --- refusals -----------------------------------------------------------------------------


class RegistryContradicts(Refused):
    """By what the registry said before, the vehicle was somebody else's at that time."""

    code = "registry-contradicts"


class ContractEndsBeforeItBegins(InvalidInput):
    """A contract begins, and ends later."""

    code = "contract-times-wrong"


class ContractDoesNotCover(Refused):
    """The contract does not cover the arrival; the dates say so."""

    code = "contract-does-not-cover"


class NotHeldThen(Refused):
    """By the registry the vehicle was not theirs when it arrived, or when the contract ran."""

    code = "not-held-then"


class HiredToAnother(Refused):
    """Somebody else was named for a part of this time; the dates say which."""

    code = "hired-to-another"


# --- state and decisions ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """Who had a vehicle at a moment: the holder of a binding, or whom they named.

    `hire_id` where it was hired out; `hirer` is None where nobody is known by the document.
    """

    binding_id: str
    holder: str
    hire_id: str | None = None
    hirer: str | None = None
    hirer_sealed: str | None = None


class ParkingPlate(StreamAggregate):
    """One plate over time."""

    TOPIC: ClassVar[str] = "parking.plate"
    category: ClassVar[str] = "parking_plate"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        PlateKnown,
        PlateHeld,
        PlateContested,
        PlateContestDropped,
        PlateLetGo,
        PlateHiredOut,
        PlatePermitNoted,
    )

    def __init__(self) -> None:
        self.holds: str | None = None
        self.contest: str | None = None
        self.contested_at: datetime | None = None
        self.spans: list[dict[str, Any]] = []
        self.hires: list[dict[str, Any]] = []
        self.permits: list[str] = []

    @classmethod
    def id_of(cls, plate_id: str) -> str:
        """The stream of a plate."""
        return f"{cls.category}-{plate_id.removeprefix(PLATE)}"

    @classmethod
    def know(cls, now: datetime, *, plate_id: str) -> "ParkingPlate":
        """Nobody has said before that it is theirs."""
        return cls._create(PlateKnown, id=cls.id_of(plate_id), timestamp=now)

    def at(self, when: datetime) -> Held | None:
        """Who had the vehicle at a moment; None where nobody is known."""
        span = next(
            (each for each in self.spans if _covers(each["since"], each["until"], when)), None
        )
        if span is None:
            return None
        for hire in self.hires:
            if hire["binding_id"] == span["binding_id"] and _covers(
                hire["begins"], hire["ends"], when
            ):
                return Held(
                    span["binding_id"],
                    span["holder"],
                    hire["hire_id"],
                    hire["hirer"],
                    hire["hirer_sealed"],
                )
        return Held(span["binding_id"], span["holder"])

    def had_gone(self, holder: str, when: datetime) -> bool:
        """Whether it was no longer somebody's at a moment, by the registry."""
        return any(
            span["holder"] == holder and span["proved"] and span["until"] <= when
            for span in self.spans
        )

    def hold(self, now: datetime, *, binding_id: str, holder: str, since: datetime) -> None:
        """A binding whose citizen the registry has named takes it, or contests it.

        By the registry's word an earlier holder of whom nobody knew the end had it until then.
        """
        if self.holds == binding_id:
            return
        if self.holds is not None:
            if self.contest is None:
                self._trigger(PlateContested, now, binding_id=binding_id)
            return
        begins = since
        for span in self.spans:
            if span["since"] == span["until"]:
                continue  # it never was
            if span["holder"] == holder or span["proved"]:
                begins = max(begins, span["until"])
            elif span["since"] >= since:
                raise RegistryContradicts("the registry named another holder of this time before")
        for span in self.spans:
            if span["until"] > begins:
                self._let_go(now, span, begins, proved=True)
        self._trigger(PlateHeld, now, binding_id=binding_id, holder=holder, since=as_text(begins))

    def drop_contest(self, now: datetime, *, binding_id: str) -> None:
        """A binding contests it no more."""
        if self.contest == binding_id:
            self._trigger(PlateContestDropped, now, binding_id=binding_id)

    def let_go(self, now: datetime, *, binding_id: str, until: datetime, proved: bool) -> None:
        """A binding holds it no more; its time ends here, or earlier than was known.

        What the registry says counts more than when somebody unbound; told twice, it stays so.
        """
        span = self.span_of(binding_id)
        if span is None or (span["proved"] and not proved):
            return
        later = [each["since"] for each in self.spans if each["since"] > span["since"]]
        until = max(min([until, *later]), span["since"])
        known = span["until"]
        if known is not None and proved == span["proved"] and known <= until:
            return
        self._let_go(now, span, until, proved=proved)

    def hire_out(
        self,
        now: datetime,
        *,
        hire_id: str,
        binding_id: str,
        hirer: str | None,
        hirer_sealed: str,
        begins: datetime,
        ends: datetime,
        arrived_at: datetime,
        contract_sha256: str,
    ) -> None:
        """Name who had the vehicle by a contract; the whole stay is whose it was at the arrival."""
        if ends <= begins:
            raise ContractEndsBeforeItBegins("a contract ends after it begins")
        if not _covers(begins, ends, arrived_at):
            raise ContractDoesNotCover(
                "the contract does not cover the arrival",
                begins=as_text(begins),
                ends=as_text(ends),
                arrived_at=as_text(arrived_at),
            )
        span = self.span_of(binding_id)
        if span is None or not _covers(span["since"], span["until"], arrived_at):
            raise NotHeldThen("the vehicle was not yours when it arrived")
        for hire in self.hires:
            if hire["binding_id"] != binding_id or not (
                hire["begins"] < ends and begins < hire["ends"]
            ):
                continue
            if hire["hire_id"] == hire_id:
                return
            raise HiredToAnother(
                "somebody was named for a part of this time",
                begins=as_text(hire["begins"]),
                ends=as_text(hire["ends"]),
            )
        self._trigger(
            PlateHiredOut,
            now,
            hire_id=hire_id,
            binding_id=binding_id,
            hirer=hirer,
            hirer_sealed=hirer_sealed,
            begins=as_text(begins),
            ends=as_text(ends),
            arrived_at=as_text(arrived_at),
            contract_sha256=contract_sha256,
        )

    def note_permit(self, now: datetime, *, permit_id: str) -> None:
        """Look at this permit, too, when something is priced; noted twice, it is noted once."""
        if permit_id not in self.permits:
            self._trigger(PlatePermitNoted, now, permit_id=permit_id)

    def span_of(self, binding_id: str) -> dict[str, Any] | None:
        """The time of a binding."""
        return next((each for each in self.spans if each["binding_id"] == binding_id), None)

    def _let_go(
        self, now: datetime, span: dict[str, Any], until: datetime, *, proved: bool
    ) -> None:
        known = span["until"]
        self._trigger(
            PlateLetGo,
            now,
            binding_id=span["binding_id"],
            holder=span["holder"],
            until=as_text(until),
            before=known and as_text(known),
            proved=proved,
        )

    def _trigger(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)


def _covers(since: datetime, until: datetime | None, when: datetime) -> bool:
    return since <= when and (until is None or when < until)
