"""What officers may do to a junction over HTTP, and what they may not, on a clock that is set."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.signals import people
from citybrain.domain.signals.signal import Signal
from citybrain.http.board import Origin
from citybrain.http.signals.board import BOARD
from tests.given.api import Answer, Api
from tests.given.read_models import project
from tests.given.services import context
from tests.given.signals.controlled import OFFICER, POLICE, Centre

TEN = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
"""Ten in the morning: V1 and P1 begin to be green."""
ONE, ROUTES = "/v1/signals/junctions/renmin_1", "/v1/signals/routes"


@pytest.fixture
def with_workers() -> bool:
    return False  # the test says when the control process looks


@pytest.fixture
async def centre(api: Api) -> Centre:
    """Two junctions in service for ten minutes."""
    return await served(api, "renmin_1", "renmin_2")


async def served(api: Api, *junctions: str) -> Centre:
    """Junctions in service for ten minutes."""
    centre = await Centre.of(api.runtime.services, TEN - timedelta(minutes=10))
    for junction in junctions:
        answer = await step(api, "service", reason="new", junction=junction)
        assert answer.status == 200, answer.body
    await centre.run_until(TEN)
    return centre


async def step(
    api: Api,
    name: str,
    who: str = "officer-1",
    *,
    junction: str = "renmin_1",
    key: str = "",
    **body: Any,
) -> Answer:
    role = "supervisor" if who.startswith("chief") else "official"
    path = f"/v1/signals/junctions/{junction}/{name}"
    headers = {"Idempotency-Key": key} if key else {}
    return await api.call(
        "POST", path, role, subject=who, department=POLICE, json=body, headers=headers
    )


def after(centre: Centre, seconds: float) -> str:
    return (centre.clock() + timedelta(seconds=seconds)).isoformat()


async def log(centre: Centre, junction: str = "renmin_1") -> list[Any]:
    """The events of the junction's day."""
    return await centre.services.store.read(centre.control.signal(junction).id)


async def shown(centre: Centre, groups: str = "V1 V2 L1 P1 P2") -> list[str]:
    await centre.hear()
    await centre.run(0)
    signal, at = centre.control.signal("renmin_1"), round(centre.clock().timestamp() * 1000)
    return [code for code in groups.split() if signal.shown(code, at).value == "green"]


async def test_a_made_up_junction_is_called_so_on_the_board(api: Api, centre: Centre) -> None:
    pool, real = api.runtime.store.pool, (await log(centre))[0].stream_id
    await project(api.runtime.store, "signal_junctions")
    assert not await BOARD.any_simulated(pool)
    made = await step(api, "service", junction="renmin_3", reason="new", simulated=True)
    await project(api.runtime.store, "signal_junctions")
    assert await BOARD.any_simulated(pool)
    made_up, other = made.json["stream_id"], "case-1"
    assert await BOARD.origins(pool, [real, made_up, other, "signal-gone-2026-09-14"]) == {
        real: Origin("signal", False),
        made_up: Origin("signal", True),
    }
    shown = (await BOARD.members(api.runtime))["signals"]["junctions"]
    assert [each["simulated"] for each in shown] == [False, False, True]


async def test_a_person_shows_stages_and_gives_back(api: Api, centre: Centre) -> None:
    early = await step(
        api, "shown", show="stage", stage="B", reason="accident", until=after(centre, 9)
    )
    assert early.is_problem(409, "signal-not-in-hand")
    assert early.json["rule"] == 13
    taken = await step(api, "hand", reason="accident", until=after(centre, 600))
    assert taken.status == 200, taken.body
    await centre.run(20)
    said = {"show": "stage", "stage": "C", "reason": "accident"}
    answer = await step(api, "shown", **said, until=after(centre, 9))
    assert answer.status == 200, answer.body
    await centre.run(23)
    assert await shown(centre) == ["V2", "P2"], "after the clearance of P1"
    again = await step(api, "shown", **said | {"stage": "A"}, until=after(centre, 9))
    assert again.is_problem(409, "signal-rule-broken")
    assert (again.json["rule"], again.json["rule_name"]) == (4, "minimum-green")
    await centre.run(20)
    red = await step(api, "shown", show="all-red", reason="accident", until=after(centre, 9))
    assert red.status == 200, red.body
    await centre.run(100)
    assert await shown(centre) == []
    late = await step(api, "shown", **said, until=after(centre, 0))
    assert late.is_problem(409, "signal-command-too-late")
    assert late.json["rule"] == 12
    assert (await step(api, "release")).status == 200
    await centre.run(180)
    assert await centre.violations() == {"renmin_1": [], "renmin_2": []}
    refused = [each.data for each in await log(centre) if each.topic == "signal.refused"]
    assert refused[0]["rule"] == 13
    assert len(refused) == 3
    by = {each.metadata["actor"] for each in await log(centre) if each.topic == "signal.refused"}
    assert by == {"officer-1"}


