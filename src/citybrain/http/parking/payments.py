"""Where the payment gateway tells what became of payments: signed, in any order, more than once.

Public as far as tokens go: the gateway's signature is what lets a message in.
"""

from uuid import uuid4

from aiohttp import web

from citybrain.domain.actor import system_actor
from citybrain.exchange.answers import JOSE
from citybrain.exchange.signing import SignatureWrong
from citybrain.http.bodies import body_place, read_body
from citybrain.http.problems import BodyTooLarge, Unauthenticated, UnsupportedMediaType
from citybrain.http.routing import Answer, Call, Route
from citybrain.http.telemetry import CORRELATION
from commands.handling import CommandContext
from commands.parking.callbacks import take_callback

MOST_BYTES = 8192
GATEWAY = system_actor("payment-gateway")


async def callbacks(call: Call) -> web.Response:
    """Take a message; one that was taken before changes nothing."""
    request = call.request
    if request.content_type != JOSE:
        raise UnsupportedMediaType(f"a message of the gateway is {JOSE}")
    too_large = BodyTooLarge(f"the body exceeds {MOST_BYTES} bytes", limit_bytes=MOST_BYTES)
    with body_place(request, None, MOST_BYTES):
        signed = (await read_body(request, MOST_BYTES, too_large)).decode("ascii", "replace")
        context = CommandContext(GATEWAY, "callback", uuid4(), request[CORRELATION])
        try:
            await take_callback(signed, context, call.runtime.services)
        except SignatureWrong:
            raise Unauthenticated("the message is not signed by the payment gateway") from None
    return web.Response(status=204)


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/payments/callbacks",
        tag="parking",
        summary="The payment gateway tells what became of a payment",
        handler=callbacks,
        media=JOSE,
        body_limit_bytes=MOST_BYTES,
        answers={204: Answer("taken, now or before")},
    ),
)
