"""Open311 where somebody sends too much, or what is not what it says it is."""

import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import orjson
import pytest

from citybrain.settings import Settings
from tests.given.api import Answer, Api

BASE = "/open311/v2"
FORM = "application/x-www-form-urlencoded"
HOLE = {
    "api_key": "development",
    "service_code": "road_damage",
    "lat": "34.7",
    "long": "113.6",
    "email": "me@example.org",
}
TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
BURST = 20
KINDS = pytest.mark.parametrize("kind", ["json", "xml"])


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    """A few at once, and hardly any more afterwards."""

    def change(settings: Settings) -> None:
        settings.rate_limit_per_second, settings.rate_limit_burst = 0.01, BURST
        settings.open311_rate_per_second, settings.open311_rate_burst = 0.01, BURST

    return change


def code_of(answer: Answer, kind: str) -> int:
    """The code of the one error, in the format that was asked for."""
    assert answer.headers["Content-Type"] == TYPES[kind], answer.body[:200]
    if kind == "json":
        (error,) = orjson.loads(answer.body)
        assert error["description"]
        return int(error["code"])
    root = ElementTree.fromstring(answer.body)
    assert [root.tag, *(child.tag for child in root)] == ["errors", "error"]
    assert root.findtext("error/description")
    return int(root.findtext("error/code", ""))


async def nothing_stored(api: Api) -> bool:
    pool = api.runtime.store.pool
    blobs = await pool.fetchval("SELECT count(*) FROM sealed_blobs")
    keys = await pool.fetchval("SELECT count(*) FROM person_keys")
    return (await api.runtime.store.head(), blobs, keys) == (0, 0, 0)


async def statuses(api: Api, kind: str, method: str, path: str, **options: Any) -> list[int]:
    """Of twice as many requests as may be sent at once; those refused say when to come again."""
    found = []
    for _ in range(2 * BURST):
        answer = await api.call(method, f"{BASE}/{path}.{kind}", **options)
        if answer.status == 429:
            assert code_of(answer, kind) == 429
            assert int(answer.headers["Retry-After"]) >= 1
        found.append(answer.status)
    return found


@KINDS
@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "first"),
    [
        ("GET", "services", b"", FORM, 200),
        ("GET", "nothing", b"", FORM, 404),
        ("DELETE", "requests", b"", FORM, 405),
        ("POST", "requests", b"{}", "application/json", 415),
        ("POST", "requests", b"\xff", FORM, 400),
        ("POST", "servicerequestupdates", b"nonsense=1", FORM, 403),
        ("POST", "requests", b"x=" + b"x" * 70_000, FORM, 413),
        ("POST", "requests", urlencode(HOLE | {"api_key": "guessed"}).encode(), FORM, 403),
        ("POST", "requests", urlencode(HOLE | {"lat": "north"}).encode(), FORM, 400),
    ],
)
async def test_whatever_it_is_there_is_not_too_much_of_it(
    api: Api, kind: str, method: str, path: str, body: bytes, content_type: str, first: int
) -> None:
    headers = {"Content-Type": content_type}
    found = await statuses(api, kind, method, path, data=body, headers=headers)
    assert found == [first] * BURST + [429] * BURST
    assert await nothing_stored(api)


async def test_who_guesses_keys_does_not_spend_of_a_clients_share(api: Api) -> None:
    headers = {"Content-Type": FORM}
    guess = urlencode(HOLE | {"api_key": "guessed"}).encode()
    assert 429 in await statuses(api, "json", "POST", "requests", data=guess, headers=headers)
    answer = await api.call(
        "POST", f"{BASE}/requests.json", data=urlencode(HOLE).encode(), headers=headers
    )
    assert answer.status == 201


@KINDS
async def test_no_body_is_unpacked(api: Api, kind: str) -> None:
    for encoding in ("gzip", "deflate", "unheard-of"):
        answer = await api.call(
            "POST",
            f"{BASE}/requests.{kind}",
            data=gzip.compress(urlencode(HOLE).encode()),
            headers={"Content-Type": FORM, "Content-Encoding": encoding},
        )
        assert (answer.status, code_of(answer, kind)) == (415, 415)
    assert await nothing_stored(api)


@KINDS
async def test_a_body_in_pieces_that_does_not_end(api: Api, kind: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"description="
        for _ in range(100):
            yield b"x" * 1000

    answer = await api.call(
        "POST", f"{BASE}/requests.{kind}", data=pieces(), headers={"Content-Type": FORM}
    )
    assert (answer.status, code_of(answer, kind)) == (413, 413)
    assert await nothing_stored(api)


@KINDS
async def test_as_many_ids_as_may_be_asked_for_fit_a_request_line(api: Api, kind: str) -> None:
    ids = ["case-" + f"{number:032x}" for number in range(210)]
    for count, status in ((200, 200), (210, 200)):
        answer = await api.call(
            "GET", f"{BASE}/requests.{kind}?service_request_id={','.join(ids[:count])}"
        )
        assert answer.status == status
        assert answer.headers["Content-Type"] == TYPES[kind]
