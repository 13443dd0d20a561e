"""The city's areas: surveys as dated GeoJSON files."""

from dataclasses import dataclass
from datetime import datetime

from citybrain.definitions.loading import Definitions, Files, in_force
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.geo.areas import AreaError, Areas, load_areas


@dataclass(frozen=True, slots=True)
class Surveys:
    """The surveys, the oldest first."""

    versions: tuple[Areas, ...]

    def at(self, moment: datetime) -> Areas:
        """The survey in force on the city's day of `moment`."""
        return in_force(self.versions, moment)


def areas_at(definitions: Definitions, moment: datetime) -> Areas:
    """The survey in force on the city's day of `moment`."""
    return definitions.of(Surveys).at(moment)


def load_surveys(files: Files, _: Definitions) -> Surveys:
    """The folder `area`; raises `DefinitionError`."""
    try:
        found = [load_areas(path) for path in files.versions_of("area", "*.geojson")]
    except AreaError as error:
        raise DefinitionError(error.message) from error
    return Surveys(tuple(sorted(found, key=lambda survey: survey.valid_from)))
