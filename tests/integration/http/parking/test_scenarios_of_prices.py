"""The scenarios of time and tariff (P21–P25), as drivers, foreign clients and the bank see them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from citybrain.domain.parking.tariff import OnChange, Seconds
from citybrain.settings import Settings
from tests.given.parking.cds.client import Client, fen_of
from tests.given.parking.city import at
from tests.given.parking.tariffs import at as wall
from tests.given.parking.tariffs import hours, street_version
from tests.given.parking.town import SESSIONS, ParkingTown, open_town

PLATE = "豫A12345"
TUESDAY, WEDNESDAY = "2026-09-15", "2026-09-16"
ARREARS = "/v1/parking/arrears/desk"


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00", "2026-09-17")) as found:
        yield found


def minutes_of(explained: dict[str, Any]) -> list[int]:
    return [line["counted_seconds"] // 60 for line in explained["lines"]]


async def test_p21_across_midnight_asks_nobody_for_nothing(town: ParkingTown) -> None:
    citizen = await town.driver("豫A0N000")
    beats = [at("23:00") + number * timedelta(minutes=10) for number in range(13)]
    await town.say(*(town.sign("empty", "Z1-002", beat) for beat in beats))
    session = await town.stay("Z1-001", at("23:50"), at("00:10", TUESDAY), plate="豫A0N000")
    assert (session["price_fen"], session["status"], session["claim_id"]) == (0, "settled", None)
    path = f"{SESSIONS}/{session['session_id']}"
    receipt = await town.own(citizen, "GET", f"{path}/explanation")
    assert (receipt.status, receipt.json["amount_fen"]) == (200, 0)
    assert [(line["day"], line["fen"], line["zero"]) for line in receipt.json["lines"]] == [
        ("2026-09-14", 0, "outside-charged-hours"),
        ("2026-09-15", 0, "outside-charged-hours"),
    ]
    assert (await town.own(citizen, "GET", path)).json["price_fen"] == 0
    assert (town.moved(), await town.claims_of(citizen)) == ([], [])
    assert (await town.office("GET", ARREARS)).json["groups"] == []
    assert (await town.office("GET", "/v1/parking/claims")).json["claims"] == []
    for metric in ("total_sessions", "turnover"):
        assert await town.metric("Z1-001", metric, at("23:00"), at("01:00", TUESDAY)) == {
            ("2026-09-14", 23): 1,
            ("2026-09-15", 0): 0,
        }


LENGTHS = ("09:59:59", "10:00:00", "10:00:59", "10:01:00")


@pytest.mark.parametrize(
    ("seconds", "prices", "counted"),
    [
        (Seconds.DROPPED, [400, 400, 400, 600], [59, 60, 60, 61]),
        (Seconds.COUNTED, [400, 400, 600, 600], [60, 60, 61, 61]),
    ],
)
async def test_p22_seconds_are_dropped_or_have_begun(
    town: ParkingTown, seconds: Seconds, prices: list[int], counted: list[int]
) -> None:
    town.tariff(replace(street_version(), seconds=seconds))
    (zone,) = await Client(town.api, "1.1").list("curbs/zones")
    policies = await Client(town.api, "1.1").list(
        "curbs/policies", ids=",".join(zone["curb_policy_ids"])
    )
    found, published = [], []
    for number, (ends, length) in enumerate(zip(LENGTHS, counted, strict=True), 1):
        session = await town.stay(f"Z1-00{number}", at("09:00"), at(ends), plate=f"豫A1234{number}")
        found.append(session["price_fen"])
        published.append(fen_of(policies, wall("09:00"), length))
        explained = await town.explained(session["session_id"])
        assert explained["stay"]["choices"]["seconds"] == seconds.value
        if seconds is Seconds.DROPPED:
            assert minutes_of(explained) == [length]
    assert found == published == prices


async def test_p24_three_days_are_their_sum(town: ParkingTown) -> None:
    citizen = await town.driver(PLATE)
    session = await town.stay("Z1-001", at("10:00"), at("10:00", WEDNESDAY), plate=PLATE)
    assert (session["price_fen"], session["status"], town.spent(citizen)) == (
        10_000,
        "settled",
        10_000,
    )
    explained = await town.explained(session["session_id"])
    assert [(line["day"], line["fen"]) for line in explained["lines"]] == [
        ("2026-09-14", 4000),
        ("2026-09-15", 5200),
        ("2026-09-16", 800),
    ]
    assert minutes_of(explained) == [11 * 60, 14 * 60, 3 * 60]
    days = [
        (at("10:00"), at("00:00", TUESDAY)),
        (at("00:00", TUESDAY), at("00:00", WEDNESDAY)),
        (at("00:00", WEDNESDAY), at("10:00", WEDNESDAY)),
    ]
    alone = [
        (await town.stay(f"Z1-00{number}", *day, plate=f"豫A9999{number}"))["price_fen"]
        for number, day in enumerate(days, 2)
    ]
    assert alone == [4000, 5200, 800]


OLD = replace(street_version(), id="v1")
NEW = replace(
    OLD,
    id="v2",
    valid_from=date(2027, 1, 1),
    published=date(2026, 12, 1),
    zones={"1": {"day": hours(500, 300, 500)}},
)


@pytest.mark.parametrize(
    ("rule", "total", "lines"),
    [
        (OnChange.SLICE, 1200, [("v1", 60, 400), ("v2", 120, 800)]),
        (OnChange.START, 1000, [("v1", 60, 400), ("v1", 120, 600)]),
    ],
)
async def test_p25_the_tariff_changes_at_new_year(
    town: ParkingTown, rule: OnChange, total: int, lines: list[tuple[str, int, int]]
) -> None:
    town.tariff(replace(OLD, on_change=rule), replace(NEW, on_change=rule))
    town.clock(at("12:00", "2027-01-01"))
    session = await town.stay(
        "Z1-001", at("20:00", "2026-12-31"), at("09:00", "2027-01-01"), plate=PLATE
    )
    assert session["price_fen"] == total
    (priced,) = await town.said(session["session_id"], "priced")
    assert priced["stay"]["choices"]["on_change"] == rule.value
    assert [
        (line["version"], line["counted_seconds"] // 60, line["fen"]) for line in priced["lines"]
    ] == lines
    assert priced["tariff_versions"] == list(dict.fromkeys(version for version, _, _ in lines))
    before = await town.events(session["session_id"])
    wholly = await town.explained(session["session_id"], "?version=v2")
    assert (wholly["amount_fen"], wholly["compared_with"]) == (1300, "v2")
    assert [line["fen"] for line in wholly["lines"]] == [500, 800]
    assert await town.events(session["session_id"]) == before
    assert (await town.explained(session["session_id"]))["amount_fen"] == total
