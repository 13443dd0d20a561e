"""The control process records which detectors of a junction fail and recover."""

from datetime import UTC, datetime
from typing import Any

from citybrain.audit.signals.exports import read_log
from citybrain.domain.actor import Actor, Role
from citybrain.domain.signals.detector_faults import detector_faults
from citybrain.domain.signals.layout import DetectorKind
from citybrain.domain.signals.officers import Reason
from citybrain.eventstore import EventStore
from commands.signals.junction import PutJunctionInService, put_junction_in_service
from commands.signals.observed import observed
from commands.signals.observing import observe
from tests.given.services import context
from tests.given.signals.controlled import OFFICER, Centre

NOON = datetime(2026, 9, 14, 4, 0, tzinfo=UTC)
CAMERAS = Actor("gateway-9", frozenset({Role.GATEWAY}), acts_for=frozenset({"renmin-1-*"}))


async def seen(centre: Centre, detectors: list[str]) -> None:
    """Each camera sees an empty street now."""
    at = centre.clock().isoformat()
    items: list[Any] = [
        {"junction": "renmin_1", "detector": code, "at": at, "vehicles": []} for code in detectors
    ]
    taken = await observe(items, CAMERAS, centre.services)
    assert taken.recorded == len(items)


async def test_s20_that_a_detector_failed_and_behaves_again_is_on_the_junctions_stream(
    store: EventStore,
) -> None:
    centre = await Centre.over(store, NOON)
    command = PutJunctionInService(reason=Reason.NEW)
    await put_junction_in_service("renmin_1", command, context(OFFICER), centre.services)
    layout = observed(centre.services).seen("renmin_1", NOON).junction.layout
    cameras = sorted(c for c, e in layout.detectors.items() if e.kind is DetectorKind.CAMERA)
    others = [code for code in cameras if code != "CW1"]
    for _ in range(24):
        await seen(centre, others)
        await centre.run(10)
    signal = centre.control.signal("renmin_1")
    assert detector_faults(signal) == {"CW1": "silent"}
    for _ in range(24):
        await seen(centre, cameras)
        await centre.run(10)
    assert detector_faults(signal) == {}
    faults = [
        (each.topic, each.data["fault"], each.data.get("detail", each.data.get("by")))
        for each in (await read_log(store))["renmin_1"]
        if each.topic in ("signal.fault_raised", "signal.fault_cleared")
    ]
    assert faults == [
        ("signal.fault_raised", "detector:CW1", "silent"),
        ("signal.fault_cleared", "detector:CW1", "behaves-again"),
    ]
    assert await centre.violations() == {"renmin_1": []}
