"""Why a step on an application is refused."""

from citybrain.domain.separation import NotApart
from citybrain.errors import Forbidden, InvalidInput, NotFound, Refused


class NotYourApplication(Forbidden):
    """Citizens act on their own applications, kiosks on those before them."""

    code = "not-your-application"


class NotYourDepartment(Forbidden):
    """Another department decides this."""

    code = "not-your-department"


class WrongChannel(Forbidden):
    """This role does not act on this channel."""

    code = "wrong-channel"


class ApplicationEnded(Refused):
    """The application has ended."""

    code = "application-ended"


class TooLateToWithdraw(Refused):
    """The money is on its way, or the application has ended."""

    code = "too-late-to-withdraw"


class AlreadyWithdrawn(TooLateToWithdraw):
    """The application was withdrawn before."""

    code = "already-withdrawn"


class NotReferred(Refused):
    """No officer has to decide this now."""

    code = "not-referred"


class NothingToAppeal(Refused):
    """A decision can be appealed once, within its time."""

    code = "nothing-to-appeal"


class SameReviewer(NotApart):
    """An appeal, and what a first reviewer proposed, is looked at by somebody else."""

    code = "same-reviewer"


class NothingProposed(Refused):
    """No first reviewer has proposed what a second has to look at."""

    code = "nothing-proposed"


class BelowWhatWasPaid(InvalidInput):
    """A review takes nothing back: it approves in all what was paid, or more."""

    code = "below-what-was-paid"


class ProposalDiffers(Refused):
    """Something else was proposed than what is confirmed."""

    code = "proposal-differs"


class OutOfStep(Refused):
    """This has been done, or the application took another way."""

    code = "application-out-of-step"


class NotSentBack(Refused):
    """Nothing has to be corrected now."""

    code = "not-sent-back"


class DocumentsMissing(Refused):
    """Documents that were asked for are missing still."""

    code = "documents-missing"


class CorrectionNotAsked(Refused):
    """Only the answers that the officer named are corrected."""

    code = "correction-not-asked"


class TaskTaken(Refused):
    """Another officer sees to it."""

    code = "task-claimed"


class TaskNotYours(Forbidden):
    """Only who has the task, or a supervisor of the department, gives it back."""

    code = "task-not-yours"


class NoSuchDocument(NotFound):
    """The application has no such document."""

    code = "no-such-document"


class TooManyDocuments(Refused):
    """More documents, or more bytes of them, than one application takes."""

    code = "too-many-documents"


class TooManyMessages(Refused):
    """More messages than one application takes."""

    code = "too-many-messages"


class NoResult(Refused):
    """There is nothing to certify: no approval, or its money has not been paid."""

    code = "no-result"


class NoSuchCertificate(NotFound):
    """There is no such certificate, or none has been issued."""

    code = "no-such-certificate"


class IdentityTooWeak(Refused):
    """The applicant is not known as surely as the service wants; `level` says how surely."""

    code = "identity-too-weak"


class IdentityCorrectedMeanwhile(Refused):
    """The records at hand were asked for by what was corrected since: they may be another's."""

    code = "identity-corrected"


class DraftEnded(Refused):
    """The draft was submitted, given up, or is too old."""

    code = "draft-ended"


class TooManyDrafts(Refused):
    """One person has so many drafts at most."""

    code = "too-many-drafts"
