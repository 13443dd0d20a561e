"""How berths are reserved: times, fees and limits, in dated files of the folder
`parking-reservation`. A version is whole: nothing of it is taken from the one before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from citybrain.definitions.dated_files import DatedFile, DatedVersions, by_day
from citybrain.definitions.loading import Definitions, Files
from citybrain.domain.parking.reservation import Span, Terms
from citybrain.domain.parking.reservation_refusals import SpanInvalid
from citybrain.domain.parking.rules import ParkingRules

MOST_FEN = 100_000
"""A deposit of more than a thousand yuan is a slip of the pen."""

Fee = Annotated[int, Field(strict=True, ge=0, le=MOST_FEN)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=31 * 1440)]
NOT_IN_THE_PAST = timedelta(minutes=1)


class ReservationRules(DatedFile):
    """The rules from a day on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    deposit_fen: Fee
    no_show_fee_fen: Fee
    late_cancel_fee_fen: Fee
    hold_minutes: Minutes
    free_cancel_minutes: Minutes
    early_minutes: Minutes
    no_show_minutes: Minutes
    ahead_days: Annotated[int, Field(strict=True, ge=1, le=366)]
    shortest_minutes: Minutes
    longest_minutes: Minutes
    open_per_citizen: Annotated[int, Field(strict=True, ge=1, le=100)]

    @model_validator(mode="after")
    def _fits(self) -> "ReservationRules":
        if max(self.no_show_fee_fen, self.late_cancel_fee_fen) > self.deposit_fen:
            raise ValueError("no fee is higher than the deposit that it is kept of")
        if not self.no_show_minutes <= self.shortest_minutes <= self.longest_minutes:
            raise ValueError("no_show_minutes, shortest_minutes and longest_minutes rise")
        return self

    @property
    def hold_for(self) -> timedelta:
        """How long a berth is held until the deposit is there."""
        return timedelta(minutes=self.hold_minutes)

    def span(self, now: datetime, berth: str, start: datetime, end: datetime) -> Span:
        """The span, held from now on; raises `SpanInvalid` beyond a limit."""
        shortest, longest = (
            timedelta(minutes=each) for each in (self.shortest_minutes, self.longest_minutes)
        )
        latest = now + timedelta(days=self.ahead_days)
        if start < now - NOT_IN_THE_PAST:
            raise SpanInvalid("the span begins in the past", rule="begins-in-the-past")
        if start > latest:
            limit = {"rule": "too-far-ahead", "limit": self.ahead_days}
            raise SpanInvalid(f"a berth is reserved {self.ahead_days} days ahead at most", **limit)
        if end - start < shortest:
            limit = {"rule": "too-short", "limit": self.shortest_minutes}
            raise SpanInvalid(f"a span has {self.shortest_minutes} minutes at least", **limit)
        if end - start > longest:
            limit = {"rule": "too-long", "limit": self.longest_minutes}
            raise SpanInvalid(f"a span has {self.longest_minutes} minutes at most", **limit)
        return Span(berth=berth, start=start, end=end, hold_until=now + self.hold_for)

    def terms(self, span: Span, parking: ParkingRules) -> Terms:
        """The times and fees of a span."""
        no_show_at = span.start + timedelta(minutes=self.no_show_minutes)
        free_until = span.start - timedelta(minutes=self.free_cancel_minutes)
        return Terms(
            rules_version=self.version,
            parking_rules_version=parking.version,
            deposit_fen=self.deposit_fen,
            no_show_fee_fen=self.no_show_fee_fen,
            late_cancel_fee_fen=self.late_cancel_fee_fen,
            cancel_free_until=max(free_until, span.hold_until),
            arrive_from=span.start - timedelta(minutes=self.early_minutes),
            no_show_at=no_show_at,
            final_at=no_show_at + parking.order_window,
        )


@dataclass(frozen=True, slots=True)
class ReservationDefinitions(DatedVersions[ReservationRules]):
    """The rules, the oldest first."""

    KIND: ClassVar[str] = "parking-reservation"
    MODEL: ClassVar[type[DatedFile]] = ReservationRules


def reservation_rules_at(definitions: Definitions, moment: datetime) -> ReservationRules:
    """The rules in force on the city's day of `moment`."""
    return definitions.of(ReservationDefinitions).at(moment)


def load_reservations(files: Files, _: Definitions) -> ReservationDefinitions:
    """The folder `parking-reservation`; raises `DefinitionError` with file and line."""
    found = by_day(files, ReservationDefinitions.KIND, ReservationRules)
    return ReservationDefinitions(tuple(each.said for each in found))
