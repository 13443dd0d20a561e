"""CDS under hostile input: the right status in the right form, and nothing is stored."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from tests.given.api import Api
from tests.given.parking.cds.client import VERSIONS, json_type
from tests.given.parking.cds.schemas import ERROR
from tests.given.storm import SHARED_FIXTURE, examples

PATHS = (
    "curbs/zones",
    "curbs/spaces",
    "curbs/areas",
    "curbs/policies",
    "curbs/objects",
    "events/events",
    "events/status",
    "metrics/sessions",
    "metrics/aggregates",
)
NAMES = (
    "time",
    "area",
    "zone",
    "ids",
    "cursor",
    "limit",
    "min_lat",
    "lat",
    "lng",
    "radius",
    "event_time",
    "published_since",
    "curb_zone_id",
    "curb_place_type",
    "curb_place_id",
    "metric_type",
    "start_time",
    "show_historic",
)
SQL = ("'; DROP TABLE events; --", "1) OR (1=1", "\\", "%", "_", "{id}", "NULL", "\u0000", "null")


def accept(path: str, version: str) -> dict[str, str]:
    kind = json_type(version)
    return {"Accept": kind.replace("json", "csv") if path.startswith("metrics") else kind}


@examples(80, SHARED_FIXTURE)
@given(
    version=st.sampled_from(VERSIONS),
    path=st.sampled_from(PATHS),
    query=st.dictionaries(
        st.sampled_from(NAMES) | st.text(max_size=5),
        st.sampled_from(SQL) | st.text(max_size=20) | st.integers().map(str),
        max_size=4,
    ),
)
async def test_any_question_is_answered_in_its_form(
    api: Api, version: str, path: str, query: dict[str, str]
) -> None:
    asked = "&".join(
        f"{quote(name.encode('utf-8', 'replace'))}={quote(value.encode('utf-8', 'replace'))}"
        for name, value in query.items()
    )
    answer = await api.call(
        "GET", f"/cds/{path}?{asked}", "operator", headers=accept(path, version)
    )
    assert answer.status in (200, 400, 404)
    if answer.status == 200:
        assert answer.headers["Content-Type"] == accept(path, version)["Accept"]
        return
    assert ERROR.is_valid(answer.json), answer.body
    assert all(
        value not in answer.json["error_description"] for value in query.values() if len(value) > 9
    )
    assert await api.runtime.store.head() == 0


@examples(60, SHARED_FIXTURE)
@given(path=st.sampled_from(PATHS[:5]), identity=st.sampled_from(SQL) | st.text(max_size=40))
async def test_any_id_is_nothing(api: Api, path: str, identity: str) -> None:
    quoted = quote(identity.encode("utf-8", "replace"), safe="")
    for version in VERSIONS:
        answer = await api.call("GET", f"/cds/{path}/{quoted}", headers=accept(path, version))
        assert answer.status in (200, 404) if quoted in ("", ".", "..") else answer.status == 404
        assert answer.status == 200 or ERROR.is_valid(answer.json), answer.body


@examples(60, SHARED_FIXTURE)
@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("event_id", "event_type", "event_time")), inner)
        ),
        max_leaves=8,
    ).map(lambda value: repr(value).replace("'", '"').encode("utf-8", "replace"))
)
async def test_no_body_of_chance_is_taken_in(api: Api, body: bytes) -> None:
    headers = {"Accept": json_type("1.1"), "Content-Type": "application/json"}
    answer = await api.call(
        "POST", "/cds/events/event", "camera", subject="c-1", data=body, headers=headers
    )
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert answer.json["success"] == 0
    else:
        assert ERROR.is_valid(answer.json), answer.body
    assert await api.runtime.store.head() == 0
