"""A stay goes on when the file of its tariff is taken away while it stands."""

from pathlib import Path

from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.definitions.parking.tariffs import TariffDefinitions
from citybrain.settings import Settings
from commands.kept_definitions import keep_definitions
from commands.parking.pricing import price_under
from tests.given.parking.city import at
from tests.given.parking.owners import OTHERS, owners
from tests.given.services import definitions_of

CAR = "豫A52K17"


def without_the_street(folder: Path) -> Path:
    """A city's folder whose file, in place of ours, is of a garage."""
    name = "street-2020.yaml"
    text = (PACKAGE_FOLDER / "tariff" / name).read_text()
    (folder / "tariff").mkdir(parents=True)
    (folder / "tariff" / name).write_text(text.replace("tariff: street\n", "tariff: garage\n"))
    return folder


async def test_a_stay_that_stands_leaves_is_priced_and_paid(
    settings: Settings, tmp_path: Path
) -> None:
    async with owners(settings) as town:
        citizen, number = await town.drivers.citizen()
        town.street.clock(at("08:00"))
        limits = {"per_debit_limit_fen": 3000, "per_day_limit_fen": 9000}
        await town.drivers.bind(citizen, CAR, **limits)
        town.street.clock(at("09:00"))
        await town.street.say(town.street.sign("arrived", "Z1-001", at("09:00"), plate=CAR))
        await town.work()
        (version,) = town.services.definitions.of(TariffDefinitions).tariffs["street"].versions
        found = definitions_of(without_the_street(tmp_path / "city"))
        assert list(found.of(TariffDefinitions).tariffs) == ["garage"]
        town.services.definitions = await keep_definitions(found, town.services.store.pool)
        town.street.clock(at("13:00"))
        await town.street.say(town.street.sign("left", "Z1-001", at("13:00"), plate=CAR))
        await town.work()
        (session,) = await town.street.sessions()
        assert (session.price_fen, town.gateway.spent(number)) == (1200, 1200)
        under = await price_under(session, town.services, OTHERS, version.id)
        assert under.amount_fen == 1200
