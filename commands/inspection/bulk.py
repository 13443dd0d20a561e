"""One step for many cases: each is decided by itself, and costs the others nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from citybrain.errors import CitybrainError
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection import approvals, case, daily, merging, publication
from commands.inspection.case import once_each
from commands.inspection.merging import CaseId
from commands.services import Services

MOST = 100
Handler = Callable[[str, Any, CommandContext, Services], Awaitable[CommandResult]]

STEPS: Mapping[str, tuple[type[Command], Handler]] = {
    "file": (case.FileCase, case.file_case),
    "dispatch": (case.DispatchCase, case.dispatch_case),
    "accept": (case.AcceptCase, case.accept_case),
    "return": (case.ReturnCase, case.return_case),
    "verify": (case.VerifyCase, case.verify_case),
    "close": (case.CloseCase, case.close_case),
    "requests": (approvals.RequestChange, approvals.request_change),
    "merge": (merging.MergeCase, merging.merge_case),
    "reclassify": (daily.ReclassifyCase, daily.reclassify_case),
    "prioritise": (daily.PrioritiseCase, daily.prioritise_case),
    "assign": (daily.AssignCase, daily.assign_case),
    "check-orders": (daily.OrderCheck, daily.order_check),
    "moderate": (publication.ModerateCase, publication.moderate_case),
}
"""The steps that many cases take at once, and what each has to say."""


class ManyCases(Command):
    """Which cases, and what each of them is told."""

    case_ids: Annotated[list[CaseId], AfterValidator(once_each)] = Field(
        min_length=1, max_length=MOST
    )
    body: dict[str, Any] = Field(default_factory=dict, description="as of the step of one case")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one of them: its answer, or why not."""

    case_id: str
    result: CommandResult | CitybrainError


async def take_many(
    step: str, many: ManyCases, said: Command, context: CommandContext, services: Services
) -> list[Done]:
    """Take the step for each, in their order; an idempotency key counts for each of them."""
    _, handler = STEPS[step]
    done: list[Done] = []
    for case_id in many.case_ids:
        key = context.idempotency_key and f"{context.idempotency_key}:{case_id}"
        own = context._replace(idempotency_key=key)
        try:
            done.append(Done(case_id, await handler(case_id, said, own, services)))
        except CitybrainError as error:
            done.append(Done(case_id, error))
    return done
