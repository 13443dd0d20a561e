"""What is kept of a definition says all that its file said, and is written one way."""

from dataclasses import replace
from typing import Any

import pytest

from citybrain.definitions import Definitions
from citybrain.definitions.applications.officer_reasons import OfficerReasons
from citybrain.definitions.dated_files import DatedVersions
from citybrain.definitions.inspection.cases import VERSION, InspectionDefinitions
from citybrain.definitions.kept import written
from citybrain.definitions.parking.bindings import PlateBindingDefinitions
from citybrain.definitions.parking.permits import ParkingPermitDefinitions
from citybrain.definitions.parking.reservations import ReservationDefinitions
from citybrain.definitions.parking.tariffs import TariffDefinitions
from citybrain.definitions.signals.junctions import SignalDefinitions
from tests.given.services import DEFINITIONS

DATED = (OfficerReasons, ParkingPermitDefinitions, PlateBindingDefinitions, ReservationDefinitions)


@pytest.mark.parametrize("kind", DATED)
def test_dated_files_are_read_again_as_they_were(kind: type[DatedVersions[Any]]) -> None:
    part = DEFINITIONS.of(kind)
    assert part.with_gone(part.kept(), Definitions()).of(kind).gone == part.versions


def test_tariffs_are_read_again_as_they_were() -> None:
    part = DEFINITIONS.of(TariffDefinitions)
    found = TariffDefinitions({}, {}).with_gone(part.kept(), Definitions()).of(TariffDefinitions)
    for code, tariff in part.tariffs.items():
        assert found.tariff(code).gone == tariff.versions


def test_classes_and_departments_are_read_again_as_they_were() -> None:
    part = DEFINITIONS.of(InspectionDefinitions)
    again = [VERSION.validate_json(each.content) for each in part.kept()]
    assert again == list(part.versions)


def test_junctions_are_read_again_as_they_were() -> None:
    part = DEFINITIONS.of(SignalDefinitions)
    found = SignalDefinitions({}).with_gone(part.kept(), Definitions()).of(SignalDefinitions)
    for code, versions in part.junctions.items():
        for each in versions:
            again = found.of_version(code, each.junction.version)
            assert again is not None
            assert replace(again, warnings=each.warnings) == each


def test_sets_and_keys_are_written_in_order() -> None:
    assert written({"b": frozenset("cab"), "a": {2: 1, 1: 2}}) == (
        '{"a":{"1":2,"2":1},"b":["a","b","c"]}'
    )
