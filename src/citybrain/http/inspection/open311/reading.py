"""What an Open311 client asks: queries and forms, read liberally, each mistake named.

Clients send more, less and other than the specification says: what is not known is left out or kept
apart, what is empty counts as absent, and only what is wrong is refused. What would change the
answer and cannot be done is wrong, too.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl

from aiohttp import web

from citybrain.errors import CitybrainError
from citybrain.http.bodies import body_place, read_body
from citybrain.http.runtime import RUNTIME

BODY_BYTES = 64 * 1024
FIELDS, PAGES = 100, 10_000
MOST, DAYS, DEEPEST = 1000, 90, 100_000
FOREVER = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
LISTS = ("service_request_id", "service_code", "status")  # may be declared several times
REPEATED = ("media_url", "media")  # of a form
SAME = {"deviceid": "device_id"}  # as the specification's own examples have it, too
NOT_DONE = ("q",)  # filters that others know: leaving them out would answer another question
ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,64})\](\[[^\[\]]*\])*", re.IGNORECASE)
# https://www.w3.org/TR/NOTE-datetime, of which the specification wants an offset
W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)

BLANK_FOR_T = re.compile(r"^(\d{4}-\d\d-\d\d)\+(?=\d\d:)", re.ASCII)

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
    """A form: its known fields, the values of `attribute[code]` by code, and what else it says.

    `photos` are files that came with it, as they were sent.
    """

    fields: Fields
    attributes: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    photos: list[bytes] = field(default_factory=list)


class Box(NamedTuple):
    """Degrees; where `west` is larger than `east` it reaches over 180°."""

    south: float
    west: float
    north: float
    east: float


class Around(NamedTuple):
    """A circle around a point, in degrees and metres."""

    latitude: float
    longitude: float
    radius_m: float


def read_query(request: web.Request) -> Fields:
    """The parameters of the query; lists are joined by commas. Raises `Open311Error`."""
    asked: Fields = {}
    for name, value in pairs(request.raw_path.partition("?")[2], "query", MOST):
        if not value.strip():
            continue
        if name in LISTS and name in asked:
            asked[name] = f"{asked[name]},{value}"
        elif asked.setdefault(name, value.strip()) != value.strip() and name in PARAMETERS:
            raise Open311Error(400, f"{name} is given twice")
    for name in NOT_DONE:
        if name in asked:
            raise Open311Error(400, f"{name} is not done here: leave it out")
    check_jurisdiction(request, asked)
    return asked


async def read_form(request: web.Request, known: Collection[str]) -> Form:
    """The form in the body; raises `Open311Error`."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Open311Error(415, "the body must be application/x-www-form-urlencoded")
    try:
        body = (await _body(request)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Open311Error(400, "the body is not a form in UTF-8") from error
    return form_of_pairs(pairs(body, "body", FIELDS), known)


def form_of_pairs(given: Iterable[tuple[str, str]], known: Collection[str]) -> Form:
    """What names and values say, those of `known` apart; raises `Open311Error`."""
    form = Form({})
    for name, text in given:
        value = text.strip()
        if attribute := ATTRIBUTE.fullmatch(name):
            form.attributes.setdefault(attribute[1].lower(), []).append(value)
            continue
        name = SAME.get(name, name)
        if name not in known:
            form.others.setdefault(name[:200], []).append(value)
        elif not value:
            continue
        elif name in REPEATED and name in form.fields:
            form.fields[name] += f"\n{value}"
        elif form.fields.setdefault(name, value) != value:
            raise Open311Error(400, f"{name} is given twice")
    return form


def check_jurisdiction(request: web.Request, asked: Fields) -> None:
    """Raises 404 where another jurisdiction is asked; there is no need to name ours."""
    ours = request.app[RUNTIME].settings.open311_jurisdiction
    if asked.get("jurisdiction_id", ours).casefold() != ours.casefold():
        raise Open311Error(404, "jurisdiction_id provided was not found")


def listed(asked: Fields, name: str, among: Collection[str] | None = None) -> list[str] | None:
    """The values of a list, None where it is absent; raises where one is not `among` them.

    Those that are one of `among` are so in any case.
    """
    if name not in asked:
        return None
    found = [each.strip() for each in asked[name].split(",") if each.strip()]
    if len(found) > MOST:
        raise Open311Error(400, f"{name} has more than {MOST} values")
    if among is None:
        return found
    found = [each.lower() for each in found]
    if not set(found).issubset(among):
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
    text = BLANK_FOR_T.sub(r"\1T", text)  # and who prints a time as most languages do
    try:
        found = datetime.fromisoformat(text) if W3C.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not FOREVER[0] <= found <= FOREVER[1] - timedelta(days=DAYS):
        raise Open311Error(400, f"{name} is a W3C date and time with offset")
    return found


def degrees(fields: Mapping[str, str], name: str, most: float) -> float:
    """Degrees of a field that is there, from -`most` to `most`; raises `Open311Error`."""
    try:
        found = float(fields[name])
    except ValueError as wrong:
        raise Open311Error(400, f"{name} is not a number") from wrong
    if not -most <= found <= most:
        raise Open311Error(400, f"{name} is not valid: it is -{most:g} to {most:g} degrees")
    return found


def around(asked: Fields) -> Around | None:
    """The circle of `lat`, `long` and `radius` in metres; None where none of them is there."""
    names = ("lat", "long", "radius")
    if not set(names) & asked.keys():
        return None
    if missing := [name for name in names if name not in asked]:
        raise Open311Error(400, f"lat, long and radius belong together: {missing[0]} is missing")
    latitude, longitude = degrees(asked, "lat", 90), degrees(asked, "long", 180)
    try:
        radius = float(asked["radius"])
    except ValueError as wrong:
        raise Open311Error(400, "radius is not a number") from wrong
    if not 0 < radius <= 100_000:
        raise Open311Error(400, "radius is 1 to 100000 metres")
    return Around(latitude, longitude, radius)


def box(asked: Fields) -> Box | None:
    """The box of `bbox=west,south,east,north` (RFC 7946, 5); None where it is absent."""
    if "bbox" not in asked:
        return None
    given = dict(zip(("west", "south", "east", "north"), asked["bbox"].split(","), strict=False))
    if len(given) != 4 or asked["bbox"].count(",") != 3:
        raise Open311Error(400, "bbox is west,south,east,north")
    try:
        west, east = (degrees(given, name, 180) for name in ("west", "east"))
        south, north = (degrees(given, name, 90) for name in ("south", "north"))
    except Open311Error as wrong:
        raise Open311Error(400, f"bbox is west,south,east,north: {wrong.message}") from wrong
    if south > north:
        raise Open311Error(400, "bbox is west,south,east,north: its south lies north")
    return Box(south, west, north, east)


def page(asked: Fields) -> tuple[int, int]:
    """Limit and offset by `page` (from 1) and `page_size`, of which there are 1 000 at most."""
    size = min(_number(asked, "page_size", MOST, 10**8), MOST)
    offset = (_number(asked, "page", 1, PAGES) - 1) * size
    if offset > DEEPEST:
        raise Open311Error(400, f"pages end after {DEEPEST} rows: ask for a shorter time")
    return size, offset


def _number(asked: Fields, name: str, default: int, most: int) -> int:
    value = asked.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 9 and 1 <= int(value) <= most):
        raise Open311Error(400, f"{name} is a number from 1 to {most}")
    return int(value)


async def _body(request: web.Request) -> bytes:
    too_large = Open311Error(413, f"the body exceeds {BODY_BYTES} bytes")
    with body_place(request, None, BODY_BYTES):
        return await read_body(request, BODY_BYTES, too_large)


def pairs(text: str, where: str, most: int) -> list[tuple[str, str]]:
    """Names and values of a form, `most` at most; raises `Open311Error`."""
    try:
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError as error:
        raise Open311Error(
            400, f"the {where} is not a form in UTF-8 of {most} fields at most"
        ) from error
    return checked(found, where)


def checked(given: Iterable[tuple[str, str]], where: str) -> list[tuple[str, str]]:
    """Names and values with line breaks as they are here; raises `Open311Error` on a NUL."""
    found = [(name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in given]
    if any("\x00" in name or "\x00" in value for name, value in found):
        raise Open311Error(400, f"the {where} has a NUL")
    return found


PARAMETERS = frozenset(
    {
        "jurisdiction_id",
        "start_date",
        "end_date",
        "updated_after",
        "updated_before",
        "page",
        "page_size",
        "extensions",
        "locale",
        "lat",
        "long",
        "radius",
        "bbox",
    }
)
"""What a query may ask beside lists; others are left out."""
