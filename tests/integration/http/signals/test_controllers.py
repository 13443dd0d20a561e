"""Controllers in the street over HTTP: they follow, acknowledge, and go on without a centre."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.signals.lamps import Shown
from commands.signals import controllers
from tests.given.api import Answer, Api
from tests.given.signals.controlled import POLICE, Centre
from tests.given.signals.kerb import Kerb

NINE = datetime(2026, 9, 14, 1, 0, tzinfo=UTC)
COMMANDS = "/v1/signals/controllers/commands"
TOLD = "/v1/signals/controllers/acknowledgements"


@pytest.fixture
def with_workers() -> bool:
    return False  # the test says when the control process looks


@pytest.fixture
async def kerb(api: Api) -> Kerb:
    """A junction in service since nine, whose controller comes on at the same moment."""
    centre = await Centre.of(api.runtime.services, NINE)
    answer = await step(api, "service", reason="new")
    assert answer.status == 200, answer.body
    kerb = Kerb.of(api, centre, "renmin_1")
    kerb.controller.power_up(kerb.own_clock)
    kerb.controller.restarted = False  # the server knows that it came on
    return kerb


async def step(api: Api, name: str, **body: Any) -> Answer:
    path = f"/v1/signals/junctions/renmin_1/{name}"
    return await api.call(
        "POST", path, "official", subject="officer-1", department=POLICE, json=body
    )


def signal(kerb: Kerb) -> Any:
    return kerb.centre.control.signal("renmin_1")


async def topics(kerb: Kerb, name: str) -> list[Any]:
    events = await kerb.centre.services.store.read(signal(kerb).id)
    return [each.data for each in events if each.topic == f"signal.{name}"]


def after(kerb: Kerb, seconds: float) -> str:
    return (kerb.centre.clock() + timedelta(seconds=seconds)).isoformat()


async def test_both_follow_the_plan_and_agree(kerb: Kerb) -> None:
    await kerb.run(200)
    for code, shown in kerb.seen[-1][1].items():
        assert shown is signal(kerb).shown(code, kerb.own_clock)
    assert signal(kerb).faults == {}
    assert signal(kerb).controller == "signal:renmin_1"
    assert kerb.refused == []
    assert kerb.unsafe() == []


async def test_who_says_again_what_is_known_is_heard_and_no_stream_is_read(
    kerb: Kerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kerb.run(60)
    with monkeypatch.context() as none:
        none.setattr(controllers, "change_junction", None)
        await kerb.run(40)
    assert (kerb.refused, signal(kerb).faults) == ([], {})


async def test_a_hand_is_followed_and_acknowledged_with_the_actual_lamps(
    api: Api, kerb: Kerb
) -> None:
    await kerb.run(40)
    await step(api, "hand", reason="accident", until=after(kerb, 300))
    said = {"show": "stage", "stage": "C", "reason": "accident"}
    assert (await step(api, "shown", **said, until=after(kerb, 9))).status == 200
    await kerb.run(60)
    assert kerb.green() == ["P2", "V2"]
    (told,) = await topics(kerb, "acknowledged")
    assert told["followed"]
    assert set(told["lamps"]) == {"V1", "V2", "L1", "P1", "P2"}
    assert (
        await step(api, "shown", show="flash", reason="fault", until=after(kerb, 9))
    ).status == 200
    await kerb.run(5)
    assert set(kerb.seen[-1][1].values()) == {Shown.FLASH}
    assert (await step(api, "reset", reason="repaired")).status == 200
    await kerb.run(3)
    assert set(kerb.seen[-1][1].values()) == {Shown.RED}
    await kerb.run(60)
    assert signal(kerb).faults == {}
    assert len(await topics(kerb, "acknowledged")) == 3
    assert kerb.unsafe() == []
    assert (await kerb.centre.violations())["renmin_1"] == []


async def test_s13_power_comes_back(api: Api, kerb: Kerb) -> None:
    """It flashes, is all red and begins with the first stage, whatever it did before."""
    await kerb.run(120)
    await step(api, "mode", mode="centre", reason="trial")
    await kerb.run(1)
    epoch = signal(kerb).epoch
    old = {"epoch": epoch, "sequence": 1, "stage": "B", "expires_at": after(kerb, 1)}
    kerb.controller.power_up(kerb.own_clock)
    began = kerb.own_clock
    await kerb.run(2)
    late = await step(api, "commands", **old)
    assert late.json["rule"] == 12
    await kerb.run(2)
    fresh = await step(
        api, "commands", epoch=epoch, sequence=2, stage="C", expires_at=after(kerb, 9)
    )
    assert fresh.json["rule"] in (9, 13), "it starts; not in central mode"
    await kerb.run(60)
    seen = {round((at - began) / 1000, 1): lamps for at, lamps in kerb.seen if at > began}
    assert set(seen[9.0].values()) == {Shown.FLASH}
    assert set(seen[11.0].values()) == {Shown.RED}
    first = min(t for t, lamps in seen.items() if Shown.GREEN in lamps.values())
    assert {code for code, each in seen[first].items() if each is Shown.GREEN} == {"V1", "P1"}
    for _ in range(2):
        kerb.controller.power_up(kerb.own_clock)
        await kerb.run(5)
    assert signal(kerb).faults["restarts"] == "3 restarts"
    await kerb.run(60)
    assert set(kerb.seen[-1][1].values()) == {Shown.FLASH}, "until somebody resets it"
    assert (await kerb.centre.violations())["renmin_1"] == []


async def test_s14_the_monitor_flashes_and_only_a_person_ends_it(api: Api, kerb: Kerb) -> None:
    await kerb.run(60)
    kerb.controller.conflict = "V1 and V2 green"
    kerb.controller.flash_since = kerb.own_clock
    await kerb.run(30)
    assert signal(kerb).faults["conflict"] == "V1 and V2 green"
    kerb.controller.power_up(kerb.own_clock)
    kerb.cut = True
    await kerb.run(20)
    kerb.cut = False
    assert (await step(api, "mode", mode="centre", reason="trial")).json["rule"] == 9
    await kerb.run(20)
    assert set(kerb.seen[-1][1].values()) == {Shown.FLASH}
    assert (await step(api, "reset", reason="repaired")).status == 200
    await kerb.run(100)
    assert kerb.green() != []
    assert "conflict" not in signal(kerb).faults
    assert kerb.unsafe() == []


async def test_s16_a_clock_that_is_slow_puts_it_on_its_own_plan(api: Api, kerb: Kerb) -> None:
    await kerb.run(60)
    await step(api, "mode", mode="centre", reason="trial")
    await kerb.run(2)
    assert signal(kerb).mode == "centre"
    kerb.slow_ms = 4000
    await kerb.run(2)
    assert signal(kerb).faults["clock"] == "-4.0 s"
    assert (signal(kerb).mode, signal(kerb).mode_reason) == ("local", "clock")
    kerb.slow_ms = 0
    await kerb.run(200)
    assert signal(kerb).faults == {}


async def test_s17_a_silent_centre_and_the_way_to_it(api: Api, kerb: Kerb) -> None:
    """Cut off, and where the centre runs and decides nothing: local, by proper changes."""
    await kerb.run(75)
    await step(api, "hand", reason="event", until=after(kerb, 1000))
    said = {"show": "stage", "stage": "A", "reason": "event"}
    assert (await step(api, "shown", **said, until=after(kerb, 9))).status == 200
    await kerb.run(100)
    assert kerb.green() == ["P1", "V1"], "as the hand holds it"
    kerb.cut = True
    await kerb.run(120)
    alone = [lamps.items() for _, lamps in kerb.seen[-100:]]
    shown = {code for lamps in alone for code, each in lamps if each is Shown.GREEN}
    assert shown == {"V1", "P1", "L1", "V2", "P2"}, "its own plan serves everybody"
    assert "controller" in signal(kerb).faults
    kerb.cut = False
    await kerb.run(60)
    assert "controller" not in signal(kerb).faults
    assert kerb.green() == ["P1", "V1"], "the hand has it again"
    kerb.decides = False
    await kerb.run(120)
    alone = [lamps.items() for _, lamps in kerb.seen[-100:]]
    shown = {code for lamps in alone for code, each in lamps if each is Shown.GREEN}
    assert shown == {"V1", "P1", "L1", "V2", "P2"}, "nothing is decided: the same"
    assert kerb.unsafe() == []


async def test_buttons_are_calls_and_strangers_are_turned_away(api: Api, kerb: Kerb) -> None:
    await kerb.run(70)
    assert kerb.green() == ["P2", "V2"]
    kerb.controller.press("P1")
    await kerb.run(1)
    assert "P1" in signal(kerb).calls
    for role, subject in (("camera", "c-1"), ("official", "officer-1"), ("citizen", "x")):
        answer = await api.call("GET", COMMANDS, role, subject=subject)
        assert answer.is_problem(403, "role-missing")
    others = {"reports": [kerb.controller.report(kerb.own_clock)]}
    answer = await api.call("POST", TOLD, "gateway", subject="gateway-9", json=others)
    assert answer.status == 200
    assert [each["code"] for each in answer.json["refused"]] == ["not-your-device"]
    path = f"{COMMANDS}?junction=renmin_1"
    assert (await api.call("GET", path, "gateway")).is_problem(403, "not-your-device")
    nothing = await api.call("GET", COMMANDS, "gateway")
    assert nothing.json["commands"] == []


async def test_lamps_that_are_not_those_that_were_decided_are_a_fault(api: Api, kerb: Kerb) -> None:
    await kerb.run(70)
    lamps = dict.fromkeys(kerb.controller.dated.junction.groups, "red")
    body = {"reports": [kerb.controller.report(kerb.own_clock) | {"lamps": lamps}]}
    answer = await api.call("POST", TOLD, "gateway", subject="signal:renmin_1", json=body)
    assert answer.json["refused"] == []
    await kerb.centre.hear()
    assert signal(kerb).faults == {"lamps": "P2 red, V2 red"}
    await kerb.run(1)
    assert signal(kerb).faults == {}, "they agree again"
