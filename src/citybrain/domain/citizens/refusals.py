"""Why a step on a citizen is refused."""

from citybrain.errors import Forbidden, Refused, TooOften


class ConsentMissing(Refused):
    """There is no consent to face recognition."""

    code = "face-consent-missing"


class GuardianRequired(Refused):
    """A child under 14 needs a guardian's consent."""

    code = "guardian-required"


class NotEnrolled(Refused):
    """There is no template of the pack in use."""

    code = "face-not-enrolled"


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


class NotYourOwn(Forbidden):
    """Citizens act for themselves; clerks at a counter for whoever stands there."""

    code = "not-your-own"
