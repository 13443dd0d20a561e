"""How junctions stand, over HTTP: for the office and for auditors."""

from citybrain.http.signals.board import members
from tests.given.api import Api
from tests.given.signals.told import Told

JUNCTIONS = "/v1/signals/junctions"


async def test_lamps_writer_vehicles_and_faults_are_shown(api: Api, told: Told) -> None:
    street = told.street
    street.call(3, "P2")
    street.wish(6, "B")  # too early: while somebody walks
    street.preempt(8, "C", "E1", lasts=60)
    street.preempt(9, "B", "E2", lasts=90)
    await told.tell()
    told.clock(10)
    answer = await api.call("GET", f"{JUNCTIONS}/x1", "auditor")
    assert (answer.status, answer.headers["ETag"]) == (200, f'"{answer.json["position"]}"')
    state = answer.json
    assert (state["standing"], state["mode"], state["epoch"]) == ("preemption", "centre", 1)
    groups = {each["group"]: each for each in state["groups"]}
    assert {code: each["shown"] for code, each in groups.items()} == {
        "V1": "ending",
        "P1": "ending",
        "V2": "red",
        "P2": "red",
        "L1": "red",
    }
    assert groups["V1"]["red_from"] == "2026-09-14T02:00:11Z"
    assert groups["V2"]["green_from"] == "2026-09-14T02:00:28Z"
    assert groups["P2"]["waits_since"] == "2026-09-14T02:00:03Z"
    first, second = state["preemptions"]
    assert (first["preemption"], first["granted"], first["expected_at"]) == ("E1", True, None)
    assert (second["granted"], second["expected_at"]) == (False, "2026-09-14T02:01:08Z")
    whole = await api.call("GET", JUNCTIONS, "official", department="police")
    assert whole.json == {"junctions": [state], "next": None}
    assert (await api.call("GET", f"{JUNCTIONS}/x2", "auditor")).is_problem(404, "stream-not-found")
    assert (await api.call("GET", JUNCTIONS, "citizen")).is_problem(403, "role-missing")
    board = await members(api.runtime)
    (shown,) = board["signals"].pop("junctions")
    assert board["signals"] == {"standing": {"preemption": 1}, "faulty": 0, "refused_last_hour": 1}
    assert (shown["standing"], shown["strategy"]) == ("preemption", "plan")
    assert shown["lamps"] == {code: each["shown"] for code, each in groups.items()}
    assert (shown["last"], shown["before"], shown["arms"]) == (None, None, [])


async def test_s07_the_lamp_of_a_button_is_lit_until_the_walk_begins(api: Api, told: Told) -> None:
    async def lit(t: float) -> dict[str, bool | None]:
        told.clock(t)
        answer = await api.call("GET", f"{JUNCTIONS}/x1", "auditor")
        return {each["group"]: each["button_lamp"] for each in answer.json["groups"]}

    street = told.street
    assert street.call(5, "P2")
    assert not street.call(6, "P2")
    await told.tell()
    assert await lit(7) == {"V1": None, "V2": None, "L1": None, "P1": False, "P2": True}
    street.run(7, 95)  # the centre wishes nothing: nobody waits without end
    await told.tell()
    walks = street.green_from("P2")
    assert 7 < walks <= 95
    assert (await lit(walks - 0.1))["P2"] is True
    assert (await lit(walks))["P2"] is False
