"""What a stay would cost, for whoever is about to park or to reserve. Nobody's data."""

from datetime import timedelta
from typing import Self

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from citybrain.http.paging import Query
from citybrain.http.parking.stays import PriceStep
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Moment
from commands.parking.fields import PlaceId
from commands.parking.quoting import quote

LONGEST = timedelta(days=1)


class QuoteQuery(Query):
    """Where, and from when until when; a day at most."""

    place: PlaceId = Field(description="a berth or a facility")
    start: Moment = Field(description="with its offset from UTC")
    end: Moment

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not timedelta(0) < self.end - self.start <= LONGEST:
            raise ValueError("end is after start, a day at most")
        return self


class QuoteAnswer(BaseModel):
    """By the tariff alone: whoever has a permit, or a cap for the day, pays less."""

    place_id: str
    tariff_zone: str
    start: AwareDatetime
    end: AwareDatetime
    price_fen: int
    steps: list[PriceStep] = Field(description="how it comes about; the first twelve")
    free_minutes: int = Field(description="so long it costs nothing, where it is left by then")
    tariff_versions: list[str]


async def show(call: Call) -> web.Response:
    """The price of a time at a place."""
    query: QuoteQuery = call.query
    found = await quote(query.place, query.start, query.end, call.runtime.services)
    return json_response(
        QuoteAnswer(
            place_id=found.place.place_id,
            tariff_zone=found.place.tariff_zone,
            start=query.start,
            end=query.end,
            price_fen=found.price.total_fen,
            steps=[PriceStep(at=at, price_fen=fen) for at, fen in found.steps],
            free_minutes=int(found.price.choices["free_minutes"] or 0),
            tariff_versions=list(found.price.versions),
        )
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/quote",
        tag="parking",
        summary="What a stay would cost, and when it would cost more",
        handler=show,
        roles=None,
        query=QuoteQuery,
        answers={200: Answer("the price", QuoteAnswer), 422: Answer("parking-place-unknown")},
    ),
)
