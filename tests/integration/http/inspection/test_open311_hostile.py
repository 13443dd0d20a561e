"""Open311 under hostile input: the right status in the right format, and nothing is stored."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from citybrain.domain.inspection.publication import looks_personal
from tests.given.api import Answer, Api
from tests.given.open311 import (
    BASE,
    HOLE,
    KEY,
    KINDS,
    NOBODY,
    TYPES,
    Client,
    errors,
    post,
    reported,
)
from tests.given.storm import SHARED_FIXTURE, examples
from tests.given.waiting import PATIENCE_SECONDS

UPDATE = {"api_key": KEY, "service_request_id": NOBODY, "description": "still there"}
GETS = (
    "discovery",
    "services",
    "services/road_damage",
    "requests",
    f"requests/{NOBODY}",
    f"tokens/{NOBODY}",
    "servicerequestupdates",
)
SQL = ("'; DROP TABLE events; --", "1) OR (1=1", "\\", "%", "_", "{road_damage}", "NULL")


async def refused(answer: Answer, kind: str, *statuses: int) -> str:
    ((code, description),) = errors(answer, kind)
    assert answer.status == code
    assert code in statuses, description
    assert description
    assert len(description) < 400, "what was sent is not sent back"
    return description


async def stored(api: Api) -> tuple[int, int, int]:
    pool = api.runtime.store.pool
    blobs = await pool.fetchval("SELECT count(*) FROM sealed_blobs")
    keys = await pool.fetchval("SELECT count(*) FROM person_keys")
    return await api.runtime.store.head(), blobs, keys


MALFORMED: tuple[tuple[Any, int], ...] = (
    (b"", 403),
    (b"&&&", 403),
    (b"===", 403),
    (b"\xff", 400),
    (b"api_key=%ff", 400),
    (b"%00=1", 400),
    (b"api_key=%zz", 403),
    (b"api_key=%", 403),
    (b"a=" + b"x" * 65_536, 413),
    (b"&".join(b"a%d=1" % number for number in range(101)), 400),
    (HOLE | {"api_key": "x" * 60_000}, 403),
    (HOLE | {"api_key": "Development"}, 403),
    (HOLE | {"api_key": "'; --"}, 403),
    ([*HOLE.items(), ("api_key", "other")], 400),
    ([*HOLE.items(), ("description", "two")], 400),
)


@KINDS
@pytest.mark.parametrize("path", ["requests", "servicerequestupdates"])
async def test_bodies_that_say_nothing(api: Api, kind: str, path: str) -> None:
    for body, status in MALFORMED:
        answer = await post(api, kind, body, path)
        await refused(answer, kind, status)
    for content_type in ("application/json", "text/xml", "x"):
        answer = await post(api, kind, HOLE, path, headers={"Content-Type": content_type})
        await refused(answer, kind, 415)
    for body in (b"", b"--x", b"--x\r\n\r\n--x--", b"--x\r\nContent-Type: a/b\r\n\r\n1"):
        for content_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
            answer = await post(api, kind, body, path, headers={"Content-Type": content_type})
            await refused(answer, kind, 400, 403)
    assert await stored(api) == (0, 0, 0)


@KINDS
async def test_reports_with_something_wrong_leave_nothing(api: Api, kind: str) -> None:
    person = {"email": "me@example.org", "phone": "1"}
    wrong: tuple[tuple[dict[str, str], int], ...] = (
        ({"lat": "1e999"}, 400),
        ({"lat": "inf"}, 400),
        ({"lat": "0x10"}, 400),
        ({"lat": "34,7"}, 400),
        ({"long": "1" * 5000}, 400),
        ({"lat": "%zz"}, 400),
        ({"service_code": "x" * 20_000}, 404),
        ({"service_code": "\x00"}, 400),
        ({"service_code": "../services"}, 404),
        ({"jurisdiction_id": "<x/>"}, 404),
        ({"description": "x" * 4001}, 400),
        ({"address_string": "x" * 301}, 400),
        ({"address_id": "x" * 121}, 400),
        ({"email": "x" * 300}, 400),
        ({"media_url": "x" * 3000}, 400),
        ({"first_name": "\x00"}, 400),
        ({"lat": "48.8566", "long": "2.3522"}, 400),
        ({"lat": "0", "long": "0"}, 400),
        ({"long": "-113.6253"}, 400),
        ({"lat": "-90"}, 400),
        ({"long": "180"}, 400),
        *(({"service_code": each}, 404) for each in SQL),
        *(({"lat": each}, 400) for each in SQL),
    )
    for fields, status in wrong:
        await refused(await post(api, kind, HOLE | person | fields), kind, status)
    for asks, says in (
        (
            {"service_code": "displaced_manhole_cover", "attribute[danger]": "YES"},
            "attribute[danger] is not one",
        ),
        (
            {
                "service_code": "displaced_manhole_cover",
                "attribute[danger]": "no",
                "attribute[call_first]": "1",
            },
            "attribute[call_first] takes no value",
        ),
        ({"service_code": "overflowing_bin", "attribute[kind]": "x" * 2001}, "attribute[kind]"),
        ({"service_code": "standing_water", "attribute[depth_cm]": "deep"}, "attribute[depth_cm]"),
        ({"service_code": "standing_water", "attribute[depth_cm]": "nan"}, "attribute[depth_cm]"),
        ({"service_code": "standing_water", "attribute[since]": "2026-13-01"}, "attribute[since]"),
    ):
        assert says in await refused(await post(api, kind, HOLE | person | asks), kind, 400)
    twice = [*HOLE.items(), ("service_code", "standing_water")][1:]
    await refused(await post(api, kind, [*twice, ("api_key", KEY)]), kind, 400)
    depths = [("attribute[depth_cm]", "1"), ("attribute[depth_cm][]", "2")]
    water = list((HOLE | {"service_code": "standing_water"}).items())
    assert "takes one" in await refused(await post(api, kind, [*water, *depths]), kind, 400)
    assert await stored(api) == (0, 0, 0)


@KINDS
async def test_updates_with_something_wrong_leave_nothing(api: Api, kind: str) -> None:
    case = await reported(Client(api, "json"))
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)
    before = await stored(api)
    here = UPDATE | {"service_request_id": case, "email": "me@example.org"}
    wrong: tuple[tuple[dict[str, str], tuple[int, ...]], ...] = (
        ({"service_request_id": ""}, (400,)),
        ({"service_request_id": NOBODY}, (404,)),
        ({"service_request_id": "case-1"}, (404,)),
        ({"service_request_id": case + "0"}, (404,)),
        ({"service_request_id": case.replace("case", "citizen")}, (404,)),
        ({"description": ""}, (400,)),
        ({"description": " \n", "status": " "}, (400,)),
        ({"description": "x" * 4001}, (400,)),
        ({"description": "\x00"}, (400,)),
        ({"updated_datetime": "yesterday"}, (400,)),
        ({"updated_datetime": "2026-01-01"}, (400,)),
        ({"updated_datetime": "2000-01-01T00:00:00Z"}, (400,)),
        ({"updated_datetime": "2100-01-01T00:00:00Z"}, (400,)),
        ({"updated_datetime": "9999-12-31T23:59:59Z"}, (400,)),
        ({"email": "x" * 300}, (400,)),
        ({"title": "x" * 41}, (400,)),
        ({"update_id": "x" * 201}, (400,)),
        ({"api_key": "guessed"}, (403,)),
        ({"jurisdiction_id": "elsewhere"}, (404,)),
        *(({"service_request_id": each}, (404,)) for each in SQL),
    )
    for fields, statuses in wrong:
        await refused(
            await post(api, kind, here | fields, "servicerequestupdates"), kind, *statuses
        )
    assert await stored(api) == before


@KINDS
@pytest.mark.parametrize("path", GETS)
async def test_every_route_refuses_in_its_format(api: Api, kind: str, path: str) -> None:
    for query in ("jurisdiction_id=elsewhere", "jurisdiction_id=%3Cx%3E"):
        answer = await api.call("GET", f"{BASE}/{path}.{kind}?{query}")
        assert "jurisdiction_id" in await refused(answer, kind, 404)
    for query in ("page=1&page=2", "%00=1", "a=%00", "a=%ff", "&".join(["a=1"] * 1001), "q=hole"):
        answer = await api.call("GET", f"{BASE}/{path}.{kind}?{query}")
        await refused(answer, kind, 400)
    forms = path in ("requests", "servicerequestupdates")
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", *(() if forms else ("POST",))):
        answer = await api.call(method, f"{BASE}/{path}.{kind}")
        await refused(answer, kind, 405)
        assert "GET" in answer.headers["Allow"]
        assert ("POST" in answer.headers["Allow"]) == forms
    for ending in (".txt", *([] if path == "discovery" else [""]), ".", ".xml2", ".XML"):
        await refused(await api.call("GET", f"{BASE}/{path}{ending}"), "xml", 404)
    assert await stored(api) == (0, 0, 0)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "xml"),
        ("/", "xml"),
        ("/nothing.json", "json"),
        ("/nothing.xml", "xml"),
        ("/requests/a/b.json", "json"),
        ("/services/%ff.json", "json"),
        ("/services/%00.xml", "xml"),
        ("/tokens/%2e%2e%2f.json", "json"),
        ("/requests/" + "x" * 4000 + ".json", "json"),
        ("/services/%3Cx%3E.xml", "xml"),
        *((f"/requests/{quote(each, safe='')}.json", "json") for each in SQL),
    ],
)
async def test_what_is_nowhere(api: Api, path: str, kind: str) -> None:
    for method in ("GET", "POST") if path in ("", "/nothing.json") else ("GET",):
        await refused(await api.call(method, f"{BASE}{path}"), kind, 404)


@KINDS
@pytest.mark.parametrize("path", ["requests", "servicerequestupdates"])
async def test_questions_about_no_time_or_page(api: Api, kind: str, path: str) -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
    dates = [
        "soon",
        "2026-01-01",
        "20260101T000000Z",
        "2026-01-01T00:00:00",
        "2026-W01-1T00:00Z",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1" * 5000,
        "2026-01-01T00:00:00%2B99:99",
        "٢٠٢٦-01-01T00:00:00Z",
        *map(quote, SQL),
    ]
    queries = [f"{name}={date}" for date in dates for name in ("start_date", "end_date")]
    queries += [
        f"start_date={late}&end_date={early}",
        "start_date=2025-01-01T00:00:00Z&end_date=2026-01-01T00:00:00Z",
        "page=0",
        "page=-1",
        "page=x",
        "page=10001",
        "page=1.0",
        "page_size=0",
        "page_size=-1",
        "page=" + "9" * 5000,
        "page=%D9%A1",
    ]
    if path == "requests":
        queries += [
            "status=lost",
            "status=open,lost",
            f"updated_after={dates[0]}",
            f"updated_after={late}&updated_before={early}",
            "service_code=" + ",".join("a" * 1001),
            "lat=34.7&long=113.6",
            "lat=34.7&long=113.6&radius=0",
            "lat=91&long=113.6&radius=10",
            "lat=34.7&long=x&radius=10",
            "bbox=1,2,3",
            "bbox=1,2,3,4,5",
            "bbox=1,3,2,2",
            "bbox=1,2,3,91",
            "bbox=,,,",
        ]
    for query in queries:
        answer = await api.call("GET", f"{BASE}/{path}.{kind}?{query}")
        await refused(answer, kind, 400)


async def test_sql_in_questions_finds_nothing(api: Api) -> None:
    case = await reported(Client(api, "json"))
    await Client(api, "json").get(f"requests/{case}")
    for text in SQL:
        for name in ("service_code", "service_request_id"):
            answer = await api.call("GET", f"{BASE}/requests.json?{urlencode({name: text})}")
            assert (answer.status, answer.json) == (200, []), text
        query = urlencode({"service_request_id": text})
        answer = await api.call("GET", f"{BASE}/servicerequestupdates.json?{query}")
        assert (answer.status, answer.json) == (200, [])
    assert len((await Client(api, "json").get("requests"))[1]) == 1


# What XML can hold; line breaks are LF, as in forms that were read.
xml_text = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cs", "Cc"],
        include_characters="\t\n<>&'\"]\u2028",
        exclude_characters="\ufffe\uffff",
    ),
    max_size=200,
).map(str.strip)


@examples(30, SHARED_FIXTURE)
@given(description=xml_text, address=xml_text.map(lambda text: text[:300]))
async def test_any_text_comes_back_the_same_in_both_formats(
    api: Api, description: str, address: str
) -> None:
    assume(not looks_personal(f"{description}\n{address}"))
    for kind in ("json", "xml"):
        client = Client(api, kind)
        case = await reported(client, description=description, address_string=address)
        status, (found,) = await client.get(f"requests/{case}")
        assert status == 200
        assert (found["description"] or "") == description
        assert (found["address"] or "") == address


@examples(60, SHARED_FIXTURE)
@given(
    kind=st.sampled_from(["json", "xml"]),
    path=st.sampled_from(["requests", "servicerequestupdates"]),
    body=st.binary(max_size=300)
    | st.dictionaries(
        st.sampled_from([*(name for name in HOLE if name != "api_key"), "attribute[kind]"])
        | st.text(max_size=10),
        st.text(st.characters(codec="utf-8"), max_size=50),
    ).map(lambda fields: urlencode(fields).encode()),
)
async def test_no_body_without_a_key_is_taken(api: Api, kind: str, path: str, body: bytes) -> None:
    await refused(await post(api, kind, body, path), kind, 400, 403)
    assert await stored(api) == (0, 0, 0)


@examples(60, SHARED_FIXTURE)
@given(kind=st.sampled_from(["json", "xml"]), path=st.sampled_from(GETS), query=st.binary())
async def test_any_query_is_answered_in_its_format(
    api: Api, kind: str, path: str, query: bytes
) -> None:
    answer = await api.call("GET", f"{BASE}/{path}.{kind}?{quote(query, safe='&=%+')}")
    assert answer.status in (200, 400, 404)
    assert answer.headers["Content-Type"] == TYPES[kind]
    if answer.status != 200:
        errors(answer, kind)
