"""Tasks over HTTP: an officer takes an application that waits for one, and gives it back."""

from citybrain.domain.actor import Role
from citybrain.http.applications.application import OFFICER, command_route
from commands.applications import tasks as commands

ROUTES = (
    command_route(
        "task",
        commands.ClaimTask,
        commands.claim,
        "An officer claims the task: others leave it alone",
        OFFICER,
    ),
    command_route(
        "task/release",
        commands.ReleaseTask,
        commands.release,
        "Release the task: who has it, or a supervisor of the department",
        (*OFFICER, Role.SUPERVISOR),
    ),
)
