"""Officers decide over HTTP: a first, and where it takes two a second.

Others who work for the city are refused by the command and not at the door: it keeps who tried.
"""

from citybrain.domain.actor import Role
from citybrain.http.applications.application import command_route
from commands.applications import reviewing as commands

STAFF = (Role.OFFICIAL, Role.CLERK, Role.OPERATOR, Role.SUPERVISOR)

ROUTES = (
    command_route(
        "review",
        commands.ReviewApplication,
        commands.review_application,
        "An officer decides; some decisions wait for a second officer",
        STAFF,
    ),
    command_route(
        "review/confirmation",
        commands.ConfirmReview,
        commands.confirm_review,
        "A second officer agrees to what a first one proposed",
        STAFF,
    ),
    command_route(
        "review/turning-back",
        commands.TurnBackReview,
        commands.turn_back_review,
        "A second officer does not agree: it is decided anew",
        STAFF,
    ),
)
