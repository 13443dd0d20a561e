"""Two citizens with all that is theirs, and whose each of it is for every role."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import Citizen
from citybrain.domain.inspection.statuses import CaseStatus
from tests.given.api import Answer, Api
from tests.given.applying import registered
from tests.given.cases_over_http import seen
from tests.given.parking.city import GARAGE
from tests.given.parking.world import (
    BERTH,
    bindings,
    disputed,
    noticed,
    parked,
    permits,
    priced_again,
    reserves,
    strayed,
    trailed,
)
from tests.given.reach import COUNTER
from tests.given.read_models import caught_up
from tests.given.services import context
from tests.given.serving import FACE, RECORD, before
from tests.given.signals.working import has_worked
from tests.given.waiting import eventually

OWN, FOREIGN = "own", "foreign"
FUND, POLICE, SANITATION, WORKS = "housing-fund", "police", "sanitation", "municipal-works"
PARKING, TRAFFIC = "parking", "traffic_police"
SERVED = ("housing-fund-repayment", "social-security-query", "heating-transfer", "living-allowance")
PLACE = {"latitude": 34.7, "longitude": 113.6}
REPORTED: dict[Role, str] = {
    Role.CITIZEN: "citizen",
    Role.CAMERA: "camera",
    Role.GATEWAY: "camera",
    Role.VEHICLE: "camera",
    Role.OFFICIAL: "official",
    Role.OPERATOR: "official",
}

AT = {Role.CITIZEN: "app", Role.CLERK: "counter", Role.KIOSK: "kiosk"}

Owned = dict[str, dict[Role, str]]


@dataclass
class World:
    """Whom each role is, and the ids of what is theirs and of what is not."""

    api: Api
    mine: str = ""
    theirs: str = ""
    ids: dict[str, Owned] = field(default_factory=dict)

    def subject(self, role: Role) -> str:
        return self.mine if role is Role.CITIZEN else f"{role.value}-1"

    def token(self, role: Role, path: str, subject: str | None = None) -> str:
        """Their token, or somebody's; an official's department has cases, or applications."""
        assert self.api.runtime.development is not None
        of_cases = ("/v1/cases", "/v1/deadlines", "/v1/departments", "/v1/detections")
        department = SANITATION if path.startswith(of_cases) else FUND
        if path.startswith("/v1/parking"):
            department = PARKING
        if path.startswith("/v1/signals"):
            department = TRAFFIC
        officers = role in (Role.OFFICIAL, Role.SUPERVISOR)
        return self.api.runtime.development.token(
            subject or self.subject(role),
            [role.value],
            department if officers else None,
            counter=COUNTER if role is Role.CLERK else None,
            acts_for=["c-*"] if role is Role.GATEWAY else [],
        )

    async def call(self, method: str, path: str, role: Role, **options: Any) -> Answer:
        """A request that does what it should."""
        headers = {"Authorization": f"Bearer {self.token(role, path)}"}
        answer = await self.api.call(method, path, headers=headers, **options)
        assert answer.status in (200, 201), (path, role, answer.body)
        return answer

    def id_of(self, kind: str, role: Role, owner: str) -> str:
        """What a path names: of the role, or of somebody else."""
        owned = self.ids[kind][owner]
        return owned.get(role) or next(iter(owned.values()))


async def built(api: Api) -> World:
    """All of it, over HTTP."""
    world = World(api, await registered(api, phone="+86 371 5555 0150"))
    world.theirs = await registered(api)
    for purpose in (FACE, RECORD, *SERVED):
        await before(api, "clerk-1", world.mine, purpose=purpose)
    for kiosk in ("living-allowance", "water-transfer"):
        await before(api, "kiosk-1", world.mine, purpose=kiosk)
    everybody = dict.fromkeys(Role, world.mine)
    world.ids["citizen_id"] = {OWN: everybody, FOREIGN: {Role.CITIZEN: world.theirs}}
    departments = ((OWN, SANITATION), (FOREIGN, WORKS))
    world.ids["department"] = {whose: dict.fromkeys(Role, code) for whose, code in departments}
    await _applications(world)
    await _drafts(world)
    await _cases(world)
    await _waiting_correction(world)
    await _parking(world)
    sessions = world.ids["session_id"]
    for whose, citizen in ((OWN, world.mine), (FOREIGN, world.theirs)):
        await disputed(api.runtime.services, sessions[whose][Role.CITIZEN], citizen)
    await has_worked(api.runtime.services)
    await _rare(world)
    await caught_up(api.runtime.store)
    return world


async def parking_world(api: Api) -> World:
    """Two citizens with what is theirs in parking, and nothing else."""
    world = World(api, await registered(api), await registered(api))
    await _parking(world)
    return world


async def _parking(world: World) -> None:
    services = world.api.runtime.services
    mine, theirs = await parked(services, world.mine, world.theirs)
    await noticed(services, mine[1], theirs[1])
    for place, kind in enumerate(("session_id", "claim_id")):
        everybody = dict.fromkeys(Role, mine[place])
        world.ids[kind] = {OWN: everybody, FOREIGN: {Role.CITIZEN: theirs[place]}}
    permit, permit_of_another = await permits(services, world.mine, world.theirs)
    world.ids["permit_id"] = {
        OWN: dict.fromkeys(Role, permit),
        FOREIGN: {Role.CITIZEN: permit_of_another},
    }
    bound, another = await bindings(services, world.mine, world.theirs)
    world.ids["binding_id"] = {OWN: dict.fromkeys(Role, bound), FOREIGN: {Role.CITIZEN: another}}
    for kind, named in (("facility_id", GARAGE), ("berth_id", BERTH), ("place_id", BERTH)):
        world.ids[kind] = dict.fromkeys((OWN, FOREIGN), dict.fromkeys(Role, named))
    reserved = {whose: await reserves(world.api, whose) for whose in (world.mine, world.theirs)}
    world.ids["reservation_id"] = {
        OWN: dict.fromkeys(Role, reserved[world.mine]),
        FOREIGN: {Role.CITIZEN: reserved[world.theirs]},
    }
    stray = dict.fromkeys(Role, await strayed(services))
    world.ids["stray_id"] = dict.fromkeys((OWN, FOREIGN), stray)
    trailer = dict.fromkeys(Role, await trailed(services))
    world.ids["sign_id"] = dict.fromkeys((OWN, FOREIGN), trailer)
    world.ids["camera_id"] = {
        OWN: {role: f"{role.value}-1" for role in Role} | {Role.GATEWAY: "c-1"},
        FOREIGN: {Role.CITIZEN: "elsewhere-1"},
    }


async def _applications(world: World) -> None:
    async def apply(role: Role, service: str, channel: str) -> str:
        body = {"service": service, "channel": channel, "citizen_id": world.mine}
        answer = await world.call("POST", "/v1/applications", role, json=body)
        return str(answer.json["application_id"])

    funds = await apply(Role.CITIZEN, "housing-fund-purchase", "app")
    held = {
        Role.CITIZEN: funds,
        Role.OFFICIAL: funds,
        Role.SUPERVISOR: funds,
        Role.CLERK: await apply(Role.CLERK, "social-security-query", "counter"),
        Role.KIOSK: await apply(Role.KIOSK, "living-allowance", "kiosk"),
    }
    world.ids["application_id"] = {OWN: held, FOREIGN: await _others_applications(world)}


async def _others_applications(world: World) -> dict[Role, str]:
    """Of another person and department; before another clerk, at another kiosk."""
    await before(world.api, "clerk-9", world.theirs, purpose="living-allowance")
    said: dict[Role, tuple[str, str, dict[str, Any]]] = {
        Role.CITIZEN: (world.theirs, "residence-permit", {"form": {"ground": "job"}}),
        Role.CLERK: ("clerk-9", "living-allowance", {}),
        Role.KIOSK: ("kiosk-9", "social-security-query", {}),
    }
    found = {}
    for role, (subject, service, form) in said.items():
        body = {"service": service, "channel": AT[role], "citizen_id": world.theirs, **form}
        answer = await world.api.call(
            "POST", "/v1/applications", role.value, subject=subject, json=body
        )
        assert answer.status == 201, answer.body
        found[role] = str(answer.json["application_id"])
    return found


async def _drafts(world: World) -> None:
    async def begin(role: Role, service: str, channel: str) -> str:
        body = {"service": service, "channel": channel, "citizen_id": world.mine, "form": {}}
        return str((await world.call("POST", "/v1/drafts", role, json=body)).json["draft_id"])

    held = {
        Role.CITIZEN: await begin(Role.CITIZEN, "water-transfer", "app"),
        Role.CLERK: await begin(Role.CLERK, "heating-transfer", "counter"),
        Role.KIOSK: await begin(Role.KIOSK, "water-transfer", "kiosk"),
    }
    body = {"service": "water-transfer", "channel": "app", "form": {}}
    answer = await world.api.call("POST", "/v1/drafts", "citizen", subject=world.theirs, json=body)
    world.ids["draft_id"] = {OWN: held, FOREIGN: {Role.CITIZEN: str(answer.json["draft_id"])}}


async def _cases(world: World) -> None:
    async def report(role: Role, **said: Any) -> str:
        body = {"class_code": "overflowing_bin", "source": REPORTED[role], **PLACE} | said
        return str((await world.call("POST", "/v1/cases", role, json=body)).json["case_id"])

    reported = {role: await report(role) for role in REPORTED}
    elsewhere = await report(Role.OPERATOR, class_code="displaced_manhole_cover")
    for case in (reported[Role.OFFICIAL], elsewhere):
        await eventually(partial(_dispatched, world, case))
    world.ids["case_id"] = {OWN: reported, FOREIGN: {Role.OPERATOR: elsewhere}}


async def _rare(world: World) -> None:
    """What waits for a person: what a camera is not sure of, one face of two people, a batch."""
    lamp = {"kind": "lamp", "name": "路燈 42", "owner": SANITATION, **PLACE}
    await world.call("PUT", "/v1/assets/lamp-42", Role.OPERATOR, json=lamp)
    unsure = seen("unsure", camera_id="camera-1", confidence=40)
    await world.call("POST", "/v1/detections", Role.CAMERA, json=unsure)
    services = world.api.runtime.services
    theirs = Actor(world.theirs, frozenset({Role.CITIZEN}))
    citizen = await services.store.load(Citizen, world.theirs)
    alike = {"score": 0.7, "threshold": 0.6, "false_match_rate": 1e-6, "enrolled": 2}
    citizen.suspect_duplicate(services.clock(), template_id=str(NIL), other=world.mine, **alike)
    await services.store.save(citizen, metadata=context(theirs).metadata())
    await priced_again(services)


async def _dispatched(world: World, case: str) -> bool:
    answer = await world.api.call("GET", f"/v1/cases/{case}", "operator")
    return bool(answer.json.get("status") == CaseStatus.DISPATCHED)


async def _waiting_correction(world: World) -> None:
    """Somebody else asked for it, so a supervisor reads the record."""
    body = {"what": "death", "died_on": "2026-01-01", "grounds": "a paper"}
    path = f"/v1/citizens/{world.mine}/corrections"
    answer = await world.api.call("POST", path, "clerk", subject="clerk-9", json=body)
    assert answer.status == 200, answer.body


NIL = UUID(int=0)
