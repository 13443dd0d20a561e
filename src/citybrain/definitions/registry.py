"""All definitions of a city, loaded and checked once at start."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from citybrain.city_day import city_day
from citybrain.definitions.calendars import BusinessCalendar, load_calendar
from citybrain.definitions.cases import CaseDefinitions, load_case_definitions
from citybrain.definitions.imports_311 import Import311, load_import_311
from citybrain.definitions.services import Catalogue, load_catalogue
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.places.areas import AreaError, Areas, load_areas

PACKAGE_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Definitions:
    """The definitions by stream, each as dated versions; the services; the calendar."""

    case: tuple[CaseDefinitions, ...]
    import_311: Import311
    catalogue: Catalogue
    calendar: BusinessCalendar
    areas: tuple[Areas, ...]

    def areas_at(self, moment: datetime) -> Areas:
        """The survey in force on the city's day of `moment`; the first one before its start."""
        day = city_day(moment)
        valid = [survey for survey in self.areas if survey.valid_from <= day]
        return valid[-1] if valid else self.areas[0]

    def case_at(self, moment: datetime) -> CaseDefinitions:
        """What is in force on the city's day of `moment`; the first version before its start."""
        day = city_day(moment)
        valid = [version for version in self.case if version.valid_from <= day]
        return valid[-1] if valid else self.case[0]


def load_definitions(override: Path | None = None) -> Definitions:
    """Ours, with a city's own folder over them; raises `DefinitionError`."""
    if override is not None and not override.is_dir():
        raise DefinitionError(f"{override}: no such folder of definitions")
    case = load_case_definitions(_files("case", override))
    if not case:
        raise DefinitionError("there is no definition of cases")
    mapping = next(path for path in _files("imports", override) if path.name == "311-csv.yaml")
    return Definitions(
        case=tuple(case),
        import_311=load_import_311(mapping, case[-1]),
        catalogue=load_catalogue(_files("service", override)),
        calendar=load_calendar(_files("calendar", override)[-1]),
        areas=_load_surveys(_files("area", override, "*.geojson")),
    )


def _load_surveys(paths: list[Path]) -> tuple[Areas, ...]:
    try:
        return tuple(sorted(map(load_areas, paths), key=lambda survey: survey.valid_from))
    except AreaError as error:
        raise DefinitionError(error.message) from error


def _files(stream: str, override: Path | None, pattern: str = "*.yaml") -> list[Path]:
    files = {path.name: path for path in sorted((PACKAGE_FOLDER / stream).glob(pattern))}
    if override is not None:
        files |= {path.name: path for path in sorted((override / stream).glob(pattern))}
    return list(files.values())