async def test_one_hand_at_a_time_and_a_supervisor_may_end_it(api: Api, centre: Centre) -> None:
    assert (await step(api, "hand", reason="event", until=after(centre, 600))).status == 200
    other = await step(api, "hand", "officer-2", reason="event", until=after(centre, 600))
    assert other.is_problem(409, "signal-in-another-hand")
    assert other.json["rule"] == 13
    assert (await step(api, "release", "officer-2")).is_problem(409, "signal-in-another-hand")
    assert (await step(api, "release", "chief-1")).status == 200
    await centre.hear()
    assert centre.control.signal("renmin_1").hand is None
    long = await step(api, "hand", reason="event", until=after(centre, 5 * 3600))
    assert long.is_problem(422, "signal-hand-too-long")
    await step(api, "hand", reason="event", until=after(centre, 60))
    await centre.run(61)
    assert centre.control.signal("renmin_1").hand is None, "its time was over"


async def test_other_departments_and_roles_have_no_hand_in_it(api: Api, centre: Centre) -> None:
    body = {"reason": "event", "until": after(centre, 60)}
    for role, department in (("official", "sanitation"), ("supervisor", None)):
        answer = await api.call("POST", f"{ONE}/hand", role, department=department, json=body)
        assert answer.is_problem(403, "role-not-allowed")
    for role in ("citizen", "operator", "camera", "auditor"):
        answer = await api.call("POST", f"{ONE}/hand", role, json=body)
        assert answer.is_problem(403, "role-missing")
    nowhere = await step(api, "hand", junction="nowhere", **body)
    assert nowhere.is_problem(404, "signal-junction-not-in-service")
    unknown = await step(api, "service", junction="nowhere", reason="new")
    assert unknown.is_problem(404, "signal-junction-unknown")
    assert (await step(api, "service", reason="new")).is_problem(409, "signal-junction-in-service")


async def test_police_arm_flashes_until_somebody_resets_it(api: Api, centre: Centre) -> None:
    await step(api, "hand", reason="event", until=after(centre, 600))
    arm = await step(api, "shown", show="police-arm", reason="event", until=after(centre, 9))
    assert arm.status == 200, arm.body
    await centre.run(30)
    flash = centre.control.signal("renmin_1").flash
    assert flash is not None
    assert flash["kind"] == "police-arm"
    stage = await step(
        api, "shown", show="stage", stage="A", reason="event", until=after(centre, 9)
    )
    assert stage.is_problem(409, "signal-rule-broken")
    assert (await step(api, "reset", reason="event")).status == 200
    assert (await step(api, "release")).status == 200
    await centre.run(300)
    assert await centre.violations() == {"renmin_1": [], "renmin_2": []}


async def test_s14_flash_that_only_a_person_ends(api: Api) -> None:
    """Mode, plan, hand and command are refused with rule 9, midnight changes nothing."""
    centre = await served(api, "renmin_1")  # no other has to be decided for until midnight
    store = centre.services.store
    signal = await store.load(Signal, centre.control.signal("renmin_1").id)
    people.report_conflict(signal, centre.clock(), shown="V1 and V2 green")
    await store.save(signal, metadata=context(OFFICER).metadata())
    tried = {
        "mode": {"mode": "centre"},
        "plan": {"plan": "day"},
        "hand": {"until": after(centre, 60)},
    }
    for name, body in tried.items():
        answer = await step(api, name, reason="fault", key=f"before-midnight-{name}", **body)
        assert answer.is_problem(409, "signal-flashes")
        assert (answer.json["rule"], answer.json["rule_name"]) == (9, "start-and-flash")
    command = await step(
        api, "commands", epoch=0, sequence=1, stage="A", expires_at=after(centre, 9)
    )
    assert command.json["rule"] == 9
    refused = [each.data for each in await log(centre) if each.topic == "signal.refused"]
    assert [(each["what"], each["rule"]) for each in refused] == [
        ("mode", 9),
        ("plan", 9),
        ("hand", 9),
        ("stage", 9),
    ]
    await centre.run_until(TEN + timedelta(hours=15))
    signal = centre.control.signal("renmin_1")
    assert (signal.day, signal.flash is not None) == ("2026-09-15", True)
    again = await step(api, "mode", mode="centre", reason="fault", key="before-midnight-mode")
    assert again.is_problem(409, "signal-flashes"), "the first answer, also on the next day"
    assert [each.topic for each in await log(centre)] == ["signal.day_opened"]
    assert (await step(api, "reset", "officer-7", reason="repaired")).status == 200
    reset = (await log(centre))[-1]
    assert (reset.topic, reset.data["by"]) == ("signal.reset", "officer-7")
    assert reset.data["reason"] == "repaired"
    await centre.run(300)
    assert len(await log(centre)) > 5, "all red, and the plan"
    assert (await step(api, "reset", reason="repaired")).is_problem(409, "signal-does-not-flash")
    assert (await centre.violations())["renmin_1"] == []


