"""Between a checked request and a command: its context on the way in, its result on the way out."""

from uuid import uuid4

from aiohttp import web

from citybrain.http.routing import Call, json_response
from citybrain.http.telemetry import CORRELATION
from commands.handling import CommandContext, CommandResult


def context(call: Call) -> CommandContext:
    """The command context of a request."""
    return CommandContext(
        actor=call.authenticated,
        channel="http",
        command_id=uuid4(),
        correlation_id=call.request[CORRELATION],
        idempotency_key=call.idempotency_key,
        expected_version=call.expected_version,
    )


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
