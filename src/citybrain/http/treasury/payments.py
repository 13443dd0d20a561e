"""Payments in figures: told, made, refused, open, and how the bank's statement compares."""

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.domain.treasury.reading_rights import READERS
from citybrain.http.paging import DatedQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.treasury import payment_days
from projections.treasury.payment_days import PaymentDay


class PaymentStatistics(BaseModel):
    """Payments by the city's day."""

    days: list[PaymentDay]
    difference_fen: int = Field(description="of the days shown, by their last comparisons")
    differences: int = Field(description="payments that differ, of the days shown")


async def statistics(call: Call) -> web.Response:
    """What was paid, and whether the bank says the same."""
    query: DatedQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "payment_days", query.min_position)
    days = await payment_days.days(call.runtime.store.models, since=since, until=until)
    compared = [day.compared for day in days if day.compared is not None]
    answer = PaymentStatistics(
        days=days,
        difference_fen=sum(each.difference_fen for each in compared),
        differences=sum(each.differences for each in compared),
    )
    return json_response(answer)


ROUTES = (
    Route(
        method="GET",
        path="/v1/statistics/payments",
        tag="statistics",
        summary="What was paid, and whether the bank says the same",
        handler=statistics,
        roles=READERS,
        query=DatedQuery,
        answers={200: Answer("by day", PaymentStatistics)},
    ),
)
