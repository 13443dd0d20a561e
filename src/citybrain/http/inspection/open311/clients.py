"""What all requests of Open311 share: who sends a form, what is in force, the city's time."""

import hashlib
import re
from collections.abc import Collection
from datetime import datetime
from uuid import uuid4

from aiohttp import web
from pydantic import ValidationError

from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.inspection.cases import CaseDefinitions, cases_at
from citybrain.domain.actor import Actor, Role
from citybrain.http.inspection.open311.reading import (
    Fields,
    Form,
    Open311Error,
    check_jurisdiction,
    read_form,
)
from citybrain.http.limits import LIMITER, RateLimiter, caller_of
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.telemetry import CORRELATION
from commands.handling import CommandContext

PREFIX = "/open311/v2"
CASE_ID = re.compile(r"case-[0-9a-f]{32}")
CONTACT_FIELDS = {
    "email": 254,
    "device_id": 200,
    "account_id": 200,
    "first_name": 100,
    "last_name": 100,
    "phone": 40,
    "media_url": 2000,
}
NAMES = {
    "latitude": "lat",
    "longitude": "long",
    "address": "address_string",
    "external_ref": "address_id",
    "text": "description",
    "written_at": "updated_datetime",
}

ASKED: web.RequestKey[Fields] = web.RequestKey("open311_asked", dict)
# Of who reports with a key; everybody else has their share by address.
KEYS: web.AppKey[RateLimiter] = web.AppKey("open311_keys", RateLimiter)


def definitions_of(request: web.Request) -> CaseDefinitions:
    """The definitions of cases in force."""
    services = request.app[RUNTIME].services
    return cases_at(services.definitions, services.clock())


def local_time(request: web.Request, at: datetime) -> str:
    """A time with the city's offset."""
    zone = request.app[RUNTIME].services.definitions.of(BusinessCalendar).zone
    return at.astimezone(zone).isoformat(timespec="seconds")


async def form_of(request: web.Request, known: Collection[str]) -> Form:
    """The form in the body; what is none is paid for by the address that it comes from."""
    try:
        return await read_form(request, known)
    except Open311Error:
        await request.app[LIMITER].spend(caller_of(request))
        raise


async def context_of(
    request: web.Request, fields: Fields, once: str | None = None
) -> CommandContext:
    """Who sends a form, by its api_key; raises 403 as the specification says.

    A client with a key spends of its own share, whoever guesses keys of their address's.
    """
    runtime = request.app[RUNTIME]
    try:
        actor = _client(runtime, fields.get("api_key"))
    except Open311Error:
        await request.app[LIMITER].spend(caller_of(request))
        raise
    await request.app[KEYS].spend(actor.subject)
    check_jurisdiction(fields)
    if once is not None and len(once) > 200:
        raise Open311Error(400, "update_id is too long")
    key = None if once is None else f"open311-update:{once}"
    return CommandContext(actor, "open311", uuid4(), request[CORRELATION], idempotency_key=key)


def _client(runtime: Runtime, key: str | None) -> Actor:
    if not key:
        raise Open311Error(403, "api_key was not provided")
    client = runtime.settings.open311_clients.get(hashlib.sha256(key.encode()).hexdigest())
    if client is None and runtime.development is not None and key == "development":
        client = "development"
    if client is None:
        raise Open311Error(403, "api_key is not valid")
    return Actor(f"open311-{client}", frozenset({Role.CITIZEN}))


def contact_of(fields: Fields, limits: dict[str, int]) -> dict[str, str]:
    """How to reach whoever sends the form."""
    contact = {name: fields[name] for name in limits if name in fields}
    for name, value in contact.items():
        if len(value) > limits[name]:
            raise Open311Error(400, f"{name} is too long")
    return contact


def not_valid(wrong: ValidationError) -> Open311Error:
    """The first mistake of a form, by the name that the specification has for its field."""
    place = wrong.errors()[0]["loc"]
    name = NAMES.get(str(place[0]), str(place[0]))
    if name == "attributes":
        name = f"attribute[{place[1]}]" if len(place) > 1 else "the number of attributes"
    return Open311Error(400, f"{name} is not valid")
