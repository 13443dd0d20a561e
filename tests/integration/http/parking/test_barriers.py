"""What a barrier is told (P15, P17), as the gate of a garage asks over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.settings import Settings
from commands.parking import barriers
from commands.parking.detection import Recorded, record_detection
from tests.given.accesses import accesses
from tests.given.api import Answer
from tests.given.logs import every_log
from tests.given.parking.city import GARAGE, at
from tests.given.parking.town import ParkingTown, open_town

SIGNS_ARE_LATE = timedelta(days=365 * 9)  # signs are recorded by the real clock
DECISIONS = "/v1/parking/barriers/decisions"
STAYS, SESSIONS = "/v1/parking/stays/search", "/v1/parking/sessions"


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00")) as found:
        yield found


async def ask(
    town: ParkingTown, way: str, when: str, plate: str | None, role: str = "gateway", **said: Any
) -> Answer:
    """Somebody stands before the barrier; all that follows from it is done."""
    sign = town.sign("", GARAGE, at(when), plate=plate, **said)
    body = {key: value for key, value in sign.items() if key != "sign"} | {"way": way}
    answer = await town.api.call("POST", DECISIONS, role, json=body)
    await town.quiet()
    return answer


async def why(town: ParkingTown, way: str, when: str, plate: str | None, **said: Any) -> str:
    """It is opened, and this is why."""
    answer = await ask(town, way, when, plate, **said)
    assert (answer.status, answer.json["decision"]) == (201, "open"), answer.body
    assert plate is None or plate not in answer.body.decode()
    return str(answer.json["reason"])


async def free(town: ParkingTown, when: str | None = None) -> tuple[int | None, int, str]:
    """Of the garage: how many places are free, by how many loops have moved that; its state."""
    query = "" if when is None else f"?at={at(when).isoformat().replace('+00:00', 'Z')}"
    answer = await town.api.call("GET", f"/v1/parking/facilities/{GARAGE}{query}")
    assert answer.status == 200, answer.body
    return answer.json["free"], answer.json["passed"], answer.json["state"]


async def read_counter(town: ParkingTown, when: str, number: int) -> None:
    """The counter of the garage says how many are free."""
    path = f"/v1/parking/facilities/{GARAGE}/readings"
    body = {"device_id": "c-1", "occurred_at": at(when).isoformat(), "free": number}
    answer = await town.api.call("POST", path, "gateway", json=body)
    assert answer.status == 201, answer.body
    await town.quiet()


async def exits_without_entry(town: ParkingTown) -> list[dict[str, Any]]:
    """What the list of anomalies has of them."""
    answer = await town.office("GET", "/v1/parking/anomalies?kind=exit-without-entry")
    return list(answer.json["anomalies"])


async def test_p15_exit_without_entry_is_let_out_and_owes_nothing(town: ParkingTown) -> None:
    await read_counter(town, "11:58", 40)
    with every_log() as logs:
        answer = await ask(town, "out", "12:00:00", "豫A0E555", confidence=98, opening="o-1")
    assert (answer.status, answer.json["decision"], answer.json["reason"]) == (
        201,
        "open",
        "no-entry-seen",
    )
    assert "0E555" not in repr(logs) + answer.body.decode()
    assert await free(town) == (40, 0, "known")  # never by the read alone
    await town.say(town.sign("counted", GARAGE, at("12:00:00"), opening="o-1", vehicles=1))
    assert await free(town) == (41, 1, "known")
    detection_id = answer.json["detection_id"]
    (decided,) = await town.said(detection_id, "barrier_decided")
    assert (decided["decision"], decided["reason"]) == ("open", "no-entry-seen")
    town.clock(at("12:00") + SIGNS_ARE_LATE)
    await town.tick()
    assert (await town.sessions(), town.moved()) == ([], [])
    (found,) = await exits_without_entry(town)
    assert (found["place_id"], found["evidence"]) == (GARAGE, detection_id)


async def test_p15_asked_again_the_barrier_is_told_the_same(town: ParkingTown) -> None:
    """Also where what is known has changed meanwhile; another read is another reference."""
    said = {"ref": "gate-1", "plate": "豫A0E556", "when": "11:59:00"}
    first = await ask(town, "out", **said)
    await town.say(town.sign("arrived", GARAGE, at("10:00"), plate="豫A0E556"))
    again = await ask(town, "out", **said)
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json | {"known": True}
    assert again.json["reason"] == "no-entry-seen"
    assert len(await town.said(first.json["detection_id"], "barrier_decided")) == 1
    other = await ask(town, "out", **said | {"when": "11:59:30"})
    assert other.is_problem(409, "parking-detection-ref-reused")


async def test_a_barrier_is_asked_by_its_own_device_and_of_a_facility(town: ParkingTown) -> None:
    before = await town.api.runtime.store.head()
    for role, status in (("citizen", 403), ("kiosk", 403), ("official", 403)):
        assert (await ask(town, "out", "12:00", None, role)).status == status
    of_others = await ask(town, "out", "12:00", None, device_id="c-2")
    assert of_others.is_problem(403, "not-your-device")
    of_a_berth = await ask(town, "out", "12:00", None, place_id="Z1-001")
    assert of_a_berth.is_problem(422, "parking-place-unknown")
    assert await town.api.runtime.store.head() == before


async def test_an_arrival_that_ends_the_stay_before_it_is_no_first_one(
    town: ParkingTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all that follows from the sign has followed before the barrier is answered."""
    plate = "豫A1B004"

    async def and_all_that_follows(*of: Any) -> Recorded:
        recorded = await record_detection(*of)
        await town.quiet()
        return recorded

    monkeypatch.setattr(barriers, "record_detection", and_all_that_follows)
    town.clock(at("11:00"))
    assert await why(town, "in", "10:00", plate) == "entering"
    assert await why(town, "in", "10:30", plate) == "exit-not-seen"
    await town.say(town.sign("left", GARAGE, at("10:40"), plate=plate))
    assert await why(town, "in", "10:50", plate) == "entering"


