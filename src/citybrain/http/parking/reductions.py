"""Refunds and write-offs of parking over HTTP: by one person within a limit, by two above it."""

from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.parking.claim import ClaimStatus
from citybrain.http.commanding import Handler, on
from citybrain.http.parking.claims import claim_id_of
from citybrain.http.routing import Answer, Route
from commands.handling import Command
from commands.parking import reductions as commands


class ClaimAnswer(BaseModel):
    """What a command on a claim answers."""

    claim_id: str
    status: ClaimStatus
    amount_fen: int = Field(description="what is owed in all")
    paid_fen: int = Field(description="what of it is paid, and stays")
    open_fen: int
    proposals: list[str] = Field(description="ids of what waits for a second person")


def _route(step: str, body: type[Command], handler: Handler, summary: str, *roles: Role) -> Route:
    return Route(
        method="POST",
        path=f"/v1/parking/claims/{{claim_id}}/{step}",
        tag="parking",
        summary=summary,
        handler=on(claim_id_of, handler),
        roles=roles,
        body=body,
        if_match_where_sent=True,
        idempotent=True,
        answers={200: Answer("the claim as it is now", ClaimAnswer)},
    )


ROUTES = (
    _route(
        "reductions",
        commands.ProposeReduction,
        commands.propose_reduction,
        "Give back or write off; above a limit it waits for a second person",
        Role.OFFICIAL,
        Role.SUPERVISOR,
    ),
    _route(
        "reductions/approve",
        commands.ApproveReduction,
        commands.approve_reduction,
        "A supervisor who has not asked for it agrees",
        Role.SUPERVISOR,
    ),
    _route(
        "reductions/deny",
        commands.DenyReduction,
        commands.deny_reduction,
        "A supervisor does not agree",
        Role.SUPERVISOR,
    ),
    _route(
        "refunds/retry",
        commands.RefundAgain,
        commands.refund_again,
        "Try a refund once more that the gateway could not make",
        Role.OFFICIAL,
        Role.SUPERVISOR,
    ),
    _route(
        "mismatches/dismiss",
        commands.DismissMismatch,
        commands.dismiss_mismatch,
        "Messages of the gateway that did not fit are cleared up: collection goes on",
        Role.OFFICIAL,
        Role.SUPERVISOR,
    ),
)
