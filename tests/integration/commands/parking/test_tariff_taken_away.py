"""A stay goes on when the file of its tariff is taken away, or edited, while it stands."""

import json
from pathlib import Path

from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.definitions.parking.tariffs import TariffDefinitions
from citybrain.settings import Settings
from commands.kept_definitions import keep_definitions
from commands.parking.pricing import price_under
from tests.given.parking.city import at
from tests.given.parking.owners import OTHERS, Owners, owners
from tests.given.services import definitions_of

CAR, SECOND = "豫A52K17", "豫A52K18"
FIRST = (PACKAGE_FOLDER / "tariff" / "street-2020.yaml").read_text().partition("examples:")[0]
LATER = FIRST.replace("valid_from: 2020", "valid_from: 2021").replace("fen: 400", "fen: 800")


def city(folder: Path, **files: str) -> Path:
    """A city's folder with these files of tariffs, by their names."""
    (folder / "tariff").mkdir(parents=True)
    for name, text in files.items():
        (folder / "tariff" / f"{name}.yaml").write_text(text)
    return folder


async def starts_with(town: Owners, folder: Path) -> None:
    """A process starts with these files."""
    found = definitions_of(folder)
    town.services.definitions = await keep_definitions(found, town.services.store.pool)


async def stands(town: Owners, berth: str, begins: str, plate: str) -> None:
    town.street.clock(at(begins))
    await town.street.say(town.street.sign("arrived", berth, at(begins), plate=plate))
    await town.work()


async def leaves(town: Owners, berth: str, ends: str, plate: str) -> None:
    town.street.clock(at(ends))
    await town.street.say(town.street.sign("left", berth, at(ends), plate=plate))
    await town.work()


async def test_a_stay_that_stands_leaves_is_priced_and_paid(
    settings: Settings, tmp_path: Path
) -> None:
    async with owners(settings) as town:
        citizen, number = await town.drivers.citizen()
        town.street.clock(at("08:00"))
        limits = {"per_debit_limit_fen": 3000, "per_day_limit_fen": 9000}
        await town.drivers.bind(citizen, CAR, **limits)
        await stands(town, "Z1-001", "09:00", CAR)
        (version,) = town.services.definitions.of(TariffDefinitions).tariffs["street"].versions
        garage = FIRST.replace("tariff: street\n", "tariff: garage\n")
        await starts_with(town, city(tmp_path / "garage", **{"street-2020": garage}))
        await leaves(town, "Z1-001", "13:00", CAR)
        (session,) = await town.street.sessions()
        assert (session.price_fen, town.gateway.spent(number)) == (1200, 1200)
        under = await price_under(session, town.services, OTHERS, version.id)
        assert under.amount_fen == 1200


async def test_the_newer_file_is_gone_the_older_edited_and_what_stands_pays_as_it_began(
    settings: Settings, tmp_path: Path
) -> None:
    async with owners(settings) as town:
        await starts_with(town, city(tmp_path / "both", **{"street-2020": FIRST, "new": LATER}))
        await stands(town, "Z1-001", "09:00", CAR)
        edited = FIRST.replace("fen: 400", "fen: 300")
        await starts_with(town, city(tmp_path / "one", **{"street-2020": edited}))
        kept = await town.services.store.pool.fetch("SELECT * FROM kept_definitions")
        await starts_with(town, tmp_path / "one")
        assert await town.services.store.pool.fetch("SELECT * FROM kept_definitions") == kept
        tariffs = [json.loads(each["content"]) for each in kept if each["kind"] == "tariff"]
        classes = [rule["classes"] for each in tariffs for rule in each["exemptions"]]
        assert len(tariffs) == 3
        assert classes == [sorted(each) for each in classes]
        await stands(town, "Z1-002", "09:30", SECOND)
        await leaves(town, "Z1-001", "10:00", CAR)
        await leaves(town, "Z1-002", "10:30", SECOND)
        prices = {each.place_id: each.price_fen for each in await town.street.sessions()}
        assert prices == {"Z1-001": 800, "Z1-002": 300}
