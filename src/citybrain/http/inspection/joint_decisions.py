"""What the departments of a case settle and do, over HTTP."""

from citybrain.domain.actor import Role
from citybrain.http.inspection.case import step_route
from commands.inspection import joint_decisions as commands

ROUTES = (
    step_route(
        "decline",
        commands.DeclineCase,
        commands.decline_case,
        "A department that does not lead has no part in it",
        Role.OFFICIAL,
    ),
    step_route(
        "decide",
        commands.DecideCase,
        commands.decide_case,
        "The lead settles what each department does",
        Role.OFFICIAL,
    ),
    step_route(
        "tasks",
        commands.FinishTask,
        commands.finish_task,
        "A department did its part of the joint decision",
        Role.OFFICIAL,
        if_match=False,
    ),
    step_route(
        "milestones",
        commands.ReachMilestone,
        commands.reach_milestone,
        "A deadline within the handling is met",
        Role.OFFICIAL,
        if_match=False,
    ),
)
