"""Parking on the live board: the day's money and what is not as it should be, as it is read."""

from citybrain.domain.parking.claim import Claim
from citybrain.http.parking.board import members
from commands.parking.detection import RecordParkingDetection, record_detections
from projections.parking import berths
from tests.given.api import Api
from tests.given.applying import registered
from tests.given.parking.city import GARAGE, WATCHER, Street, at
from tests.given.parking.claims import asked, captured
from tests.given.parking.collecting import context as sent
from tests.given.parking.world import parked
from tests.given.read_models import caught_up
from tests.given.services import context
from tests.given.waiting import eventually

MODELS = ("parking_revenue", "parking_anomalies", "parking_sessions")


async def test_the_days_money_and_open_anomalies_are_on_the_board(api: Api) -> None:
    services, store = api.runtime.services, api.runtime.store
    mine, theirs = await registered(api), await registered(api)
    (_, claim_id), _ = await parked(services, mine, theirs)
    services.clock = lambda: at("12:00")
    sign = Street(services).sign("opened", GARAGE, at("11:00"))
    await record_detections(
        [RecordParkingDetection.model_validate(sign)], context(WATCHER), services
    )
    owed = await store.load(Claim, claim_id)
    captured(owed, asked(owed), at("11:30"))
    await store.save(owed, metadata=sent().metadata())
    await caught_up(store, *MODELS)
    board = (await members(api.runtime))["parking"]
    assert board["today"] == {
        "charged_fen": 800,
        "settled_fen": 400,
        "captured_fen": 400,
        "returned_fen": 0,
    }
    assert board["anomalies"]["barrier-opened-by-hand"] == 1
    services.clock = lambda: at("12:00", "2026-09-15")
    tomorrow = (await members(api.runtime))["parking"]["today"]
    assert set(tomorrow.values()) == {0}


async def test_who_stood_where_is_known_of_a_past_minute(api: Api) -> None:
    services = api.runtime.services
    street = await Street.open(services, at("12:00"))
    signs = [
        street.sign("arrived", "Z1-001", at("09:00")),
        street.sign("left", "Z1-001", at("10:00")),
        street.sign("arrived", "Z1-002", at("09:30")),
    ]
    said = [RecordParkingDetection.model_validate(sign) for sign in signs]
    await record_detections(said, context(WATCHER), services)

    async def stood(clock: str) -> tuple[str, list[str | None]]:
        asked = {"at": at(clock).isoformat()}
        answer = await api.call("GET", "/v1/board/pictures", "operator", params=asked)
        assert answer.status == 200, answer.body
        (face,) = answer.json["members"]["parking"]["faces"]
        assert (face["zone_id"], face["name"], face["tariff_zone"]) == ("Z1", "street", "1")
        return face["berths"], face["since"]

    async def both_stays() -> bool:
        return (await stood("10:30"))[0] == "fofffffff"

    await caught_up(api.runtime.store, "parking_places", "parking_berths")
    await eventually(both_stays)
    assert (await stood("09:45"))[0] == "oofffffff"
    taken, since = await stood("09:15")
    assert (taken, since) == ("offffffff", ["2026-09-14T01:00:00Z", *[None] * 8])
    pool, devices = api.runtime.store.models, ["c-1", "c-2"]
    unheard = await berths.stood(pool, ["Z1"], at("09:45"), devices)
    assert {letter for letter, _ in unheard["Z1"]} == {"u"}
    later = {"at": at("12:30").isoformat()}
    refused = await api.call("GET", "/v1/board/pictures", "operator", params=later)
    assert refused.is_problem(400, "malformed-request")