async def test_what_was_decided_before_ones_eyes_counts_for_what_was_seen(
    api: Api, centre: Centre
) -> None:
    moved = await step(api, "mode", mode="centre", reason="trial", standing="flashing")
    assert moved.is_problem(412, "stale-version")
    assert moved.json["standing"] == "local"
    late = await step(api, "mode", mode="centre", reason="trial", expires_at=after(centre, 0))
    assert late.is_problem(409, "signal-command-too-late")
    said = {"mode": "centre", "reason": "trial", "expires_at": after(centre, 10)}
    seen = await step(api, "mode", standing="local", **said)
    assert seen.status == 200, seen.body
    topics = [each.topic for each in await log(centre)]
    assert topics[-2:] == ["signal.refused", "signal.mode_changed"], "the late one is on record"


async def test_what_a_reset_would_do_is_what_it_does(api: Api, centre: Centre) -> None:
    await step(api, "hand", reason="fault", until=after(centre, 600))
    await step(api, "shown", show="flash", reason="fault", until=after(centre, 30))
    await centre.run(60)
    await project(api.runtime.store, "signal_junctions")
    layout = (await api.call("GET", f"{ONE}/layout", "official", department=POLICE)).json
    red, green, clearance = layout["after_reset"]
    assert (red["what"], green["stage"], green["groups"]) == ("all-red", "A", ["P1", "V1"])
    assert (green["seconds"], clearance["groups"]) == (7, ["P1"])
    assert (await step(api, "reset", reason="repaired")).status == 200
    data = (await log(centre))[-1].data
    assert (data["all_red_until"] - data["at"]) / 1000 == red["seconds"]
    arms = {each["bearing"]: each for each in layout["arms"]}
    assert [lane["lane"] for lane in arms[270]["lanes"]] == ["W1", "W2", "W3"]
    assert (arms[0]["crossings"], arms[90]["exits"]) == (["P1"], 2)
    assert ["V1", "V2"] in layout["conflicts"]
    assert layout["department"] == POLICE


async def test_s16_expired_by_our_clock(api: Api, centre: Centre) -> None:
    await step(api, "mode", mode="centre", reason="trial")
    await centre.hear()
    epoch = centre.control.signal("renmin_1").epoch
    until = after(centre, 5)
    centre.clock.now += timedelta(seconds=7)
    said: dict[str, Any] = {"epoch": epoch, "sequence": 1, "stage": "C", "expires_at": until}
    late = await step(api, "commands", **said)
    assert late.is_problem(409, "signal-rule-broken")
    assert (late.json["rule"], late.json["rule_name"]) == (12, "command")
    assert (await log(centre))[-1].data["detail"] == "expired"


async def test_s17_a_silent_centre(api: Api, centre: Centre) -> None:
    await step(api, "mode", mode="centre", reason="trial")
    await centre.hear()
    began, epoch = centre.clock(), centre.control.signal("renmin_1").epoch
    await centre.run(9.9)
    assert centre.control.signal("renmin_1").mode == "centre"
    await centre.run(0.1)
    signal = centre.control.signal("renmin_1")
    assert (signal.mode, signal.mode_reason) == ("local", "centre-silent")
    said: dict[str, Any] = {"sequence": 1, "stage": "C"}
    said |= {"expires_at": (began + timedelta(seconds=22)).isoformat()}
    await centre.run(1)
    late = await step(api, "commands", epoch=epoch, **said)
    assert late.json["rule"] == 10, "local until resynchronised"
    await centre.run(1)
    assert (await step(api, "mode", mode="centre", reason="trial")).status == 200
    await centre.hear()
    anew = await step(api, "commands", epoch=epoch + 1, **said)
    assert anew.status == 200 or anew.json["rule"] in (4, 8), anew.body
    await centre.run(200)
    assert await centre.violations() == {"renmin_1": [], "renmin_2": []}


