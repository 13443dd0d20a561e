"""The check of counts against their files finds what is other, missing or made up."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.audit.parking.counts import HourPair, compare_hours, compare_numbers, read_files
from citybrain.eventstore import EventStore, StreamNotFound
from commands.services import Services
from tests.given.parking.archives import DAY, archive, imported
from tests.given.read_models import project
from tests.given.services import services_over


@pytest.fixture
async def services(store: EventStore, tmp_path: Path) -> Services:
    found = services_over(store)
    found.clock = lambda: datetime(2026, 9, 1, tzinfo=UTC)
    day, places = archive(tmp_path)
    await imported(found, day, places=places)
    await project(store, "parking_places", "parking_occupancy")
    return found


async def differences(services: Services, folder: Path, text: str) -> list[str]:
    day, _ = archive(folder, text)
    return (await compare_numbers(services.store.pool, read_files([day]))).differences


async def test_what_is_the_same_is_the_same(services: Services, tmp_path: Path) -> None:
    assert await differences(services, tmp_path, DAY) == []
    pairs = await compare_hours("one", read_files([tmp_path / "2026-08-10.csv"])["one"], services)
    assert {pair.apart for pair in pairs} == {0.0}
    assert [pair.metric for pair in pairs][:4] == [-1.0, -1.0, 0.5, 0.5], (
        "from two o'clock in Berlin"
    )


async def test_what_differs_is_found(services: Services, tmp_path: Path) -> None:
    other = await differences(services, tmp_path, DAY.replace(",10,,-3", ",11,,-3"))
    assert other == [
        "one 2026-08-10T00:00:01+00:00 10: only in the read model",
        "one 2026-08-10T00:00:01+00:00 11: only in the files",
    ]
    missing = await differences(
        services, tmp_path, DAY.replace("16:30:01+00:00,12", "16:30:02+00:00,12")
    )
    assert len(missing) == 6
    unknown = await differences(services, tmp_path, DAY.replace("three", "other"))
    assert {line.partition(" ")[0] for line in unknown} == {"other"}


async def test_hours_that_differ_are_found(services: Services, tmp_path: Path) -> None:
    day, _ = archive(tmp_path, DAY.replace(",10,,-3", ",20,,-3"))
    pairs = await compare_hours("one", read_files([day])["one"], services)
    assert max(pair.apart for pair in pairs) == 0.5
    with pytest.raises(StreamNotFound):
        await compare_hours("nobody", read_files([day])["one"], services)


def test_a_number_beside_none_is_as_far_apart_as_can_be() -> None:
    day = datetime(2026, 8, 10).date()
    assert HourPair(day, 1, None, None).apart == 0
    assert HourPair(day, 1, None, 0.5).apart == HourPair(day, 1, 0.5, None).apart == float("inf")
