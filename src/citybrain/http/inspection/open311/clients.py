"""What all requests of Open311 share: who sends a form, what is in force, the city's time."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from aiohttp import web
from pydantic import ValidationError

from citybrain.city_day import CITY_ZONE
from citybrain.definitions.inspection.cases import CaseDefinitions, cases_at
from citybrain.domain.actor import Actor, Role
from citybrain.http.inspection.open311.multipart import read_multipart
from citybrain.http.inspection.open311.reading import (
    Fields,
    Form,
    Open311Error,
    check_jurisdiction,
    read_form,
    read_query,
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
    "media_url": 2000,  # each of them
}
IN_THE_QUERY = ("api_key", "jurisdiction_id")  # of a form, too: the specification names no place
NOISE = frozenset({"service_name", "locale", "submit", "utf8", "format"})
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


def local_time(at: datetime) -> str:
    """A time with the city's offset."""
    return at.astimezone(CITY_ZONE).isoformat(timespec="seconds")


def locale_of(asked: Fields) -> str:
    """The language of names: `zh` or `en`."""
    return "zh" if asked.get("locale", "").lower().startswith("zh") else "en"


async def form_of(request: web.Request, known: Collection[str]) -> Form:
    """The form in the body; what is none is paid for by the address that it comes from."""
    try:
        asked = read_query(request)
        read = read_multipart if request.content_type == "multipart/form-data" else read_form
        form = await read(request, known)
    except Open311Error:
        await request.app[LIMITER].spend(caller_of(request))
        raise
    beside = {name: asked[name] for name in IN_THE_QUERY if name in asked}
    return replace(form, fields=beside | form.fields)


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
    check_jurisdiction(request, fields)
    return CommandContext(actor, "open311", uuid4(), request[CORRELATION], idempotency_key=once)


def once_of(request: web.Request, kind: str, said: str | None = None) -> str | None:
    """The idempotency key of a form: what it says itself, else what its header does."""
    key = said or request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 200:
        raise Open311Error(400, "Idempotency-Key and update_id have 200 characters at most")
    return f"open311-{kind}:{key}" if key else None


def _client(runtime: Runtime, key: str | None) -> Actor:
    if not key:
        raise Open311Error(403, "api_key was not provided")
    client = runtime.settings.open311_clients.get(hashlib.sha256(key.encode()).hexdigest())
    if client is None and runtime.development is not None and key == "development":
        client = "development"
    if client is None:
        raise Open311Error(403, "api_key is not valid")
    return Actor(f"open311-{client}", frozenset({Role.CITIZEN}))


def contact_of(form: Form, limits: dict[str, int], unknown: dict[str, list[str]]) -> dict[str, str]:
    """How to reach whoever sends the form, and what it says that nothing here asks for."""
    fields = form.fields
    contact = {name: fields[name] for name in limits if name in fields}
    for name, value in contact.items():
        if max(map(len, value.split("\n"))) > limits[name]:
            raise Open311Error(400, f"{name} is too long")
    others = {name: values for name, values in form.others.items() if name not in NOISE} | {
        f"attribute[{code}]": values for code, values in unknown.items()
    }
    said = {name: "\n".join(filter(None, values)) for name, values in others.items()}
    return contact | {f"other:{name}": value for name, value in said.items() if value}


def not_valid(wrong: ValidationError) -> Open311Error:
    """The first mistake of a form, by the name that the specification has for its field."""
    place = wrong.errors()[0]["loc"]
    name = NAMES.get(str(place[0]), str(place[0]))
    if name == "attributes":
        name = f"attribute[{place[1]}]" if len(place) > 1 else "the number of attributes"
    return Open311Error(400, f"{name} is not valid")
