"""Plates at rest: sealed, found, erased, and shown to others as a pseudonym that ends."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from citybrain.vault import FileKeyWrapper, Vault
from commands.parking.plates import PlateKeeper
from commands.services import Services
from tests.given.parking.plates import plate
from tests.given.services import services_over

OFFICER = Actor("official-1", frozenset({Role.OFFICIAL}), "parking")
ANALYST = Actor("auditor-1", frozenset({Role.AUDITOR}))
RAWS = ("豫A·52K17", "豫A8B123", "使014578", "豫AD12345")


@pytest.fixture
def services(store: EventStore) -> Services:
    found = services_over(store)
    found.settings = Settings(parking_pseudonym_days=30)
    found.clock = lambda: datetime(2026, 9, 14, 2, tzinfo=UTC)
    return found


@pytest.fixture
def keeper(services: Services) -> PlateKeeper:
    return PlateKeeper(services)


def later(services: Services, days: int) -> None:
    now = services.clock() + timedelta(days=days)
    services.clock = lambda: now


async def test_a_plate_is_sealed_and_opens_as_it_was(keeper: PlateKeeper) -> None:
    for sent in (plate("豫A·52K17"), plate("豫A12O45"), plate("A52K17"), plate("b-ab 12", "DE")):
        sealed = await keeper.seal(sent)
        said = orjson.dumps(sealed.members()).decode()
        assert sent.text not in said
        found = await keeper.open(SealedPlate.of(orjson.loads(said) | {"other": "member"}))
        assert found == sent
        assert (found.raw, found.plate_class) == (sent.raw, sent.plate_class)
        assert (found.complete, found.mended) == (sent.complete, sent.mended)
        assert found.grammar == sent.grammar


async def test_one_plate_has_one_id_however_it_was_written(keeper: PlateKeeper) -> None:
    one, other = await keeper.seal(plate("豫A·52K17")), await keeper.seal(plate("豫Ａ５２k17"))
    assert one.plate_id == other.plate_id
    assert one.plate_sealed != other.plate_sealed
    assert await keeper.find(plate("豫a52k17")) == one.plate_id
    assert await keeper.find(plate("鲁A52K17")) is None
    assert (await keeper.seal(plate("鲁A52K17"))).plate_id != one.plate_id


async def test_p03_an_incomplete_plate_is_nobodys_yet(keeper: PlateKeeper) -> None:
    parts = await keeper.seal_many([plate("A52K17"), plate("A52K17"), plate("豫A52K17")])
    assert len({part.plate_id for part in parts}) == 3
    assert await keeper.find(plate("A52K17")) is None


async def test_many_at_once_are_as_one_by_one_and_all_at_the_same_time(
    keeper: PlateKeeper, store: EventStore
) -> None:
    sent = [plate(raw) for raw in (*RAWS, *reversed(RAWS))]
    batches = await asyncio.gather(*(keeper.seal_many(sent) for _ in range(5)))
    for sealed in batches:
        assert [each.plate_id for each in sealed] == [each.plate_id for each in batches[0]]
        assert await keeper.open_many(sealed) == sent
    assert len({each.plate_id for each in batches[0]}) == len(RAWS)
    assert [await keeper.find(plate(raw)) for raw in RAWS] == [
        each.plate_id for each in batches[0][: len(RAWS)]
    ]
    assert await keeper.seal_many([]) == []


async def test_many_who_seal_at_once_ask_the_vault_together(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    find_many = services.vault.find_many

    async def counted(purpose: str, values: Collection[str]) -> dict[str, str]:
        asked.append(len(values))
        return await find_many(purpose, values)

    monkeypatch.setattr(services.vault, "find_many", counted)
    plates = [plate(f"豫A{number:05}") for number in range(20)]
    sealed = await asyncio.gather(*(PlateKeeper(services).seal(each) for each in plates * 2))
    assert asked == [20, 20]  # whether they are known, and once they are
    assert len({each.plate_id for each in sealed}) == 20


async def test_an_erased_plate_is_gone_and_comes_back_as_another(keeper: PlateKeeper) -> None:
    before = await keeper.seal(plate("豫A52K17"))
    beside = await keeper.seal(plate("豫A8B123"))
    await keeper.erase(before.plate_id)
    assert await keeper.open_many([before, beside]) == [None, plate("豫A8B123")]
    assert await keeper.find(plate("豫A52K17")) is None
    after = await keeper.seal(plate("豫A52K17"))
    assert after.plate_id != before.plate_id
    assert await keeper.open(after) == plate("豫A52K17")
    assert await keeper.open(before) is None


async def test_p68_a_plate_that_is_erased_while_it_is_sealed_is_a_new_one(
    keeper: PlateKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await keeper.seal(plate("豫A52K17"))
    look = keeper._vault.find_many

    async def then_erased(purpose: str, values: set[str]) -> dict[str, str]:
        found = await look(purpose, values)
        monkeypatch.undo()
        await keeper.erase(before.plate_id)
        return found

    monkeypatch.setattr(keeper._vault, "find_many", then_erased)
    other, after = await keeper.seal_many([plate("豫A8B123"), plate("豫A52K17")])
    assert after.plate_id != before.plate_id
    assert await keeper.open_many([other, after]) == [plate("豫A8B123"), plate("豫A52K17")]


async def test_p68_a_pseudonym_is_the_same_within_its_validity_and_another_afterwards(
    keeper: PlateKeeper, services: Services, store: EventStore
) -> None:
    ids = [sealed.plate_id for sealed in await keeper.seal_many([plate(raw) for raw in RAWS])]
    now = await keeper.pseudonyms(ids)
    assert len(set(now)) == len(RAWS)
    another_process = services_over(store)
    another_process.clock = services.clock
    assert await PlateKeeper(another_process).pseudonyms(ids) == now

    later(services, days=30)
    afterwards = await keeper.pseudonyms(ids)
    assert not set(afterwards) & set(now)
    assert [await keeper.find(plate(raw)) for raw in RAWS] == ids  # sessions are still found


async def test_p68_a_day_changes_pseudonyms_once_in_their_validity(
    keeper: PlateKeeper, services: Services
) -> None:
    seen = []
    for _ in range(60):
        seen += await keeper.pseudonyms(["plate-1"])
        later(services, days=1)
    changes = [at for at in range(1, 60) if seen[at] != seen[at - 1]]
    assert len(set(seen)) == len(changes) + 1
    assert len(changes) == 2
    assert changes[1] - changes[0] == 30


async def test_p68_pseudonyms_are_renewed_at_once(keeper: PlateKeeper) -> None:
    before = await keeper.pseudonyms(["plate-1"])
    await keeper.renew_pseudonyms()
    assert await keeper.pseudonyms(["plate-1"]) != before


async def test_p68_a_pseudonym_needs_the_key(keeper: PlateKeeper, services: Services) -> None:
    other = services_over(services.store)
    other.clock = services.clock
    other.vault = Vault(services.store.pool, FileKeyWrapper(b"o" * 32))
    await keeper.renew_pseudonyms()
    theirs = await PlateKeeper(other).pseudonyms(["plate-1"])
    await PlateKeeper(other).renew_pseudonyms()
    assert await keeper.pseudonyms(["plate-1"]) != theirs


async def test_p68_an_ended_key_is_deleted(keeper: PlateKeeper, services: Services) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    services.clock = lambda: long_ago
    before = await keeper.pseudonyms(["plate-1"])
    assert await keeper.pseudonyms(["plate-1"]) == before
    await services.vault.delete_expired()
    assert await keeper.pseudonyms(["plate-1"]) != before


async def test_p68_who_may_not_see_a_plate_sees_its_pseudonym(keeper: PlateKeeper) -> None:
    sealed = await keeper.seal_many([plate(raw) for raw in RAWS])
    await keeper.erase(sealed[1].plate_id)
    officer, analyst = await keeper.shown(sealed, OFFICER), await keeper.shown(sealed, ANALYST)
    assert [each.plate for each in analyst] == [None] * len(RAWS)
    assert [each.plate for each in officer] == [
        None if place == 1 else plate(raw) for place, raw in enumerate(RAWS)
    ]
    assert [each.pseudonym for each in officer] == [each.pseudonym for each in analyst]
    assert not any(each.pseudonym in each_id.plate_id for each in analyst for each_id in sealed)
