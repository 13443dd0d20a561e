"""Which permits there are: dated, of a kind each, and asked for by whom they are for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.parking.permits import (
    AskedBy,
    ParkingPermitDefinitions,
    PermitKindUnknown,
    load_parking_permits,
)
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.definitions.yaml_file import DefinitionError
from commands.parking.pricing import STREET
from tests.given.services import DEFINITIONS

KIND = """
  - code: monthly
    name: 月
    name_en: Month
    of: plate
    asked_by: citizen
    zoned: true
    longest_days: 31
    reaches_back_days: 0
    source: assumed
"""
NOW = datetime(2026, 9, 14, tzinfo=UTC)


def loaded(folder: Path, text: str) -> ParkingPermitDefinitions:
    place = folder / "parking-permit"
    place.mkdir()
    (place / "mine.yaml").write_text(text)
    return load_parking_permits(Files(folder), Definitions())


def test_every_permit_that_a_tariff_asks_for_can_be_given() -> None:
    kinds = DEFINITIONS.of(ParkingPermitDefinitions).at(NOW)
    tariff = tariff_of(DEFINITIONS, STREET)
    asked_for = {
        kind
        for version in tariff.versions
        for exemption in version.exemptions
        for kind in exemption.permits
    }
    assert asked_for
    assert asked_for <= {kind.code for kind in kinds.kinds}


def test_a_kind_is_asked_for_by_whom_it_is_for() -> None:
    kinds = DEFINITIONS.of(ParkingPermitDefinitions).at(NOW)
    assert kinds.kind("monthly", AskedBy.CITIZEN).zoned
    for code, by in (("monthly", AskedBy.OFFICE), ("yearly", AskedBy.CITIZEN)):
        with pytest.raises(PermitKindUnknown):
            kinds.kind(code, by)


@pytest.mark.parametrize(
    "text",
    [
        f"valid_from: 2027-01-01\nkinds:{KIND}{KIND}",
        f"valid_from: 2027-01-01\nkinds:{KIND.replace('of: plate', 'of: car')}",
        f"valid_from: 2027-01-01\nkinds:{KIND.replace('zoned: true', 'zoned: 1')}",
        "valid_from: 2027-01-01\nkinds: []",
    ],
)
def test_kinds_that_cannot_be_meant_are_refused_with_file_and_line(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(DefinitionError, match=r"mine\.yaml:\d+"):
        loaded(tmp_path, text)
