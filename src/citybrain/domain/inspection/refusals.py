"""The refusals of an inspection case, each with its stable code."""

from citybrain.domain.separation import NotApart
from citybrain.errors import Refused


class WrongCaseStatus(Refused):
    """The case is not at the step that this command continues."""

    code = "wrong-case-status"


class PlaceMissing(Refused):
    """The report says an address alone, and nobody has found where that is."""

    code = "place-missing"


class DepartmentNotAssigned(Refused):
    """The department is not among those the case was dispatched to, or does not lead it."""

    code = "department-not-assigned"


class InvalidDispatch(Refused):
    """A dispatch names departments once each, and one of them as the lead."""

    code = "invalid-dispatch"


class AlreadyAccepted(Refused):
    """This department has accepted the case before."""

    code = "already-accepted"


class LeadCannotDecline(Refused):
    """The lead does not decline: it asks for the case to be handed back."""

    code = "lead-cannot-decline"


class TasksOpen(Refused):
    """Departments have not finished their parts of the joint decision."""

    code = "tasks-open"


class NoSuchTask(Refused):
    """The department has no unfinished part in the joint decision."""

    code = "no-such-task"


class NoSuchDeadline(Refused):
    """No deadline of this code runs."""

    code = "no-such-deadline"


class NoSuchRequest(Refused):
    """There is no open request of this id."""

    code = "no-such-request"


class AlreadyRequested(Refused):
    """A change of this kind has been asked for and is not settled."""

    code = "already-requested"


class SamePerson(NotApart):
    """Who asks for a change does not approve it, and who handles a case does not verify it."""

    code = "same-person"


class StandsStill(Refused):
    """The case is deferred: it is resumed before anything else is done."""

    code = "case-deferred"


class NotDeferred(Refused):
    """The case is not deferred."""

    code = "not-deferred"


class CannotMerge(Refused):
    """These two cases cannot be one."""

    code = "cannot-merge"


class NothingToPublish(Refused):
    """This cannot be said of what the public reads of the case."""

    code = "nothing-to-publish"


class CheckMissing(Refused):
    """Somebody has to look in the field before it is verified."""

    code = "check-missing"


class NobodysCheck(Refused):
    """Whoever says what they found was not sent to look."""

    code = "nobodys-check"


class NotSolved(Refused):
    """Whoever looked found it unsolved."""

    code = "not-solved"


class AlreadyRated(Refused):
    """Its reporter has said how well it was solved."""

    code = "already-rated"


class TooLate(Refused):
    """It was closed too long ago."""

    code = "closed-too-long-ago"


class TooManySubscribers(Refused):
    """Too many want to be told of the case."""

    code = "too-many-subscribers"


class NotMerged(Refused):
    """The case is not merged, or not with this one."""

    code = "not-merged"


class NoSuchDetection(Refused):
    """The detection does not belong to the case."""

    code = "no-such-detection"
