"""Why a step on a citizen is refused."""

from citybrain.errors import Forbidden, NotFound, Refused, TooOften


class ConsentMissing(Refused):
    """There is no consent to face recognition."""

    code = "face-consent-missing"


class GuardianRequired(Refused):
    """A child under 14 needs a guardian's consent."""

    code = "guardian-required"


class NotEnrolled(Refused):
    """There is no template of the pack in use."""

    code = "face-not-enrolled"


class FaceRemovedBefore(Refused):
    """A face was enrolled and removed: another one is enrolled at a counter, by two people."""

    code = "face-removed-before"


class TemplateReplaced(Refused):
    """Another enrolment came between the picture and the decision."""

    code = "face-template-replaced"


class FaceUnderReview(Refused):
    """The face is enrolled for somebody else, too; an officer has to look first."""

    code = "face-under-review"


class NoSuchDuplicate(Refused):
    """This duplicate is not suspected, or was resolved."""

    code = "no-such-duplicate"


class TooManyAttempts(TooOften):
    """Too many attempts failed; another way of identification is open, or a later time."""

    code = "too-many-face-attempts"


class DocumentKnown(Refused):
    """The person is known by this document already."""

    code = "document-known"


class NotIdentifiedHere(Forbidden):
    """A clerk acts for whom they have identified themselves, for this purpose, minutes ago."""

    code = "not-identified-here"


class SecondPersonNeeded(Forbidden):
    """A face is enrolled at a counter by two people: one enrols, another approves."""

    code = "second-person-needed"


class NotYourOwn(Forbidden):
    """Citizens act for themselves; clerks at a counter for whoever stands there."""

    code = "not-your-own"


class PersonDeceased(Refused):
    """The person has died: nobody acts for them, is identified as them, or is paid."""

    code = "person-deceased"


class IdentificationNeeded(Refused):
    """Nobody was identified just now, or not as surely as this needs; `level` says how surely."""

    code = "identification-needed"


class TooManyProofs(TooOften):
    """What should have been known was wrong too often; a counter is open, or a later time."""

    code = "too-many-proofs"


class PasscodeMissing(Refused):
    """No passcode has been chosen."""

    code = "passcode-missing"


class CorrectionPending(Refused):
    """The same correction has been asked for and is not settled."""

    code = "correction-pending"


class NoSuchCorrection(Refused):
    """This correction was not asked for, or has been settled."""

    code = "no-such-correction"


class SettledByProposer(Forbidden):
    """A correction that money depends on takes two people."""

    code = "settled-by-proposer"


class NothingToCorrect(Refused):
    """It is so already."""

    code = "nothing-to-correct"


class NoSuchConsent(NotFound):
    """There is no such consent."""

    code = "no-such-consent"


class ConsentsFull(Refused):
    """As many consents of this kind stand as one person may have; `most` says how many."""

    code = "consents-full"
