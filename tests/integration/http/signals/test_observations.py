"""Observations over HTTP: counted once, each for itself; detectors that fail; five minutes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions import Definitions
from citybrain.domain.signals.detector_faults import follow_detectors
from citybrain.systems import load_definitions
from commands.signals.observation_store import observation_store
from commands.signals.observation_upkeep import age_observations, write_observations
from commands.signals.observed import observed
from commands.signals.sharing import SHARDS
from tests.given.api import Api
from tests.given.signals.watched import BATCH, WATCHED, Watched, codes
from tests.given.signals.x1 import Street, loaded, written

MINUTE = 60.0
EIGHT = datetime(2026, 9, 14, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    """Ours, and the junction X1; read once."""
    folder = tmp_path_factory.mktemp("city")
    written(folder, WATCHED)
    return load_definitions(folder)


@pytest.fixture(autouse=True)
def definitions_are_read_once(city: Definitions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citybrain.app.load_definitions", lambda folder: city)


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
async def x1(api: Api) -> Watched:
    return Watched(api)


async def test_s24_the_past_arrives_and_only_the_impossible_is_refused(x1: Watched) -> None:
    services = x1.api.runtime.services
    x1.now = 5
    await x1.told(*(x1.item("D7", t, seconds=1, count=1, occupancy=0.2) for t in (2, 3, 4)))
    decided = observed(services).latest("x1")
    assert decided.crossed == {"ML": 3}
    x1.now = 6
    good = [x1.item("D3", t / 10, seconds=0.1, count=0) for t in range(-2000, 50)]
    batch = [
        x1.item("D7", 1, seconds=1, count=2, occupancy=0.4),
        x1.item("D7", 4, seconds=1, count=1, occupancy=0.2),
        x1.item("D7", 9, seconds=1, count=1),
        x1.item("D7", 5, lane="nowhere", seconds=1, count=1),
        x1.item("D7", 5, seconds=1, speed=50),
        x1.item("D7", 5.5, seconds=1, count=-1),
        *good,
    ]
    answer = await x1.tell(*batch)
    assert (answer.status, answer.json["recorded"], answer.json["known"]) == (200, 1 + 2050, 1)
    assert codes(answer) == [
        (2, "signal-reading-in-future"),
        (3, "signal-lane-unknown"),
        (4, "signal-reading-impossible"),
        (5, "signal-reading-impossible"),
    ]
    assert "27.8 m/s" in answer.json["refused"][2]["detail"]
    (five,) = await x1.counts("D7", 0, 6)
    assert (five["vehicles"], five["readings"]) == (5, 6)
    again = await x1.tell(*batch)
    assert (again.json["recorded"], again.json["known"]) == (0, 2 + 2050)
    assert (await x1.counts("D7", 0, 6))[0] == five
    assert decided.crossed == {"ML": 3}, "what a decision had seen stays as it was"
    assert observed(services).latest("x1").crossed == {}, "who came late crossed before"


async def test_s24_who_is_too_far_in_the_future_or_past_is_refused_at_the_limit(
    x1: Watched,
) -> None:
    answer = await x1.tell(
        x1.item("D7", 2, seconds=1, count=0),
        x1.item("D7", 2.001, seconds=1, count=0),
        x1.item("D7", -3600, seconds=1, count=0),
        x1.item("D7", -3600.001, seconds=1, count=0),
    )
    assert codes(answer) == [(1, "signal-reading-in-future"), (3, "signal-reading-too-late")]


async def test_an_item_that_is_wrong_says_why_and_costs_the_others_nothing(x1: Watched) -> None:
    fine = x1.item("D7", 0, seconds=1, count=1)
    wrong: list[Any] = [
        None,
        [],
        {"junction": "x1"},
        fine | {"junction": "x9"},
        fine | {"detector": "D99"},
        fine | {"junction": 7},
        fine | {"at": 5},
        fine | {"at": "2026-09-14T10:00:00"},
        fine | {"at": "20260914T100000Z"},
        fine | {"count": 1.5},
        fine | {"count": True},
        fine | {"seconds": 0},
        fine | {"seconds": 301},
        x1.item("D7", 0, count=1),
        x1.item("D7", 0),
        x1.item("D7", 0, queue=1, seconds=1),
        fine | {"plate": "豫A52K17"},
        fine | {"occupied": 1},
        fine | {"vehicles": [[1]]},
        fine | {"crossed": {"ML": "1"}},
        fine | {"crossed": {"MT": 1}},
        fine | {"in_box": {"nothing": 1}},
        fine | {"occupancy": 1.1},
        fine | {"queue": 17},
        fine | {"vehicles": [[90, 0]]},
        fine | {"vehicles": [[10, 30]]},
        fine | {"detector": "C1"},
    ]
    answer = await x1.tell(*wrong, fine)
    said = dict(codes(answer))
    assert (answer.json["recorded"], set(said)) == (1, set(range(len(wrong))))
    assert [said[index] for index in (3, 4, 26)] == [
        "signal-junction-unknown",
        "signal-detector-unknown",
        "not-your-device",
    ]
    impossible = {index for index, code in said.items() if code == "signal-reading-impossible"}
    assert impossible == {20, 21, 22, 23, 24, 25}
    assert {said[index] for index in set(said) - impossible - {3, 4, 26}} == {"invalid-input"}
    assert "豫" not in answer.body.decode()
    assert not any(each["retry"] for each in answer.json["refused"])


async def test_a_detector_belongs_to_its_device_or_to_a_gateway_that_serves_it(x1: Watched) -> None:
    item = x1.item("C1", 0, vehicles=[[5, 0]])
    mine = await x1.tell(item, by="camera-1", role="camera")
    assert (mine.status, mine.json["recorded"]) == (200, 1)
    assert codes(await x1.tell(item, by="camera-2", role="camera")) == [(0, "not-your-device")]
    for role in ("official", "auditor", "vehicle", "citizen"):
        assert (await x1.tell(item, role=role)).is_problem(403, "role-missing")


async def test_a_batch_is_no_larger_than_it_may_be(x1: Watched) -> None:
    answer = await x1.tell(*[1] * 5001)
    assert answer.is_problem(422, "invalid-input")
    assert (await x1.tell()).is_problem(422, "invalid-input")
    full = await x1.tell(*[1] * 5000)
    assert (full.status, len(full.json["refused"])) == (200, 5000)


async def test_s20_stuck_on_gets_the_plans_share_and_is_listed_until_it_behaves(
    x1: Watched,
) -> None:
    services = x1.api.runtime.services
    x1.zero = EIGHT
    for minute in range(6):
        x1.now = minute * MINUTE + 59
        seconds = range(minute * 60, minute * 60 + 60)
        await x1.told(*(x1.item("D3", t, occupied=True) for t in seconds))
        await x1.told(*(x1.item("D9", t, seconds=1, count=0) for t in seconds))
        if minute == 4:
            assert observed(services).latest("x1").lanes["side"].trusted
    x1.now = 5 * MINUTE
    failed = await x1.detector("D3")
    assert (failed["standing"], failed["fault"]) == ("failed", "stuck-on")
    assert failed["since"] == "2026-09-14T08:05:00Z"
    x1.now = 6 * MINUTE
    assert observed(services).judged("x1")["D3"].fault == "stuck-on"
    assert not observed(services).latest("x1").lanes["side"].trusted
    assert {
        "reason": "detector",
        "of": "D3",
        "detail": "stuck-on",
        "lane": "side",
        "since": "2026-09-14T08:05:00Z",
    } in await x1.degraded()
    for t in range(360, 720, 30):
        x1.now = t
        await x1.told(x1.item("D3", t, occupied=False))
    assert not any(each["of"] == "D3" for each in await x1.degraded())
    good = await x1.detector("D3")
    assert (good["standing"], good["since"]) == ("good", "2026-09-14T08:11:00Z")
    side = observed(services).latest("x1").lanes["side"]
    assert (side.trusted, side.counted) == (True, 0)
    occupancies = [each["occupancy"] for each in await x1.counts("D3", 0, 600)]
    assert occupancies == [1.0, pytest.approx(0.2)]


async def test_s20_what_failed_and_recovered_is_on_the_junctions_record(
    x1: Watched, tmp_path: Path
) -> None:
    street = Street.green(loaded(tmp_path, WATCHED), "A")
    await x1.told(x1.item("D3", 0, occupied=True))
    x1.now = 50
    await x1.told(x1.item("D3", 50, occupied=True))
    x1.now = 111
    follow_detectors(street.signal, x1.at(x1.now), observed(x1.api.runtime.services).judged("x1"))
    assert street.signal.faults["detector:D3"] == "silent"
    assert "detector:B2" not in street.signal.faults, "a button that nobody presses is well"
    assert "detector:D9" not in street.signal.faults, "its limit is an hour"


async def test_s22_chatter_is_marked_and_not_used_and_published_counts_stand(x1: Watched) -> None:
    services = x1.api.runtime.services
    x1.now = 299
    await x1.told(*(x1.item("D7", t, seconds=1, count=t % 4 == 0) | {"count": int(t % 4 == 0)}
                    for t in range(1, 300)))  # fmt: skip
    x1.now = 310
    await x1.write()
    (before,) = await x1.counts("D7", 0, 300)
    assert (before["vehicles"], before["published"], before["marks"]) == (74, 74, [])
    observed(services).latest("x1")
    await x1.told(*(x1.item("D7", 300 + t, seconds=1, count=4) for t in range(1, 11)))
    assert (await x1.detector("D7"))["fault"] == "erratic"
    assert (await x1.detector("D7"))["standing"] == "suspect"
    seen = observed(services).latest("x1")
    assert (seen.crossed, seen.lanes["left"].trusted) == ({}, False)
    x1.now = 370
    await x1.told(*(x1.item("D7", 360 + t, seconds=1, count=4) for t in range(1, 11)))
    assert (await x1.detector("D7"))["standing"] == "failed"
    x1.now = 620
    await x1.write()
    first, second = await x1.counts("D7", 0, 600)
    assert first == before
    assert (second["vehicles"], second["published"]) == (80, 80)
    assert {"erratic", "partial"} <= set(second["marks"])


async def test_s23_occupied_since_before_it_was_looked_at(x1: Watched) -> None:
    x1.zero = datetime(2026, 9, 14, 19, 55, tzinfo=UTC)
    since, until = 35 * MINUTE, 50 * MINUTE
    x1.now = 184
    await x1.told(x1.item("D9", 184, occupied=True))
    x1.now = until
    live = await x1.counts("D9", since, until)
    assert [each["occupancy"] for each in live] == [1.0, 1.0, 1.0]
    assert [each["known_seconds"] for each in live] == [300.0] * 3
    x1.now = 400
    await x1.write()
    x1.now = 106 * MINUTE + 7
    await x1.told(x1.item("D9", x1.now, occupied=False))
    x1.now = 300 * MINUTE
    await x1.write()
    await age_observations(x1.api.runtime.services)
    later = await x1.counts("D9", since, until)
    assert [each["occupancy"] for each in later] == [1.0, 1.0, 1.0]
    beyond = await x1.counts("D9", 60 * MINUTE, 105 * MINUTE)
    assert beyond[0]["known_seconds"] == 184.0
    assert {each["occupancy"] for each in beyond[1:]} == {None}
    assert all("silent" in each["marks"] for each in beyond)


async def test_late_counts_change_what_is_known_and_never_what_was_published(x1: Watched) -> None:
    x1.now = 299
    await x1.told(*(x1.item("D7", t, seconds=1, count=1) for t in range(10, 290, 10)))
    x1.now = 400
    await x1.write()
    x1.now = 2000
    late = [x1.item("D7", t, seconds=1, count=1) for t in (5, 10)]
    answer = await x1.tell(*late)
    assert (answer.json["recorded"], answer.json["known"]) == (1, 1), "also of what was written"
    for _ in range(2):
        await x1.write()
        (five,) = await x1.counts("D7", 0, 300)
        assert (five["vehicles"], five["published"]) == (29, 28)
        assert "late" in five["marks"]
        assert (await x1.tell(*late)).json["recorded"] == 0


async def test_a_process_that_takes_over_counts_no_reading_twice(x1: Watched) -> None:
    services = x1.api.runtime.services
    x1.now = 100
    await x1.told(*(x1.item("D7", t, seconds=1, count=1) for t in range(1, 101)))
    await write_observations(services, whole=True)
    observed(services).take(range(SHARDS), services.clock())
    assert not observed(services).latest("x1").lanes["left"].trusted
    x1.now = 200
    answer = await x1.tell(*(x1.item("D7", t, seconds=1, count=1) for t in range(50, 201)))
    assert (answer.json["recorded"], answer.json["known"]) == (100, 51)
    x1.now = 400
    await x1.write()
    (five,) = await x1.counts("D7", 0, 300)
    assert (five["vehicles"], five["readings"]) == (200, 200)


async def test_two_processes_that_count_at_once_merge(x1: Watched) -> None:
    """Where the lead moves, both may write for a moment: each reading counts once."""
    services = x1.api.runtime.services
    x1.now = 290
    await x1.told(*(x1.item("D7", t, seconds=1, count=1) for t in range(1, 200)))
    (ours,) = observed(services).all_seen()
    observed(services).take(range(SHARDS), x1.at(-1))
    await x1.told(*(x1.item("D7", t, seconds=1, count=1) for t in range(100, 291)))
    x1.now = 400
    await observation_store(services).write(ours.detectors.values())
    await x1.write()
    (five,) = await x1.counts("D7", 0, 300)
    assert (five["vehicles"], five["readings"]) == (290, 290)


async def test_what_is_long_over_keeps_its_sums_and_no_readings(x1: Watched) -> None:
    x1.now = 300
    await x1.told(*(x1.item("D7", t, seconds=1, count=1, speed=8) for t in range(1, 301)))
    x1.now = 310
    await x1.write()
    (before,) = await x1.counts("D7", 0, 300)
    services = x1.api.runtime.services
    observed(services).take(range(SHARDS), services.clock())
    x1.now = 2 * 3600
    await age_observations(services)
    pool = services.store.pool
    assert await pool.fetchval("SELECT count(*) FROM signal_observations WHERE said IS NULL") == 1
    assert await x1.counts("D7", 0, 300) == [before]
    x1.now = 36 * 86_400
    await age_observations(services)
    assert await pool.fetchval("SELECT count(*) FROM signal_observations") == 0


async def test_what_a_strategy_sees(x1: Watched) -> None:
    services = x1.api.runtime.services
    unseen = observed(services).latest("x1")
    assert not any(each.trusted for each in unseen.lanes.values())
    assert unseen.exits["ahead"].room is None
    await x1.told(
        x1.item("C1", 0, vehicles=[[30.5, 4], [2, 0.0], [9.5, 0.0]], crossed={"MT": 2}),
        x1.item("CX", 0, vehicles=[[5, 0.0], [12.5, 0.0]], in_box={"MT": 1500}),
        by="camera-1",
    )
    await x1.told(x1.item("D3", 0, occupied=True), x1.item("D7", 0, queue=3))
    await x1.told(x1.item("B2", 0, occupied=True))
    seen = observed(services).latest("x1")
    assert seen.lanes["main"].vehicles == ((2, 0.0), (9.5, 0.0), (30.5, 4))
    assert (seen.lanes["side"].counted, seen.lanes["left"].counted) == (1, 3)
    assert (seen.crossed, seen.in_box, seen.exits["ahead"].room) == ({"MT": 2}, {"MT": 1500}, 8.0)
    assert "across" not in seen.exits, "which nothing watches"
    assert observed(services).pressed("x1") == {"P2": seen.at}
    assert observed(services).pressed("x1") == {}
    x1.now = 11
    stale = observed(services).latest("x1")
    assert not stale.lanes["main"].trusted, "a picture that is old is none"
    assert (stale.crossed, stale.in_box, stale.exits["ahead"].room) == ({}, {}, None)
    assert stale.lanes["side"].counted == 1, "a loop speaks when something changes"


async def test_lists_come_in_pages(x1: Watched) -> None:
    found: list[str] = []
    query = {"limit": "4"}
    while True:
        page = await x1.read("/v1/signals/detectors", query)
        found += [f"{each['junction']} {each['detector']}" for each in page["detectors"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert found[-6:] == [f"x1 {code}" for code in ("B2", "C1", "CX", "D3", "D7", "D9")]
    assert len(found) == len(set(found))
    x1.now = 3600
    counts = await x1.counts("D7", 0, 3600)
    assert len(counts) == 12
    assert {each["occupancy"] for each in counts} == {None}
    both = await x1.read(
        "/v1/signals/observations", {"junction": "x1", "since": x1.at(0).isoformat()}
    )
    assert len(both["observations"]) == 50
    assert both["next"] is not None
    for path, query, status, code in (
        ("/v1/signals/observations", {"junction": "x9"}, 404, "signal-junction-unknown"),
        ("/v1/signals/detectors", {"junction": "x9"}, 404, "signal-junction-unknown"),
        ("/v1/signals/observations", {}, 400, "malformed-request"),
        (
            "/v1/signals/observations",
            {"junction": "x1", "detector": "D8"},
            404,
            "signal-detector-unknown",
        ),
    ):
        answer = await x1.api.call("GET", path, "auditor", params=query)
        assert answer.is_problem(status, code)


async def test_batches_are_described(x1: Watched) -> None:
    document = (await x1.api.call("GET", "/openapi.json")).json
    body = document["paths"][BATCH]["post"]["requestBody"]["content"]["application/json"]
    name = body["schema"]["$ref"].rpartition("/")[2]
    items = document["components"]["schemas"][name]["properties"]["observations"]["items"]
    assert {"junction", "detector", "at"} == set(items["required"])
