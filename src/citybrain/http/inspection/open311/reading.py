"""What an Open311 client asks: queries and forms, read strictly, each mistake named.

A parameter that is empty counts as absent, as the specification says.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from aiohttp import web

from citybrain.errors import CitybrainError
from citybrain.http.bodies import body_place, read_body

JURISDICTION = "zhengzhou.gov.cn"
BODY_BYTES = 64 * 1024
FIELDS, IDS, PAGES = 100, 200, 10_000  # so many ids fit a request line of 8 190 bytes
MOST, DAYS = 1000, 90
FOREVER = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
LISTS = ("service_request_id", "service_code", "status")  # may be declared several times
ATTRIBUTE = re.compile(r"attribute\[([a-z][a-z0-9_-]{0,63})\](\[\])?")
# https://www.w3.org/TR/NOTE-datetime, of which the specification wants an offset
W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)

Fields = dict[str, str]
Span = tuple[datetime, datetime]


class Open311Error(CitybrainError):
    """An error in the specification's terms: a status and a description."""

    code = "open311"

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its fields, and the values of `attribute[code]` by code."""

    fields: Fields
    attributes: dict[str, list[str]]


def read_query(request: web.Request) -> Fields:
    """The parameters of the query; lists are joined by commas. Raises `Open311Error`."""
    asked: Fields = {}
    for name, value in _pairs(request.raw_path.partition("?")[2], "query"):
        if not value.strip():
            continue
        if name in asked and name not in LISTS:
            raise Open311Error(400, "a parameter is given twice")
        asked[name] = f"{asked[name]},{value}" if name in asked else value.strip()
    check_jurisdiction(asked)
    return asked


async def read_form(request: web.Request, known: Collection[str]) -> Form:
    """The form in the body, of known fields and attributes; raises `Open311Error`."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Open311Error(415, "the body must be application/x-www-form-urlencoded")
    try:
        body = (await _body(request)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Open311Error(400, "the body is not a form in UTF-8") from error
    form = Form({}, {})
    for name, value in _pairs(body, "body"):
        if attribute := ATTRIBUTE.fullmatch(name):
            form.attributes.setdefault(attribute[1], []).append(value.strip())
        elif name not in known:
            raise Open311Error(400, "the form has a field that is not known")
        elif name in form.fields:
            raise Open311Error(400, f"{name} is given twice")
        else:
            form.fields[name] = value.strip()
    fields = {name: value for name, value in form.fields.items() if value}
    return Form(fields, form.attributes)


def check_jurisdiction(asked: Fields) -> None:
    """Raises 404 where another jurisdiction is asked; there is no need to name ours."""
    if asked.get("jurisdiction_id", JURISDICTION) != JURISDICTION:
        raise Open311Error(404, "jurisdiction_id provided was not found")


def listed(asked: Fields, name: str, among: Collection[str] | None = None) -> list[str] | None:
    """The values of a list, None where it is absent; raises where one is not `among` them."""
    if name not in asked:
        return None
    found = [each.strip() for each in asked[name].split(",") if each.strip()]
    if len(found) > IDS:
        raise Open311Error(400, f"{name} has more than {IDS} values")
    if among is not None and not set(found).issubset(among):
        raise Open311Error(400, f"{name} is one of {', '.join(among)}")
    return found


def span(asked: Fields, start: str, end: str, days: int = DAYS) -> Span:
    """The time that is asked for, 90 days at most; the last `days` where it is not said."""
    since, until = moment(asked, start), moment(asked, end)
    until = until or (since + timedelta(days=DAYS) if since else datetime.now(UTC))
    since = since or until - timedelta(days=days)
    if since > until or until - since > timedelta(days=DAYS):
        raise Open311Error(400, f"{start} to {end} spans {DAYS} days at most")
    return since, until


def between(asked: Fields, start: str, end: str) -> Span:
    """The time that is asked for, open at an end that is not said."""
    since, until = moment(asked, start) or FOREVER[0], moment(asked, end) or FOREVER[1]
    if since > until:
        raise Open311Error(400, f"{start} lies after {end}")
    return since, until


def moment(asked: Fields, name: str) -> datetime | None:
    """A W3C date and time; None where it is absent."""
    if name not in asked:
        return None
    text = asked[name].replace(" ", "+")  # who forgets that a plus in a query is a space
    try:
        found = datetime.fromisoformat(text) if W3C.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not FOREVER[0] <= found <= FOREVER[1] - timedelta(days=DAYS):
        raise Open311Error(400, f"{name} is a W3C date and time with offset")
    return found


def page(asked: Fields) -> tuple[int, int]:
    """Limit and offset by `page` (from 1) and `page_size`."""
    size = _number(asked, "page_size", MOST, MOST)
    return size, (_number(asked, "page", 1, PAGES) - 1) * size


def _number(asked: Fields, name: str, default: int, most: int) -> int:
    value = asked.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 9 and 1 <= int(value) <= most):
        raise Open311Error(400, f"{name} is a number from 1 to {most}")
    return int(value)


async def _body(request: web.Request) -> bytes:
    too_large = Open311Error(413, f"the body exceeds {BODY_BYTES} bytes")
    with body_place(request, None, BODY_BYTES):
        return await read_body(request, BODY_BYTES, too_large)


def _pairs(text: str, where: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except ValueError as error:
        raise Open311Error(400, f"the {where} is not a form in UTF-8") from error
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise Open311Error(400, f"the {where} has a NUL")
    return [(name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in pairs]
