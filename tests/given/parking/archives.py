"""Archives of free places: a day of some facilities, and what is known of these."""

from pathlib import Path

from citybrain.domain.actor import system_actor
from commands.parking.imports.occupancy_csv import ArchiveResult, OccupancyImport
from commands.services import Services
from tests.given.services import context

HEADER = "place_id,place_name,city_name,num_all,address,latitude,longitude"
DAY = """timestamp,one,two,three
2026-08-10T00:00:01+00:00,10,,-3
2026-08-10T00:15:02+00:00,,7,
2026-08-10T16:30:01+00:00,12,7,-4
"""
PLACES = f"""{HEADER}
one,Parkhaus Eins,Bonn,20,"Street 1
53111 Bonn",50.73,7.1
two,Parkhaus Zwei,Bonn,,,,
four,Parkhaus Vier,Bonn,9,,,
"""


def archive(folder: Path, day: str = DAY, places: str = PLACES) -> tuple[Path, Path]:
    """The file of a day, and that of the facilities."""
    files = folder / "2026-08-10.csv", folder / "places.csv"
    for file, text in zip(files, (day, places), strict=True):
        file.write_text(text, encoding="utf-8")
    return files


async def imported(services: Services, *files: Path, places: Path | None = None) -> ArchiveResult:
    """What becomes of these files; each reading is in exactly one count."""
    work = OccupancyImport(services, context(system_actor("import")))
    result = await work.run(files, places)
    cells = [each for each in result.rejected if each.column not in ("", "timestamp")]
    assert result.readings == result.recorded + result.known + len(cells)
    return result
