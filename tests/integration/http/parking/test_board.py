"""Parking on the live board: the day's money and what is not as it should be, as it is read."""

from citybrain.domain.parking.claim import Claim
from citybrain.http.parking.board import members
from commands.parking.detection import RecordParkingDetection, record_detections
from tests.given.api import Api
from tests.given.applying import registered
from tests.given.parking.city import GARAGE, WATCHER, Street, at
from tests.given.parking.claims import asked, captured
from tests.given.parking.collecting import context as sent
from tests.given.parking.world import parked
from tests.given.read_models import caught_up
from tests.given.services import context

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
