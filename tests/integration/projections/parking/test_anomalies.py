"""What is not as it should be: it is listed as long as it is so, however the events come."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.parking.anomaly import AnomalyKind, AnomalyReason, AnomalyState
from citybrain.domain.parking.claim_events import Channel
from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from commands.parking import looking
from commands.parking.anomaly import CloseAnomaly, ShownAnomaly, close_anomaly
from commands.parking.counter import read_counters
from projections.parking import anomaly_list
from tests.given.parking.charged_city import CAR, OFFICER, City, charged_city
from tests.given.parking.city import GARAGE, Street, at
from tests.given.parking.counts import COUNTER, NINE, reading
from tests.given.parking.places import block, facility, registered
from tests.given.read_models import project, same_in_any_batch
from tests.given.services import context, services_over

SILENCE = timedelta(minutes=15)
MODELS = ("parking_anomalies", "parking_sessions", "parking_claims")
SIGNS_ARE_LATE = timedelta(days=365 * 9)  # signs are recorded by the real clock

Shown = list[tuple[str, str | None, str]]


@pytest.fixture
async def street(store: EventStore) -> Street:
    return await Street.open(services_over(store), at("12:00"))


@pytest.fixture
async def city(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    async with charged_city(settings, monkeypatch) as city:
        yield city


async def found(
    store: EventStore, now: datetime, kind: AnomalyKind | None = None, **wanted: Any
) -> list[dict[str, Any]]:
    """The anomalies of a kind, or all but silent devices: the newest first."""
    await project(store, *MODELS)
    rows = await anomaly_list.page(
        store.pool, now=now, silence=SILENCE, kind=kind, limit=100, **wanted
    )
    return [row for row in rows if kind or row["kind"] != AnomalyKind.DEVICE_SILENT]


async def listed(street: Street, kind: AnomalyKind | None = None, **wanted: Any) -> Shown:
    """Kind, place and state of each."""
    rows = await found(street.services.store, street.services.clock(), kind, **wanted)
    return [(row["kind"], row["place_id"], row["state"]) for row in rows]


async def closed(street: Street, row: dict[str, Any], reason: AnomalyReason) -> str:
    """An officer has looked at it."""
    members = ("anomaly_id", "place_id", "device_id", "since", "person")
    shown = ShownAnomaly(
        kind=AnomalyKind(row["kind"]),
        ended=row["ended_at"] is not None,
        **{name: row[name] for name in members},
    )
    result = await close_anomaly(
        shown, CloseAnomaly(reason=reason), context(OFFICER), street.services
    )
    return str(result.answer["reason"])


async def test_p15_an_exit_without_entry_stays_until_an_officer_closes_it(street: Street) -> None:
    (sign,) = await street.say(street.sign("left", GARAGE, at("11:59"), plate="豫A0E555"))
    assert await listed(street) == []
    street.clock(at("12:00") + SIGNS_ARE_LATE)
    await street.process.tick(street.services)
    store, now = street.services.store, street.services.clock()
    (row,) = await found(store, now, AnomalyKind.EXIT_WITHOUT_ENTRY)
    assert (row["place_id"], row["evidence"], row["state"]) == (GARAGE, sign, "open")
    assert row["since"] == at("11:59")
    assert await closed(street, row, AnomalyReason.EXPLAINED) == "explained"
    assert await closed(street, row, AnomalyReason.REPAIRED) == "explained"  # the first stands
    assert await listed(street, state=AnomalyState.OPEN) == []
    (row,) = await found(store, now, state=AnomalyState.CLOSED)
    assert (row["closed_by"], row["reason"]) == ("officer-1", "explained")


async def test_p16_no_sign_for_a_day_then_an_exit_that_was_not_seen(street: Street) -> None:
    plate = {"plate": "豫A9P012"}
    street.clock(at("15:00", "2026-09-01"))
    await street.say(street.sign("arrived", GARAGE, at("09:00", "2026-09-01"), **plate))
    await street.say(street.sign("opened", GARAGE, at("14:03", "2026-09-01")))
    assert await listed(street) == [("barrier-opened-by-hand", GARAGE, "open")]
    street.clock(at("15:00", "2026-09-02"))
    await street.process.tick(street.services)
    assert await listed(street) == [
        ("barrier-opened-by-hand", GARAGE, "open"),
        ("no-sign", GARAGE, "open"),
    ]
    street.clock(at("12:00", "2026-09-11"))
    await street.say(street.sign("arrived", GARAGE, at("09:00", "2026-09-11"), **plate))
    assert sorted(await listed(street)) == [
        ("barrier-opened-by-hand", GARAGE, "open"),
        ("exit-not-seen", GARAGE, "open"),
        ("no-sign", GARAGE, "ended"),
    ]
    (row,) = await found(street.services.store, street.services.clock(), AnomalyKind.EXIT_NOT_SEEN)
    assert row["since"] == at("14:03", "2026-09-01")
    first, _ = await street.sessions()
    assert row["session_id"] == first.id


async def test_who_was_not_seen_for_a_day_is_seen_again_on_the_berth(street: Street) -> None:
    street.clock(at("10:00", "2026-09-01"))
    await street.say(street.sign("arrived", "Z1-001", at("09:00", "2026-09-01"), plate=CAR))
    street.clock(at("12:00", "2026-09-02"))
    await street.process.tick(street.services)
    assert await listed(street) == [("no-sign", "Z1-001", "open")]
    await street.say(street.sign("occupied", "Z1-001", at("11:00", "2026-09-02")))
    assert await listed(street) == [("no-sign", "Z1-001", "ended")]
    street.clock(at("12:00", "2026-09-03"))
    for _ in range(2):
        await street.process.tick(street.services)
    assert await listed(street) == [("no-sign", "Z1-001", "open"), ("no-sign", "Z1-001", "ended")]


async def test_p10_a_conflict_ends_when_an_officer_has_decided_it(city: City) -> None:
    street = city.street
    for place, begins, ends in (("Z1-001", "10:00", "11:00"), (GARAGE, "10:20", "11:30")):
        await street.say(
            street.sign("arrived", place, at(begins), plate=CAR),
            street.sign("left", place, at(ends), plate=CAR),
        )
    await city.work()
    berth, garage = await street.sessions()
    (row,) = await found(city.services.store, city.services.clock(), AnomalyKind.CLONE_CONFLICT)
    assert {row["session_id"], row["other_id"]} == {berth.id, garage.id}
    genuine = looking.DecideConflict(other_session_id=garage.id, genuine=True, reason="clone")
    await looking.decide_conflict(berth.id, genuine, context(OFFICER), city.services)
    assert [state for _, _, state in await listed(street)] == ["ended"]


async def test_p10_a_conflict_ends_when_it_turns_out_to_be_one_car(street: Street) -> None:
    plate = {"plate": "豫A6C310", "confidence": 96}
    await street.say(street.sign("arrived", "Z1-001", at("10:00"), **plate))
    await street.say(street.sign("arrived", GARAGE, at("10:40"), **plate))
    assert [state for _, _, state in await listed(street)] == ["open"]
    await street.say(street.sign("left", "Z1-001", at("10:05"), **plate))  # told late
    assert [state for _, _, state in await listed(street)] == ["ended"]


async def test_an_exit_that_was_not_seen_ends_with_its_session(city: City) -> None:
    street = city.street
    await street.say(
        street.sign("arrived", GARAGE, at("09:00"), plate=CAR),
        street.sign("occupied", GARAGE, at("10:30"), plate=CAR),
        street.sign("arrived", GARAGE, at("11:00"), plate=CAR),
    )
    await city.work()
    assert await listed(street) == [("exit-not-seen", GARAGE, "open")]
    first, _ = await street.sessions()
    release = looking.ReleaseSession(reason="other")
    await looking.release_session(first.id, release, context(OFFICER), city.services)
    assert await listed(street) == [("exit-not-seen", GARAGE, "ended")]


async def test_p18_a_device_is_silent_from_its_own_word_or_from_the_limit_on(
    street: Street,
) -> None:
    kind, services = AnomalyKind.DEVICE_SILENT, street.services

    async def silent(clock: str) -> list[tuple[str, datetime]]:
        street.clock(at(clock))
        state = AnomalyState.OPEN
        rows = await found(services.store, services.clock(), kind, state=state)
        return [(row["device_id"], row["since"]) for row in rows if row["device_id"] == "c-1"]

    await street.say(street.sign("occupied", "Z1-006", at("10:00"), plate=CAR))
    assert await silent("10:14:59") == []
    assert await silent("10:15") == [("c-1", at("10:15"))]
    street.clock(at("13:00"))
    await street.say(street.sign("lost", None, at("10:05")))
    assert await silent("10:10") == [("c-1", at("10:05"))]
    street.clock(at("13:01"))
    await street.say(street.sign("restored", None, at("13:00")))
    assert await silent("13:01") == []
    (row,) = await found(services.store, at("13:01"), kind, state=AnomalyState.ENDED)
    assert (row["since"], row["ended_at"]) == (at("10:05"), at("13:00"))


async def test_a_silence_that_an_officer_has_closed_is_open_no_more(street: Street) -> None:
    kind, services = AnomalyKind.DEVICE_SILENT, street.services
    await street.say(street.sign("occupied", "Z1-006", at("10:00"), plate=CAR))
    rows = await found(services.store, at("12:00"), kind, place_id="Z1-006")
    assert {row["device_id"] for row in rows} == {"c-1", "c-2"}  # one was never heard
    row = next(row for row in rows if row["device_id"] == "c-1")
    await closed(street, row, AnomalyReason.REPAIRED)
    (shown,) = [
        each
        for each in await found(services.store, at("12:00"), kind)
        if each["device_id"] == "c-1"
    ]
    assert (shown["anomaly_id"], shown["state"]) == (row["anomaly_id"], "closed")
    street.clock(at("12:10"))
    await street.say(street.sign("occupied", "Z1-006", at("12:05"), plate=CAR))
    (shown,) = await found(services.store, at("12:10"), kind, state=AnomalyState.ENDED)
    assert (shown["since"], shown["ended_at"]) == (at("10:15"), at("12:05"))
    assert shown["closed_by"] == "officer-1"


async def test_p57_a_row_of_counts_that_are_not_believed_is_one_anomaly(store: EventStore) -> None:
    services = services_over(store)
    services.clock = lambda: NINE + timedelta(hours=24)
    place = facility("G1", 200, sentinels=[-100], drift=5)
    await registered(services, *(each for each in block() if each["place_id"] != "G1"), place)

    async def counted(*said: tuple[int | None, float]) -> list[tuple[str, str, datetime]]:
        readings = [reading(free, minutes) for free, minutes in said]
        await read_counters(readings, context(COUNTER), services)
        rows = await found(store, services.clock(), place_id="G1")
        return [(row["kind"], row["state"], row["since"]) for row in rows]

    def minute(number: float) -> datetime:
        return NINE + timedelta(minutes=number)

    assert await counted((40, 0), (-3, 1)) == []  # full, and a little off
    await counted((-27, 2), (-28, 3))
    await counted((-100, 4))
    assert await counted((-100, 5), (479, 6), (None, 7)) == [
        ("count-missing", "open", minute(7)),
        ("free-above-capacity", "ended", minute(6)),
        ("sentinel", "ended", minute(4)),
        ("counter-drifted", "ended", minute(2)),
    ]
    before = await counted((-100, 6.5))  # late: it begins and ends nothing
    assert [state for _, state, _ in before] == ["open", "ended", "ended", "ended"]
    after = await counted((40, 8))
    assert [state for _, state, _ in after] == ["ended"] * 4


async def test_p35_a_message_that_does_not_fit_ends_with_the_right_one(city: City) -> None:
    gateway, store = city.gateway, city.services.store
    city.street.clock(datetime.now(at("12:00").tzinfo))  # the gateway's own
    claim_id = await gateway.owes()
    asked = await gateway.ask(claim_id, Channel.KIOSK)
    said = {"amount": 6, "currency": "CNY", "reference": claim_id}
    gateway.departments.gateway.say(asked.payment_id, "captured", **said)
    await gateway.deliver()
    (row,) = await found(store, city.services.clock())
    assert (row["kind"], row["claim_id"]) == ("payment-mismatched", claim_id)
    assert (row["evidence"], row["state"]) == (asked.payment_id, "open")
    await gateway.pay(asked)
    await gateway.deliver()
    (row,) = await found(store, city.services.clock())
    assert row["state"] == "ended"


async def test_pages_follow_one_another(street: Street) -> None:
    await street.say(*(street.sign("opened", GARAGE, at(f"10:{each:02}")) for each in range(5)))
    await project(street.services.store, *MODELS)
    seen: list[str] = []
    after = None
    while True:
        rows = await anomaly_list.page(
            street.services.store.pool, now=at("12:00"), silence=SILENCE, after=after, limit=2
        )
        seen += [row["anomaly_id"] for row in rows]
        if not rows:
            break
        after = rows[-1]["since"], rows[-1]["anomaly_id"]
    assert len(seen) == len(set(seen)) == 7  # and two devices that are silent
    counts = await anomaly_list.open_counts(
        street.services.store.pool, now=at("12:00"), silence=SILENCE
    )
    assert counts == {"barrier-opened-by-hand": 5, "device-silent": 2}


async def test_one_at_a_time_and_all_at_once_give_the_same(city: City) -> None:
    street = city.street
    await city.parked("09:00", "09:40")
    await street.say(
        street.sign("arrived", GARAGE, at("09:00"), plate=CAR),
        street.sign("lost", None, at("09:30")),
        street.sign("restored", None, at("10:30")),
        street.sign("opened", GARAGE, at("10:31")),
        street.sign("arrived", GARAGE, at("11:00"), plate=CAR),
        street.sign("left", GARAGE, at("11:10"), plate="豫A0E555"),
    )
    await city.work()
    street.clock(at("12:00") + SIGNS_ARE_LATE)
    await street.process.tick(street.services)
    for row in await found(city.services.store, city.services.clock(), state=AnomalyState.OPEN):
        if row["kind"] in (AnomalyKind.BARRIER_OPENED, AnomalyKind.EXIT_WITHOUT_ENTRY):
            await closed(street, row, AnomalyReason.NOTHING_TO_DO)
    assert await same_in_any_batch(city.services.store, "parking_anomalies") > 20


async def test_p17_who_left_unpaid_is_listed_until_it_is_paid(city: City) -> None:
    street = city.street
    first, tail = "豫A1C100", "豫A1C101"
    for plate in (first, tail):
        await street.say(street.sign("arrived", GARAGE, at("10:00"), plate=plate))
    for plate, when in ((first, "11:00:00"), (tail, "11:00:01")):
        await street.say(street.sign("left", GARAGE, at(when), plate=plate, opening="o-1"))
    await city.work()
    store, now = city.services.store, city.services.clock()
    (row,) = await found(store, now, AnomalyKind.DEPARTED_UNPAID)
    sessions = {each.id: each for each in await street.sessions()}
    session = sessions[row["session_id"]]
    assert session.tailgated is not None
    assert (row["claim_id"], row["state"]) == (session.claim, "open")
    assert row["evidence"] in session.detection_ids
    city.gateway.departments.gateway.clock = now.timestamp
    await city.gateway.pay(await city.gateway.ask(row["claim_id"], Channel.KIOSK))
    await city.gateway.deliver()
    await city.work()
    (row,) = await found(store, now, AnomalyKind.DEPARTED_UNPAID)
    assert row["state"] == "ended"
    await same_in_any_batch(store, "parking_anomalies")
