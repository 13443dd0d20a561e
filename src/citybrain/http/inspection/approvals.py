"""Cases over HTTP, beside their plain way: joint decisions, approvals, merges, comments."""

from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.inspection.case import InspectionCase
from citybrain.errors import Forbidden
from citybrain.http.commanding import Handler, on
from citybrain.http.inspection.case import STAFF, CaseAnswer, HistoryQuery, case_id_of, step_route
from citybrain.http.paging import page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.inspection import approvals as changes
from commands.inspection import case as commands
from commands.inspection import joint_decisions, merging
from commands.inspection.comments import COMMENT
from projections.inspection import case_timeline


class RequestAnswer(CaseAnswer):
    """What a request for a change answers."""

    request_id: str | None


class Comment(BaseModel):
    """What somebody outside said of a case."""

    author: str = Field(description="the client that it came through")
    written_at: AwareDatetime
    stated: str | None = Field(description="how the problem stands, as they see it")
    text: str | None = Field(description="null where it is not kept any more")


class Comments(BaseModel):
    """What was said of a case, the oldest first."""

    comments: list[Comment]
    next: int | None = Field(description="`after` of the next page; null on the last one")


async def comments(call: Call) -> web.Response:
    """Open what was said: for the centre, and for the departments that have the case."""
    case_id, actor, services = case_id_of(call), call.authenticated, call.runtime.services
    case = await services.store.load(InspectionCase, case_id)
    if not actor.has(Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR) and (
        actor.department not in case.departments
    ):
        raise Forbidden("an official reads what is said of the cases of their own department")
    await wait_for_position(call.runtime, "case_timeline", call.query.min_position)
    rows = await case_timeline.history(
        services.store.pool,
        [case_id],
        topic="case.commented",
        after=call.query.after,
        limit=call.query.limit + 1,
    )
    shown, following = page_by(rows, call.query.limit, itemgetter("position"))
    said = [row["details"] for row in shown]
    wanted = [(case_id, UUID(each["comment_id"])) for each in said]
    opened = await services.vault.fetch_many(COMMENT, wanted)
    found = [
        Comment(
            author=each["author"],
            written_at=each["written_at"],
            stated=each["stated"],
            text=text and orjson.loads(text)["text"],
        )
        for each, text in zip(said, opened, strict=True)
    ]
    return json_response(
        Comments(comments=found, next=following), headers={"Cache-Control": "no-store"}
    )


def _route(
    path: str,
    model: type[BaseModel],
    handler: Handler,
    summary: str,
    *roles: Role,
    answer: type[BaseModel] = CaseAnswer,
    **how: Any,
) -> Route:
    """A command that others may send at the same time: no version is asked for."""
    return Route(
        method="POST",
        path=f"/v1/cases/{{case_id}}/{path}",
        summary=summary,
        tag="cases",
        handler=on(case_id_of, handler),
        roles=roles,
        body=model,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", answer)},
        **how,
    )


ROUTES = (
    step_route(
        "decline",
        joint_decisions.DeclineCase,
        joint_decisions.decline_case,
        "A department that does not lead has no part in it",
        Role.OFFICIAL,
    ),
    step_route(
        "decide",
        joint_decisions.DecideCase,
        joint_decisions.decide_case,
        "The lead settles what each department does",
        Role.OFFICIAL,
    ),
    step_route(
        "reopen",
        commands.ReopenCase,
        commands.reopen_case,
        "The problem is there again",
        Role.OPERATOR,
    ),
    _route(
        "tasks",
        joint_decisions.FinishTask,
        joint_decisions.finish_task,
        "A department did its part of the joint decision",
        Role.OFFICIAL,
    ),
    _route(
        "milestones",
        joint_decisions.ReachMilestone,
        joint_decisions.reach_milestone,
        "A deadline within the handling is met",
        Role.OFFICIAL,
    ),
    _route(
        "requests",
        changes.RequestChange,
        changes.request_change,
        "Ask for a hand-back, a voiding, an extension or a deferral",
        Role.OFFICIAL,
        Role.OPERATOR,
        answer=RequestAnswer,
    ),
    _route(
        "approve",
        changes.SettleChange,
        changes.approve_change,
        "A supervisor who has not asked for it approves a change",
        Role.SUPERVISOR,
    ),
    _route(
        "deny",
        changes.SettleChange,
        changes.deny_change,
        "A supervisor denies a change",
        Role.SUPERVISOR,
    ),
    _route(
        "resume",
        changes.ResumeCase,
        changes.resume_case,
        "End a deferral before its time",
        Role.OFFICIAL,
        Role.OPERATOR,
    ),
    _route(
        "merge",
        merging.MergeCase,
        merging.merge_case,
        "It is the same problem as another case; the answer is the other's",
        Role.OPERATOR,
    ),
    _route(
        "unmerge", merging.UnmergeCase, merging.unmerge_case, "The merge was wrong", Role.OPERATOR
    ),
    _route(
        "separate",
        merging.SeparateDetection,
        merging.separate_detection,
        "A detection is another problem and gets a case of its own",
        Role.OPERATOR,
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}/comments",
        tag="cases",
        handler=comments,
        summary="What people outside said of it",
        roles=STAFF,
        query=HistoryQuery,
        answers={200: Answer("opened for this answer only", Comments)},
    ),
)
