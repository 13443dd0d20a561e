"""The scenarios of plates (P02–P05), as devices, drivers, officers and the bank see them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.settings import Settings
from commands.parking.plates import PlateKeeper
from tests.given.parking.city import at
from tests.given.parking.town import OFFICER, ParkingTown, open_town

BOUND, SURE = "豫A52K17", {"confidence": 97}

PLATES = {
    "a": ("豫AD12345", "new-energy-small", "豫AD12345"),
    "b": ("豫AB12345", "new-energy-small", "豫AB12345"),
    "c": ("豫AGP1234", "new-energy-small", "豫AGP1234"),
    "d": ("豫A12345K", "new-energy-large", "豫A12345K"),
    "e": ("豫A12345", "ordinary", "豫A12345"),
    "f": ("豫A1234挂", "trailer", "豫A1234挂"),
    "g": ("豫A1234学", "instructor", "豫A1234学"),
    "h": ("豫A1234警", "police", "豫A1234警"),
    "i": ("粤Z1234港", "hong-kong", "粤Z1234港"),
    "j": ("使014578", "embassy", "使014578"),
    "j2": ("014578使", "embassy", "014578使"),
    "m": ("豫A12O45", "ordinary", "豫A12045"),
    "o": ("豫A·12345", "ordinary", "豫A12345"),
    "p": ("豫Ａ１２３４５", "ordinary", "豫A12345"),
    "q": ("豫ad12345", "new-energy-small", "豫AD12345"),
}
NO_PLATES = {
    "k": ("豫AI12345", "plate-letter-unused"),
    "l": ("豫AL12345", "plate-form-unknown"),
    "n": ("豫AH123456", "plate-length"),
}


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00")) as found:
        yield found


async def test_p02_which_plates_exist_in_one_batch(town: ParkingTown) -> None:
    """Each item is answered for itself; classes are in events, raw texts are kept, sealed."""
    texts = {name: raw for name, (raw, *_) in (PLATES | NO_PLATES).items()}
    minutes = dict(zip(texts, range(len(texts)), strict=True))
    answer = await town.say(
        *(
            town.sign("arrived", "G-1", at(f"09:{minutes[name]:02}"), plate=raw, ref=name)
            for name, raw in texts.items()
        )
    )
    places = list(texts)
    refused = {places[each["index"]]: each["code"] for each in answer.json["refused"]}
    assert refused == {name: code for name, (_, code) in NO_PLATES.items()}
    assert (answer.json["recorded"], answer.json["known"]) == (len(PLATES), 0)
    assert not any(raw in answer.body.decode() for raw in texts.values())
    keeper = PlateKeeper(town.api.runtime.services)
    for name, (raw, plate_class, text) in PLATES.items():
        (sealed,) = [
            event.data["plate"]
            for event in await town.api.runtime.store.read_all(limit=1000)
            if event.topic == "parking.detected" and event.data["ref"] == name
        ]
        assert (sealed["plate_class"], sealed["plate_mended"]) == (plate_class, name == "m"), name
        assert sealed["plates_version"].startswith("2018-05-01+")
        found = await keeper.open(SealedPlate.of(sealed))
        assert found is not None
        assert (found.text, found.raw) == (text, raw), name
    shown = [each["plate"] for each in await town.sessions("?limit=100")]
    pulled = PLATES["f"][2]  # a trailer at a gate is somebody's trailer, and no stay of its own
    assert set(shown) == {text for _, _, text in PLATES.values()} - {pulled}


@pytest.mark.parametrize("first", ["arrival", "departure"])
async def test_p03_the_second_reading_says_the_province(town: ParkingTown, first: str) -> None:
    citizen = await town.driver(BOUND)
    signs = {
        "arrival": town.sign("arrived", "Z1-001", at("09:00"), plate="A52K17"),
        "departure": town.sign("left", "Z1-001", at("09:40"), plate=BOUND, confidence=98),
    }
    if first == "arrival":
        await town.say(signs["arrival"])
        session = await town.one()
        assert (session["plate"], session["doubt"]) == ("A52K17", {"reason": "plate-incomplete"})
        assert town.moved() == []
        await town.say(signs["departure"])
    else:
        await town.say(signs["departure"], signs["arrival"])
    session = await town.one()
    assert (session["plate"], session["price_fen"], session["status"]) == (BOUND, 400, "settled")
    assert (session["doubt"], session["held"]) == (None, None)
    (completed,) = await town.said(session["session_id"], "plate_completed")
    readings = {
        data["read_at"]: data["detection_id"]
        for data in await town.said(session["session_id"], "plate_read")
    }
    assert [completed["part"], completed["whole"]] == [readings[each] for each in sorted(readings)]
    assert (town.spent(citizen), town.moved()) == (400, [("charge", 400)])


async def test_p03_where_no_reading_says_it_an_officer_does(town: ParkingTown) -> None:
    citizen = await town.driver(BOUND)
    session = await town.stay("Z1-001", at("09:00"), at("09:40"), plate="A52K17")
    assert (session["status"], session["held"], session["price_fen"]) == (
        "held",
        "plate-incomplete",
        400,
    )
    assert (session["claim_id"], town.moved()) == (None, [])
    path = f"/v1/parking/sessions/{session['session_id']}/plate"
    body = {"reason": "misread", "note": "the picture shows it"}
    part = await town.office("POST", path, json=body | {"plate": "A52K17"})
    assert part.status == 422, part.body
    await town.decide(path, OFFICER, **body, plate=BOUND)
    assert (await town.one())["status"] == "settled"
    assert town.spent(citizen) == 400


async def test_p03_another_province_is_another_person(town: ParkingTown) -> None:
    citizen = await town.driver(BOUND)
    await town.say(
        town.sign("arrived", "Z1-001", at("09:00"), plate="A52K17"),
        town.sign("left", "Z1-001", at("09:40"), plate="鲁A52K17"),
    )
    session = await town.one()
    assert (session["plate"], session["status"]) == ("鲁A52K17", "deferred")
    assert (town.spent(citizen), town.moved()) == (0, [])


CHARACTERS = [99, 99, 58, 99, 98, 99, 99]


@pytest.mark.parametrize(
    ("characters", "judged_by", "doubt"),
    [
        (
            CHARACTERS,
            "plate-and-characters",
            {"reason": "character-confidence-below", "place": 3, "confidence": 58, "threshold": 80},
        ),
        ([93] * 7, "plate-and-characters", None),
        (None, "plate", None),
    ],
)
async def test_p04_one_bad_character_is_enough(
    town: ParkingTown, characters: list[int] | None, judged_by: str, doubt: dict[str, Any] | None
) -> None:
    assert sum(CHARACTERS) / len(CHARACTERS) == 93
    citizen = await town.driver("豫A8B123")
    said = {"plate": "豫A8B123", "confidence": 93}
    if characters is not None:
        said["character_confidences"] = characters
    await town.say(
        town.sign("arrived", "Z1-001", at("09:00"), **said),
        town.sign("left", "Z1-001", at("09:40")),
    )
    session = await town.one()
    (read,) = await town.said(session["session_id"], "plate_read")
    assert (read["judged_by"], read["doubt"]) == (judged_by, doubt)
    assert session["doubt"] == doubt
    if doubt is None:
        assert (session["status"], town.spent(citizen)) == ("settled", 400)
        return
    assert (session["status"], session["held"]) == ("held", doubt["reason"])
    (held,) = await town.said(session["session_id"], "held")
    assert held["details"] == {"place": 3, "confidence": 58, "threshold": 80}
    assert town.moved() == []


async def test_p05_confidence_on_another_scale_item_by_item(town: ParkingTown) -> None:
    said = [0.97, 1, 97, 100, 101, 0, "97", None]
    drivers = [await town.driver(f"豫A5000{place}") for place in range(len(said))]
    arrivals = [
        town.sign("arrived", "G-1", at(f"09:0{place}"), plate=f"豫A5000{place}", confidence=each)
        for place, each in enumerate(said)
    ]
    answer = await town.say(*arrivals)
    refused = {each["index"]: each for each in answer.json["refused"]}
    assert set(refused) == {0, 4, 5, 6}
    for each in refused.values():
        assert (each["code"], each["retry"]) == ("invalid-input", False)
        assert each["detail"].startswith("confidence:"), each
    assert answer.json["recorded"] == 4
    stored = [
        event.data["confidence"]
        for event in await town.api.runtime.store.read_all(limit=1000)
        if event.topic == "parking.detected"
    ]
    assert stored == [1, 97, 100, None]
    await town.say(
        *(
            town.sign("left", "G-1", at("09:40"), plate=f"豫A5000{place}", confidence=None)
            for place in range(8)
        )
    )
    debited = [place for place, driver in enumerate(drivers) if town.spent(driver)]
    assert debited == [2, 3]
    held = {each["plate"]: each["held"] for each in await town.sessions("?status=held")}
    assert held == {"豫A50001": "plate-confidence-below", "豫A50007": "confidence-not-given"}