async def test_why_a_barrier_is_opened(town: ParkingTown) -> None:
    bound, unbound, short = "豫A1B001", "豫A1B002", "豫A1B003"
    citizen = await town.driver(bound)
    town.clock(at("10:00"))
    for plate in (bound, unbound):
        assert await why(town, "in", "10:00", plate) == "entering"
    assert await why(town, "in", "10:00", None) == "plate-not-read"
    town.clock(at("10:30"))
    assert await why(town, "out", "10:30", None) == "plate-not-read"
    assert await why(town, "out", "10:30", "A1B001") == "plate-incomplete"
    assert await why(town, "out", "10:30", "豫A0582挂") == "trailer-read"
    assert await why(town, "in", "10:30", unbound) == "exit-not-seen"
    assert await why(town, "in", "10:30:00", short) == "entering"
    assert await why(town, "out", "10:30:30", short) == "free"  # not a whole minute
    town.clock(at("10:40"))
    assert await why(town, "out", "10:40", unbound) == "pay-later"
    assert await why(town, "out", "10:40", bound) == "debit"
    seen, *_ = await accesses(town.api, citizen, "zh", "gateway-1")
    assert (seen["what"], seen["role"]) == ("parking-barrier", "gateway")
    assert town.spent(citizen) == 400


async def pay_before(town: ParkingTown, plate: str) -> None:
    """Whoever stands at the kiosk pays what the stay comes to so far."""
    found = await town.api.call("POST", STAYS, "kiosk", json={"plate": plate})
    (stay,) = found.json["stays"]
    path = f"{SESSIONS}/{stay['session_id']}/payment"
    asked = await town.api.call("POST", path, "kiosk", json={"plate": plate})
    assert asked.json["amount_fen"] == 400
    await town.pay([asked.json["order"]])


