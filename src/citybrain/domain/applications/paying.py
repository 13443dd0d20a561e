"""What a payout of an application is told on: the decision in force, and only what it says."""

from citybrain.domain.applications.application import Application
from citybrain.domain.authorisation import Authorised, NotAuthorised


def authorised(application: Application) -> Authorised:
    """What the bank may be told; raises `NotAuthorised`, `AmountInvalid`.

    An instruction of before names no decision: it is the one in force. Of a total of which a part
    was paid before, it is the rest.
    """
    named = application.instructed_sha256
    if named not in (None, application.decision_sha256):
        raise NotAuthorised("the decision that this payment names is not in force")
    return Authorised(application.id, application.payable_fen, application.decision_sha256 or "")
