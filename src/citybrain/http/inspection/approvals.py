"""Changes that one person asks for and another settles, over HTTP."""

from citybrain.domain.actor import Role
from citybrain.http.inspection.case import CaseAnswer, step_route
from commands.inspection import approvals as commands


class RequestAnswer(CaseAnswer):
    """What a request for a change answers."""

    request_id: str | None


ROUTES = (
    step_route(
        "requests",
        commands.RequestChange,
        commands.request_change,
        "Ask for a hand-back, a voiding, an extension or a deferral",
        Role.OFFICIAL,
        Role.OPERATOR,
        answer=RequestAnswer,
        if_match=False,
    ),
    step_route(
        "approve",
        commands.SettleChange,
        commands.approve_change,
        "A supervisor who has not asked for it approves a change",
        Role.SUPERVISOR,
        if_match=False,
    ),
    step_route(
        "deny",
        commands.SettleChange,
        commands.deny_change,
        "A supervisor denies a change",
        Role.SUPERVISOR,
        if_match=False,
    ),
    step_route(
        "resume",
        commands.ResumeCase,
        commands.resume_case,
        "End a deferral before its time",
        Role.OFFICIAL,
        Role.OPERATOR,
        if_match=False,
    ),
)
