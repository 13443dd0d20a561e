"""Documents over HTTP: one person is one citizen, whatever is shown and however it is written."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.citizens.citizen import Citizen, SealedPerson
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.api import Answer, Api
from tests.given.citizens import CLERK, saved
from tests.given.faces import registered
from tests.given.serving import RECORD, before

NUMBER = "11010519491231002X"  # the example of GB 11643-1999
OLD_NUMBER = "110105491231002"
BORN = "1949-12-31"


async def register(api: Api, id_number: str, **fields: Any) -> Answer:
    body = {"name": "x", "id_number": id_number, "birth_date": BORN} | fields
    return await api.call("POST", "/v1/citizens", "clerk", json=body)


async def find(api: Api, id_number: str, **fields: Any) -> Answer:
    body = {"id_number": id_number} | fields
    return await api.call("POST", "/v1/citizens/search", "clerk", json=body)


async def found(api: Api, id_number: str, **fields: Any) -> str:
    answer = await find(api, id_number, **fields)
    assert answer.status == 200, answer.body
    return str(answer.json["citizen_id"])


async def add(
    api: Api, citizen: str, document: str, number: str, *, role: str = "clerk", **more: Any
) -> Answer:
    if role == "clerk":
        await before(api, "clerk-1", citizen, purpose=RECORD)
    body = {"document": document, "number": number} | more
    return await api.call("POST", f"/v1/citizens/{citizen}/documents", role, json=body)


async def opened(api: Api, citizen_id: str) -> str:
    """The number that is sealed."""
    citizen = await api.runtime.store.load(Citizen, citizen_id)
    vault = api.runtime.services.vault
    return await vault.open_text(citizen_id, "id_number", citizen.id_number_sealed)


async def of_the_release_before(api: Api, number: str) -> str:
    """A citizen as they were registered when a number was a text: sealed as typed."""
    services, citizen_id = api.runtime.services, Citizen.new_id()
    await services.vault.create_key(citizen_id)
    await services.vault.index(citizen_id, "id-number", number.replace("-", "").upper())
    sealed = {
        f"{name}_sealed": await services.vault.seal_text(citizen_id, name, value)
        for name, value in {"name": "x", "id_number": number, "birth_date": BORN}.items()
    }
    citizen = Citizen.register(
        CLERK,
        services.clock(),
        citizen_id=citizen_id,
        sealed=SealedPerson(phone_sealed=None, **sealed),
        simulated=True,
    )
    await saved(services.store, citizen)
    return citizen_id


@pytest.mark.parametrize("first", [NUMBER, OLD_NUMBER, "110105-19491231-002x"])
async def test_one_person_is_one_citizen(api: Api, first: str) -> None:
    citizen = (await register(api, first)).json["citizen_id"]
    assert await opened(api, citizen) == NUMBER
    for written in (NUMBER, OLD_NUMBER, NUMBER.lower(), "１１０１０５ １９４９１２３１ ００２ｘ"):
        assert (await register(api, written)).is_problem(409, "already-registered")
        assert await found(api, written) == citizen


@pytest.mark.parametrize(
    ("number", "fields", "code"),
    [
        ("110105194912310021", {}, "document-number-mistyped"),
        (NUMBER, {"birth_date": "2016-12-31"}, "document-birth-date-differs"),
        ("1101051949123100", {}, "document-number-length"),
        ("E12345678", {}, "document-kind-missing"),
        ("E12345678", {"document": "passport"}, "document-country-missing"),
        (
            NUMBER,
            {"document": "hong-kong-macau-taiwan-residence-permit"},
            "document-of-another-kind",
        ),
    ],
)
async def test_a_number_that_can_be_nobodys_is_refused_in_words(
    api: Api, number: str, fields: dict[str, str], code: str
) -> None:
    answer = await register(api, number, **fields)
    assert answer.is_problem(422, code)
    assert number not in answer.body.decode()
    assert "pattern" not in answer.body.decode()


async def test_a_person_has_several_documents_and_is_found_by_each(api: Api) -> None:
    passport = {"document": "passport", "country": "DEU"}
    citizen = (await register(api, "c01x00t47", **passport)).json["citizen_id"]
    other = (await register(api, NUMBER)).json["citizen_id"]
    card = identity_number(date(1949, 12, 31), 7)

    added = await add(api, citizen, "resident-identity-card", card)
    taken_up = await add(api, citizen, "taiwan-travel-permit", "12345678")

    assert (added.status, taken_up.status) == (200, 200)
    assert await found(api, card) == citizen
    assert await found(api, "C01X00T47", **passport) == citizen
    assert await found(api, "1234567801(B)", document="taiwan-travel-permit") == citizen
    elsewhere = await find(api, "C01X00T47", document="passport", country="FRA")
    assert elsewhere.is_problem(404, "citizen-not-found")
    again = await add(api, citizen, "resident-identity-card", card)
    assert again.is_problem(409, "document-known")
    of_other = await add(api, citizen, "resident-identity-card", NUMBER)
    assert of_other.is_problem(409, "already-registered")
    of_citizen = await add(api, other, "taiwan-travel-permit", "12345678")
    assert of_citizen.is_problem(409, "already-registered")
    child = await add(api, citizen, "resident-identity-card", identity_number(date(2016, 1, 1)))
    assert child.is_problem(422, "document-birth-date-differs")
    for role in ("citizen", "kiosk", "auditor"):
        refused = await add(api, citizen, "resident-identity-card", card, role=role)
        assert refused.status == 403


async def test_a_passport_of_another_country_is_another_document(api: Api) -> None:
    passport = {"document": "passport", "country": "DEU"}
    citizen = (await register(api, "12345678", **passport)).json["citizen_id"]
    for document, more in (("passport", {"country": "AUS"}), ("taiwan-travel-permit", {})):
        assert (await add(api, citizen, document, "12345678", **more)).status == 200
        assert await found(api, "12345678", document=document, **more) == citizen
        again = await add(api, citizen, document, "12345678", **more)
        assert again.is_problem(409, "document-known")
    first = await add(api, citizen, "passport", "12345678", country="DEU")
    assert first.is_problem(409, "document-known")


async def test_a_document_whose_event_was_lost_is_added_again(api: Api) -> None:
    citizen = await registered(api)
    number = identity_number(date(1990, 5, 1), 77)
    await api.runtime.services.vault.index(citizen, "id-number", number)
    assert (await add(api, citizen, "resident-identity-card", number)).status == 200
    state = await api.runtime.store.load(Citizen, citizen, fresh=True)
    assert [kind for kind, _ in state.documents] == ["resident-identity-card"]


async def test_whoever_was_registered_before_is_found_as_then(api: Api) -> None:
    fifteen = await of_the_release_before(api, OLD_NUMBER)
    unchecked = await of_the_release_before(api, "410102-19900501-1234")
    passport = await of_the_release_before(api, "c01x00t47")

    assert await found(api, NUMBER) == fifteen
    assert await found(api, OLD_NUMBER) == fifteen
    assert (await register(api, NUMBER)).is_problem(409, "already-registered")
    assert await found(api, "410102199005011234") == unchecked
    assert await found(api, "C01X00T47", document="passport", country="DEU") == passport
    assert await found(api, "C01X00T47") == passport
    state = await api.runtime.store.load(Citizen, unchecked)
    assert (state.document, state.documents) == ("resident-identity-card", [])


async def test_a_key_of_the_release_before_is_recognised(api: Api) -> None:
    headers = {"Idempotency-Key": f"k-{uuid4()}"}
    body = {"name": "x", "id_number": NUMBER, "birth_date": BORN}
    first = await api.call("POST", "/v1/citizens", "clerk", json=body, headers=headers)
    said = body | {"document": None, "country": None}
    again = await api.call("POST", "/v1/citizens", "clerk", json=said, headers=headers)
    assert first.json == again.json
    other = await api.call(
        "POST",
        "/v1/citizens",
        "clerk",
        json=body | {"document": "resident-identity-card"},
        headers=headers,
    )
    assert other.is_problem(422, "idempotency-key-reused")