async def test_s42_refusals_you_can_count_on(api: Api, centre: Centre) -> None:
    """A hundred commands: 7 break a minimum, 3 have expired, 2 are of an old epoch."""
    await step(api, "mode", mode="centre", reason="trial")
    await centre.hear()
    epoch = centre.control.signal("renmin_1").epoch
    numbers = iter(range(1, 101))
    outcomes: list[int | None] = []

    async def send(stage: str, *, lasts: float = 9, of: int = epoch) -> None:
        said: dict[str, Any] = {"epoch": of, "sequence": next(numbers), "stage": stage}
        said |= {"expires_at": after(centre, lasts)}
        await centre.hear()
        before = dict(centre.control.signal("renmin_1").lamps)
        answer = await step(api, "commands", **said)
        again = await step(api, "commands", **said) if of == epoch else answer
        outcomes.append(answer.json.get("rule"))
        await centre.hear()
        if outcomes[-1] is not None:
            assert answer.status == 409
            assert centre.control.signal("renmin_1").lamps == before, "no timer moves"
            assert again.json["rule"] == outcomes[-1], "the same number, the same refusal"
        assert again.status == answer.status

    await centre.run(1)
    assert await shown(centre) == ["V1", "P1"], "for a second"
    for _ in range(7):
        await send("B")
    for _ in range(3):
        await send("A", lasts=0)
    for _ in range(2):
        await send("A", of=epoch - 1)
    for number in range(88):
        await centre.run(0.2)
        await send("A" if number < 60 else "B")
    assert centre.control.signal("renmin_1").mode == "centre"
    refused = [each.data for each in await log(centre) if each.topic == "signal.refused"]
    assert [each["rule"] for each in refused] == [each for each in outcomes if each]
    counted = {rule: outcomes.count(rule) for rule in set(outcomes)}
    assert counted == {None: 88, 4: 7, 12: 5}
    assert {each["detail"] for each in refused[7:]} == {"expired", "of another epoch"}
    for each in refused:
        assert each["broken"][0] == each["rule"], "the first one violated, in a fixed order"
    assert await centre.violations() == {"renmin_1": [], "renmin_2": []}


async def grant(api: Api, route: str, *legs: dict[str, str], level: int = 1) -> Answer:
    body = {"route": route, "vehicle": route, "level": level, "reason": "rescue", "legs": legs}
    return await api.call(
        "POST", ROUTES, "official", subject="officer-1", department=POLICE, json=body
    )


async def test_a_route_is_granted_junction_by_junction(api: Api, centre: Centre) -> None:
    until = after(centre, 120)
    first = [{"junction": f"renmin_{n}", "stage": "B", "until": until} for n in (1, 2)]
    unknown = {"junction": "renmin_4", "stage": "B", "until": until}
    answer = await grant(api, "E1", *first, unknown)
    assert answer.status == 200, answer.body
    assert [(leg["outcome"], leg["code"]) for leg in answer.json["legs"]] == [
        ("granted", None),
        ("granted", None),
        ("refused", "signal-junction-not-in-service"),
    ]
    again = await grant(api, "E1", *first)
    assert {leg["outcome"] for leg in again.json["legs"]} == {"granted"}
    behind = await grant(api, "E2", {"junction": "renmin_1", "stage": "C", "until": until})
    (leg,) = behind.json["legs"]
    assert (leg["outcome"], leg["expected_at"]) == ("waits", "2026-09-14T02:02:00Z")
    before = await grant(api, "E3", {"junction": "renmin_1", "stage": "A", "until": until}, level=5)
    assert before.json["legs"][0]["outcome"] == "granted", "of a higher level"
    twice = await grant(api, "E4", *first, first[0])
    assert twice.is_problem(422, "signal-route-twice")
    for vehicle in ("E3", "E1"):
        ended = await step(api, f"preemptions/{vehicle}/end", reason="passed")
        assert ended.status == 200, ended.body
    await centre.hear()
    assert centre.control.signal("renmin_1").granted == "E2"
    await centre.run(300)
    assert centre.control.signal("renmin_1").preemptions == {}, "its time was over"
    assert await centre.violations() == {"renmin_1": [], "renmin_2": []}


async def test_a_strategy_is_chosen_with_its_day(api: Api, centre: Centre) -> None:
    later = await step(
        api, "strategy", strategy="max-pressure", reason="trial", begins=after(centre, 600)
    )
    assert later.status == 200, later.body
    await centre.hear()
    signal, now = centre.control.signal("renmin_1"), round(centre.clock().timestamp() * 1000)
    assert [signal.strategy_at(now + each) for each in (0, 599_999, 600_000)] == [
        "plan",
        "plan",
        "max-pressure",
    ]
    back = await step(api, "strategy", strategy="plan", reason="trial")
    assert back.status == 200
    await centre.hear()
    signal = centre.control.signal("renmin_1")
    assert signal.strategy_at(now + 700_000) == "plan", "a choice ends those for later"
    unknown = await step(api, "strategy", strategy="guess", reason="trial")
    assert unknown.is_problem(422, "signal-strategy-unknown")
    past = await step(api, "strategy", strategy="plan", reason="trial", begins=after(centre, -1))
    assert past.is_problem(422, "signal-strategy-in-the-past")
