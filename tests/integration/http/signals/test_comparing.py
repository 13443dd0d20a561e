"""Queues and delay by lane, two spans next to each other, and a road in time and space."""

from dataclasses import replace
from typing import Any

import pytest

from tests.given.api import Api
from tests.given.read_models import project
from tests.given.signals.attack import CITY
from tests.given.signals.recorded import record
from tests.given.signals.told import MODELS, Told
from tests.given.signals.watched import WATCHED, Watched
from tests.given.signals.x1 import Street, at

X1 = "/v1/signals/junctions/x1"


@pytest.fixture
def definition() -> dict[str, Any]:
    return WATCHED | {"plans": CITY["plans"]}


def span(name: str, since: float, until: float) -> str:
    ends = (at(t).strftime("%Y-%m-%dT%H:%M:%SZ") for t in (since, until))
    return "&".join(
        f"{name}{end}={when}" for end, when in zip(("since", "until"), ends, strict=True)
    )


async def stood(x1: Watched, begin: int, queue: int, every: int) -> None:
    """Five minutes of the left turn: so many stand all the time, and one passes now and then."""
    for second in range(begin + 1, begin + 301):
        x1.now = second
        if second % 10 == 0:
            passed = sum(1 for each in range(second - 9, second + 1) if each % every == 0)
            await x1.told(x1.item("D7", second, seconds=10, count=passed, queue=queue))


async def test_queues_delay_and_level_of_service_by_lane(api: Api, told: Told) -> None:
    x1 = Watched(api)
    await stood(x1, 0, queue=2, every=30)
    x1.now = 900
    answer = await api.call("GET", f"{X1}/traffic?{span('', 0, 300)}", "auditor")
    assert answer.status == 200, answer.body
    by_lane = {each["lane"]: each for each in answer.json["lanes"]}
    left = by_lane["left"]
    assert (left["movements"], left["groups"], left["detector"]) == (["ML"], ["L1"], "D7")
    assert (left["vehicles"], left["queue_most"]) == (10, 2)
    assert left["queue_mean"] == pytest.approx(2, abs=0.1)
    assert left["delay_s"] == pytest.approx(60, abs=3)  # 2 x 300 s of standing for 10 vehicles
    assert left["level_of_service"] == "E"
    unaligned = await api.call("GET", f"{X1}/traffic?{span('', -7, 299)}", "auditor")
    assert unaligned.json["lanes"] == answer.json["lanes"]  # a span need not begin with them
    (turning,) = [each for each in answer.json["movements"] if each["movement"] == "ML"]
    assert (turning["turn"], turning["lane"], turning["group"]) == ("left", "left", "L1")
    figures = ("vehicles", "queue_mean", "delay_s", "level_of_service")
    assert [turning[each] for each in figures] == [left[each] for each in figures]
    unseen = by_lane["main"]
    assert (unseen["vehicles"], unseen["delay_s"], unseen["level_of_service"]) == (None,) * 3


async def test_before_and_after_are_the_same_figures_of_two_spans(api: Api, told: Told) -> None:
    street, x1 = told.street, Watched(api)
    for t, stage in ((60, "B"), (120, "A"), (180, "B"), (240, "A")):
        street.wish(t, stage)
    await stood(x1, 0, queue=4, every=30)
    for t, stage in ((330, "B"), (390, "A"), (480, "B"), (570, "A")):
        street.wish(t, stage)
    street.wish(577, "B")  # too early
    await stood(x1, 300, queue=1, every=15)
    await told.tell()
    x1.now = 1000
    spans = f"{span('before_', 0, 300)}&{span('after_', 300, 600)}"
    answer = await api.call("GET", f"/v1/signals/compare?junction=x1&{spans}", "supervisor")
    assert answer.status == 200, answer.body
    found = {(each["of"], each["figure"]): each for each in answer.json["differences"]}
    delay = found["lane left", "mean delay, s"]
    assert delay["before"] == pytest.approx(120, abs=3)
    assert delay["after"] == pytest.approx(15, abs=2)
    assert delay["difference"] == pytest.approx(delay["after"] - delay["before"])
    assert found["junction", "refused"] == {
        "of": "junction",
        "figure": "refused",
        "before": 0,
        "after": 1,
        "difference": 1,
    }
    red = found["group L1", "longest red, s"]
    assert red["after"] > red["before"]
    assert found["stage A", "mean split, s"]["before"] is not None
    endless = f"{span('before_', 0, 300)}&{span('after_', 300, 300)}"
    wrong = await api.call("GET", f"/v1/signals/compare?junction=x1&{endless}", "supervisor")
    assert wrong.is_problem(400, "malformed-request")
    then = {"at": at(600).isoformat()}
    drawn = (await api.call("GET", "/v1/board/pictures", "operator", params=then)).json
    (junction,) = drawn["members"]["signals"]["junctions"]
    assert junction["last"]["delay_seconds"] == pytest.approx(delay["after"], abs=0.1)
    assert junction["before"]["delay_seconds"] == pytest.approx(delay["before"], abs=0.1)


async def test_a_road_in_time_and_space(api: Api, told: Told) -> None:
    services = api.runtime.services
    services.clock = lambda: at(300)
    dated = told.street.dated
    for code, later in (("renmin_1", 0), ("renmin_2", 30)):
        street = Street.green(
            replace(dated, junction=replace(dated.junction, code=code)), "A", later
        )
        street.wish(60 + later, "C")
        street.collect()
        await record(services.store, street.events)
    await project(services.store, *MODELS)
    road = f"/v1/signals/corridors/renmin/time-space?{span('', 0, 300)}"
    answer = await api.call("GET", road, "official")
    assert answer.status == 200, answer.body
    first, second, *others = answer.json["junctions"]
    assert (first["distance_m"], first["travel_s"]) == (0, 0)
    assert (second["junction"], second["distance_m"], second["travel_s"]) == ("renmin_2", 450, 30)
    assert first["outbound"] == {
        "group": "V1",
        "greens": [{"begins": "2026-09-14T02:00:00Z", "ends": "2026-09-14T02:01:00Z"}],
    }
    assert second["inbound"]["greens"][0]["begins"] == "2026-09-14T02:00:30Z"
    assert [each["outbound"]["greens"] for each in others] == [[], []]
    unknown = await api.call("GET", "/v1/signals/corridors/nowhere/time-space", "official")
    assert unknown.is_problem(404, "stream-not-found")


async def test_roads_say_where_their_junctions_lie(api: Api) -> None:
    api.runtime.services.clock = lambda: at(300)
    answer = await api.call("GET", "/v1/signals/corridors")
    (road,) = answer.json["corridors"]
    assert (road["corridor"], road["name"]) == ("renmin", "人民路")
    assert [each["distance_m"] for each in road["junctions"]] == [0, 450, 900, 1350]
    assert [each["travel_s"] for each in road["junctions"]] == [0, 30, 60, 90]
    assert road["junctions"][0]["name"] == "人民路與一街"
