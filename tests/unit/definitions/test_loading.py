"""What comes along gives way to what a city decided: a release changes nothing of it."""

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import yaml

from citybrain.definitions.applications.catalogue import load_services
from citybrain.definitions.loading import PACKAGE_FOLDER, Definitions, Files
from citybrain.definitions.parking.plates import load_plates
from citybrain.definitions.parking.tariffs import load_tariff_definitions
from citybrain.definitions.platform.areas import load_surveys

BEFORE, AFTER = date(2025, 5, 1), date(2031, 5, 1)
PUBLISHED = date(2025, 4, 1)


def own(folder: Path, ours: str, **members: Any) -> Files:
    """A city's folder with a version of its own: one of ours with other members."""
    shipped = PACKAGE_FOLDER / ours
    said = yaml.safe_load(shipped.read_text(encoding="utf-8")) | members  # JSON is YAML
    path = folder / shipped.parent.name / f"our-city{shipped.suffix}"
    path.parent.mkdir(parents=True)
    if shipped.suffix == ".geojson":
        path.write_bytes(orjson.dumps(said))
    else:
        path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    return Files(folder)


def test_a_tariff_is_ours_until_a_city_has_its_own(tmp_path: Path) -> None:
    files = own(tmp_path, "tariff/street-2020.yaml", valid_from=BEFORE, published=PUBLISHED)
    versions = load_tariff_definitions(files).tariff("street").versions
    assert [each.valid_from for each in versions] == [date(2020, 1, 1), BEFORE]


def test_of_services_those_that_a_city_has_are_its_own(tmp_path: Path) -> None:
    files = own(tmp_path, "service/water-transfer.yaml", valid_from=BEFORE)
    services = load_services(files, Definitions())
    last = {each.code: each.valid_from for each in services.on(AFTER)}
    assert last["water-transfer"] == BEFORE
    assert last["heating-transfer"] == date(2026, 11, 30)


def test_a_citys_own_follows_on_all_of_ours_that_are_earlier(tmp_path: Path) -> None:
    files = own(tmp_path, "service/water-transfer.yaml", valid_from=AFTER)
    versions = load_services(files, Definitions()).versions("water-transfer")
    assert [each.valid_from for each in versions[-2:]] == [date(2026, 11, 30), AFTER]


def test_a_survey_and_forms_of_plates_are_the_citys_whatever_their_files_are_called(
    tmp_path: Path,
) -> None:
    own(tmp_path, "area/2020-districts.geojson", valid_from=BEFORE.isoformat())
    files = own(tmp_path, "plate/2018-ga36.yaml", valid_from=BEFORE)
    assert load_surveys(files, Definitions()).versions[-1].valid_from == BEFORE
    assert load_plates(files, Definitions()).versions[-1].valid_from == BEFORE
