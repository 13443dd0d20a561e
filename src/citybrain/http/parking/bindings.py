"""Plates of citizens over HTTP: bound, limited, unbound, sold; read by the office on the record.

A plate comes in a body and is shown to whose it is, and to who looks after parking. It is in no
address; who looks for one sends it, and that is recorded whether something is found or not.
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.definitions.parking.plates import grammar_at
from citybrain.domain.actor import Role, RoleNotAllowed
from citybrain.domain.parking.binding import NotYourBinding
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.plates import read_plate
from citybrain.domain.parking.reading_rights import may_open_plate, may_see_plates
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.paging import ReadModelQuery, caught_up, wait_for_position
from citybrain.http.parking.showing import with_plates
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.handling import Command
from commands.parking import binding as commands
from commands.parking.fields import PlateCountry, PlateText
from commands.parking.plates import PlateKeeper
from projections.parking import bindings
from projections.parking.bindings import BindingRow, HireRow

MODEL = "plate_bindings"
SEARCHED = "plate-search"
BASE = "/v1/parking/plates/{binding_id}"

binding_id_of = id_in_path("binding_id", r"plate_binding-[0-9a-f]{32}", "binding of a plate")


class ShownBinding(BindingRow):
    """A binding. `plate` where you may see it, else a pseudonym that is good for some weeks."""

    citizen_id: str
    plate: str | None
    pseudonym: str | None


class ShownHire(HireRow):
    """That you were named as who had a vehicle."""

    plate: str | None


class OwnPlates(BaseModel):
    """A citizen's plates, the newest first, and for what times they were named as a hirer."""

    plates: list[ShownBinding]
    hired: list[ShownHire]


class FoundBindings(BaseModel):
    """The bindings of one plate, the newest first."""

    plates: list[ShownBinding]


class SearchPlate(Command):
    """The bindings of one plate."""

    plate: PlateText
    plate_country: PlateCountry = "CN"


class BindingAnswer(BaseModel):
    """What a command on a binding answers."""

    binding_id: str
    version: int
    status: str = Field(description="asked, unknown, proved, active, refused or ended")
    reason: str | None = Field(description="why it was refused, or ended: a code")
    consent_id: str
    per_debit_limit_fen: int
    per_day_limit_fen: int
    transfer: str | None = Field(description="shown, confirmed or refused")


async def bind(call: Call) -> web.Response:
    """Ask for a binding."""
    result = await commands.bind_plate(call.body, context(call), call.runtime.services)
    return created(result, "/v1/parking/plates")


async def own(call: Call) -> web.Response:
    """One's own plates."""
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    pool, citizen_id = call.runtime.store.models, call.authenticated.subject
    shown = await _shown(call, await bindings.of_citizen(pool, citizen_id))
    hires = await bindings.of_hirer(pool, citizen_id)
    plates = await PlateKeeper(call.runtime.services).open_many(
        [SealedPlate.of(row["plate"]) for row in hires]
    )
    hired = [
        ShownHire.model_validate(row | {"plate": plate and plate.text})
        for row, plate in zip(hires, plates, strict=True)
    ]
    return json_response(OwnPlates(plates=shown, hired=hired))


async def show(call: Call) -> web.Response:
    """One binding."""
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    row = await _readable(call)
    await opened(call, [(row["binding_id"], row["citizen_id"])])
    (shown,) = await _shown(call, [row])
    return json_response(shown, headers={"ETag": f'"{row["version"]}"'})


async def search(call: Call) -> web.Response:
    """The bindings of one plate."""
    body: SearchPlate = call.body
    services = call.runtime.services
    keeper = PlateKeeper(services)
    if not may_see_plates(call.authenticated, keeper.departments()):
        raise RoleNotAllowed("this is for the department of parking")
    grammar = grammar_at(services.definitions, services.clock())
    plate = read_plate(body.plate, grammar, body.plate_country)
    plate_id = await keeper.find(plate)
    rows = [] if plate_id is None else await bindings.of_plate(services.store.models, plate_id)
    if plate_id is None:  # on the record all the same, by what tells nobody which plate it was
        plate_id = (await services.vault.digest(SEARCHED, plate.key.encode())).hex()[:32]
    about: list[tuple[str, str | None]] = [(ParkingPlate.id_of(plate_id), None)]
    about += [(row["binding_id"], row["citizen_id"]) for row in rows]
    await opened(call, about)
    return json_response(FoundBindings(plates=await _shown(call, rows)))


async def _readable(call: Call) -> dict[str, Any]:
    """The row, for whoever may read it; strangers are not told whether it is there."""
    binding_id, pool = binding_id_of(call), call.runtime.store.models
    row = await bindings.one(pool, binding_id)
    if row is None:  # it may have been asked for a moment ago
        await caught_up(pool, MODEL, await call.runtime.store.head())
        row = await bindings.one(pool, binding_id)
    departments = PlateKeeper(call.runtime.services).departments()
    holder = None if row is None else row["citizen_id"]
    if not may_open_plate(call.authenticated, departments, holder):
        raise NotYourBinding("this binding is not yours")
    if row is None:
        raise StreamNotFound("there is no such binding of a plate")
    return row


async def _shown(call: Call, rows: Sequence[dict[str, Any]]) -> list[ShownBinding]:
    """Rows with their plates, or pseudonyms in their place."""
    shown = await with_plates(call, rows, "citizen_id")
    return [ShownBinding.model_validate(row) for row in shown]


def _command(path: str, body: type[BaseModel], handler: Handler, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"{BASE}/{path}",
        tag="parking",
        summary=summary,
        handler=on(binding_id_of, handler),
        roles=(Role.CITIZEN,),
        body=body,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", BindingAnswer)},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/plates",
        tag="parking",
        summary="Let parking with one's plate be debited by itself",
        handler=bind,
        roles=(Role.CITIZEN,),
        body=commands.BindPlate,
        idempotent=True,
        answers={201: Answer("the registry is asked; Location is the binding", BindingAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/parking/plates",
        tag="parking",
        summary="One's own plates, the newest first",
        handler=own,
        roles=(Role.CITIZEN,),
        query=ReadModelQuery,
        answers={200: Answer("the plates", OwnPlates)},
    ),
    Route(
        method="POST",
        path="/v1/parking/plates/search",
        tag="parking",
        summary="The bindings of one plate: a search that is recorded",
        handler=search,
        roles=DECIDERS,
        body=SearchPlate,
        answers={200: Answer("the newest first", FoundBindings)},
        opens=Opens(what="plate-search", purpose="parking"),
    ),
    Route(
        method="GET",
        path=BASE,
        tag="parking",
        summary="One binding of a plate",
        handler=show,
        roles=(Role.CITIZEN, *DECIDERS, Role.AUDITOR),
        query=ReadModelQuery,
        answers={200: Answer("the binding", ShownBinding)},
        opens=Opens(what="plate-binding", purpose="parking"),
    ),
    _command(
        "limits", commands.ChangePlateLimits, commands.change_limits, "Let more or less be debited"
    ),
    _command(
        "unbinding",
        commands.UnbindPlate,
        commands.unbind_plate,
        "End it: nothing is debited by itself from now on",
    ),
    _command("transfer", commands.ShowTransfer, commands.show_transfer, "The vehicle was sold"),
    _command("hirers", commands.NameHirer, commands.name_hirer, "Say who had hired the vehicle"),
)
