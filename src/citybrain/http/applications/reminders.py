"""A reminder for one's own calendar: from this day a service can be applied for again.

Nobody's data: a day and a service, as an iCalendar file (RFC 5545) that the phone takes over.
"""

from datetime import date, timedelta
from typing import Literal

from aiohttp import web
from pydantic import Field

from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route
from commands.fields import Day

LINE_BYTES = 75
SAID = {"zh": "可以再申请：{name}", "en": "You can apply again: {name}"}


class ReminderQuery(Query):
    """When, and in which language."""

    day: Day = Field(description="from which it can be applied for")
    language: Literal["zh", "en"] = "zh"


async def show(call: Call) -> web.Response:
    """The file."""
    query: ReminderQuery = call.query
    services = call.runtime.services
    code = call.request.match_info["code"]
    item = services.definitions.of(Catalogue).item(code, services.clock().date())
    text = SAID[query.language].format(name=item.name if query.language == "zh" else item.name_en)
    return web.Response(
        body=calendar(f"{code}-{query.day}@citybrain", query.day, text).encode(),
        content_type="text/calendar",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{code}-{query.day}.ics"'},
    )


def calendar(uid: str, day: date, text: str) -> str:
    """An event of one day, with an alarm at nine of that morning."""
    said = escaped(text)
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//citybrain//reminders//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{day:%Y%m%d}T000000Z",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{said}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{said}",
        "TRIGGER:PT9H",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{folded(line)}\r\n" for line in lines)


def escaped(text: str) -> str:
    """A text as a property has it (RFC 5545, 3.3.11)."""
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def folded(line: str) -> str:
    """A line of at most 75 bytes, and its rest on lines that begin with a blank (3.1)."""
    parts: list[str] = []
    part = ""
    for character in line:
        room = LINE_BYTES - (1 if parts else 0)
        if len((part + character).encode()) > room:
            parts.append(part)
            part = ""
        part += character
    return "\r\n ".join([*parts, part])


ROUTES = (
    Route(
        method="GET",
        path="/v1/services/{code}/reminder",
        summary="A calendar file: from this day it can be applied for again",
        tag="services",
        handler=show,
        roles=None,
        query=ReminderQuery,
        answers={200: Answer("text/calendar")},
    ),
)
