"""Why a step of a parking session is refused."""

from citybrain.domain.separation import NotApart
from citybrain.errors import Forbidden, Refused


class SessionStillOpen(Refused):
    """The vehicle still stands there: there is nothing to pay or to dispute yet."""

    code = "parking-session-open"


class SessionLeftAlready(Refused):
    """The vehicle has left: what is owed is a claim, and paid as one."""

    code = "parking-session-left"


class SessionVoid(Refused):
    """There was no such session."""

    code = "parking-session-void"


class NotHeld(Refused):
    """Nothing holds this session."""

    code = "parking-session-not-held"


class NothingToDispute(Refused):
    """It is not priced, costs nothing, or has been disputed before."""

    code = "nothing-to-dispute"


class NotDisputed(Refused):
    """There is no dispute that waits."""

    code = "parking-session-not-disputed"


class NoSuchConflict(Refused):
    """No second place of this plate waits for a decision."""

    code = "no-such-plate-conflict"


class NotYourSession(Forbidden):
    """The session is of a vehicle that is not yours."""

    code = "not-your-parking-session"


class NotYourClaim(Forbidden):
    """What is owed there is somebody else's, or of another vehicle."""

    code = "not-your-parking-claim"


class NotApartInParking(NotApart):
    """Whoever had a part in this session leaves the decision to somebody else."""

    code = "parking-separation-of-duties"
