"""A problem is reported: a form, with or without photos, becomes a case once."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from citybrain.definitions.inspection.cases import CaseClass
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.errors import InvalidInput
from citybrain.eventstore import WrongExpectedVersion
from citybrain.http.inspection.open311.clients import (
    CONTACT_FIELDS,
    contact_of,
    context_of,
    definitions_of,
    form_of,
    locale_of,
    not_valid,
    once_of,
)
from citybrain.http.inspection.open311.reading import Fields, Form, Open311Error, degrees
from citybrain.http.inspection.open311.services import notice_of
from citybrain.http.runtime import RUNTIME, Runtime
from commands.handling import CommandContext
from commands.inspection.case import ReportCase, ReportProblem, checked_attributes, report_case
from commands.inspection.contacts import CONTACT
from commands.inspection.placing import require_in_the_city

CONTACT_KEPT = timedelta(days=180)
REPEATED_WITHIN = timedelta(minutes=1)
REPORT_FIELDS = {
    "api_key",
    "jurisdiction_id",
    "service_code",
    "lat",
    "long",
    "address_string",
    "address_id",
    "description",
    *CONTACT_FIELDS,
}


async def report(request: web.Request) -> tuple[str, Any]:
    """Report a problem; answers its id at once.

    The same form of the same client within a minute is the same report; with an `Idempotency-Key`
    it is so for as long as keys are kept.
    """
    runtime, form = request.app[RUNTIME], await form_of(request, REPORT_FIELDS)
    services = runtime.services
    context = await context_of(request, form.fields, once_of(request, "report"))
    case_class = _class_of(form.fields, definitions_of(request).offered)
    asks = {attribute.code.lower(): attribute.code for attribute in case_class.attributes}
    unknown = {code: form.attributes[code] for code in form.attributes if code not in asks}
    given = {asks[code]: form.attributes[code] for code in form.attributes if code in asks}
    command = _report_of(form.fields, case_class, given)
    contact = contact_of(form, CONTACT_FIELDS, unknown)
    require_in_the_city(command, context, services, services.clock())
    checked_attributes(command, context, services, services.clock())
    digests = await keep_photos(runtime, context, form.photos)
    command = command.model_copy(update={"evidence_sha256": digests})
    case_id, is_new = await _case_of(runtime, context, form, digests)
    if is_new:
        await _keep_contact(runtime, case_id, contact)
    if is_new or context.idempotency_key is not None:
        with suppress(WrongExpectedVersion):  # it came beside this one, or its key is kept no more
            await report_case(command, context, services, case_id=case_id)
    notice = notice_of(case_class, locale_of(form.fields))
    return "service_requests", [
        {"service_request_id": case_id, "service_notice": notice, "account_id": None}
    ]


async def keep_photos(runtime: Runtime, context: CommandContext, given: list[bytes]) -> list[str]:
    """Check and keep photos; their digests. Raises `Open311Error` for what is none."""
    photos, found = runtime.services.photos, []
    assert photos is not None  # a serving process has them
    for content in given:
        try:
            with photos.admitted(context.actor.subject):
                found.append((await photos.take(content)).sha256)
        except InvalidInput as wrong:
            raise Open311Error(400, f"media: {wrong.message}") from wrong
    return list(dict.fromkeys(found))


async def _case_of(
    runtime: Runtime, context: CommandContext, form: Form, digests: list[str]
) -> tuple[str, bool]:
    """The id that a report has or will have, and whether it is new.

    It follows from who says what in which minute: two that come at once become one.
    """
    said: list[Any] = [context.actor.subject, context.idempotency_key]
    if context.idempotency_key is None:
        said += [form.fields, form.attributes, form.others, digests]
    services = runtime.services
    whole = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    whole = await services.vault.digest("open311-report", whole)
    now, entropy = services.clock(), whole[:10]
    if context.idempotency_key is not None:
        case_id = InspectionCase.new_id(0, entropy)
        return case_id, not await runtime.store.read(case_id, limit=1)
    minute = int(now.timestamp()) // 60
    this, last = (InspectionCase.new_id(each * 60_000, entropy) for each in (minute, minute - 1))
    for case_id in (this, last):
        begun = await runtime.store.read(case_id, limit=1)
        if begun and now - begun[0].recorded_at < REPEATED_WITHIN:
            return case_id, False
    return this, True


def _class_of(fields: Fields, classes: dict[str, CaseClass]) -> CaseClass:
    if "service_code" not in fields:
        raise Open311Error(400, "service_code was not provided")
    found = classes.get(fields["service_code"]) or classes.get(fields["service_code"].lower())
    if found is None:
        raise Open311Error(404, "service_code not found")
    return found


def _report_of(
    fields: Fields, case_class: CaseClass, attributes: dict[str, list[str]]
) -> ReportProblem:
    """The report; raises `Open311Error` in the order in which people read a form."""
    latitude, longitude = _place_of(fields)
    kind = ReportProblem if latitude is None else ReportCase
    try:
        return kind(
            source=CaseSource.CITIZEN,
            class_code=case_class.code,
            description=fields.get("description", ""),
            latitude=latitude,
            longitude=longitude,
            address=fields.get("address_string"),
            external_ref=fields.get("address_id"),
            attributes=attributes or None,
        )
    except ValidationError as wrong:
        raise not_valid(wrong) from wrong


def _place_of(fields: Fields) -> tuple[float, float] | tuple[None, None]:
    """Where it is, in degrees; nowhere yet where an address alone is said."""
    if missing := [name for name in ("lat", "long") if name not in fields]:
        if len(missing) == 1:
            raise Open311Error(400, f"lat and long belong together: {missing[0]} is missing")
        said = fields.get("address_string", "") + fields.get("address_id", "")
        if not any(map(str.isalnum, said)):
            raise Open311Error(400, "lat and long are required, or address_string or address_id")
        return None, None
    return degrees(fields, "lat", 90), degrees(fields, "long", 180)


async def _keep_contact(runtime: Runtime, case_id: str, contact: dict[str, str]) -> None:
    """Seal how to reach whoever reports; before the report, so that none is lost."""
    if not contact:
        return
    vault = runtime.services.vault
    await vault.create_key(case_id)
    kept_until = runtime.services.clock() + CONTACT_KEPT
    await vault.keep(case_id, CONTACT, orjson.dumps(contact), kept_until)
