"""The rules of parking beside the tariff: dated files of the folder `parking-rules`.

A version is whole: nothing of it is taken from the one before.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from citybrain.definitions.dated_files import DatedFile, by_day
from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.parking.said import AtLeastOne, Definition, Said, Whole
from citybrain.definitions.yaml_file import Code
from citybrain.domain.money import MOST_FEN
from citybrain.domain.parking.rules import ParkingRules

Money = Annotated[int, Field(strict=True, ge=0, le=MOST_FEN)]
Days = Annotated[tuple[AtLeastOne, ...], Field(min_length=1)]
Truth = Annotated[bool, Field(strict=True)]


class ParkingRulesFile(Definition, DatedFile):
    """One version of the rules."""

    order_window_minutes: Said[Whole]
    clock_tolerance_seconds: Said[Whole]
    silence_limit_minutes: Said[AtLeastOne]
    no_sign_after_hours: Said[AtLeastOne]
    merge_gap_seconds: Said[Whole]
    clone_fastest_kmh: Said[AtLeastOne]
    clone_near_m: Said[Whole]
    clone_near_seconds: Said[Whole]
    clone_while_occupied: Said[Truth]
    reminder_days: Said[Days]
    overdue_days: Said[AtLeastOne]
    arrears_days: Said[Days]
    arrears_least_debtors: Said[AtLeastOne]
    notice_days: Said[AtLeastOne]
    counter_drift: Said[Whole]
    to_account: Said[Code]
    order_minutes: Said[AtLeastOne]
    one_person_refund_fen: Said[Money]
    one_person_write_off_fen: Said[Money]
    one_person_correction_fen: Said[Money]

    @model_validator(mode="after")
    def _days_rise(self) -> "ParkingRulesFile":
        for days in (self.reminder_days.value, self.arrears_days.value):
            if list(days) != sorted(set(days)):
                raise ValueError("reminder_days and arrears_days rise")
        return self

    def rules(self) -> ParkingRules:
        """What it says, as the domain takes it."""
        return ParkingRules(
            version=self.version,
            order_window=timedelta(minutes=self.order_window_minutes.value),
            clock_tolerance=timedelta(seconds=self.clock_tolerance_seconds.value),
            silence_limit=timedelta(minutes=self.silence_limit_minutes.value),
            no_sign_after=timedelta(hours=self.no_sign_after_hours.value),
            merge_gap=timedelta(seconds=self.merge_gap_seconds.value),
            clone_fastest_kmh=self.clone_fastest_kmh.value,
            clone_near_m=self.clone_near_m.value,
            clone_near_within=timedelta(seconds=self.clone_near_seconds.value),
            clone_while_occupied=self.clone_while_occupied.value,
            reminders_after=tuple(timedelta(days=day) for day in self.reminder_days.value),
            overdue_after=timedelta(days=self.overdue_days.value),
            arrears_edges=tuple(timedelta(days=day) for day in self.arrears_days.value),
            arrears_least_debtors=self.arrears_least_debtors.value,
            notice_most=timedelta(days=self.notice_days.value),
            counter_drift=self.counter_drift.value,
            to_account=self.to_account.value,
            order_for=timedelta(minutes=self.order_minutes.value),
            one_person_refund_fen=self.one_person_refund_fen.value,
            one_person_write_off_fen=self.one_person_write_off_fen.value,
            one_person_correction_fen=self.one_person_correction_fen.value,
        )


@dataclass(frozen=True, slots=True)
class DatedRules:
    """Rules and the first day of them."""

    valid_from: date
    rules: ParkingRules


@dataclass(frozen=True, slots=True)
class ParkingRulesDefinitions:
    """All versions of the rules, the oldest first."""

    versions: tuple[DatedRules, ...]

    def at(self, moment: datetime) -> ParkingRules:
        """What is in force on the city's day of `moment`."""
        return in_force(self.versions, moment).rules


def parking_rules_at(definitions: Definitions, moment: datetime) -> ParkingRules:
    """What is in force of parking on the city's day of `moment`."""
    return definitions.of(ParkingRulesDefinitions).at(moment)


def load_parking_rules(files: Files, _: Definitions) -> ParkingRulesDefinitions:
    """The folder `parking-rules`; raises `DefinitionError` with file and line."""
    found = [each.said for each in by_day(files, "parking-rules", ParkingRulesFile)]
    return ParkingRulesDefinitions(
        tuple(DatedRules(file.valid_from, file.rules()) for file in found)
    )
