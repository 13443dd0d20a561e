"""What happened to a junction, over HTTP: page by page, and figures that are those of the log."""

from typing import Any

from citybrain.domain.signals import people
from tests.given.api import Api
from tests.given.signals.refused import hundred_commands
from tests.given.signals.told import Told
from tests.given.signals.x1 import at

X1 = "/v1/signals/junctions/x1"


async def read(api: Api, path: str) -> Any:
    answer = await api.call("GET", path, "auditor")
    assert answer.status == 200, answer.body
    return answer.json


async def test_changes_are_paged_and_say_what_each_rested_on(api: Api, told: Told) -> None:
    street = told.street
    street.wish(8, "C")
    street.preempt(50, "B", "E1")
    street.pass_by(80)
    await told.tell()
    told.clock(100)
    whole = await read(api, f"{X1}/changes")
    assert whole["next"] is None
    topics = [each["topic"] for each in whole["changes"]]
    assert topics == [
        "signal.day_opened",
        "signal.powered_up",
        "signal.mode_changed",
        "signal.stage_applied",
        "signal.preemption_asked",
        "signal.preemption_granted",
        "signal.stage_applied",
        "signal.preemption_ended",
    ]
    found, after = [], ""
    while True:
        page = await read(api, f"{X1}/changes?limit=2{after}")
        found += page["changes"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == whole["changes"]
    (forced,) = (await read(api, f"{X1}/changes?cause=preemption"))["changes"]
    assert (forced["stage"], forced["source"], forced["at"]) == (
        "B",
        "preemption",
        "2026-09-14T02:00:50Z",
    )
    assert forced["details"]["why"] == {"preemption": "E1", "level": 1}
    assert (await api.call("GET", f"{X1}/changes?after=x", "auditor")).is_problem(
        400, "malformed-request"
    )
    until = "2026-09-14T02:00:00Z"
    none = await api.call("GET", f"{X1}/changes?since={until}&until={until}", "auditor")
    assert none.is_problem(400, "malformed-request")
    long_ago = "since=2026-08-10T02:00:00Z&until=2026-08-11T02:00:00Z"
    forgotten = await api.call("GET", f"{X1}/changes?{long_ago}", "auditor")
    assert forgotten.is_problem(400, "malformed-request")
    assert "in the log only" in forgotten.json["detail"]
    to_come = "since=2026-09-15T02:00:00Z&until=2026-09-15T03:00:00Z"
    nothing = await read(api, f"{X1}/figures?{to_come}")
    assert (nothing["since"], nothing["until"]) == ("2026-09-15T02:00:00Z",) * 2
    assert (nothing["groups"], nothing["stages"]) == ([], [])
    for of in ("changes", "figures"):
        unknown = await api.call("GET", f"/v1/signals/junctions/x2/{of}", "auditor")
        assert unknown.is_problem(404, "stream-not-found")


async def test_s42_the_sums_of_refusals_agree_with_the_log(api: Api, told: Told) -> None:
    last = hundred_commands(told.street, lambda street: None)
    await told.tell()
    told.clock(last)
    span = "since=2026-09-14T02:00:00Z&until=2026-09-14T12:00:00Z"
    sums = await read(api, f"/v1/signals/refusals/sums?junction=x1&{span}")
    assert sums == {
        "sums": [
            {"rule": 4, "source": "centre", "refused": 7},
            {"rule": 12, "source": "centre", "refused": 5},
        ],
        "refused": 12,
    }
    late = await read(api, f"/v1/signals/refusals?rule=12&source=centre&{span}&limit=3")
    assert [each["detail"] for each in late["refusals"]] == ["expired"] * 3
    rest = await read(
        api, f"/v1/signals/refusals?rule=12&source=centre&{span}&after={late['next']}"
    )
    assert [each["detail"] for each in rest["refusals"]] == ["of another epoch"] * 2
    assert rest["next"] is None


async def test_the_longest_red_stands_next_to_the_mean(api: Api, told: Told) -> None:
    street = told.street
    street.call(5, "P2")
    street.wish(10, "C")  # P2 walks at 15: 10 s of waiting; V2 is green at 30
    street.wish(40, "A")  # P2 clears for 14 s: V1 is green at 54, red since 13
    street.call(60, "L1")
    street.wish(70, "B")  # P1 clears for 20 s: L1 is green at 90
    street.wish(100, "A")  # V1 was red from 73 to 105
    await told.tell()
    told.clock(120)
    begin = "since=2026-09-14T02:00:00Z"
    whole = await read(api, f"{X1}/figures?{begin}")
    groups = {each["group"]: each for each in whole["groups"]}
    assert groups["V1"]["reds"] == {
        "number": 2,
        "mean_s": 36.5,
        "shortest_s": 32.0,
        "longest_s": 41.0,
    }
    assert groups["V1"]["greens"]["longest_s"] == 16.0
    assert groups["P2"]["waits"]["longest_s"] == 10.0
    assert groups["L1"]["waits"]["mean_s"] == 30.0
    assert groups["V2"]["reds"]["longest_s"] == 77.0  # since 43, and it goes on
    assert groups["V2"]["reds"]["number"] == 0
    splits = {each["stage"]: each["splits"] for each in whole["stages"]}
    assert (splits["A"]["longest_s"], splits["C"]["longest_s"]) == (36.0, 24.0)
    by_five = await read(api, f"{X1}/figures?{begin}&by=five-minutes")
    assert [each["begins"] for each in by_five["groups"] if each["group"] == "V1"] == [
        "2026-09-14T02:00:00Z"
    ]


async def test_faults_are_there_until_they_are_seen_to(api: Api, told: Told) -> None:
    street = told.street
    people.report_conflict(street.signal, at(10), shown="V1 and V2")
    await told.tell()
    told.clock(60)
    (fault,) = (await read(api, "/v1/signals/faults?only_open=true"))["faults"]
    assert (fault["junction"], fault["fault"], fault["detail"]) == ("x1", "conflict", "V1 and V2")
    assert fault["cleared_at"] is None
    people.reset(street.signal, street.junction, at(70), "A", by="o-1", reason="seen to")
    await told.tell()
    told.clock(80)
    assert (await read(api, "/v1/signals/faults?only_open=true"))["faults"] == []
    (fault,) = (await read(api, "/v1/signals/faults?junction=x1"))["faults"]
    assert (fault["cleared_by"], fault["cleared_at"]) == ("o-1", "2026-09-14T02:01:10Z")
    figures = await read(api, f"{X1}/figures")
    assert {each["reds"]["number"] for each in figures["groups"]} == {0}  # flashing holds nobody
