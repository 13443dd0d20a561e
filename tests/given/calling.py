"""A call of any operation as any role, over the world of two citizens."""

import re
from typing import Any

from citybrain.domain.actor import Role
from citybrain.http.routing import Route
from tests.given.api import Answer
from tests.given.valid_bodies import FILTERS, body_of
from tests.given.world import NIL, World


async def call(
    world: World,
    route: Route,
    role: Role,
    owner: str,
    *,
    body: dict[str, Any] | None = None,
    query: dict[str, Any] | None = None,
) -> Answer:
    """One call, valid but for the members that are named; of what streams, the beginning."""
    path = path_of(world, route, role, owner)
    made = FILTERS.get(route.operation_id)
    asked = ({} if made is None else made(world, role, owner)) | (query or {})
    headers = {"Authorization": f"Bearer {world.token(role, path)}"}
    if route.if_match:
        headers["If-Match"] = f'"{await version_of(world, path)}"'
    sent: dict[str, Any] = {"headers": headers}
    if route.media is not None:
        sent["data"], headers["Content-Type"] = b"%PDF", "application/pdf"
    elif route.body is not None:
        sent["json"] = body_of(route.operation_id, world, role, owner) | (body or {})
    async with world.api.session.request(
        route.method,
        world.api.url + path,
        params={name: str(value) for name, value in asked.items()},
        **sent,
    ) as answer:
        streams = route.streaming and answer.status == 200
        return Answer(answer.status, answer.headers, b"{}" if streams else await answer.read())


def path_of(world: World, route: Route, role: Role, owner: str) -> str:
    """The path with what it names: of the role, or of somebody else."""
    return re.sub(r"{(\w+)}", lambda named: _named(world, named[1], role, owner), route.path)


def _named(world: World, name: str, role: Role, owner: str) -> str:
    if name in world.ids:
        return world.id_of(name, role, owner)
    made_up = {"stream_id": world.mine, "sha256": "ab" * 32, "code": "water-transfer"}
    return made_up.get(name, f"detection-{'0' * 32}" if name == "detection_id" else str(NIL))


async def version_of(world: World, path: str) -> int:
    """The version of what a path names."""
    case = path.split("/")[3]
    pool = world.api.runtime.store.pool
    query = "SELECT max(originator_version) FROM stored_events WHERE originator_id = $1"
    return int(await pool.fetchval(query, case))
