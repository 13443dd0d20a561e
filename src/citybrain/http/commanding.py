"""Between a checked request and a command: its context on the way in, its result on the way out."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from aiohttp import web

from citybrain.eventstore import StreamNotFound
from citybrain.http.routing import Call, RouteHandler, json_response
from citybrain.http.telemetry import CORRELATION
from citybrain.random_ids import random_uuid
from commands.handling import CommandContext, CommandResult
from commands.services import Services

Handler = Callable[[str, Any, CommandContext, Services], Awaitable[CommandResult]]


def context(call: Call) -> CommandContext:
    """The command context of a request."""
    return CommandContext(
        actor=call.authenticated,
        channel="http",
        command_id=random_uuid(),
        correlation_id=call.request[CORRELATION],
        idempotency_key=call.idempotency_key,
        expected_version=call.expected_version,
    )


def id_in_path(name: str, pattern: str, what: str) -> Callable[[Call], str]:
    """Reads a stream's id from the path; raises `StreamNotFound` for what cannot be one."""
    possible = re.compile(pattern)

    def id_of(call: Call) -> str:
        stream_id = call.request.match_info[name]
        if not possible.fullmatch(stream_id):
            raise StreamNotFound(f"there is no such {what}")
        return stream_id

    return id_of


def on(id_of: Callable[[Call], str], handler: Handler) -> RouteHandler:
    """The route handler of a command on the stream that the path names."""

    @wraps(handler)
    async def handle(call: Call) -> web.Response:
        return done(await handler(id_of(call), call.body, context(call), call.runtime.services))

    return handle


def done(result: CommandResult) -> web.Response:
    """The response to a command that changed a stream."""
    return _response(result, 200, {})


def created(result: CommandResult, collection: str) -> web.Response:
    """The response to a command that opened a stream, which is found under `collection`."""
    return _response(result, 201, {"Location": f"{collection}/{result.stream_id}"})


def _response(result: CommandResult, status: int, headers: dict[str, str]) -> web.Response:
    headers |= {"ETag": f'"{result.version}"', "X-Position": str(result.position)}
    if result.replayed:
        headers["Idempotency-Replayed"] = "true"
    return json_response(result.answer, status=status, headers=headers)
