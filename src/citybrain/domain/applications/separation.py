"""Who does not decide on an application: the parts that somebody can have had in it.

A clerk who registered, identified, enrolled, submitted, took over or appealed has served the
applicant and does not decide for the department; and nobody decides on their own case.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from citybrain.domain.actor import Actor
from citybrain.domain.applications.refusals import SameReviewer
from citybrain.domain.separation import Parts, check_apart

if TYPE_CHECKING:  # which asks here whose case it is
    from citybrain.domain.applications.application import Application


class Part(StrEnum):
    """A part that somebody had: the rule that a refusal names."""

    OWN_CASE = "own-case"
    REGISTERED = "registered-the-citizen"
    IDENTIFIED = "identified-the-citizen"
    ENROLLED = "enrolled-the-face"
    SUBMITTED = "submitted-it"
    TOOK_OVER = "took-it-over"
    APPEALED = "appealed-it"
    DECIDED = "decided-what-is-appealed"
    PROPOSED = "proposed-it"


def check_not_own(application: Application, actor: Actor) -> None:
    """Raise `NotApart` where it is the actor's own case: no officer sees to that."""
    own = [application.citizen_id, application.guardian or application.citizen_id]
    check_apart(actor, {Part.OWN_CASE: own})


def check_may_decide(application: Application, actor: Actor, served: Parts) -> None:
    """Raise `NotApart` where the actor had a part; `served` are those of the citizen's stream."""
    check_not_own(application, actor)
    check_apart(actor, served)
    check_apart(
        actor,
        {
            Part.SUBMITTED: [*application.submitters, *application.resubmitters],
            Part.TOOK_OVER: application.takers_over,
            Part.APPEALED: application.appellants,
        },
    )
    check_apart(actor, {Part.DECIDED: application.appealed_from}, SameReviewer)
    if application.proposal is not None:
        check_apart(actor, {Part.PROPOSED: [application.proposal["reviewer"]]}, SameReviewer)
