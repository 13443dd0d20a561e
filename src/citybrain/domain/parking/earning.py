"""What one stay or reservation earns, by line of the tariff: owed, paid, given back.

What is owed belongs to the day on which the stay began, and moves with every correction of it.
Money belongs to the day on which the bank booked it, and to the lines that held then: no later
correction changes what came in on a day. Nothing here decides: it follows the events of a session
and of its claims.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from citybrain.city_day import city_day
from citybrain.domain.parking.allocation import in_proportion
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import ChargedBack, PaymentCaptured, Refunded
from citybrain.domain.parking.prepaying_events import SessionPrepaymentAsked
from citybrain.domain.parking.price import LineKind
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import PRICED, SessionDisputeDecided, SessionVoided
from citybrain.domain.parking.stray import StrayPayment
from citybrain.domain.payment_steps import booked_at
from citybrain.domain.stream import category_of
from citybrain.domain.times import moment

RESERVATION, STRAY = "reservation", "stray"
"""Kinds of lines that no tariff has: what a reservation costs, and what was paid for no stay."""


class TariffLine(NamedTuple):
    """By what something is charged; empty texts where no tariff says so."""

    version: str
    zone: str
    rule: str
    kind: str


class Measure(StrEnum):
    """What is counted of a line on a day."""

    STAYS = "stays"
    PRICED = "priced_fen"
    CHARGED = "charged_fen"
    OPEN = "open_fen"
    CAPTURED = "captured_fen"
    REFUNDED = "refunded_fen"
    CHARGED_BACK = "charged_back_fen"


MONEY = {
    PaymentCaptured.TOPIC: Measure.CAPTURED,
    Refunded.TOPIC: Measure.REFUNDED,
    ChargedBack.TOPIC: Measure.CHARGED_BACK,
}
KINDS = {ParkingSession.category: LineKind.PARKING.value, StrayPayment.category: STRAY}
Sums = Counter[tuple[date, TariffLine, Measure]]
Lines = dict[TariffLine, int]


@dataclass(slots=True)
class EarningClaim:
    """A claim, the day on which it was raised, and what is kept of it by line."""

    claim: Claim
    raised_on: date
    kept: Lines = field(default_factory=dict)


@dataclass(slots=True)
class Earning:
    """What one stay or reservation earns; `lines` are what it costs, without what was asked for
    in the session that it continues."""

    subject: str
    day: date | None = None
    stays: int = 0
    lines: Lines = field(default_factory=dict)
    claims: dict[str, EarningClaim] = field(default_factory=dict)

    def price(self, data: Mapping[str, Any]) -> None:
        """It was priced, or priced again."""
        self.day = city_day(moment(data["stay"]["start"]))
        self.stays, self.lines = 1, {}
        already_fen = data["already_fen"]
        zone = data["stay"]["zone"]
        for line in data["lines"]:
            key = TariffLine(line["version"], zone, line["rule"], line["kind"])
            asked_before = min(already_fen, line["fen"])
            already_fen -= asked_before
            self.lines[key] = self.lines.get(key, 0) + line["fen"] - asked_before
        if data["stay"].get("grace", {}).get("in_grace"):  # no more than was paid before leaving
            self.lines = dict.fromkeys(self.lines, 0) | self._spread(data["amount_fen"])

    def note(self, topic: str, data: Mapping[str, Any]) -> None:
        """Something was said of the session that changes what it costs."""
        if topic in PRICED:
            self.price(data)
        elif topic == SessionPrepaymentAsked.TOPIC:
            self.price({**data, "amount_fen": data["price_fen"]})
        elif topic == SessionDisputeDecided.TOPIC and data["upheld"]:
            self.lines = dict.fromkeys(self.lines, 0) | self._spread(data["amount_fen"])
        elif topic == SessionVoided.TOPIC:
            self.stays, self.lines = 0, {}

    def standing(self) -> Sums:
        """What is owed as it stands: each fen of it on one line of one day."""
        found: Sums = Counter()
        if self.day is not None and self.stays:
            for line, fen in self.lines.items():
                found[self.day, line, Measure.STAYS] += 1
                found[self.day, line, Measure.PRICED] += fen
        for each in self.claims.values():
            day = self.day or each.raised_on
            owed = ((Measure.CHARGED, each.claim.amount_fen), (Measure.OPEN, each.claim.open_fen))
            for measure, fen in owed:
                for line, part in self._spread(fen).items():
                    found[day, line, measure] += part
        return found

    def money(self, claim_id: str, topic: str, data: Mapping[str, Any]) -> Sums:
        """What moved by an event of a claim that has been folded already."""
        found: Sums = Counter()
        measure, at = MONEY.get(topic), booked_at(data)
        if measure is None or at is None:
            return found
        of, fen = self.claims[claim_id], data["amount_fen"]
        came_in = measure is Measure.CAPTURED
        parts = self._spread(fen) if came_in else self._going_back(of, fen)
        for line, part in parts.items():
            found[city_day(at), line, measure] += part
            of.kept[line] = of.kept.get(line, 0) + (part if came_in else -part)
        return found

    def _going_back(self, of: EarningClaim, fen: int) -> Lines:
        """On which lines money goes back: where more was paid than is owed now, else as it came."""
        owed = self._spread(of.claim.amount_fen)
        beyond = {line: kept - owed.get(line, 0) for line, kept in of.kept.items()}
        for lines in (beyond, of.kept):
            more = {line: part for line, part in lines.items() if part > 0}
            if sum(more.values()) >= fen:
                return _in_parts(fen, more)
        return self._spread(fen)

    def _spread(self, fen: int) -> Lines:
        """An amount over the lines, as they are to one another."""
        lines = {line: part for line, part in self.lines.items() if part > 0}
        if lines:
            return _in_parts(fen, lines)
        return {next(iter(self.lines), self._no_line()): fen} if fen else {}

    def _no_line(self) -> TariffLine:
        return TariffLine("", "", "", KINDS.get(category_of(self.subject), RESERVATION))


def _in_parts(fen: int, lines: Lines) -> Lines:
    parts = zip(lines, in_proportion(fen, list(lines.values())), strict=True)
    return {line: part for line, part in parts if part}