async def test_p46_what_the_barrier_says_to_who_has_paid(town: ParkingTown) -> None:
    """It goes by when the vehicle stood there, however late the gate asks."""
    leaving = {
        "豫A4K046": ("10:59:30", "paid"),
        "豫A4K047": ("11:03:00", "in-grace"),
        "豫A4K048": ("11:03:01", "pay-later"),
    }
    town.clock(at("10:00"))
    for plate in leaving:
        await why(town, "in", "10:00", plate)
    town.clock(at("10:58"))
    for plate in leaving:
        await pay_before(town, plate)
    town.clock(at("11:03:30"))
    for plate, (leaves, reason) in leaving.items():
        assert await why(town, "out", leaves, plate) == reason
    assert sorted(each["price_fen"] for each in await town.sessions()) == [400, 400, 600]


async def test_p17_two_cars_one_opening_as_the_gate_asks(town: ParkingTown) -> None:
    paid, unpaid = "豫A1C100", "豫A1C101"
    town.clock(at("17:10"))
    for plate in (paid, unpaid):
        await why(town, "in", "17:10", plate)
    town.clock(at("17:58"))
    await pay_before(town, paid)
    town.clock(at("18:00:10"))
    await read_counter(town, "17:59", 10)
    one = {"opening": "o-1", "evidence_sha256": ["ab" * 32]}
    assert await why(town, "out", "18:00:00.200", paid, **one) == "paid"
    assert await why(town, "out", "18:00:01.400", unpaid, **one) == "pay-later"
    assert await free(town) == (10, 0, "known")
    await town.say(town.sign("counted", GARAGE, at("18:00:03"), opening="o-1", vehicles=2))
    assert await free(town) == (12, 2, "known")
    assert await free(town, "18:00:02") == (10, 0, "known")
    found = {each["left_at"][-8:]: each for each in await town.sessions()}
    assert [(key, found[key]["status"], found[key]["deferred"]) for key in sorted(found)] == [
        (".200000Z", "settled", None),
        (".400000Z", "deferred", "departed-unpaid"),
    ]
    listed = await town.office("GET", "/v1/parking/anomalies?kind=departed-unpaid")
    (anomaly,) = listed.json["anomalies"]
    assert (anomaly["session_id"], anomaly["state"]) == (found[".400000Z"]["session_id"], "open")
    sign = await town.said(anomaly["evidence"], "detected")
    assert sign[0]["evidence_sha256"] == ["ab" * 32]


async def test_p17_the_free_count_follows_the_loop_until_the_counter_is_read(
    town: ParkingTown,
) -> None:
    """In and out, a count that is told again higher or late; a reading corrects what was wrong."""
    await read_counter(town, "11:50", 3)
    loop = [
        ("11:52:00", "o-1", 2, "in"),
        ("11:53:00", "o-2", 1, None),
        ("11:53:05", "o-2", 3, "out"),  # so many by now: two more
        ("11:55:00", "o-3", 1, "in"),
    ]
    told = [
        town.sign("counted", GARAGE, at(when), opening=opening, vehicles=vehicles, way=way)
        for when, opening, vehicles, way in loop
    ]
    for each in (told[2], told[0], told[3], told[1]):
        await town.say(each)
    moments = ("11:51", "11:52", "11:53", "11:53:05", "11:55")
    assert [(await free(town, when))[0] for when in moments] == [3, 1, 2, 4, 3]
    await town.say(town.sign("counted", GARAGE, at("11:56"), opening="o-4", vehicles=9, way="in"))
    assert await free(town) == (-6, -9, "unknown")  # farther below nothing than counters drift
    await read_counter(town, "11:57", 20)
    assert await free(town) == (20, 0, "known")
    assert await free(town, "11:56:59") == (-6, -9, "unknown")
    hours = await town.api.call("GET", f"/v1/parking/facilities/{GARAGE}/metrics?since=2026-09-14")
    (hour,) = [each for each in hours.json["hours"] if each["hour"] == 11]
    assert hour["readings"] == 2
