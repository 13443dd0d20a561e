"""Cases over HTTP, beside their plain way: joint decisions, changes to approve, merges."""

from typing import Any

from pydantic import BaseModel

from citybrain.domain.actor import Role
from citybrain.http.cases import CaseAnswer, Handler, step, step_route
from citybrain.http.routing import Answer, Route
from commands import case as commands
from commands import case_changes as changes
from commands import case_merging as merging


class RequestAnswer(CaseAnswer):
    """What a request for a change answers."""

    request_id: str | None


def _route(
    path: str, model: type[BaseModel], handler: Handler, summary: str, *roles: Role,
    answer: type[BaseModel] = CaseAnswer, **how: Any,
) -> Route:  # fmt: skip
    """A command that others may send at the same time: no version is asked for."""
    return Route(
        method="POST", path=f"/v1/cases/{{case_id}}/{path}", summary=summary, tag="cases",
        handler=step(handler), roles=roles, body=model, idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", answer)}, **how,
    )  # fmt: skip


ROUTES = (
    step_route("decline", commands.DeclineCase, commands.decline_case,
               "A department that does not lead has no part in it", Role.OFFICIAL),
    step_route("decide", commands.DecideCase, commands.decide_case,
               "The lead settles what each department does", Role.OFFICIAL),
    step_route("reopen", commands.ReopenCase, commands.reopen_case,
               "The problem is there again", Role.OPERATOR),
    _route("tasks", commands.FinishTask, commands.finish_task,
           "A department did its part of the joint decision", Role.OFFICIAL),
    _route("milestones", commands.ReachMilestone, commands.reach_milestone,
           "A deadline within the handling is met", Role.OFFICIAL),
    _route("requests", changes.RequestChange, changes.request_change,
           "Ask for a hand-back, a voiding, an extension or a deferral",
           Role.OFFICIAL, Role.OPERATOR, answer=RequestAnswer),
    _route("approve", changes.SettleChange, changes.approve_change,
           "A supervisor who has not asked for it approves a change", Role.SUPERVISOR),
    _route("deny", changes.SettleChange, changes.deny_change,
           "A supervisor denies a change", Role.SUPERVISOR),
    _route("resume", changes.ResumeCase, changes.resume_case,
           "End a deferral before its time", Role.OFFICIAL, Role.OPERATOR),
    _route("merge", merging.MergeCase, merging.merge_case,
           "It is the same problem as another case; the answer is the other's", Role.OPERATOR),
    _route("unmerge", merging.UnmergeCase, merging.unmerge_case,
           "The merge was wrong", Role.OPERATOR),
    _route("separate", merging.SeparateDetection, merging.separate_detection,
           "A detection is another problem and gets a case of its own", Role.OPERATOR),
)  # fmt: skip
