"""Who was turned away, and why: a line of the log for each refused token and each refused step.

A line names a subject only where a valid token said it, and the address by a pseudonym: the same
for all processes of an installation, and nobody's without its master key.
"""

import hashlib
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import Counter

from citybrain.errors import CitybrainError, Forbidden
from citybrain.http.addresses import address_of
from citybrain.http.problems import Unauthenticated
from citybrain.http.runtime import RUNTIME
from citybrain.http.tokens import actor_of

log = structlog.get_logger(__name__)

REFUSAL: web.RequestKey[CitybrainError] = web.RequestKey("refusal", CitybrainError)
"""What a request was refused with."""
EVENTS: Final = {401: "authentication_failed", 403: "not_authorised"}
PSEUDONYM_BYTES = 8

FAILURES = Counter(
    "citybrain_security_failures_total", "Requests turned away, by what they lacked", ["event"]
)


def note_refusal(request: web.Request, error: CitybrainError) -> None:
    """Keep what the log is to say of a request that is turned away."""
    if isinstance(error, Unauthenticated | Forbidden):
        request[REFUSAL] = error


def tell_refusal(request: web.Request, route: str, status: int) -> None:
    """Log a security event: the answer, of a status of `EVENTS`, turns somebody away."""
    event = EVENTS[status]
    error, actor = request.get(REFUSAL), actor_of(request)
    FAILURES.labels(event).inc()
    log.warning(
        event,
        security=True,
        method=request.method,
        route=route,
        code=error.code if error else f"http-{status}",
        reason=error.message if error else None,
        subject=actor.subject if actor else None,
        roles=sorted(role.value for role in actor.roles) if actor else [],
        address=pseudonym(address_of(request), request.app[RUNTIME].address_key),
    )


def pseudonym(address: str, key: bytes) -> str:
    """Says whether two requests came from one address, and not from which."""
    return hashlib.blake2b(address.encode(), digest_size=PSEUDONYM_BYTES, key=key).hexdigest()
